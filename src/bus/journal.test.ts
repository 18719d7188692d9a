import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { NatsConnection } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { assertWithin, startTestBroker, type TestBroker, waitFor, withDeadline } from '../testkit/index.js';
import { deleteJournal, ensureJournal, findJournal, followJournal, type JournalSpec, readJournal } from './index.js';
import { storeMessage } from './jetstream-api.js';

let broker: TestBroker;
let connection: NatsConnection;

before(async () => {
  broker = await startTestBroker();
  connection = await broker.connect();
});
after(() => broker.stop());

const code = (wanted: string) => (error: unknown) => error instanceof WeirError && error.code === wanted;
const spec = (name: string): JournalSpec => ({ name, subjects: [`${name}.>`], storage: 'file', maxAgeMs: 3_600_000, maxBytes: 10_000_000 });

async function store(name: string, subject: string, from: number, count: number, on = connection): Promise<void> {
  const encoder = new TextEncoder();
  for (let number = from; number < from + count; number += 1) {
    await storeMessage(on, `${name}.${subject}`, encoder.encode(JSON.stringify({ number })), {});
  }
}

test('a journal is made, left alone, changed, and refused where it cannot be changed', async () => {
  const made = await ensureJournal(connection, spec('ENSURE'));
  assert.equal(made.outcome, 'created');
  assert.deepEqual(made.warnings, []);
  assert.equal((await ensureJournal(connection, spec('ENSURE'))).outcome, 'unchanged');
  const changed = await ensureJournal(connection, { ...spec('ENSURE'), maxBytes: 5_000_000 });
  assert.equal(changed.outcome, 'updated');
  assert.equal(changed.journalId, made.journalId);
  await assert.rejects(ensureJournal(connection, { ...spec('ENSURE'), storage: 'memory' }), code('failed_precondition'));
  await assert.rejects(ensureJournal(connection, { ...spec('OTHER'), subjects: ['ENSURE.a'] }), code('failed_precondition'));
  assert.equal(await deleteJournal(connection, 'ENSURE'), true);
  assert.equal(await deleteJournal(connection, 'ENSURE'), false);
  assert.equal(await findJournal(connection, 'ENSURE'), undefined);
});

test('history: after, since, until, limit, newest of one subject among many', async () => {
  await ensureJournal(connection, spec('READ'));
  await assert.rejects(readJournal(connection, 'MISSING'), code('not_found'));
  assert.deepEqual((await readJournal(connection, 'READ')).items, []);
  for (let round = 0; round < 40; round += 1) {
    await store('READ', 'a', round * 5, 5);
    await store('READ', 'b', round, 1);
  }
  const numbers = (page: Awaited<ReturnType<typeof readJournal>>) => page.items.map((item) => (item.json() as { number: number }).number);
  const newest = await readJournal(connection, 'READ', { subject: 'READ.a', limit: 12 });
  assert.deepEqual(
    numbers(newest),
    Array.from({ length: 12 }, (_none, index) => 188 + index),
  );
  assert.equal(newest.more, true);
  const all = await readJournal(connection, 'READ', { subject: 'READ.b', limit: 100 });
  assert.equal(all.items.length, 40);
  assert.equal(all.more, false);
  const first = await readJournal(connection, 'READ', { after: 0, limit: 7 });
  assert.equal(first.items.length, 7);
  assert.equal(first.more, true);
  const second = await readJournal(connection, 'READ', { after: first.last, limit: 7 });
  assert.equal(second.items[0]?.sequence, first.last + 1);
  const middle = all.items[20]?.time ?? 0;
  const since = await readJournal(connection, 'READ', { since: middle, subject: 'READ.b' });
  assert.ok(since.items.length <= 20 && since.items.length > 0 && since.items.every((item) => item.time >= middle));
  const until = await readJournal(connection, 'READ', { until: middle, subject: 'READ.b' });
  assert.ok(until.items.length > 0 && until.items.every((item) => item.time < middle));
  const none = await readJournal(connection, 'READ', { after: newest.last + 1_000 });
  assert.deepEqual(none.items, []);
});

test('following starts where it was told, holds back for a slow receiver, and stops', async () => {
  await ensureJournal(connection, spec('FOLLOW'));
  await store('FOLLOW', 'a', 0, 50);
  const seen: number[] = [];
  let active = 0;
  let current = 0;
  const follower = followJournal(
    connection,
    'FOLLOW',
    async (message) => {
      active += 1;
      assert.equal(active, 1, 'one at a time');
      await Promise.resolve();
      seen.push(message.sequence);
      active -= 1;
    },
    {
      from: 10,
      credit: 4,
      onCurrent: () => {
        current += 1;
      },
    },
  );
  await follower.ready;
  await waitFor(() => seen.length === 40, { what: 'the old ones' });
  assert.equal(current, 1);
  await store('FOLLOW', 'a', 50, 5);
  await waitFor(() => follower.last === 55, { what: 'the new ones' });
  assert.deepEqual(
    seen,
    Array.from({ length: 45 }, (_none, index) => 11 + index),
  );
  await follower.stop();
  const failing = followJournal(connection, 'FOLLOW', () => Promise.reject(new Error('receiver failed')), { from: 'first' });
  await assert.rejects(failing.closed, /receiver failed/);
});

test('kill -9 of the broker: following goes on within 2.5 s, nothing lost, nothing twice', async () => {
  await using own = await startTestBroker();
  const mine = await own.connect();
  await ensureJournal(mine, spec('SAFE'));
  const seen: number[] = [];
  const follower = followJournal(mine, 'SAFE', (message) => void seen.push((message.json() as { number: number }).number), { from: 'first' });
  await follower.ready;
  await store('SAFE', 'a', 0, 200, mine);
  await waitFor(() => seen.length === 200, { what: 'the first 200' });
  await own.kill9();
  await own.restart();
  const restarted = performance.now();
  await store('SAFE', 'a', 200, 100, mine);
  await waitFor(() => seen.length >= 300, { what: 'the messages after the restart' });
  await assertWithin(performance.now() - restarted, 2500, 'the messages after the restart');
  assert.deepEqual(
    seen,
    Array.from({ length: 300 }, (_none, index) => index),
  );
  assert.ok(follower.counters.restarts >= 1);
  await follower.stop();
});

test('a consumer that was deleted and a journal that was made anew are noticed', async () => {
  await ensureJournal(connection, { ...spec('ANEW'), storage: 'memory' });
  const seen: string[] = [];
  const states: string[] = [];
  const follower = followJournal(connection, 'ANEW', (message) => void seen.push(message.subject), { onState: (state) => states.push(state) });
  await follower.ready;
  await store('ANEW', 'a', 0, 1);
  await waitFor(() => seen.length === 1, { what: 'the first' });
  await deleteJournal(connection, 'ANEW');
  await ensureJournal(connection, { ...spec('ANEW'), storage: 'memory' });
  await store('ANEW', 'b', 0, 1);
  await waitFor(() => seen.length === 2, { what: 'the first of the new journal', deadlineMs: 4000 });
  assert.deepEqual(seen, ['ANEW.a', 'ANEW.b']);
  assert.ok(states.includes('reset'));
  await follower.stop();
});

test('following ends by signal, and with the connection', async () => {
  await using own = await startTestBroker();
  const mine = await own.connect();
  await ensureJournal(mine, spec('END'));
  const abort = new AbortController();
  const bySignal = followJournal(mine, 'END', () => undefined, { signal: abort.signal });
  await bySignal.ready;
  abort.abort();
  await withDeadline(bySignal.closed, 1000);
  const byClose = followJournal(mine, 'END', () => undefined);
  await byClose.ready;
  await mine.close();
  await assert.rejects(withDeadline(byClose.closed, 3000), code('unavailable'));
});
