import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { NatsConnection } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { assertWithin, startTestBroker, type TestBroker, waitFor } from '../testkit/index.js';
import { keyValue } from './index.js';

let broker: TestBroker;
let connection: NatsConnection;

before(async () => {
  broker = await startTestBroker();
  connection = await broker.connect();
});
after(() => broker.stop());

const code = (wanted: string) => (error: unknown) => error instanceof WeirError && error.code === wanted;
const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : new TextDecoder().decode(value));

test('compare and set: one writer wins, the revision is the token', async () => {
  const bucket = await keyValue(connection, { bucket: 'cas' });
  assert.equal(await bucket.get('lease'), undefined);
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map((number) => bucket.create('lease', `holder-${number}`)));
  assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
  for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(code('already_exists')(outcome.reason));
  const held = await bucket.get('lease');
  assert.ok(held);
  const renewed = await bucket.update('lease', 'again', held.revision);
  assert.ok(renewed > held.revision);
  await assert.rejects(bucket.update('lease', 'late', held.revision), code('failed_precondition'));
  await assert.rejects(bucket.delete('lease', held.revision), code('failed_precondition'));
  await bucket.delete('lease', renewed);
  assert.equal(await bucket.get('lease'), undefined);
  assert.ok((await bucket.create('lease', 'next')) > renewed, 'a deleted key can be created again');
  await assert.rejects(bucket.put('not a key', 'x'), code('invalid_argument'));
  await bucket.put('b/c.d', new Uint8Array([1, 2, 3]));
  assert.deepEqual([...((await bucket.get('b/c.d'))?.value ?? [])], [1, 2, 3]);
  assert.deepEqual(await bucket.keys(), ['b/c.d', 'lease']);
  assert.deepEqual(await (await keyValue(connection, { bucket: 'empty' })).keys(), []);
});

test('an entry vanishes after its time', async () => {
  const bucket = await keyValue(connection, { bucket: 'ttl', ttlMs: 300, storage: 'memory' });
  await bucket.put('a', 'x');
  await waitFor(async () => (await bucket.get('a')) === undefined, { what: 'the end of the entry', deadlineMs: 3000 });
  await bucket.create('a', 'y');
});

test('a watch sees what is there, each change, and goes on after kill -9 of the broker', async () => {
  await using own = await startTestBroker();
  const mine = await own.connect();
  const bucket = await keyValue(mine, { bucket: 'watched' });
  await bucket.put('a', '1');
  await bucket.put('a', '2');
  await bucket.put('b', '1');
  const seen: string[] = [];
  let current = 0;
  const watch = bucket.watch((entry) => void seen.push(`${entry.key}=${text(entry.value) ?? 'gone'}`), {
    onCurrent: () => {
      current += 1;
    },
  });
  await waitFor(() => current === 1, { what: 'the present values' });
  assert.deepEqual(seen, ['a=2', 'b=1']);
  await bucket.delete('b');
  await waitFor(() => seen.length === 3, { what: 'the change' });
  await own.kill9();
  await own.restart();
  const restarted = performance.now();
  await bucket.put('c', '1');
  await waitFor(() => seen.includes('c=1'), { what: 'the change after the restart' });
  await assertWithin(performance.now() - restarted, 2500, 'the change after the restart');
  assert.deepEqual(seen, ['a=2', 'b=1', 'b=gone', 'c=1']);
  await watch.stop();
});
