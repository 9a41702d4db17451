/** The claims of all open documents, as the server lists them, and how a claim looks. Pure. */

/** docs/protocol.md, `torchlean/claims` */
export interface Claim {
  name: string;
  kind: 'claim' | 'property';
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

export interface ClaimsResult {
  textDocument: { uri: string; version: number };
  claims: Claim[];
}

/** What a mark says: the verdict with its evidence while it is current, else that it is not. */
export type Mark = 'kernel' | 'bounds' | 'refuted' | 'unknown' | 'checking' | 'stale';

export function markOf(claim: Claim): Mark {
  if (claim.freshness === 'stale') return 'stale';
  if (claim.freshness === 'checking') return 'checking';
  switch (claim.verdict) {
    case 'proved':
      return claim.evidence === 'kernel' ? 'kernel' : 'bounds';
    case 'refuted':
      return 'refuted';
    case 'unknown':
      return 'unknown';
    case null:
      // A claim that cannot be analysed says why, and nothing more comes.
      return claim.detail ? 'unknown' : 'checking';
  }
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
    ([name, value]) => `${name}=torch.tensor(${python(value)}, dtype=torch.float32)`,
  );
  return `def test_${claim.name}_at_its_counterexample():\n    assert ${claim.name}(${inputs.join(', ')}).all()\n`;
}

/** Nested lists of numbers in Python; JSON would drop the sign of a negative zero. */
function python(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  return Object.is(value, -0) ? '-0.0' : JSON.stringify(value);
}
