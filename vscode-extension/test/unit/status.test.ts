import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Activity } from '../../src/status/activity.ts';
import { appearance } from '../../src/status/phase.ts';
import { type Drawn, STEADY, Steady, settle } from '../../src/status/steady.ts';

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

test('a transition shorter than the delay is not drawn', () => {
  const idle = settle({ value: 'idle' }, 'analysing', 1000);
  assert.equal(idle.value, 'idle');
  const back = settle(idle, 'idle', 1000 + STEADY - 1);
  assert.deepEqual(back, { value: 'idle' });
  assert.equal(settle(back, 'analysing', 1000 + STEADY).value, 'idle');
  assert.equal(settle(idle, 'analysing', 1000 + STEADY).value, 'analysing');
});

test('what is out of date never stays longer than the delay, however often the new state changes', () => {
  let drawn: Drawn<string> = { value: 'current' };
  for (let time = 0; time <= STEADY; time += 10) {
    drawn = settle(drawn, time % 20 === 0 ? 'checking' : 'stale', time);
  }
  assert.notEqual(drawn.value, 'current');
});

test('several things settle each in their own time', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  try {
    const drawn: string[] = [];
    const steady = new Steady<string>((values) =>
      drawn.push([...values].map((pair) => pair.join(' ')).join(', ')),
    );
    steady.set(new Map([['a', 'checking']]));
    mock.timers.tick(STEADY / 2);
    steady.set(
      new Map([
        ['a', 'checking'],
        ['b', 'checking'],
      ]),
    );
    mock.timers.tick(STEADY / 2);
    assert.equal(drawn.at(-1), 'a checking');
    mock.timers.tick(STEADY / 2);
    assert.equal(drawn.at(-1), 'a checking, b checking');
    steady.set(new Map([['b', 'checking']]));
    mock.timers.tick(STEADY);
    assert.equal(drawn.at(-1), 'b checking');
  } finally {
    mock.timers.reset();
  }
});
