/**
 * What stands in the gutter, as SVG. Pure. Verdicts differ in shape and not only in colour, and freshness in shape too, so
 * that nobody has to tell colours apart; hues are those of Okabe and Ito's palette, darkened or lightened for the theme.
 */

/** `none`: there is no verdict, as of a module, or of a claim that has not been decided yet. */
export type Verdict = 'kernel' | 'bounds' | 'refuted' | 'unknown' | 'none';

export type Freshness = 'current' | 'checking' | 'stale';

/** What the line waits for: the analysis, Lean, or nothing any more because the analysis was stopped. */
export type Bar = 'analysis' | 'lean' | 'stopped';

export interface Icon {
  mark?: { verdict: Verdict; freshness: Freshness } | undefined;
  bar?: Bar | undefined;
}

export type Theme = 'light' | 'dark';

/** What the colours stand on: the editor's background in VS Code's own themes. */
export const GROUNDS: Record<Theme, string> = { light: '#ffffff', dark: '#1f1f1f' };

export const COLOURS: Record<Theme, Record<'proved' | 'refuted' | 'unknown' | 'faded' | 'bar', string>> = {
  light: { proved: '#00704f', refuted: '#b84a00', unknown: '#8a6100', faded: '#767676', bar: '#0072b2' },
  dark: { proved: '#2fc795', refuted: '#ff8a4c', unknown: '#f0c84b', faded: '#9a9a9a', bar: '#56b4e9' },
};

const COLOUR_OF: Record<Verdict, keyof (typeof COLOURS)[Theme]> = {
  kernel: 'proved',
  bounds: 'proved',
  refuted: 'refuted',
  unknown: 'unknown',
  none: 'faded',
};

/** In a square of 16, right of the bar. `ink` is the mark's colour and `ground` what shows through it. */
function shape(verdict: Verdict, ink: string, ground: string): string {
  const line = `fill="none" stroke="${ink}" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"`;
  switch (verdict) {
    case 'kernel': // a seal
      return (
        `<circle cx="9.5" cy="8" r="6" fill="${ink}"/>` +
        `<path d="M6.6 8.2l2.1 2.2 3.8-4.6" ${line.replace(ink, ground).replace('2.2', '1.8')}/>`
      );
    case 'bounds': // a tick
      return `<path d="M5 8.6l3.2 3.4 6-7.6" ${line}/>`;
    case 'refuted': // a cross
      return `<path d="M5.2 3.8l8.6 8.4M13.8 3.8l-8.6 8.4" ${line}/>`;
    case 'unknown': // a question mark
      return (
        `<path d="M6.6 5.6c0-4 6-3.8 6-.4 0 2.4-3 2.4-3 4.6" ${line.replace('2.2', '2')}/>` +
        `<circle cx="9.6" cy="13.2" r="1.4" fill="${ink}"/>`
      );
    case 'none': // three dots
      return [5.5, 9.5, 13.5].map((x) => `<circle cx="${x}" cy="8" r="1.5" fill="${ink}"/>`).join('');
  }
}

function barShape(bar: Bar, { bar: ink, unknown }: (typeof COLOURS)[Theme]): string {
  switch (bar) {
    case 'analysis': // a line that goes through
      return `<path d="M0 0h2.5v16h-2.5z" fill="${ink}"/>`;
    case 'lean': // dots
      return `<path d="M0 1h2.5v3h-2.5zM0 6.5h2.5v3h-2.5zM0 12h2.5v3h-2.5z" fill="${ink}"/>`;
    case 'stopped': // a line that is broken
      return `<path d="M0 0h2.5v6h-2.5zM0 10h2.5v6h-2.5z" fill="${unknown}"/>`;
  }
}

export function svg({ mark, bar }: Icon, theme: Theme): string {
  const colours = COLOURS[theme];
  const parts: string[] = [];
  if (bar) parts.push(barShape(bar, colours));
  if (mark) {
    const ink = mark.freshness === 'current' ? colours[COLOUR_OF[mark.verdict]] : colours.faded;
    parts.push(shape(mark.verdict, ink, GROUNDS[theme]));
    // What is not current is grey; what nobody is renewing is crossed out as well.
    if (mark.freshness === 'stale') {
      parts.push(`<path d="M3.5 14.5L15.5 1.5" fill="none" stroke="${ink}" stroke-width="1.4"/>`);
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${parts.join('')}</svg>`;
}
