/**
 * What the panel is given and how it reads. Pure: the same in a webview, on the report's page and in tests. docs/protocol.md
 * (`torchlean/graph`) describes the data.
 */

export interface Position {
  line: number;
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

export interface Histogram {
  start: number;
  end: number;
  counts: number[];
}

export interface Spread {
  reach: Histogram;
  widths: Histogram;
  unbounded: number;
}

export interface GraphNode {
  id: number;
  op: string;
  label: string;
  weight: boolean;
  inputs: number[];
  shape: number[];
  dtype: string;
  interval: string;
  lower: number | null;
  upper: number | null;
  width: number | null;
  undefined: boolean;
  method: string;
  error: number | null;
  rounding: string;
  reason: string | null;
  range: Range | null;
  elements?: Spread | null;
}

export interface Ends {
  lower: (number | null)[];
  upper: (number | null)[];
}

export interface Input {
  name: string;
  node: number;
  shape: number[];
  dtype: string;
  stated: Ends | null;
  chosen: Ends | null;
}

export interface Graph {
  textDocument: { uri: string; version: number };
  units: string[];
  unit: string | null;
  method: Method;
  domain: string;
  freshness: 'current' | 'checking' | 'stale';
  standing: boolean;
  changed: boolean;
  inputs: Input[];
  note: string;
  nodes: GraphNode[];
}

export type Method = 'ibp' | 'crown';

/** A box in the place of the one that the file states. */
export interface InputBox {
  input: string;
  lower: number[];
  upper: number[];
}

/** The nodes to draw. Weights are most of a graph, and seldom what one looks for. */
export function drawn(nodes: readonly GraphNode[], everything: boolean): GraphNode[] {
  return everything ? [...nodes] : nodes.filter((node) => !node.weight);
}

/**
 * The node that a place in the text speaks of: the chosen one where it does, else the one with the smallest range around
 * the place, else the last one on its line.
 */
export function nodeAt(
  nodes: readonly GraphNode[],
  place: Position,
  chosen: number | undefined,
): GraphNode | undefined {
  const around = nodes.filter((node) => node.range !== null && contains(node.range, place));
  const current = around.find((node) => node.id === chosen);
  if (current !== undefined) return current;
  around.sort((a, b) => compareSizes(a.range, b.range) || b.id - a.id);
  const onLine = nodes.filter((node) => node.range?.start.line === place.line);
  return around[0] ?? onLine.find((node) => node.id === chosen) ?? onLine.at(-1);
}

function contains({ start, end }: Range, place: Position): boolean {
  return compare(start, place) <= 0 && compare(place, end) <= 0;
}

function compare(a: Position, b: Position): number {
  return a.line - b.line || a.character - b.character;
}

function compareSizes(a: Range | null, b: Range | null): number {
  if (a === null || b === null) return 0;
  const lines = a.end.line - a.start.line - (b.end.line - b.start.line);
  return lines || a.end.character - a.start.character - (b.end.character - b.start.character);
}

/** `(2, 3)`, as Python writes it. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape.join()},)` : `(${shape.join(', ')})`;
}

/** A number that is not below `value`, with three digits: what is printed of widths and errors must not claim too much. */
export function upperText(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const short = Number(value.toPrecision(3));
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 2);
  return String(short >= value ? short : Number((short + step).toPrecision(3)));
}

/** The name on a node: how the source calls it, with its op where that is not the same. */
export function title(node: GraphNode): string {
  if (!node.label) return node.op;
  return node.op === 'input' ? node.label : `${node.op} · ${node.label}`;
}

export function intervalText(node: GraphNode): string {
  if (!node.interval) return 'no bound';
  if (node.dtype !== 'bool') return node.interval;
  if (node.undefined || node.lower !== node.upper) return 'true or false';
  return node.lower === 1 ? 'always true' : 'never true';
}

export function widthText(node: GraphNode): string {
  if (node.width !== null) return upperText(node.width);
  return node.interval ? 'infinite' : 'unknown';
}

/** What float numbers may add to the exact ones; undefined for integers and truth values. */
export function errorText(node: GraphNode): string | undefined {
  if (!/float|complex/.test(node.dtype)) return undefined;
  return node.error === null ? 'no bound' : upperText(node.error);
}

/** Everything on a node in a sentence, for screen readers. */
export function spoken(node: GraphNode): string {
  const parts = [title(node), `shape ${shapeText(node.shape)}`, `interval ${intervalText(node)}`];
  const error = errorText(node);
  if (node.dtype !== 'bool') parts.push(`width ${widthText(node)}`);
  if (error !== undefined) parts.push(`${node.dtype} error ${error}`);
  if (node.range !== null) parts.push(`line ${node.range.start.line + 1}`);
  return parts.join(', ');
}

const METHODS: Record<string, string> = {
  ibp: 'interval arithmetic',
  crown: 'linear bounds (CROWN)',
  alpha: 'linear bounds with optimised slopes',
  forward: 'forward linear bounds',
};

export function methodText(node: GraphNode): string {
  return METHODS[node.method] ?? node.method;
}

/** `claim:stays_in_range` for people. */
export function unitText(unit: string): string {
  const colon = unit.indexOf(':');
  return colon < 0 ? unit : `${unit.slice(colon + 1)} (${unit.slice(0, colon)})`;
}

/** The heights of a histogram's bars between 0 and 1, and what it says in a sentence. */
export function bars({ counts }: Histogram): number[] {
  const most = Math.max(...counts, 1);
  return counts.map((count) => count / most);
}

export function histogramText(histogram: Histogram, what: string): string {
  const { start, end, counts } = histogram;
  const most = Math.max(...counts);
  const at = counts.indexOf(most);
  const step = (end - start) / counts.length;
  const [from, to] = [start + at * step, start + (at + 1) * step].map((value) =>
    Number(value.toPrecision(3)),
  );
  return `${what} from ${axisText(start)} to ${axisText(end)}; most, ${most}, between ${from ?? ''} and ${to ?? ''}`;
}

export function axisText(value: number): string {
  return String(Number(value.toPrecision(3)));
}
