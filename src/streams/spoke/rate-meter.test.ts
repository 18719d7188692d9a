import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Pulse } from './pulse.js';
import { RateMeter } from './rate-meter.js';

test('rates are those of the last second', () => {
  const meter = new RateMeter();
  for (let ms = 0; ms < 3000; ms += 40) meter.add(1, 1000, ms);
  assert.deepEqual(meter.rates(2999), { fps: 25, bitrateKbps: 200 });
  assert.deepEqual(meter.rates(3499), { fps: 15, bitrateKbps: 120 });
  assert.deepEqual(meter.rates(60_000), { fps: 0, bitrateKbps: 0 });
  assert.equal(meter.totalFrames, 75);
});

test('a steady source reads the same at any phase, and nothing once it has stopped', () => {
  const phase = fc.double({ min: 0, max: 1000, noNaN: true });
  fc.assert(
    fc.property(phase, phase, fc.integer({ min: 1, max: 20 }), (startMs, readMs, seconds) => {
      const meter = new RateMeter();
      const atMs = startMs + 1000 * seconds + 100 + readMs;
      let lastMs = startMs;
      for (let frame = 0; lastMs <= atMs; frame++) {
        meter.add(1, 4000, lastMs);
        lastMs = startMs + ((frame + 1) * 1000) / 30;
      }
      const { fps, bitrateKbps } = meter.rates(atMs);
      assert.ok(Math.abs(fps - 30) <= 1, `${fps} frames per second`);
      assert.ok(Math.abs(bitrateKbps - 960) <= 32, `${bitrateKbps} kbit/s`);
      assert.deepEqual(meter.rates(atMs + 1100), { fps: 0, bitrateKbps: 0 });
    }),
  );
});

test('a source that has just begun is not read low', () => {
  const meter = new RateMeter();
  for (let ms = 50; ms < 700; ms += 40) meter.add(1, 1000, ms);
  const { fps } = meter.rates(700);
  assert.ok(fps >= 24 && fps <= 27, `${fps} frames per second`);
});

test('each report comes once per period, and a late look does not make it catch up', () => {
  const pulse = new Pulse();
  const counts = { metrics: 0, second: 0, status: 0 };
  for (let ms = 0; ms < 60_000; ms += 100) for (const beat of pulse.take(ms)) counts[beat] += 1;
  assert.deepEqual(counts, { metrics: 300, second: 60, status: 6 });
  assert.deepEqual(pulse.take(300_000), ['metrics', 'second', 'status']);
  assert.deepEqual(pulse.take(300_100), []);
});
