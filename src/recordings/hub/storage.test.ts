import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daysUntilFull, judgeDisk, observedMs, usedPercent } from './storage.js';

const limits = { warn_percent: 80, block_percent: 90, min_free_bytes: 10 };
const room = (used: number, free = 1000 - used) => ({ totalBytes: 1000, usedBytes: used, freeBytes: free });

for (const [name, used, before, expected] of [
  ['much room', 100, 'ok', 'ok'],
  ['the share to warn at', 800, 'ok', 'warning'],
  ['a little below it, but it was there', 797, 'warning', 'warning'],
  ['well below it', 790, 'warning', 'ok'],
  ['the share to block at', 900, 'warning', 'blocked'],
  ['a little below it, but it was there', 897, 'blocked', 'blocked'],
  ['well below it', 890, 'blocked', 'warning'],
] as const)
  test(`disk: ${name}: ${expected}`, () => assert.equal(judgeDisk(room(used), limits, before), expected));

test('disk: too few bytes free block at any share', () => {
  assert.equal(judgeDisk({ totalBytes: 1000, usedBytes: 1, freeBytes: 9 }, limits, 'ok'), 'blocked');
});

test('disk: what is kept for root belongs to neither side', () => {
  assert.equal(usedPercent({ totalBytes: 1000, usedBytes: 450, freeBytes: 450 }), 50);
});

test('forecast: days until recording is blocked, null when retention holds it before', () => {
  const base = { room: room(500), limits: { block_percent: 90, min_free_bytes: 0 }, bytesPerDay: 100, keptBytes: 100 };
  const policy = { enabled: true, policy_type: 'age' } as const;
  assert.equal(daysUntilFull({ ...base, policy: { ...policy, max_age_days: 30 } }), 4);
  assert.equal(daysUntilFull({ ...base, policy: { ...policy, max_age_days: 3 } }), null);
  assert.equal(daysUntilFull({ ...base, policy: { ...policy, enabled: false, max_age_days: 3 } }), 4);
  assert.equal(daysUntilFull({ ...base, bytesPerDay: 0, policy: { ...policy, max_age_days: 30 } }), null);
  assert.equal(daysUntilFull({ ...base, policy: { enabled: true, policy_type: 'size', max_size_gb: 300 / 1e9 } }), null);
});

test('rate: seen over the time that was recorded, from the first file to the end of the last, at most a week', () => {
  const nowMs = 20_000 * 86_400_000 + 3600_000;
  const minutes = (count: number) => count * 60_000;
  assert.equal(observedMs(nowMs - minutes(8), nowMs - minutes(1), nowMs), minutes(7));
  assert.equal(observedMs(nowMs - minutes(600), nowMs - minutes(500), nowMs), minutes(600));
  assert.equal(observedMs(nowMs - 100 * 86_400_000, undefined, nowMs), 6 * 86_400_000 + 3600_000);
  assert.equal(observedMs(undefined, undefined, nowMs), 0);
});
