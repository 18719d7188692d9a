import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { NatsConnection } from '@nats-io/nats-core';
import { assertWithin, startTestBroker, type TestBroker, waitFor } from '../testkit/index.js';
import { findJournal, workQueue } from './index.js';

let broker: TestBroker;
let connection: NatsConnection;

before(async () => {
  broker = await startTestBroker();
  connection = await broker.connect();
});
after(() => broker.stop());

const spec = (name: string) => ({ name, subjects: [`${name}.>`], storage: 'file' as const, durable: 'workers' });

test('an id is added once; items are shared out and gone when done', async () => {
  const queue = await workQueue(connection, spec('JOBS'));
  const first = await queue.add('JOBS.a', 'one', { id: 'job-1' });
  assert.deepEqual(await queue.add('JOBS.a', 'one', { id: 'job-1' }), { sequence: first.sequence, duplicate: true });
  for (let number = 2; number <= 20; number += 1) await queue.add('JOBS.a', `${number}`, { id: `job-${number}` });
  const seen: number[] = [];
  let most = 0;
  let active = 0;
  const consumers = [1, 2].map(() =>
    queue.consume(
      async (item) => {
        active += 1;
        most = Math.max(most, active);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(item.sequence);
        active -= 1;
        return 'done';
      },
      { concurrency: 2 },
    ),
  );
  await waitFor(() => seen.length === 20, { what: 'all items' });
  await waitFor(async () => (await findJournal(connection, 'JOBS'))?.messages === 0, { what: 'an empty queue' });
  assert.equal(new Set(seen).size, 20);
  assert.ok(most <= 4);
  await Promise.all(consumers.map((consumer) => consumer.stop()));
});

test('retries are spaced, the last failure is final, and giving up is at once', async () => {
  const queue = await workQueue(connection, { ...spec('RETRY'), maxDeliver: 3, retryDelaysMs: [150, 300] });
  const tries: { at: number; delivery: number }[] = [];
  const failures: [number, boolean][] = [];
  const consumer = queue.consume(
    async (item) => {
      if (item.subject.endsWith('hopeless')) return 'give_up';
      tries.push({ at: performance.now(), delivery: item.delivery });
      throw new Error('no luck');
    },
    { onFailure: (item, _error, final) => failures.push([item.delivery, final]) },
  );
  await queue.add('RETRY.a', 'x', { id: 'r1' });
  await waitFor(() => failures.length === 3, { what: 'three failures' });
  assert.deepEqual(failures, [
    [1, false],
    [2, false],
    [3, true],
  ]);
  assert.ok((tries[1]?.at ?? 0) - (tries[0]?.at ?? 0) >= 145);
  assert.ok((tries[2]?.at ?? 0) - (tries[1]?.at ?? 0) >= 295);
  await queue.add('RETRY.hopeless', 'x', { id: 'r2' });
  await waitFor(() => consumer.counters.given_up === 2, { what: 'the second to be given up' });
  await waitFor(async () => (await findJournal(connection, 'RETRY'))?.messages === 0, { what: 'an empty queue' });
  await consumer.stop();
});

test('a long job keeps its item, and survives a kill -9 of the broker', async () => {
  await using own = await startTestBroker();
  const mine = await own.connect();
  const queue = await workQueue(mine, { ...spec('LONG'), ackWaitMs: 400 });
  const deliveries: string[] = [];
  let finish = () => {};
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const consumer = queue.consume(
    async (item) => {
      deliveries.push(`${item.subject}#${item.delivery}`);
      if (item.subject === 'LONG.first') await gate;
      return undefined;
    },
    { concurrency: 2 },
  );
  await queue.add('LONG.first', 'x', { id: 'l1' });
  await waitFor(() => deliveries.length === 1, { what: 'the item' });
  const started = performance.now();
  let added = 0;
  for (; performance.now() - started < 1300; added += 1) await queue.add('LONG.other', 'x', { id: `o${added}` });
  assert.equal(deliveries.filter((one) => one.startsWith('LONG.first')).length, 1, 'not given to another while it is worked on');
  await own.kill9();
  await own.restart();
  const restarted = performance.now();
  await queue.add('LONG.after', 'x', { id: 'after' });
  await waitFor(() => deliveries.some((one) => one.startsWith('LONG.after')), { what: 'work after the restart' });
  await assertWithin(performance.now() - restarted, 2500, 'work after the restart');
  finish();
  // After a kill -9 nats-server 2.9 may keep items in the file that were done; they are not given out again.
  await waitFor(() => consumer.counters.active === 0, { what: 'the long job to end' });
  assert.ok(consumer.counters.done >= added + 2, 'every item was done');
  assert.equal(consumer.counters.given_up + consumer.counters.retried, 0);
  await consumer.stop();
});

test('a stopped worker gives its item back at once', async () => {
  const queue = await workQueue(connection, { ...spec('STOP'), retryDelaysMs: [60_000] });
  let started = false;
  const consumer = queue.consume(async (_item, signal) => {
    started = true;
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    return 'done';
  });
  await queue.add('STOP.a', 'x', { id: 's1' });
  await waitFor(() => started, { what: 'the first worker' });
  await consumer.stop(50);
  const second: number[] = [];
  const next = queue.consume(async (item) => {
    second.push(item.delivery);
    return 'done';
  });
  await waitFor(() => second.length === 1, { what: 'the second worker' });
  assert.deepEqual(second, [2]);
  await next.stop();
});
