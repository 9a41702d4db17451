/** Draws the legend of the gutter's icons for the walkthrough: `npm run legend`. */

import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { GROUNDS, type Icon, type Theme, svg } from '../src/gutter/icons.ts';

const ROWS: [Icon, string][] = [
  [{ mark: { verdict: 'kernel', freshness: 'current' } }, 'proved, and accepted by the Lean kernel'],
  [{ mark: { verdict: 'bounds', freshness: 'current' } }, 'proved by bounds'],
  [{ mark: { verdict: 'refuted', freshness: 'current' } }, 'refuted by a concrete input'],
  [
    { mark: { verdict: 'unknown', freshness: 'current' } },
    'not decided, or cut off: the problems list says why',
  ],
  [{ mark: { verdict: 'none', freshness: 'checking' }, bar: 'analysis' }, 'no answer yet'],
  [
    { mark: { verdict: 'bounds', freshness: 'checking' }, bar: 'analysis' },
    'grey: of older text, being checked again',
  ],
  [{ mark: { verdict: 'bounds', freshness: 'stale' } }, 'crossed out: of older text, and nobody is checking'],
  [{ bar: 'analysis' }, 'a bar: this text is being analysed'],
  [{ mark: { verdict: 'bounds', freshness: 'current' }, bar: 'lean' }, 'dots: Lean is still to be heard'],
  [{ bar: 'stopped' }, 'a broken bar: the analysis was stopped'],
];

/** Pixels. */
const HEIGHT = 34;
const ICON = 22;
const WIDTH = 520;

const FOREGROUNDS: Record<Theme, string> = { light: '#3b3b3b', dark: '#cccccc' };

export function legend(theme: Theme): string {
  const rows = ROWS.map(([icon, words], index) => {
    const top = 12 + index * HEIGHT;
    const size = `width="${ICON}" height="${ICON}"`;
    return (
      svg(icon, theme).replace('<svg ', `<svg x="16" y="${top}" ${size} `) +
      `\n<text x="58" y="${top + 16}" fill="${FOREGROUNDS[theme]}">${words}</text>`
    );
  });
  const height = 24 + ROWS.length * HEIGHT;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="15">\n` +
    `<rect width="${WIDTH}" height="${height}" rx="6" fill="${GROUNDS[theme]}"/>\n${rows.join('\n')}\n</svg>\n`
  );
}

export function fileOf(theme: Theme): URL {
  return new URL(`../walkthrough/marks-${theme}.svg`, import.meta.url);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const theme of ['light', 'dark'] as const) writeFileSync(fileOf(theme), legend(theme));
}
