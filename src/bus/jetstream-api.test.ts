import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeirError } from '../contracts/index.js';
import { startTestBroker, waitFor } from '../testkit/index.js';
import { ensureJournal, readJournal } from './index.js';
import { lastMessage, storeMessage, streamInfo } from './jetstream-api.js';

const info = (name: string) => JSON.stringify({ config: { name }, created: '2026-01-01T00:00:00Z', state: {} });

test('JetStream that is deaf for a moment is asked again; where there is none, that is told', async () => {
  await using broker = await startTestBroker({ jetstream: false });
  const connection = await broker.connect();
  const server = await broker.connect();
  await assert.rejects(streamInfo(connection, 'LATE'), (error: unknown) => error instanceof WeirError && error.code === 'unavailable');
  const asked = streamInfo(connection, 'LATE');
  // The first question has met nobody when this comes back.
  await connection.flush();
  server.subscribe('$JS.API.STREAM.INFO.LATE', { callback: (_error, message) => void message.respond(info('LATE')) });
  await server.flush();
  assert.equal((await asked).config.name, 'LATE');
});

test('an answer of JetStream that is lost on its way is asked for again', async () => {
  await using broker = await startTestBroker({ jetstream: false });
  const server = await broker.connect();
  let questions = 0;
  server.subscribe('$JS.API.STREAM.INFO.LOST', {
    callback: (_error, message) => {
      questions += 1;
      if (questions === 2) message.respond(info('LOST'));
    },
  });
  await server.flush();
  assert.equal((await streamInfo(await broker.connect(), 'LOST')).config.name, 'LOST');
  assert.equal(questions, 2);
});

test('reloads of the users fail no call of JetStream and no page of a journal', async () => {
  await using broker = await startTestBroker();
  const connection = await broker.connect();
  await ensureJournal(connection, { name: 'CALM', subjects: ['CALM.>'], storage: 'memory', maxAgeMs: 60_000, maxBytes: 1_000_000 });
  const encoder = new TextEncoder();
  for (let number = 0; number < 20; number += 1) await storeMessage(connection, 'CALM.a', encoder.encode(`${number}`), {});
  let isOver = false;
  let pages = 0;
  const again = async (call: () => Promise<unknown>) => {
    while (!isOver) await call();
  };
  const calls = Promise.all([
    again(() => streamInfo(connection, 'CALM')),
    again(async () => assert.equal((await lastMessage(connection, 'CALM', 'CALM.a'))?.sequence, 20)),
    again(async () => {
      assert.equal((await readJournal(connection, 'CALM', { limit: 20 })).items.length, 20);
      pages += 1;
    }),
  ]);
  const reloads = (async () => {
    for (let round = 0; round < 15; round += 1) {
      const before = pages;
      await broker.setUsers([{ user: `u${round}`, password: 'p' }]);
      await waitFor(() => pages > before, { deadlineMs: 30_000, what: 'a page after the reload' });
    }
  })().finally(() => {
    isOver = true;
  });
  await Promise.all([calls, reloads]);
});
