import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Restarts, TRIES, WINDOW } from '../../src/server/restarts.ts';

test('the first try comes at once and later ones wait longer and longer', () => {
  const restarts = new Restarts();
  const delays = Array.from({ length: TRIES }, (_, index) => restarts.next(index)?.delay);
  assert.equal(delays[0], 0);
  for (let index = 2; index < TRIES; index++) assert.equal(delays[index], 2 * (delays[index - 1] ?? NaN));
});

test('after five tries in three minutes there are no more', () => {
  const restarts = new Restarts();
  for (let number = 1; number <= TRIES; number++) {
    assert.equal(restarts.next(number * 1000)?.number, number);
  }
  assert.equal(restarts.next(WINDOW - 1), undefined);
});

test('a server that dies now and then is started for ever', () => {
  const restarts = new Restarts();
  for (let time = 0; time < 20 * WINDOW; time += WINDOW / 4) assert.ok(restarts.next(time));
});

test('a start by a person counts from the beginning', () => {
  const restarts = new Restarts();
  for (let number = 1; number <= TRIES; number++) restarts.next(0);
  restarts.forget();
  assert.deepEqual(restarts.next(1), { number: 1, delay: 0 });
});
