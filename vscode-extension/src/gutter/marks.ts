/** Which icon stands on which line. Pure. */

import { type Claim, type ClaimsResult, type Module, isPending, verdictOf } from '../claims/model.ts';
import type { Stage } from '../status/activity.ts';
import type { Bar, Freshness, Icon, Verdict } from './icons.ts';

/** The name, in what `wanted` gives, of what is true of the whole document. Names of claims and modules have a colon. */
const DOCUMENT = 'document';

/** From what is to be seen first to what is to be seen last, where several claims stand on one line. */
const VERDICTS: readonly Verdict[] = ['refuted', 'unknown', 'none', 'bounds', 'kernel'];
const FRESHNESS: readonly Freshness[] = ['stale', 'checking', 'current'];

/** An icon by its name, such as `bounds-current+lean` or `+analysis`. */
export function iconName({ mark, bar }: Icon): string {
  return `${mark ? `${mark.verdict}-${mark.freshness}` : ''}${bar ? `+${bar}` : ''}`;
}

export function iconOf(name: string): Icon {
  const [mark, bar] = name.split('+') as [string, Bar?];
  const [verdict, freshness] = mark.split('-') as [Verdict, Freshness?];
  return { mark: freshness && { verdict, freshness }, bar };
}

function claimIcon(claim: Claim): Icon {
  const verdict = verdictOf(claim);
  const freshness = verdict === 'none' && claim.freshness === 'current' ? 'checking' : claim.freshness;
  return { mark: { verdict, freshness }, bar: isPending(claim) ? 'lean' : undefined };
}

/** A module has no verdict. It is marked when its bounds are not those of the text, or end somewhere. */
function moduleIcon({ freshness, failure }: Module): Icon {
  if (freshness === 'current' && failure === null) return {};
  return { mark: { verdict: failure === null ? 'none' : 'unknown', freshness } };
}

/** What is true now, as names of icons by the names of what they are for. */
export function wanted(answer: ClaimsResult | undefined, stages: readonly Stage[]): Map<string, string> {
  const icons: [string, Icon][] = [
    ...(answer?.claims ?? []).map((claim): [string, Icon] => [`claim:${claim.name}`, claimIcon(claim)]),
    ...(answer?.modules ?? []).map((module): [string, Icon] => [`module:${module.name}`, moduleIcon(module)]),
    [DOCUMENT, { bar: stages.find((stage) => stage === 'analysis' || stage === 'stopped') }],
  ];
  return new Map(
    icons.map(([name, icon]): [string, string] => [name, iconName(icon)]).filter(([, icon]) => icon !== ''),
  );
}

/** First and last line (zero-based) of a run of lines. */
export type Lines = [number, number];

/** Where each icon stands, by its name, when `drawn` is what is to be drawn of what `wanted` gives. */
export function layout(
  answer: ClaimsResult | undefined,
  drawn: ReadonlyMap<string, string>,
  lineCount: number,
): Map<string, Lines[]> {
  const marks = new Map<number, Icon>();
  for (const [kind, things] of Object.entries({ claim: answer?.claims, module: answer?.modules })) {
    for (const { name, range } of things ?? []) {
      const icon = iconOf(drawn.get(`${kind}:${name}`) ?? '');
      if (icon.mark) marks.set(range.start.line, worse(marks.get(range.start.line), icon));
    }
  }
  const bar = iconOf(drawn.get(DOCUMENT) ?? '').bar;
  const places = new Map<string, Lines[]>();
  const put = (icon: Icon, first: number, last: number): void => {
    const name = iconName(icon);
    if (name !== '' && last >= first) places.set(name, [...(places.get(name) ?? []), [first, last]]);
  };
  let next = 0;
  for (const [line, icon] of [...marks].sort(([a], [b]) => a - b)) {
    put({ bar }, next, line - 1);
    put({ mark: icon.mark, bar: bar ?? icon.bar }, line, line);
    next = line + 1;
  }
  put({ bar }, next, lineCount - 1);
  return places;
}

function worse(one: Icon | undefined, other: Icon): Icon {
  if (one?.mark === undefined || other.mark === undefined) return other;
  const first = <T>(order: readonly T[], a: T, b: T): T => (order.indexOf(a) < order.indexOf(b) ? a : b);
  return {
    mark: {
      verdict: first(VERDICTS, one.mark.verdict, other.mark.verdict),
      freshness: first(FRESHNESS, one.mark.freshness, other.mark.freshness),
    },
    bar: one.bar ?? other.bar,
  };
}
