import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRateLimit, limitKey } from './rate-limit.js';

test('a bucket is empty after its attempts and fills up again over the minute', () => {
  let now = 0;
  const limit = createRateLimit(() => now);
  for (let attempt = 0; attempt < 3; attempt++) assert.equal(limit.take('a', 3), 0);
  assert.equal(limit.take('a', 3), 20);
  assert.equal(limit.take('b', 3), 0);
  now = 10_000;
  assert.equal(limit.take('a', 3), 10);
  now = 20_000;
  assert.equal(limit.take('a', 3), 0);
  assert.ok(limit.take('a', 3) > 0);
});

test('many addresses do not make an active one be forgotten', () => {
  const limit = createRateLimit(() => 0);
  limit.take('active', 2);
  for (let index = 0; index < 30_000; index++) {
    limit.take(`stranger ${index}`, 2);
    if (index % 5000 === 0) limit.take('active', 2);
  }
  assert.ok(limit.take('active', 2) > 0);
});

const keys: [address: string, key: string][] = [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
];
for (const [address, key] of keys) test(`${address} is limited as ${key}`, () => assert.equal(limitKey(address), key));
