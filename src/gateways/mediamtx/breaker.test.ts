import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { type BreakerState, createBreaker } from './breaker.js';

const fail = () => Promise.reject(new WeirError('unavailable', 'no answer'));
const refuse = () => Promise.reject(new WeirError('not_found', 'no such path'));
const isFailure = (error: unknown) => error instanceof WeirError && error.code === 'unavailable';

function fixture() {
  let now = 0;
  const states: BreakerState[] = [];
  const breaker = createBreaker({ failures: () => 3, openMs: () => 1000, now: () => now, random: () => 0, onChange: (state) => states.push(state) });
  return {
    breaker,
    states,
    pass: (ms: number) => (now += ms),
    call: (work: () => Promise<unknown>) => breaker.run(work, isFailure).catch((error: WeirError) => error.code),
  };
}

test('opens after the limit of failures in a row, refuses without calling, and closes after a try that succeeds', async () => {
  const { breaker, states, pass, call } = fixture();
  for (let at = 0; at < 3; at++) await call(fail);
  let calls = 0;
  const counted = async () => void calls++;
  await call(counted);
  assert.deepEqual({ state: breaker.state, calls }, { state: 'open', calls: 0 });
  pass(1000);
  await call(counted);
  assert.deepEqual({ state: breaker.state, calls, states }, { state: 'closed', calls: 1, states: ['open', 'half_open', 'closed'] });
});

test('a success or a refused argument in between starts the count anew', async () => {
  const { breaker, call } = fixture();
  for (const work of [fail, fail, refuse, fail, fail, async () => 'good', fail, fail]) await call(work);
  assert.equal(breaker.state, 'closed');
});

test('only one call tries while half open, and a try that fails doubles the wait', async () => {
  const { breaker, pass, call } = fixture();
  for (let at = 0; at < 3; at++) await call(fail);
  pass(1000);
  let end: (error: WeirError) => void = () => undefined;
  const trial = call(() => new Promise((_resolve, reject) => (end = reject)));
  assert.equal(await call(async () => 'second'), 'unavailable', 'the second caller is refused');
  end(new WeirError('unavailable', 'still not'));
  await trial;
  pass(1500);
  assert.equal(await call(async () => 'good'), 'unavailable', 'twice as long now');
  pass(500);
  assert.equal(await call(async () => 'good'), 'good');
  assert.equal(breaker.state, 'closed');
});

test('a caller that goes away during the try leaves it to the next one', async () => {
  const { breaker, pass, call } = fixture();
  for (let at = 0; at < 3; at++) await call(fail);
  pass(1000);
  await call(() => Promise.reject(new WeirError('cancelled', 'gone')));
  assert.equal(await call(async () => 'good'), 'good');
  assert.equal(breaker.state, 'closed');
});
