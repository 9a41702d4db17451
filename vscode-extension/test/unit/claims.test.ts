import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Claim,
  counterexampleTest,
  hasCertificate,
  hasCounterexample,
  markOf,
} from '../../src/claims/model.ts';

function claim(changes: Partial<Claim>): Claim {
  const place = { line: 0, character: 0 };
  return {
    name: 'holds',
    kind: 'claim',
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

test('a mark never shows a verdict that is not current', () => {
  for (const verdict of ['proved', 'refuted', 'unknown', null] as const) {
    assert.equal(markOf(claim({ verdict, freshness: 'stale' })), 'stale');
    assert.equal(markOf(claim({ verdict, freshness: 'checking' })), 'checking');
  }
});

test('only the kernel makes the mark of the kernel', () => {
  assert.equal(markOf(claim({ evidence: 'kernel' })), 'kernel');
  assert.equal(markOf(claim({ evidence: 'engine' })), 'bounds');
  assert.equal(markOf(claim({ verdict: 'refuted', evidence: 'counterexample' })), 'refuted');
});

test('a claim without a verdict is being checked, unless it says why there is none', () => {
  assert.equal(markOf(claim({ verdict: null, evidence: 'none' })), 'checking');
  assert.equal(markOf(claim({ verdict: null, evidence: 'none', detail: 'no domain' })), 'unknown');
});

test('a certificate is offered where there can be one', () => {
  assert.ok(hasCertificate(claim({})));
  assert.ok(!hasCertificate(claim({ lean: 'uncheckable' })));
  assert.ok(!hasCertificate(claim({ verdict: 'refuted', lean: null })));
});

test('a counterexample becomes a test that can be pasted', () => {
  const refuted = claim({ verdict: 'refuted', counterexample: { x: [1, -0.5], y: [[-0]] } });
  assert.ok(hasCounterexample(refuted));
  assert.ok(!hasCounterexample({ ...refuted, name: 'stable.inside' }));
  assert.equal(
    counterexampleTest(refuted),
    'def test_holds_at_its_counterexample():\n' +
      '    assert holds(x=torch.tensor([1, -0.5], dtype=torch.float32), y=torch.tensor([[-0.0]], dtype=torch.float32)).all()\n',
  );
});
