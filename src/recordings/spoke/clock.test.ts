import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWallClock, EpochClock } from './clock.js';

function clockOf() {
  const time = { ms: 1_000_000, evenMs: 0 };
  const clock = createWallClock({ system: () => time.ms, even: () => time.evenMs });
  const pass = (ms: number) => {
    time.ms += ms;
    time.evenMs += ms;
  };
  return { time, clock, pass };
}

test('a clock set forward makes one jump, which is told', () => {
  const { time, clock, pass } = clockOf();
  pass(5000);
  assert.equal(clock.check(), 0);
  time.ms += 3_600_000;
  assert.equal(clock.now(), 1_005_000, 'nothing happens unnoticed');
  assert.equal(clock.check(), 3_600_000);
  assert.equal(clock.now(), time.ms);
  assert.equal(clock.check(), 0);
});

test('a clock set back a little is waited for: time goes on, and comes true again', () => {
  const { time, clock, pass } = clockOf();
  time.ms -= 30_000;
  assert.equal(clock.check(), 0);
  let last = clock.now();
  assert.equal(last, 1_000_000);
  for (let second = 0; second < 400; second += 1) {
    pass(1000);
    assert.equal(clock.check(), 0);
    assert.ok(clock.now() > last && clock.now() - last >= 890, `slower by a tenth at most: ${clock.now() - last}`);
    last = clock.now();
  }
  assert.equal(last, time.ms);
});

test('a clock set back far jumps back; set forward during a wait, the wait ends first', () => {
  const { time, clock } = clockOf();
  time.ms -= 7_200_000;
  assert.equal(clock.check(), -7_200_000);
  time.ms -= 20_000;
  assert.equal(clock.check(), 0);
  time.ms += 50_000;
  assert.equal(clock.check(), 30_000);
  assert.equal(clock.now(), time.ms);
});

test('drift is followed without a jump', () => {
  const { time, clock, pass } = clockOf();
  for (let second = 0; second < 600; second += 1) {
    pass(1000);
    time.ms += 1;
    assert.equal(clock.check(), 0);
  }
  assert.ok(Math.abs(clock.now() - time.ms) < 30, `${clock.now() - time.ms}`);
});

test('times of pictures keep to the earliest arrivals', () => {
  const epoch = new EpochClock();
  for (let frame = 0; frame < 300; frame += 1) epoch.observe(frame * 100, 50_000 + frame * 100 + (frame % 3) * 40);
  assert.ok(Math.abs(epoch.wallOf(10_000) - 60_000) < 15, `${epoch.wallOf(10_000)}`);
});
