/** What the colours mean. */

import { type GraphNode, upperText } from './model.ts';
import { STEPS, extent, mark } from './scale.ts';
import { html, svg } from './elements.ts';

const BOX = { width: 18, height: 10 } as const;

export function legend(nodes: readonly GraphNode[]): (Node | string)[] {
  const scale = extent(nodes);
  const kinds = new Set(nodes.map((node) => mark(node, scale).kind));
  const parts: (Node | string)[] = [];
  if (scale !== undefined) {
    const strip = svg('svg', {
      class: 'strip',
      width: STEPS.length * BOX.width,
      height: BOX.height,
      'aria-hidden': 'true',
    });
    STEPS.forEach((fill, index) => {
      strip.append(svg('rect', { x: index * BOX.width, width: BOX.width, height: BOX.height, fill }));
    });
    parts.push(html('span', {}, `width ${upperText(scale.least)} `, strip, ` ${upperText(scale.most)}`));
  }
  const marks = [
    ['exact', 'a single value'],
    ['unbounded', 'infinite'],
    ['unknown', 'a truth value, or no bound'],
  ] as const;
  for (const [kind, meaning] of marks) {
    if (!kinds.has(kind)) continue;
    const swatch = svg('svg', { class: 'strip', ...BOX, 'aria-hidden': 'true' });
    swatch.append(svg('rect', { class: `head ${kind}`, ...BOX }));
    parts.push(html('span', {}, swatch, ` ${meaning}`));
  }
  return parts;
}
