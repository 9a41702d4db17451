/**
 * The bounds panel: a graph with its bounds, and the domain that they hold for. It is given plain data by a host, a window
 * of VS Code or a page, and tells the host what a person wants; it knows neither.
 */

import { Diagram } from './diagram.ts';
import { details } from './details.ts';
import { difference } from './domain.ts';
import { html, marked } from './elements.ts';
import { legend } from './legend.ts';
import {
  type Graph,
  type GraphNode,
  type InputBox,
  type Method,
  type Position,
  type Range,
  drawn,
  nodeAt,
  unitText,
} from './model.ts';
import { picture } from './picture.ts';
import { Sliders } from './sliders.ts';

export interface Host {
  /** Whether the domain can be changed: there is a server that bounds follow. */
  live: boolean;
  /** Wants the graph of a unit; it comes by `show`. */
  ask(unit: string | null, method: Method | null): void;
  /** Wants these boxes in the place of the stated ones, null: none; the graph comes by `show`. */
  setDomain(unit: string, domain: InputBox[] | null): void;
  /** Shows a place of the text; `enter`: a person wants to go on there. */
  reveal(range: Range, enter: boolean): void;
  /** Keeps the text of an SVG file. */
  save(name: string, text: string): void;
}

/** Milliseconds without another change after which the domain is sent: about one frame of a slider that is moved. */
const PAUSE = 60;

const FRESHNESS = {
  current: '',
  checking: 'being checked',
  stale: 'stale: from before the last edit',
} as const;

export class App {
  readonly #host: Host;
  readonly #units = html('select', {});
  readonly #methods = html('select', {});
  readonly #everything = html('input', { type: 'checkbox' });
  readonly #domain = html('p', { className: 'domain' });
  readonly #banner = html('div', { className: 'banner', hidden: true });
  readonly #note = html('p', { className: 'note', hidden: true });
  readonly #boxes = html('details', { className: 'editor', open: true }, html('summary', {}, 'Domain'));
  readonly #status = html('p', { className: 'status' });
  readonly #legend = html('div', { className: 'legend' });
  readonly #side = html('div', { className: 'side' });
  readonly #diagram: Diagram;
  #sliders: Sliders | undefined;
  #graph: Graph | undefined;
  #selected: number | undefined;
  #described = '';
  #timer: number | undefined;
  /** A domain was chosen that no graph is for yet. */
  #unanswered = false;

  constructor(root: HTMLElement, host: Host) {
    this.#host = host;
    this.#diagram = new Diagram((id, enter) => {
      this.#choose(id, enter);
    });
    this.#status.setAttribute('role', 'status');
    this.#note.setAttribute('role', 'note');
    this.#fillBanner();
    const tools = this.#tools();
    root.classList.add('torchlean-panel');
    this.#side.append(details(undefined, () => undefined, new Map()));
    root.replaceChildren(
      tools,
      this.#banner,
      this.#domain,
      this.#note,
      this.#status,
      ...(host.live ? [this.#boxes] : []),
      html(
        'div',
        { className: 'columns' },
        html('div', { className: 'main' }, this.#legend, this.#diagram.element),
        this.#side,
      ),
    );
  }

  /** A graph has come. */
  show(graph: Graph): void {
    const first = this.#graph === undefined || this.#graph.unit !== graph.unit;
    this.#graph = graph;
    if (first) this.#selected = undefined;
    this.#fillUnits(graph);
    this.#domain.replaceChildren(
      ...(graph.domain ? marked(graph.domain) : ['Nothing in this file has bounds yet.']),
    );
    this.#banner.hidden = !graph.standing;
    this.#banner.classList.toggle('idle', graph.standing && !graph.changed);
    this.#say(FRESHNESS[graph.freshness]);
    this.#note.textContent = graph.note;
    this.#note.hidden = graph.note === '';
    this.#fillBoxes(graph, first);
    this.#draw();
    if (first) this.#diagram.fit();
  }

  /** The cursor stands at this place of the text. */
  cursor(place: Position): void {
    const node = nodeAt(this.#shownNodes(), place, this.#selected);
    if (node === undefined || node.id === this.#selected) return;
    this.#mark(node.id);
    this.#diagram.reveal();
  }

  /** What is shown is being computed anew. */
  waiting(): void {
    this.#say('being checked');
  }

  /** Something could not be done. */
  problem(text: string): void {
    this.#note.textContent = text;
    this.#note.hidden = false;
    this.#say('');
  }

  #say(text: string): void {
    this.#status.textContent = text;
    this.#diagram.element.classList.toggle('old', text !== '');
  }

  #tools(): HTMLElement {
    const row = html('div', { className: 'tools' });
    row.setAttribute('role', 'toolbar');
    row.setAttribute('aria-label', 'What is shown');
    this.#units.addEventListener('change', () => {
      this.#host.ask(this.#units.value, this.#graph?.method ?? null);
    });
    for (const [value, name] of [
      ['crown', 'CROWN'],
      ['ibp', 'IBP'],
    ] as const) {
      this.#methods.append(html('option', { value }, name));
    }
    this.#methods.addEventListener('change', () => {
      this.#host.ask(this.#graph?.unit ?? null, this.#methods.value as Method);
    });
    this.#everything.addEventListener('change', () => {
      this.#draw();
    });
    const button = (name: string, label: string, run: () => void): HTMLElement => {
      const element = html('button', { type: 'button', title: label }, name);
      element.setAttribute('aria-label', label);
      element.addEventListener('click', run);
      return element;
    };
    row.append(
      html('label', {}, 'Bounds of ', this.#units),
      html('label', {}, 'method ', this.#methods),
      html('label', {}, this.#everything, ' weights'),
      html('span', { className: 'space' }),
      button('−', 'Zoom out', () => {
        this.#diagram.zoom(1 / 1.25);
      }),
      button('+', 'Zoom in', () => {
        this.#diagram.zoom(1.25);
      }),
      button('Fit', 'Fit the width', () => {
        this.#diagram.fit();
      }),
      button('Save as SVG', 'Save the graph as an SVG file', () => {
        this.#save();
      }),
    );
    return row;
  }

  #fillBanner(): void {
    const reset = html('button', { type: 'button' }, 'Back to the file’s domain');
    reset.addEventListener('click', () => {
      window.clearTimeout(this.#timer);
      this.#sliders = undefined;
      this.#unanswered = false;
      if (this.#graph?.unit) this.#host.setDomain(this.#graph.unit, null);
    });
    this.#banner.append(
      html(
        'span',
        {},
        html('strong', {}, 'Domain changed in the panel.'),
        ' The file, its verdicts and its hovers are not.',
      ),
      reset,
    );
  }

  #fillUnits(graph: Graph): void {
    const options = graph.units.map((unit) =>
      html('option', { value: unit, selected: unit === graph.unit }, unitText(unit)),
    );
    this.#units.replaceChildren(...options);
    this.#units.disabled = options.length === 0;
    this.#methods.value = graph.method;
  }

  /**
   * The controls stay while a person works with them: an answer to their own change must not move them. They are made anew
   * where the file states something else, or where the server knows nothing of what was chosen (it was started again).
   */
  #fillBoxes(graph: Graph, first: boolean): void {
    if (graph.inputs.length === 0 && !first) return; // an answer at once, which does not have them
    if (graph.standing) this.#unanswered = false;
    const described = JSON.stringify(graph.inputs.map(({ name, shape, stated }) => [name, shape, stated]));
    const chosen = this.#sliders && difference(graph.inputs, this.#sliders.chosen);
    const lost = !graph.standing && !this.#unanswered && chosen !== null;
    if (!first && this.#sliders !== undefined && described === this.#described && !lost) return;
    this.#described = described;
    const unit = graph.unit;
    this.#sliders = new Sliders(graph.inputs, () => {
      this.#unanswered = true;
      window.clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => {
        if (unit !== null) this.#send(unit);
      }, PAUSE);
    });
    this.#boxes.hidden = graph.inputs.length === 0;
    this.#boxes.replaceChildren(html('summary', {}, 'Domain'), this.#sliders.element);
  }

  #send(unit: string): void {
    if (this.#graph?.unit !== unit || this.#graph.inputs.length === 0 || this.#sliders === undefined) return;
    const domain = difference(this.#graph.inputs, this.#sliders.chosen);
    if (domain === null) this.#unanswered = false;
    this.#host.setDomain(unit, domain);
  }

  #shownNodes(): GraphNode[] {
    return drawn(this.#graph?.nodes ?? [], this.#everything.checked);
  }

  #draw(): void {
    const nodes = this.#shownNodes();
    this.#diagram.show(nodes);
    this.#legend.replaceChildren(...legend(nodes));
    this.#mark(nodes.some((node) => node.id === this.#selected) ? this.#selected : undefined);
  }

  #mark(id: number | undefined): void {
    this.#selected = id;
    this.#diagram.select(id);
    const byId = new Map(this.#graph?.nodes.map((node) => [node.id, node]));
    const node = id === undefined ? undefined : byId.get(id);
    const go = (target: number): void => {
      if (byId.has(target)) this.#choose(target, false);
    };
    this.#side.querySelector('.details')?.replaceWith(details(node, go, byId));
  }

  /** A person selects a node. */
  #choose(id: number, enter: boolean): void {
    const node = this.#graph?.nodes.find((one) => one.id === id);
    if (node === undefined) return;
    if (!this.#shownNodes().includes(node)) {
      this.#everything.checked = true;
      this.#draw();
    }
    this.#mark(id);
    this.#diagram.reveal();
    if (node.range !== null) this.#host.reveal(node.range, enter);
  }

  #save(): void {
    if (this.#graph === undefined) return;
    const unit = this.#graph.unit ?? 'graph';
    const caption = `${unitText(unit)}: ${this.#graph.domain.replaceAll('`', '')}`;
    this.#host.save(
      `${unit.replace(/^.*:/, '').replace(/[^\p{L}\p{N}_.-]+/gu, '_')}.svg`,
      picture(this.#diagram.svg, caption),
    );
  }
}
