/** The diagram as an SVG file of its own: what style sheets and the theme say stands in its attributes. */

import { svg } from './elements.ts';

const STYLED = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'font-family',
  'font-size',
  'font-weight',
] as const;

/** The text of the file. */
export function picture(diagram: SVGSVGElement, caption: string): string {
  const copy = diagram.cloneNode(true) as SVGSVGElement;
  const [originals, copies] = [diagram, copy].map((root) => [...root.querySelectorAll('path, rect, text')]);
  originals?.forEach((original, index) => {
    const style = getComputedStyle(original);
    for (const name of STYLED) copies?.[index]?.setAttribute(name, style.getPropertyValue(name));
  });
  for (const ring of copy.querySelectorAll('.ring')) ring.remove();
  for (const element of copy.querySelectorAll('*')) {
    for (const name of ['class', 'tabindex', 'role', 'aria-label', 'aria-selected', 'data-id']) {
      element.removeAttribute(name);
    }
  }
  const { width, height } = diagram.viewBox.baseVal;
  for (const name of ['class', 'role', 'aria-label']) copy.removeAttribute(name);
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  const title = svg('title', {});
  title.textContent = caption;
  const background = getComputedStyle(diagram).backgroundColor;
  copy.prepend(title, svg('rect', { width, height, fill: background }));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}
