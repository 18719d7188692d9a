import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { createLoginChecks } from './login-checks.js';

test('checks of one address run a few at a time, all of them in order, and keep no other address waiting', async () => {
  const checks = createLoginChecks();
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const check = (number: number) => () => {
    begun.push(number);
    return new Promise<number>((resolve) => ends.push(() => resolve(number)));
  };
  const all = Array.from({ length: 20 }, (_none, number) => checks.run('a', check(number)));
  await new Promise(setImmediate);
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(await checks.run('b', () => 'other'), 'other');
  for (let ended = 0; ended < 20; ended += 1) {
    ends[ended]?.();
    assert.equal(await all[ended], ended);
    await new Promise(setImmediate);
  }
  assert.deepEqual(
    begun,
    [...begun].sort((a, b) => a - b),
  );
});

test('a check that fails hands its place on, and too many that wait are refused', async () => {
  const checks = createLoginChecks();
  const fail = () => Promise.reject(new Error('down'));
  const failed = await Promise.allSettled(Array.from({ length: 30 }, () => checks.run('a', fail)));
  assert.ok(failed.every(({ status }) => status === 'rejected'));
  assert.equal(await checks.run('a', () => 1), 1);
  const full = await Promise.allSettled(Array.from({ length: 300 }, () => checks.run('a', fail)));
  const refused = full.filter((one) => one.status === 'rejected' && one.reason instanceof WeirError && one.reason.code === 'resource_exhausted');
  assert.equal(refused.length, 300 - 8 - 256);
});
