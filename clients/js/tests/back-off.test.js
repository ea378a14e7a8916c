import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackOff } from '../src/stream/back-off.js';

const waits = (backOff, count) => Array.from({ length: count }, () => backOff.next());

test('each failure doubles the wait, up to half a minute; a success begins anew', () => {
  const backOff = new BackOff(() => 0);
  assert.deepEqual(waits(backOff, 7), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  backOff.reset();
  assert.equal(backOff.next(), 1000);
});

test('those who were cut off together come back at different times, and none too early', () => {
  for (const [random, wait] of [[0, 1000], [0.5, 1250], [0.999999, 1500]]) {
    assert.equal(Math.round(new BackOff(() => random).next()), wait);
  }
});

test('the wait that the server asks for is the least', () => {
  const backOff = new BackOff(() => 0);
  backOff.retryMs = 5000;
  assert.deepEqual(waits(backOff, 6), [5000, 5000, 5000, 8000, 16_000, 30_000]);
  backOff.retryMs = 60_000;
  assert.equal(backOff.next(), 60_000);
});

test('no number that a server names makes a loop without a break, nor a timer that fires at once', () => {
  const backOff = new BackOff(() => 0.9);
  backOff.retryMs = 0;
  assert.ok(backOff.next() >= 50);
  backOff.retryMs = Number('9'.repeat(400));
  assert.equal(backOff.next(), 2 ** 31 - 1);
});
