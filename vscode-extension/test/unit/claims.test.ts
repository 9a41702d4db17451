import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  counterexampleTest,
  grouped,
  hasCertificate,
  hasCounterexample,
  markOf,
  numbersText,
  tally,
} from '../../src/claims/model.ts';
import { claim } from './claim.ts';

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

test('a counterexample can be read with every number as it is', () => {
  assert.equal(numbersText({ x: [1, -0.5], y: [[-0]] }), '{\n  "x": [1, -0.5],\n  "y": [[-0.0]]\n}\n');
});

test('claims of a family stand together where its first one stands, and are counted', () => {
  const family = 'safe';
  const claims = [
    claim({ name: 'first' }),
    claim({ name: 'safe[0]', family }),
    claim({ name: 'between' }),
    claim({ name: 'safe[1]', family, verdict: 'refuted' }),
    claim({ name: 'safe[2]', family, verdict: null }),
  ];
  const groups = grouped(claims);
  const names = groups.map((one) => ('members' in one ? one.members.map(({ name }) => name) : one.name));
  assert.deepEqual(names, ['first', ['safe[0]', 'safe[1]', 'safe[2]'], 'between']);
  const safe = groups[1];
  assert.ok(safe && 'members' in safe);
  assert.equal(tally(safe.members), '1 proved, 1 refuted, 1 being checked of 3');
});
