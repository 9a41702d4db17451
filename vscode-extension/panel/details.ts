/** Everything on the selected node, and histograms of its elements' intervals. */

import {
  type GraphNode,
  type Histogram,
  axisText,
  bars,
  errorText,
  histogramText,
  intervalText,
  methodText,
  shapeText,
  title,
  widthText,
} from './model.ts';
import { html, svg } from './elements.ts';

const CHART = { width: 320, height: 84, bottom: 16 } as const;

export function details(
  node: GraphNode | undefined,
  go: (id: number) => void,
  byId: Map<number, GraphNode>,
): HTMLElement {
  const element = html('section', { className: 'details' });
  element.setAttribute('aria-label', 'Selected tensor');
  if (node === undefined) {
    element.append(
      html('p', { className: 'faint' }, 'Select a tensor in the graph, or place the cursor in its line.'),
    );
    return element;
  }
  element.append(html('h2', {}, title(node)), table(node, go, byId));
  if (node.elements) {
    const { reach, widths, unbounded } = node.elements;
    // A single bar says no more than the interval above it.
    if (reach.counts.length > 1) element.append(chart(reach, 'Elements whose interval reaches a value'));
    if (widths.counts.length > 1) element.append(chart(widths, 'Elements by the width of their interval'));
    if (unbounded > 0) {
      element.append(html('p', { className: 'faint' }, `${unbounded} more without finite bounds`));
    }
  }
  return element;
}

function table(node: GraphNode, go: (id: number) => void, byId: Map<number, GraphNode>): HTMLElement {
  const list = html('dl', {});
  const row = (name: string, ...content: (Node | string)[]): void => {
    list.append(html('dt', {}, name), html('dd', {}, ...content));
  };
  row('interval', html('code', {}, intervalText(node)));
  if (node.dtype !== 'bool') {
    const several = node.shape.some((size) => size > 1);
    row('width', html('code', {}, widthText(node)), several ? ' of the widest element' : '');
  }
  const error = errorText(node);
  if (error !== undefined) row(`${node.dtype} error`, html('code', {}, error));
  if (node.rounding) row('executed', node.rounding);
  if (node.interval) row('by', methodText(node));
  if (node.reason) row('reason', node.reason);
  row('shape', html('code', {}, `${shapeText(node.shape)} ${node.dtype}`));
  const operands = node.inputs.flatMap((id) => byId.get(id) ?? []);
  if (operands.length > 0) row('of', ...operands.map((operand) => link(operand, go)));
  return list;
}

function link(node: GraphNode, go: (id: number) => void): HTMLElement {
  const button = html('button', { type: 'button', className: 'link' }, title(node));
  button.addEventListener('click', () => {
    go(node.id);
  });
  return button;
}

function chart(histogram: Histogram, what: string): HTMLElement {
  const { width, height, bottom } = CHART;
  const picture = svg('svg', {
    class: 'chart',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': histogramText(histogram, what),
  });
  const heights = bars(histogram);
  const step = width / heights.length;
  heights.forEach((share, index) => {
    const tall = share * (height - bottom - 2);
    const bar = svg('rect', {
      x: index * step + 0.5,
      y: height - bottom - tall,
      width: Math.max(1, step - 1),
      height: tall,
    });
    const hint = svg('title', {});
    hint.textContent = String(histogram.counts[index]);
    bar.append(hint);
    picture.append(bar);
  });
  picture.append(svg('path', { class: 'axis', d: `M0 ${height - bottom}H${width}` }));
  for (const [value, x, anchor] of [
    [histogram.start, 0, 'start'],
    [histogram.end, width, 'end'],
  ] as const) {
    const label = svg('text', { x, y: height - 3, 'text-anchor': anchor });
    label.textContent = axisText(value);
    picture.append(label);
  }
  return html('figure', {}, html('figcaption', {}, what), picture);
}
