/** The graph as SVG: nodes that can be reached by the keyboard, coloured by the width of their intervals. */

import type { GraphNode } from './model.ts';
import { errorText, intervalText, spoken, title, widthText } from './model.ts';
import { type Direction, type Layout, NODE, layout, neighbour, path } from './layout.ts';
import { colour, extent, ink, mark, type Extent } from './scale.ts';
import { svg } from './elements.ts';

/** Characters that fit into a node's line, in its header and below. */
const FITS = { title: 26, text: 29 } as const;

const PADDING = 8;

const LINE = 17;

const BAR = 5;

export class Diagram {
  readonly element: HTMLElement;
  readonly #svg: SVGSVGElement;
  readonly #edges: SVGGElement;
  readonly #nodes: SVGGElement;
  readonly #select: (id: number, enter: boolean) => void;
  #layout: Layout = { width: 0, height: 0, places: new Map(), edges: [] };
  #structure = '';
  #zoom = 1;
  #selected: number | undefined;

  constructor(select: (id: number, enter: boolean) => void) {
    this.#select = select;
    this.#edges = svg('g', { class: 'edges', 'aria-hidden': 'true' });
    this.#nodes = svg('g', {});
    this.#svg = svg('svg', { class: 'diagram', role: 'listbox', 'aria-label': 'Graph of tensors' });
    this.#svg.append(arrow(), this.#edges, this.#nodes);
    this.element = document.createElement('div');
    this.element.className = 'canvas';
    this.element.append(this.#svg);
    this.#svg.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.element.addEventListener(
      'wheel',
      (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        this.zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
      },
      { passive: false },
    );
  }

  get svg(): SVGSVGElement {
    return this.#svg;
  }

  /** Draw the nodes; those that were drawn before stay where they are, and keep the focus. */
  show(nodes: readonly GraphNode[]): void {
    const structure = JSON.stringify(nodes.map((node) => [node.id, node.inputs]));
    if (structure !== this.#structure) {
      this.#structure = structure;
      this.#layout = layout(nodes);
      this.#edges.replaceChildren(
        ...this.#layout.edges.map((edge) =>
          svg('path', { d: path(edge.points), 'marker-end': 'url(#arrow)' }),
        ),
      );
    }
    const focused = this.#svg.contains(document.activeElement);
    const scale = extent(nodes);
    this.#nodes.replaceChildren(...nodes.map((node) => this.#node(node, scale)));
    this.#resize();
    this.select(
      this.#selected !== undefined && this.#layout.places.has(this.#selected) ? this.#selected : undefined,
    );
    if (focused) this.#focus();
  }

  /** Mark a node; the first one can be reached by the keyboard where none is marked. */
  select(id: number | undefined): void {
    this.#selected = id;
    const reachable = id ?? neighbour(this.#layout, this.#first(), 'Home');
    for (const element of this.#nodes.children) {
      const mine = Number(element.getAttribute('data-id'));
      element.setAttribute('aria-selected', String(mine === id));
      element.setAttribute('tabindex', mine === reachable ? '0' : '-1');
    }
  }

  /** Scroll to the marked node, as little as needed. */
  reveal(): void {
    this.#element(this.#selected)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  zoom(factor: number): void {
    this.#zoom = Math.min(2, Math.max(0.2, this.#zoom * factor));
    this.#resize();
  }

  /** As large as fits the width, and not larger than drawn. */
  fit(): void {
    this.#zoom = Math.min(1, this.element.clientWidth / this.#layout.width || 1);
    this.#resize();
  }

  #first(): number {
    return this.#layout.places.keys().next().value ?? 0;
  }

  #resize(): void {
    const { width, height } = this.#layout;
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#svg.setAttribute('width', (width * this.#zoom).toFixed(0));
    this.#svg.setAttribute('height', (height * this.#zoom).toFixed(0));
  }

  #element(id: number | undefined): SVGElement | undefined {
    return [...this.#nodes.children].find((child) => child.getAttribute('data-id') === String(id)) as
      SVGElement | undefined;
  }

  #focus(): void {
    this.#nodes.querySelector<SVGElement>('[tabindex="0"]')?.focus({ preventScroll: true });
  }

  #key(event: KeyboardEvent): void {
    const from = Number((event.target as Element).getAttribute('data-id'));
    if (event.key === 'Enter' || event.key === ' ') {
      this.#select(from, event.key === 'Enter');
    } else if (/^Arrow|^Home$|^End$/.test(event.key)) {
      const to = neighbour(this.#layout, from, event.key as Direction);
      if (to !== undefined) {
        this.#select(to, false);
        this.#focus();
        this.reveal();
      }
    } else return;
    event.preventDefault();
  }

  #node(node: GraphNode, scale: Extent | undefined): SVGGElement {
    const place = this.#layout.places.get(node.id) ?? { x: 0, y: 0 };
    const [x, y] = [place.x - NODE.width / 2, place.y - NODE.height / 2];
    const group = svg('g', {
      class: `node${node.undefined ? ' undefined' : ''}`,
      'data-id': node.id,
      role: 'option',
      'aria-label': spoken(node),
      transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
    });
    const error = errorText(node);
    const lines = [intervalText(node), error === undefined ? '' : `rounding: ${error}`];
    const hint = svg('title', {});
    hint.textContent = spoken(node);
    group.append(hint, svg('rect', { class: 'box', width: NODE.width, height: NODE.height, rx: 5 }));
    group.append(...header(node, scale));
    lines.forEach((line, index) => {
      group.append(
        text(line, FITS.text, { class: 'line', x: PADDING, y: NODE.header + LINE * (index + 0.85) }),
      );
    });
    group.append(
      svg('rect', { class: 'ring', x: -3, y: -3, width: NODE.width + 6, height: NODE.height + 6, rx: 8 }),
    );
    group.addEventListener('click', () => {
      this.#select(node.id, false);
      this.#focus();
    });
    group.addEventListener('dblclick', () => {
      this.#select(node.id, true);
    });
    return group;
  }
}

/** The name on its colour, and a bar below whose length says the same as the colour. */
function header(node: GraphNode, scale: Extent | undefined): SVGElement[] {
  const found = mark(node, scale);
  const wide = found.kind === 'width';
  const name = text(title(node), FITS.title, { class: `name ${found.kind}`, x: PADDING, y: 15 });
  const shape = `M0 5a5 5 0 0 1 5-5h${NODE.width - 10}a5 5 0 0 1 5 5v${NODE.header - 5}h-${NODE.width}z`;
  const head = svg('path', { class: `head ${found.kind}`, d: shape });
  if (!wide) return [head, name];
  const shade = colour(found.share);
  head.setAttribute('fill', shade);
  name.style.fill = ink(shade);
  const length = Math.max(BAR, (NODE.width - 2 * PADDING) * found.share);
  const bar = svg('rect', {
    class: 'bar',
    x: PADDING,
    y: NODE.height - BAR - 3,
    width: length.toFixed(1),
    height: BAR,
    rx: 2,
  });
  bar.setAttribute('fill', shade);
  const hint = svg('title', {});
  hint.textContent = `width ${widthText(node)}`;
  bar.append(hint);
  return [head, name, bar];
}

function text(content: string, fits: number, attributes: Record<string, string | number>): SVGTextElement {
  const element = svg('text', attributes);
  element.textContent = content.length > fits ? `${content.slice(0, fits - 1)}…` : content;
  return element;
}

function arrow(): SVGDefsElement {
  const defs = svg('defs', {});
  const marker = svg('marker', {
    id: 'arrow',
    viewBox: '0 0 8 8',
    refX: 7,
    refY: 4,
    markerWidth: 7,
    markerHeight: 7,
    orient: 'auto',
  });
  marker.append(svg('path', { class: 'tip', d: 'M0 0L8 4L0 8z' }));
  defs.append(marker);
  return defs;
}
