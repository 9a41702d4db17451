import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Activity } from '../../src/status/activity.ts';
import { appearance } from '../../src/status/phase.ts';
import { STEADY, Steady } from '../../src/status/steady.ts';

test('an analysis comes before what Lean does', () => {
  const activity = new Activity();
  activity.update('a', ['lean']);
  activity.update('b', ['analysis']);
  assert.deepEqual(activity.summary(), { kind: 'analysing', documents: ['b'] });
});

test('claims are counted since Lean was last idle', () => {
  const activity = new Activity();
  const seen: string[] = [];
  for (const left of [3, 2, 1]) {
    activity.update('a', Array<'lean'>(left).fill('lean'));
    const now = activity.summary();
    seen.push(now.kind === 'lean' ? `${now.current} of ${now.total}` : now.kind);
  }
  assert.deepEqual(seen, ['1 of 3', '2 of 3', '3 of 3']);
  activity.update('a', []);
  assert.deepEqual(activity.summary(), { kind: 'idle' });
  activity.update('a', ['certificate']);
  assert.deepEqual(activity.summary(), { kind: 'lean', current: 1, total: 1 });
});

test('claims of another document join the count', () => {
  const activity = new Activity();
  activity.update('a', ['lean', 'certificate']);
  activity.update('a', ['certificate']);
  activity.update('b', ['certificate', 'certificate']);
  assert.deepEqual(activity.summary(), { kind: 'lean', current: 2, total: 4 });
});

test('a closed document counts no more', () => {
  const activity = new Activity();
  activity.update('a', ['analysis']);
  activity.closed('a');
  assert.deepEqual(activity.summary(), { kind: 'idle' });
});

test('an analysis without an answer is no idle server', () => {
  const activity = new Activity();
  activity.update('file:///w/big%20one.py', ['stopped']);
  const shown = appearance({ kind: 'running', activity: activity.summary() });
  assert.equal(shown.severity, 'warning');
  assert.match(shown.detail, /big one\.py/);
});

test('a restart says which try it is and how many documents wait', () => {
  const shown = appearance({ kind: 'restarting', number: 2, tries: 5, waiting: 3 });
  assert.match(shown.text, /try 2 of 5/);
  assert.match(shown.detail, /3 open documents are waiting/);
});

test('what stands shorter than the delay is not drawn', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const drawn: string[] = [];
    const steady = new Steady<string>((value) => drawn.push(value));
    steady.set('idle');
    steady.set('analysing');
    mock.timers.tick(STEADY - 1);
    steady.set('idle');
    mock.timers.tick(10 * STEADY);
    assert.deepEqual(drawn, ['idle']);
    steady.set('analysing');
    mock.timers.tick(STEADY);
    assert.deepEqual(drawn, ['idle', 'analysing']);
  } finally {
    mock.timers.reset();
  }
});
