import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaHeaders } from '../contracts/index.js';
import { createMediaOrder } from './media-order.js';
import type { PulledMessage } from './pull.js';

function message(kind: 'init' | 'key' | 'delta', epoch: string, sequence = 0): PulledMessage {
  const headers = new Map<string, string>([
    [mediaHeaders.epoch, epoch],
    [mediaHeaders.sequence, String(sequence)],
  ]);
  const msg = { subject: `videonode.stream.s.media.${kind}`, data: new Uint8Array(1), headers: { get: (name: string) => headers.get(name) ?? '' } };
  return { msg: msg as never, delivery: 1, sequence: 1, consumerSequence: 1, time: 0, pending: 0 };
}

function setUp() {
  let clock = 0;
  const seen: string[] = [];
  const order = createMediaOrder(
    {
      onInit: ({ epoch }) => void seen.push(`init ${epoch}`),
      onFragment: ({ epoch, sequence }) => void seen.push(`${epoch}${sequence}`),
      onGap: ({ reason }) => void seen.push(`gap ${reason}`),
    },
    () => clock,
  );
  return { seen, take: (...args: Parameters<typeof message>) => order.take(message(...args)), pass: (ms: number) => (clock += ms) };
}

test('a repetition of what came before the present epoch is passed over', async () => {
  const { seen, take, pass } = setUp();
  await take('init', 'b');
  await take('key', 'b', 1);
  await take('init', 'a');
  for (let sequence = 1; sequence < 20; sequence++) {
    pass(100);
    assert.equal(await take(sequence % 5 === 1 ? 'key' : 'delta', 'a', sequence), 'skipped');
  }
  await take('delta', 'b', 2);
  // Seldom last words never add up.
  for (let round = 0; round < 5; round++) {
    pass(2000);
    assert.equal(await take('key', 'a', 30 + round), 'skipped');
    await take('delta', 'b', 3 + round);
  }
  assert.deepEqual(seen, ['init b', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7']);
});

test('an epoch that sorts lower because a clock was set back is shown after a while, from a key', async () => {
  const { seen, take, pass } = setUp();
  await take('init', 'b');
  await take('key', 'b', 1);
  await take('init', 'a');
  await take('key', 'a', 1);
  pass(3500);
  assert.equal(await take('delta', 'a', 2), 'skipped');
  assert.equal(await take('key', 'a', 3), 'delivered');
  assert.equal(await take('delta', 'a', 4), 'delivered');
  assert.deepEqual(seen, ['init b', 'b1', 'init a', 'a3', 'a4']);
});

test('without its init segment it is asked for', async () => {
  const { seen, take, pass } = setUp();
  await take('init', 'b');
  await take('key', 'b', 1);
  assert.equal(await take('key', 'a', 1), 'skipped');
  pass(3500);
  assert.equal(await take('key', 'a', 2), 'no_init');
  await take('init', 'a');
  assert.equal(await take('key', 'a', 2), 'delivered');
  assert.deepEqual(seen, ['init b', 'b1', 'init a', 'a2']);
});
