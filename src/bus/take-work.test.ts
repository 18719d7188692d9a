import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { permissionsFor, type VideoChunk, videoQueues, WeirError } from '../contracts/index.js';
import { startTestBroker, type TestBroker, waitFor } from '../testkit/index.js';
import { addWork, createBus, ensureJournal, ensureWorkPlace, findWorkPlace, startAgent, takeWork, watchAgents } from './index.js';

const inboxPrefix = '_INBOX_worker';
const { publish, subscribe } = permissionsFor('vod_worker', { streams: 'all', workerId: 'w1', inboxPrefix });
let broker: TestBroker;

before(async () => {
  broker = await startTestBroker({ users: [{ user: 'worker', password: 'worker', publish, subscribe, allowResponses: true }] });
});
after(() => broker.stop());

const { processing, chunks } = videoQueues;
const place = { journal: processing.name, durable: processing.durable };

async function declare(ackWaitMs: number = processing.ackWaitMs) {
  const hub = await broker.connect();
  await ensureJournal(hub, { name: processing.name, subjects: ['video.upload', 'video.process'], storage: 'file', maxMessageBytes: 1000 });
  const made = await ensureWorkPlace(hub, { ...place, filter: 'video.process', ackWaitMs, maxDeliver: processing.maxDeliver });
  await ensureJournal(hub, { name: chunks.name, subjects: ['video.chunk.*'], storage: 'file', retention: 'work_queue' });
  await ensureWorkPlace(hub, { journal: chunks.name, durable: chunks.durable, ackWaitMs: chunks.ackWaitMs, maxDeliver: chunks.maxDeliver });
  return { hub, made };
}

test('with the rights of a worker: take, keep, give back, finish; add pieces; make nothing', async () => {
  const { hub, made } = await declare();
  assert.deepEqual(made.warnings, []);
  const worker = await broker.connect('worker', { inboxPrefix });
  const taker = takeWork(worker, place);
  const waiting = taker.next(AbortSignal.timeout(10_000));
  await hub.request('video.upload', 'not for workers');
  await hub.request('video.process', 'one');
  const first = await waiting;
  assert.deepEqual([new TextDecoder().decode(first.data), first.delivery], ['one', 1]);
  assert.equal(await first.giveBack(1), true);
  const again = await taker.next(AbortSignal.timeout(10_000));
  assert.equal(again.delivery, 2);
  again.working();
  assert.equal(await again.done(), true);
  const facts = await waitFor(async () => {
    const found = await findWorkPlace(hub, place.journal, place.durable);
    return found?.held === 0 ? found : undefined;
  });
  assert.equal(facts.waiting, 0);
  const piece = { chunk: 1 } as unknown as VideoChunk;
  const added = await addWork(worker, 'video.chunk.j1', JSON.stringify(piece), { id: 'j1:1:1' });
  assert.equal((await addWork(worker, 'video.chunk.j1', JSON.stringify(piece), { id: 'j1:1:1' })).duplicate, true);
  const taken = await takeWork(worker, { journal: chunks.name, durable: chunks.durable }).next(AbortSignal.timeout(10_000));
  assert.equal(taken.sequence, added.sequence);
  await taken.done();
  const making = ensureWorkPlace(worker, { ...place, durable: 'MINE', ackWaitMs: 1000, maxDeliver: 1 });
  await assert.rejects(making, (error: unknown) => error instanceof WeirError);
});

test('a message that is too large for the queue is refused by the server', async () => {
  const { hub } = await declare();
  const answer = await hub.request('video.process', 'x'.repeat(1001));
  assert.match(answer.json<{ error?: { description: string } }>().error?.description ?? '', /size/);
});

test('a wait that is ended takes nothing; one that goes on outlives a kill -9 of the broker', async () => {
  await using own = await startTestBroker();
  const hub = await own.connect();
  await ensureJournal(hub, { name: 'W', subjects: ['w'], storage: 'file' });
  await ensureWorkPlace(hub, { journal: 'W', durable: 'D', ackWaitMs: 30_000, maxDeliver: 3 });
  const worker = await own.connect();
  const taker = takeWork(worker, { journal: 'W', durable: 'D' });
  const ended = new AbortController();
  const first = taker.next(ended.signal);
  ended.abort();
  await assert.rejects(first, (error: unknown) => error instanceof WeirError && error.code === 'cancelled');
  const second = taker.next(AbortSignal.timeout(20_000));
  await own.kill9();
  await own.restart();
  await waitFor(() => hub.request('w', 'after').then(() => true), { what: 'the broker', deadlineMs: 10_000 });
  const taken = await second;
  assert.deepEqual([new TextDecoder().decode(taken.data), taken.delivery], ['after', 1]);
});

test('a consumer that somebody made with other settings is changed where that is possible, and told where not', async () => {
  const hub = await broker.connect();
  await ensureJournal(hub, { name: 'S', subjects: ['s'], storage: 'file' });
  const config = { durable_name: 'D', ack_policy: 'explicit', deliver_policy: 'new', max_deliver: 10, ack_wait: 5e9 };
  await hub.request('$JS.API.CONSUMER.DURABLE.CREATE.S.D', JSON.stringify({ stream_name: 'S', config }));
  const { warnings } = await ensureWorkPlace(hub, { journal: 'S', durable: 'D', ackWaitMs: 30_000, maxDeliver: 3 });
  assert.ok(
    warnings.some((one) => one.includes('deliver_policy')),
    warnings.join('; '),
  );
});

test('a worker announces itself and obeys orders on its own subjects', async () => {
  const hub = createBus(await broker.connect());
  const worker = createBus(await broker.connect('worker', { inboxPrefix }));
  const seen: string[] = [];
  const watch = watchAgents(hub, { kind: 'vod_worker', onEvent: ({ type, agent }) => void seen.push(`${type} ${agent.agentId}`) });
  await watch.ready;
  const orders: unknown[] = [];
  const agent = await startAgent(worker, {
    kind: 'vod_worker',
    agentId: 'w1',
    announce: () => ({ host: 'h', pid: 1, version: '1', started_at: new Date().toISOString(), capabilities: {} }),
    onCommand: (command) => void orders.push(command),
  });
  await waitFor(() => seen.includes('online w1'), { what: 'the worker' });
  await watch.command('w1', { action: 'cancel', job_id: 'j', revision: 2 });
  assert.deepEqual(orders, [{ action: 'cancel', job_id: 'j', revision: 2 }]);
  await assert.rejects(
    startAgent(worker, {
      kind: 'vod_worker',
      agentId: 'w2',
      announce: () => ({ host: 'h', pid: 1, version: '1', started_at: new Date().toISOString(), capabilities: {} }),
      onCommand: () => undefined,
    }),
  );
  await agent.stop();
  watch.stop();
});
