/** The box of an input while a person changes it. Pure: numbers in, numbers out. */

import type { Ends, Input, InputBox } from './model.ts';

/** Elements that get sliders of their own; larger inputs are resized about their middle. */
export const MOST_ROWS = 16;

/** What sliders reach where the file states no box: inputs of networks are scaled to about one. */
const UNSTATED = { lower: -10, upper: 10 };

/** Where a box starts that nobody stated. */
const FIRST = { lower: -1, upper: 1 };

/** Steps of a slider from end to end. */
const STEPS = 200;

export interface Box {
  lower: number[];
  upper: number[];
}

/** How many elements an input has. */
function size(input: Input): number {
  return input.shape.reduce((product, extent) => product * extent, 1);
}

/**
 * How a box is set: end by end of each element; as a whole, by its size about the middle of the stated one; or by one
 * interval for all elements, where there are many and the file states none, or the ends of each are not known here.
 */
export type Manner = 'elements' | 'size' | 'all';

export function manner(input: Input): Manner {
  if (size(input) <= MOST_ROWS) return 'elements';
  return input.stated?.lower.length === size(input) ? 'size' : 'all';
}

/** The box that the controls show: the one that was chosen, else the stated one, else a start for a box. */
export function shownBox(input: Input): Box {
  const start = { lower: [FIRST.lower], upper: [FIRST.upper] };
  return box(input, input.chosen) ?? statedBox(input) ?? box(input, start) ?? { lower: [], upper: [] };
}

export function statedBox(input: Input): Box | undefined {
  return box(input, input.stated);
}

/** One number for each element that can be set; undefined where an end is infinite, or there is no box. */
function box(input: Input, ends: Ends | null): Box | undefined {
  if (ends === null) return undefined;
  const [lower, upper] = [ends.lower, ends.upper].map((side) => side.filter((number) => number !== null));
  if (lower?.length !== ends.lower.length || upper?.length !== ends.upper.length || !lower.length)
    return undefined;
  if (manner(input) === 'all') return { lower: [Math.min(...lower)], upper: [Math.max(...upper)] };
  const each = (side: number[]): number[] =>
    side.length === 1 ? Array<number>(size(input)).fill(side[0] ?? 0) : side;
  return { lower: each(lower), upper: each(upper) };
}

export interface Track {
  min: number;
  max: number;
  step: number;
}

/** What the sliders of an element span: twice the stated interval about its middle, and at least what is chosen. */
export function track(stated: Box | undefined, chosen: Box, index: number): Track {
  const low = stated?.lower[index] ?? UNSTATED.lower;
  const high = stated?.upper[index] ?? UNSTATED.upper;
  const reach = high > low ? high - low : Math.max(1, Math.abs(low));
  const middle = low / 2 + high / 2;
  const min = Math.min(middle - reach, chosen.lower[index] ?? middle);
  const max = Math.max(middle + reach, chosen.upper[index] ?? middle);
  return { min, max, step: (max - min) / STEPS };
}

/** The box with one end of one element moved; the other end gives way where they would cross. */
export function moved(box: Box, index: number, end: 'lower' | 'upper', value: number): Box {
  const next = { lower: [...box.lower], upper: [...box.upper] };
  next[end][index] = value;
  const other = end === 'lower' ? 'upper' : 'lower';
  const limit = next[other][index] ?? value;
  if (end === 'lower' ? value > limit : value < limit) next[other][index] = value;
  return next;
}

/** The box with each interval resized about its middle. */
export function resized(box: Box, factor: number): Box {
  const pairs = box.lower.map((low, index) => {
    const high = box.upper[index] ?? low;
    const middle = low / 2 + high / 2;
    // At 1 exactly what the file says: the detour over the middle may round.
    return factor === 1 ? [low, high] : [middle - (middle - low) * factor, middle + (high - middle) * factor];
  });
  return { lower: pairs.map(([low]) => low ?? 0), upper: pairs.map(([, high]) => high ?? 0) };
}

/** How much larger one box is than another that it was made of by `resized`. */
export function factor(of: Box, box: Box): number {
  const widths = ({ lower, upper }: Box): number[] =>
    upper.map((high, index) => high - (lower[index] ?? high));
  const [from, to] = [widths(of), widths(box)];
  const index = from.findIndex((width) => width > 0);
  return index < 0 ? 1 : (to[index] ?? 0) / (from[index] ?? 1);
}

/** The number that a person typed; undefined where it is none. */
export function typed(text: string): number | undefined {
  const value = Number(text.trim().replace(',', '.'));
  return text.trim() !== '' && Number.isFinite(value) ? value : undefined;
}

/** What is sent: the boxes that differ from the stated ones; null where none does. */
export function difference(inputs: readonly Input[], boxes: ReadonlyMap<string, Box>): InputBox[] | null {
  const changed = inputs.flatMap((input) => {
    const box = boxes.get(input.name);
    return box === undefined || same(box, statedBox(input)) ? [] : [{ input: input.name, ...box }];
  });
  return changed.length > 0 ? changed : null;
}

function same(box: Box, other: Box | undefined): boolean {
  return (
    other !== undefined &&
    box.lower.every((value, index) => value === other.lower[index]) &&
    box.upper.every((value, index) => value === other.upper[index])
  );
}

/** `x[1, 0]`: the element with this number in row-major order. */
export function elementName(input: Input, index: number): string {
  if (input.shape.length === 0) return input.name;
  const places: number[] = [];
  let rest = index;
  for (const size of [...input.shape].reverse()) {
    places.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `${input.name}[${places.join(', ')}]`;
}
