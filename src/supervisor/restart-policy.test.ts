import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRestartPolicy, type RestartOptions } from './restart-policy.js';

const plain: RestartOptions = { initialMs: 100, maxMs: 1000, factor: 2, jitter: 0, stableAfterMs: 5000, crashLoop: { count: 100, withinMs: 60_000 } };

function delays(options: RestartOptions, runs: { runMs: number }[]): number[] {
  const policy = createRestartPolicy(options, () => 0);
  let now = 0;
  return runs.map(({ runMs }) => {
    policy.started(now);
    now += runMs;
    const { delayMs } = policy.ended(now);
    now += delayMs;
    return delayMs;
  });
}

test('restart: delays grow to the longest one', () => {
  assert.deepEqual(delays(plain, Array(6).fill({ runMs: 1 })), [100, 200, 400, 800, 1000, 1000]);
});

test('restart: a stable run begins anew', () => {
  assert.deepEqual(delays(plain, [{ runMs: 1 }, { runMs: 1 }, { runMs: 5000 }, { runMs: 1 }]), [100, 200, 100, 200]);
});

test('restart: immediate ones come first', () => {
  assert.deepEqual(delays({ ...plain, immediate: 2 }, Array(4).fill({ runMs: 1 })), [0, 0, 100, 200]);
});

test('restart: a crash loop waits longest, and ends when the crashes are old', () => {
  const policy = createRestartPolicy({ ...plain, crashLoop: { count: 3, withinMs: 1000 } }, () => 0);
  assert.equal(policy.ended(0).crashLoop, false);
  assert.equal(policy.ended(10).crashLoop, false);
  assert.deepEqual(policy.ended(20), { delayMs: 1000, attempt: 3, crashLoop: true });
  assert.equal(policy.ended(1100).crashLoop, false);
});

test('restart: a reset forgets', () => {
  const policy = createRestartPolicy({ ...plain, crashLoop: { count: 2, withinMs: 1000 } }, () => 0);
  policy.ended(0);
  policy.reset();
  assert.deepEqual(policy.ended(1), { delayMs: 100, attempt: 1, crashLoop: false });
});

test('restart: whatever happens, delays stay within bounds and memory too', () => {
  const options = fc.record({
    initialMs: fc.integer({ min: 0, max: 5000 }),
    maxMs: fc.integer({ min: 0, max: 60_000 }),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    immediate: fc.integer({ min: 0, max: 3 }),
    stableAfterMs: fc.integer({ min: 1, max: 10_000 }),
    crashLoop: fc.record({ count: fc.integer({ min: 1, max: 10 }), withinMs: fc.integer({ min: 1, max: 100_000 }) }),
  });
  const runs = fc.array(fc.record({ runMs: fc.nat(20_000), random: fc.double({ min: 0, max: 0.999, noNaN: true }) }), { maxLength: 50 });
  fc.assert(
    fc.property(options, runs, (given, history) => {
      let random = 0;
      const policy = createRestartPolicy(given, () => random);
      let now = 0;
      let before = 0;
      for (const run of history) {
        random = run.random;
        policy.started(now);
        now += run.runMs;
        const decision = policy.ended(now);
        assert.ok(decision.delayMs >= 0 && decision.delayMs <= given.maxMs, `delay ${decision.delayMs}`);
        assert.equal(decision.attempt, run.runMs >= given.stableAfterMs ? 1 : before + 1);
        assert.ok(policy.state.ends.length <= given.crashLoop.count);
        before = decision.attempt;
        now += decision.delayMs;
      }
    }),
  );
});
