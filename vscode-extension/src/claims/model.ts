/** The claims of all open documents, as the server lists them, and how a claim looks. Pure. */

/** docs/protocol.md, `torchlean/claims` */
export interface Claim {
  name: string;
  kind: 'claim' | 'property';
  family: string | null;
  range: { start: Position; end: Position };
  verdict: 'proved' | 'refuted' | 'unknown' | null;
  evidence: 'kernel' | 'engine' | 'counterexample' | 'none';
  freshness: 'current' | 'checking' | 'stale';
  lean: string | null;
  title: string;
  detail: string;
  margin: number | null;
  counterexample: Record<string, unknown> | null;
  seconds: number | null;
}

export interface Position {
  line: number;
  character: number;
}

export interface Module {
  name: string;
  range: { start: Position; end: Position };
  freshness: Claim['freshness'];
  failure: string | null;
}

export interface ClaimsResult {
  textDocument: { uri: string; version: number };
  claims: Claim[];
  modules: Module[];
}

/** The verdict with its evidence, whether it is current or not. */
export function verdictOf(claim: Claim): 'kernel' | 'bounds' | 'refuted' | 'unknown' | 'none' {
  switch (claim.verdict) {
    case 'proved':
      return claim.evidence === 'kernel' ? 'kernel' : 'bounds';
    case 'refuted':
      return 'refuted';
    case 'unknown':
      return 'unknown';
    case null:
      // A claim that cannot be analysed says why, and nothing more comes.
      return claim.detail ? 'unknown' : 'none';
  }
}

/** What a mark in a list says: the verdict with its evidence while it is current, else that it is not. */
export type Mark = 'kernel' | 'bounds' | 'refuted' | 'unknown' | 'checking' | 'stale';

export function markOf(claim: Claim): Mark {
  if (claim.freshness !== 'current') return claim.freshness;
  const verdict = verdictOf(claim);
  return verdict === 'none' ? 'checking' : verdict;
}

/** Whether Lean's word on a claim is still to come. */
export function isPending(claim: Claim): boolean {
  return claim.lean === 'planned' || claim.lean === 'waiting' || claim.lean === 'checking';
}

/** Claims that one call states together. */
export interface Family {
  family: string;
  members: Claim[];
}

/** The claims of one document as a list shows them: those of a family together, where its first one stands. */
export function grouped(claims: readonly Claim[]): (Claim | Family)[] {
  const groups = new Map<string, Family>();
  const found: (Claim | Family)[] = [];
  for (const claim of claims) {
    if (claim.family === null) {
      found.push(claim);
      continue;
    }
    let group = groups.get(claim.family);
    if (group === undefined) {
      group = { family: claim.family, members: [] };
      groups.set(claim.family, group);
      found.push(group);
    }
    group.members.push(claim);
  }
  return found;
}

/** How many claims have each verdict, in words: `3 proved, 1 refuted of 4`. */
export function tally(claims: readonly Claim[]): string {
  const words = { proved: 'proved', refuted: 'refuted', unknown: 'not decided', none: 'being checked' };
  const counts = new Map<string, number>();
  for (const { verdict } of claims) counts.set(verdict ?? 'none', (counts.get(verdict ?? 'none') ?? 0) + 1);
  const parts = Object.entries(words).flatMap(([verdict, word]) => {
    const count = counts.get(verdict);
    return count === undefined ? [] : [`${count} ${word}`];
  });
  return `${parts.join(', ')} of ${claims.length}`;
}

/** Whether Lean's certificate of a claim can be opened. */
export function hasCertificate(claim: Claim): boolean {
  return (
    claim.kind === 'claim' &&
    claim.verdict === 'proved' &&
    claim.lean !== null &&
    claim.lean !== 'uncheckable'
  );
}

/** Whether a counterexample can be written as a call: facts of a family (`stable.inside`) are no functions. */
export function hasCounterexample(claim: Claim): boolean {
  return claim.counterexample !== null && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(claim.name);
}

/** A test that executes the claim at its counterexample, as Python source. */
export function counterexampleTest(claim: Claim): string {
  const inputs = Object.entries(claim.counterexample ?? {}).map(
    ([name, value]) => `${name}=torch.tensor(${nested(value)}, dtype=torch.float32)`,
  );
  return `def test_${claim.name}_at_its_counterexample():\n    assert ${claim.name}(${inputs.join(', ')}).all()\n`;
}

/** A counterexample for reading: a line for each input, in JSON. */
export function numbersText(counterexample: Record<string, unknown>): string {
  const lines = Object.entries(counterexample).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${nested(value)}`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** Nested lists of numbers, in JSON and in Python; `JSON.stringify` would drop the sign of a negative zero. */
function nested(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(nested).join(', ')}]`;
  return Object.is(value, -0) ? '-0.0' : JSON.stringify(value);
}
