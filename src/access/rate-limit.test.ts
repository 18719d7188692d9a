import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { createRateLimit, toAddressKey } from './rate-limit.js';

it('the window slides: each attempt comes free by itself, and the wait that was named suffices', () => {
  let now = 0;
  const limit = createRateLimit({ limit: 3, windowMs: 60_000, now: () => now });
  for (const at of [0, 10_000, 20_000]) {
    now = at;
    assert.deepEqual(limit.take('a'), { allowed: true, retryAfterS: 0 });
  }
  now = 20_500;
  assert.deepEqual(limit.take('a'), { allowed: false, retryAfterS: 40 });
  assert.equal(limit.take('b').allowed, true, 'others are not concerned');
  now = 59_999;
  assert.equal(limit.take('a').allowed, false);
  now = 20_500 + 40_000;
  assert.equal(limit.take('a').allowed, true);
  assert.deepEqual(limit.peek('a'), { allowed: false, retryAfterS: 10 });
  limit.reset('a');
  assert.equal(limit.peek('a').allowed, true);
});

it('in no window are more admitted than the limit, and a client that waits as told always gets in', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (gaps, most) => {
      let now = 0;
      const admitted: number[] = [];
      const limit = createRateLimit({ limit: most, windowMs: 60_000, now: () => now });
      for (const gap of gaps) {
        now += gap;
        const verdict = limit.take('a');
        if (verdict.allowed) admitted.push(now);
        else {
          now += verdict.retryAfterS * 1000;
          assert.equal(limit.take('a').allowed, true);
          admitted.push(now);
        }
      }
      for (const end of admitted) assert.ok(admitted.filter((at) => at > end - 60_000 && at <= end).length <= most);
    }),
  );
});

it('memory is bounded whatever the number of keys, and the busy ones stay', () => {
  const limit = createRateLimit({ limit: 2, windowMs: 60_000, maxKeys: 100, now: () => 0 });
  limit.take('busy');
  limit.take('busy');
  for (let index = 0; index < 10_000; index++) {
    limit.take(`key${index}`);
    assert.equal(limit.take('busy').allowed, false);
  }
  assert.equal(limit.size, 100);
});

it('an address is counted as one customer', () => {
  for (const [address, key] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ] as const) {
    assert.equal(toAddressKey(address), key, address);
  }
});
