import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pulse } from './pulse.js';
import { RateMeter } from './rate-meter.js';

test('rates are those of the last second', () => {
  const meter = new RateMeter();
  for (let ms = 0; ms < 3000; ms += 40) meter.add(1, 1000, ms);
  assert.deepEqual(meter.rates(2999), { fps: 25, bitrateKbps: 200 });
  assert.deepEqual(meter.rates(3499), { fps: 12, bitrateKbps: 96 });
  assert.deepEqual(meter.rates(60_000), { fps: 0, bitrateKbps: 0 });
  assert.equal(meter.totalFrames, 75);
});

test('each report comes once per period, and a late look does not make it catch up', () => {
  const pulse = new Pulse();
  const counts = { metrics: 0, second: 0, status: 0 };
  for (let ms = 0; ms < 60_000; ms += 100) for (const beat of pulse.take(ms)) counts[beat] += 1;
  assert.deepEqual(counts, { metrics: 300, second: 60, status: 6 });
  assert.deepEqual(pulse.take(300_000), ['metrics', 'second', 'status']);
  assert.deepEqual(pulse.take(300_100), []);
});
