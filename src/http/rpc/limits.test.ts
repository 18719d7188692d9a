import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallLimits } from './limits.js';

const limit = { perSecond: 2, burst: 3 };

test('a burst passes, then as many as are allowed per second, and the wait is told', () => {
  let now = 0;
  const limits = createCallLimits(() => now);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => limits.take('a', limit)),
    [0, 0, 0, 500],
  );
  now = 400;
  assert.equal(limits.take('a', limit), 100);
  now = 500;
  assert.equal(limits.take('a', limit), 0);
  assert.equal(limits.take('b', limit), 0);
  now = 60_000;
  assert.deepEqual(
    [1, 2, 3, 4].map(() => limits.take('a', limit)),
    [0, 0, 0, 500],
  );
});

test('the first call of a client passes, however small the burst and however fine the clock', () => {
  let now = 0;
  const limits = createCallLimits(() => {
    now += 0.001;
    return now;
  });
  const slow = { perSecond: 1 / 60, burst: 1 };
  assert.equal(limits.take('a', slow), 0);
  assert.ok(limits.take('a', slow) > 59_000);
});

test('many clients do not make an active one be forgotten', () => {
  const limits = createCallLimits(() => 0);
  for (let call = 0; call < 3; call += 1) limits.take('a', limit);
  for (let other = 0; other < 15_000; other += 1) {
    limits.take(`other ${other}`, limit);
    if (other % 5000 === 0) limits.take('a', limit);
  }
  assert.equal(limits.take('a', limit), 500);
});
