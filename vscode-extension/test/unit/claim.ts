/** A claim for tests: proved by bounds, with these changes. */

import type { Claim } from '../../src/claims/model.ts';

export function claim(changes: Partial<Claim>): Claim {
  const place = { line: 0, character: 0 };
  return {
    name: 'holds',
    kind: 'claim',
    family: null,
    range: { start: place, end: place },
    verdict: 'proved',
    evidence: 'engine',
    freshness: 'current',
    lean: 'accepted',
    title: '',
    detail: '',
    margin: 0,
    counterexample: null,
    seconds: 0,
    ...changes,
  };
}
