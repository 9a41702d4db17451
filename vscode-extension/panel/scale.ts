/**
 * Colours by width. The scale is logarithmic, since widths grow by factors along a network, and of the cividis family
 * (Nuñez, Anderton and Renslow 2018): its lightness rises evenly, so it reads without telling hues apart. A bar of the
 * same length says the same without any colour.
 */

import type { GraphNode } from './model.ts';

/** From narrow to wide. */
export const STEPS = ['#00336f', '#3b496c', '#61646f', '#878479', '#b5a775', '#e4cf5b', '#fdea45'] as const;

export interface Extent {
  least: number;
  most: number;
}

/** What the scale spans: the positive finite widths. Undefined where there is none. */
export function extent(nodes: readonly GraphNode[]): Extent | undefined {
  const widths = nodes.flatMap(({ width }) => (width !== null && width > 0 ? [width] : []));
  return widths.length > 0 ? { least: Math.min(...widths), most: Math.max(...widths) } : undefined;
}

/** How a node's width is shown: a place on the scale from 0 to 1, or one of the marks beside it. */
export type Mark = { kind: 'width'; share: number } | { kind: 'exact' | 'unbounded' | 'unknown' };

export function mark(node: GraphNode, scale: Extent | undefined): Mark {
  if (!node.interval || node.dtype === 'bool') return { kind: 'unknown' };
  if (node.width === null) return { kind: 'unbounded' };
  if (node.width === 0 || scale === undefined) return { kind: 'exact' };
  const whole = Math.log(scale.most / scale.least);
  return { kind: 'width', share: whole > 0 ? Math.log(node.width / scale.least) / whole : 1 };
}

/** The colour at a place of the scale. */
export function colour(share: number): string {
  const index = Math.min(STEPS.length - 1, Math.max(0, Math.floor(share * STEPS.length)));
  return STEPS[index] ?? STEPS[0];
}

/** Black or white, whichever is easier to read on the colour. */
export function ink(background: string): '#000000' | '#ffffff' {
  return luminance(background) > 0.179 ? '#000000' : '#ffffff';
}

/** Relative luminance of `#rrggbb` (WCAG 2.1). Contrast with black and with white is equal at 0.179. */
export function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
