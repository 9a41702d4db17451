/** The boxes of the inputs, to be changed by sliders and numbers. */

import type { Input } from './model.ts';
import {
  type Box,
  elementName,
  factor,
  manner,
  moved,
  resized,
  shownBox,
  statedBox,
  track,
  typed,
} from './domain.ts';
import { html } from './elements.ts';

/** Percent of the stated size that a box can be resized to. */
const LARGEST = 200;

/** Digits of a number in a field: what a slider sets has no more, and what the file says is not cut. */
const DIGITS = 4;

const ENDS = [
  ['lower', 'from'],
  ['upper', 'to'],
] as const;

export class Sliders {
  readonly element = html('div', { className: 'boxes' });
  /** What a person chose, here or before. */
  readonly chosen = new Map<string, Box>();
  readonly #boxes = new Map<string, Box>();
  readonly #changed: () => void;
  readonly #updates: (() => void)[] = [];

  constructor(inputs: readonly Input[], changed: () => void) {
    this.#changed = changed;
    for (const input of inputs) {
      this.#boxes.set(input.name, shownBox(input));
      if (input.chosen !== null) this.chosen.set(input.name, shownBox(input));
      this.element.append(this.#group(input));
    }
  }

  #group(input: Input): HTMLElement {
    const group = html('fieldset', {}, html('legend', {}, html('code', {}, input.name)));
    if (input.stated === null && input.chosen === null) {
      group.append(html('p', { className: 'faint' }, 'Any value, until a box is set here.'));
    }
    if (manner(input) === 'size') group.append(this.#size(input));
    else group.append(...this.#box(input).lower.map((_, index) => this.#row(input, index)));
    return group;
  }

  #box(input: Input): Box {
    return this.#boxes.get(input.name) ?? { lower: [], upper: [] };
  }

  #set(input: Input, box: Box): void {
    this.#boxes.set(input.name, box);
    this.chosen.set(input.name, box);
    for (const update of this.#updates) update();
    this.#changed();
  }

  /** One slider for the size of the whole box. */
  #size(input: Input): HTMLElement {
    const stated = statedBox(input) ?? this.#box(input);
    const label = html('label', {}, 'size of the box');
    const percent = Math.round(100 * factor(stated, this.#box(input)));
    const slider = html('input', { type: 'range', min: '0', max: String(LARGEST), step: '1' });
    slider.value = String(percent);
    const value = html('output', {}, `${percent} %`);
    slider.addEventListener('input', () => {
      value.textContent = `${slider.value} %`;
      this.#set(input, resized(stated, Number(slider.value) / 100));
    });
    label.append(slider, value);
    return html('div', { className: 'row' }, label);
  }

  #row(input: Input, index: number): HTMLElement {
    const name = manner(input) === 'all' ? `every element of ${input.name}` : elementName(input, index);
    const row = html(
      'div',
      { className: 'row' },
      html('span', { className: 'element' }, html('code', {}, name)),
    );
    row.setAttribute('role', 'group');
    row.setAttribute('aria-label', name);
    for (const [end, word] of ENDS)
      row.append(html('span', { className: 'faint' }, word), ...this.#end(input, index, end, name));
    return row;
  }

  #end(input: Input, index: number, end: 'lower' | 'upper', name: string): HTMLElement[] {
    const span = track(statedBox(input), this.#box(input), index);
    const slider = html('input', {
      type: 'range',
      min: String(span.min),
      max: String(span.max),
      step: 'any',
    });
    const field = html('input', { type: 'text', inputMode: 'decimal', className: 'number' });
    slider.setAttribute('aria-label', `${end} end of ${name}`);
    field.setAttribute('aria-label', `${end} end of ${name}, as a number`);
    const update = (): void => {
      const value = this.#box(input)[end][index] ?? 0;
      slider.value = String(value);
      slider.setAttribute('aria-valuetext', String(value));
      if (document.activeElement !== field) field.value = String(value);
    };
    slider.addEventListener('input', () => {
      this.#set(input, moved(this.#box(input), index, end, Number(Number(slider.value).toPrecision(DIGITS))));
    });
    // `step="any"` leaves the size of a step by arrow keys to the browser, which takes far too large ones.
    slider.addEventListener('keydown', (event) => {
      const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (way === undefined) return;
      event.preventDefault();
      const value = (this.#box(input)[end][index] ?? 0) + way * span.step;
      const kept = Math.min(span.max, Math.max(span.min, value));
      this.#set(input, moved(this.#box(input), index, end, Number(kept.toPrecision(DIGITS))));
    });
    field.addEventListener('input', () => {
      const value = typed(field.value);
      field.setAttribute('aria-invalid', String(value === undefined));
      if (value !== undefined) this.#set(input, moved(this.#box(input), index, end, value));
    });
    field.addEventListener('blur', () => {
      field.setAttribute('aria-invalid', 'false');
      update();
    });
    this.#updates.push(update);
    update();
    return [slider, field];
  }
}
