import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findJournal } from '../../bus/index.js';
import { type HistoryRequest, journals, type Session, WeirError } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { admin, type Bench, calm, input, startBench } from './fixture.test.js';
import type { FeedEvent } from './index.js';

const codeOf = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

async function define(bench: Bench, streamId: string): Promise<void> {
  const body = { stream_id: streamId, config: { device: 'test:' }, desired: 'stopped' as const };
  await bench.hub.operations.create_stream(admin, input('create_stream', { body }), calm);
}

async function stored(bench: Bench, journal: string, count: number): Promise<void> {
  await waitFor(async () => ((await findJournal(bench.bus.connection, journal))?.messages ?? 0) >= count, {
    what: `${count} messages in ${journal}`,
  });
}

test('history of metrics: newest by default, onward from a place, thinned out, of one stream only', async () => {
  await using bench = await startBench();
  await define(bench, 'cam');
  await define(bench, 'other');
  const count = 3000;
  for (let number = 0; number < count; number += 1) {
    bench.bus.publish('stream_metrics', { stream_id: 'cam' }, { stream_id: 'cam', fps: number, timestamp: at(number) });
    bench.bus.publish('stream_metrics', { stream_id: 'other' }, { stream_id: 'other', fps: -0, timestamp: at(number) });
  }
  await stored(bench, 'METRICS', count * 2);
  const read = (query: HistoryRequest) =>
    bench.hub.operations.stream_history(admin, input('stream_history', { params: { stream_id: 'cam' }, query: query as never }), calm);

  const newest = await read({ kind: 'metrics', limit: 100 });
  assert.deepEqual(
    [newest.items.length, newest.items[0]?.message.fps, newest.items.at(-1)?.message.fps, newest.more],
    [100, count - 100, count - 1, true],
  );
  assert.ok(newest.items.every((item) => item.message.stream_id === 'cam'));

  const nothing = await read({ kind: 'metrics', after: newest.last });
  assert.deepEqual([nothing.items.length, nothing.more], [0, false]);
  bench.bus.publish('stream_metrics', { stream_id: 'cam' }, { stream_id: 'cam', fps: 7777, timestamp: at(count) });
  await stored(bench, 'METRICS', count * 2 + 1);
  const resumed = await read({ kind: 'metrics', after: newest.last });
  assert.deepEqual(
    resumed.items.map((item) => item.message.fps),
    [7777],
  );

  // Page by page from the start: everything once.
  const seen: unknown[] = [];
  for (let after = 0, more = true; more; ) {
    const page = await read({ kind: 'metrics', after, limit: 700 });
    seen.push(...page.items.map((item) => item.message.fps));
    ({ last: after, more } = page);
  }
  assert.equal(seen.length, count + 1);
  assert.equal(new Set(seen).size, count + 1);

  const asked = await bench.bus.request('stream_history', { stream_id: 'cam' }, { kind: 'metrics', limit: 3 });
  assert.deepEqual(
    asked.items.map((item) => item.message.fps),
    [count - 2, count - 1, 7777],
  );
  await assert.rejects(bench.bus.request('stream_history', { stream_id: 'nobody' }, { kind: 'metrics' }), codeOf('not_found'));
});

test('history thinned out: about one item per step, in order, and nothing before or after the time asked for', async () => {
  await using bench = await startBench();
  await define(bench, 'cam');
  const started = Date.now();
  let published = 0;
  // Spread over 1.5 s of the journal's own clock.
  await waitFor(
    () => {
      bench.bus.publish('stream_metrics', { stream_id: 'cam' }, { stream_id: 'cam', fps: published, timestamp: new Date().toISOString() });
      published += 1;
      return Date.now() - started > 1500;
    },
    { everyMs: 2 },
  );
  await stored(bench, 'METRICS', published);
  const read = (query: Record<string, unknown>) =>
    bench.hub.operations.stream_history(
      admin,
      input('stream_history', { params: { stream_id: 'cam' }, query: { kind: 'metrics', ...query } as never }),
      calm,
    );
  const thin = await read({ step_s: 0.2, since: new Date(started - 1000).toISOString() });
  assert.ok(thin.items.length >= 5 && thin.items.length <= 9, `${thin.items.length} of ${published}`);
  const numbers = thin.items.map((item) => Number(item.message.fps));
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  assert.equal(thin.more, false);
  const first = await read({ step_s: 0.2, since: new Date(started - 1000).toISOString(), limit: 2 });
  assert.deepEqual([first.items.length, first.more], [2, true]);
  const none = await read({ step_s: 0.2, since: new Date(started - 9000).toISOString(), until: new Date(started - 5000).toISOString() });
  assert.deepEqual([none.items.length, none.more], [0, false]);
});

test('history of log lines: by text whatever its case, and by level', async () => {
  await using bench = await startBench();
  await define(bench, 'cam');
  for (let number = 0; number < 500; number += 1) {
    const level = number % 10 === 0 ? 'error' : number % 2 === 0 ? 'warning' : 'info';
    const message = `line ${number} ${number % 100 === 0 ? 'Broken PIPE' : ''}`;
    bench.bus.publish('stream_log', { stream_id: 'cam' }, { stream_id: 'cam', level, origin: 'ffmpeg', message, timestamp: at(number) });
  }
  // What is no log line at all must not end the search.
  bench.bus.connection.publish('videonode.stream.cam.log', 'not json');
  await stored(bench, 'LOGS', 501);
  const read = async (query: Record<string, unknown>) =>
    (
      await bench.hub.operations.stream_history(
        admin,
        input('stream_history', { params: { stream_id: 'cam' }, query: { kind: 'log', ...query } as never }),
        calm,
      )
    ).items;
  assert.equal((await read({ text: 'broken pipe' })).length, 5);
  assert.equal((await read({ level: 'error' })).length, 50);
  assert.equal((await read({ level: 'warning' })).length, 250);
  const few = await read({ level: 'error', after: 0, limit: 3 });
  assert.deepEqual(
    few.map((item) => String(item.message.message).trim()),
    ['line 0 Broken PIPE', 'line 10', 'line 20'],
  );
});

async function next(events: AsyncIterator<FeedEvent>): Promise<FeedEvent> {
  const result = await Promise.race([
    events.next(),
    new Promise<never>((_resolve, reject) => {
      AbortSignal.timeout(5000).addEventListener('abort', () => reject(new Error('no event within 5 s')));
    }),
  ]);
  assert.equal(result.done, false);
  return result.value as FeedEvent;
}

test('event feed: what the journal keeps comes with ids and is replayed after the last one', async () => {
  await using bench = await startBench();
  await define(bench, 'cam');
  const say = (state: 'running' | 'stopped') =>
    bench.bus.publish('stream_status', { stream_id: 'cam' }, { stream_id: 'cam', state, timestamp: at(0) });
  const open = async (session: Session, lastEventId?: string, query: { stream_id?: string; types?: string } = {}) => {
    const abort = new AbortController();
    const context = { signal: abort.signal, ...(lastEventId === undefined ? {} : { lastEventId }) };
    const feed = await bench.hub.operations.events(session, input('events', { query: query as never }), context);
    return { events: feed.events[Symbol.asyncIterator](), abort };
  };
  await stored(bench, journals.status.name, 1);
  const first = await open(admin, undefined, { types: 'status' });
  say('running');
  const one = await next(first.events);
  assert.deepEqual([one.event, JSON.parse(one.data).state], ['status', 'running']);
  assert.match(one.id ?? '', /^\d+$/);
  first.abort.abort();
  assert.equal((await first.events.next()).done, true);

  // Two changes while the client is away, one after it is back.
  say('stopped');
  say('running');
  await stored(bench, journals.status.name, Number(one.id) + 2);
  const second = await open(admin, one.id, { types: 'status' });
  say('stopped');
  const states = [];
  for (let number = 0; number < 3; number += 1) states.push(JSON.parse((await next(second.events)).data).state);
  assert.deepEqual(states, ['stopped', 'running', 'stopped']);
  second.abort.abort();
  await assert.rejects(open(admin, undefined, { types: 'status,stauts' }), codeOf('invalid_argument'));
});

test('event feed: a viewer hears of its own streams only, and neither alerts nor changes of definitions', async () => {
  await using bench = await startBench();
  for (const streamId of ['mine', 'theirs']) await define(bench, streamId);
  const viewer: Session = { ...admin, role: 'viewer', streams: ['mine'] };
  const abort = new AbortController();
  const { events } = await bench.hub.operations.events(viewer, input('events', { query: {} }), { signal: abort.signal });
  const iterator = events[Symbol.asyncIterator]();
  const status = (streamId: string) =>
    bench.bus.publish('stream_status', { stream_id: streamId }, { stream_id: streamId, state: 'running', timestamp: at(0) });
  status('theirs');
  bench.bus.publish('alert_error', {}, { kind: 'x', message: 'x', stream_id: 'mine', timestamp: at(0) });
  bench.bus.publish(
    'stream_progress',
    { stream_id: 'theirs' },
    { stream_id: 'theirs', frame: 1, fps: 1, bitrate_kbps: 1, total_size_bytes: 1, dropped_frames: 0, speed: 1, timestamp: at(0) },
  );
  await define(bench, 'third');
  status('mine');
  const heard = await next(iterator);
  assert.deepEqual([heard.event, JSON.parse(heard.data).stream_id], ['status', 'mine']);
  abort.abort();
  assert.equal((await iterator.next()).done, true);
  const forbidden = bench.hub.operations.events(viewer, input('events', { query: { stream_id: 'theirs' } }), calm);
  await assert.rejects(forbidden, codeOf('permission_denied'));
});

test('definitions that change are told on the bus, once, through the outbox', async () => {
  await using bench = await startBench();
  const told: string[] = [];
  bench.bus.subscribe('system_config', {}, (change) => void told.push(`${change.change} ${change.entity_id}`));
  await bench.bus.flush();
  await define(bench, 'cam');
  await bench.hub.operations.update_stream(admin, input('update_stream', { params: { stream_id: 'cam' }, body: { name: 'Door' } }), calm);
  await waitFor(() => told.length >= 2);
  await waitFor(async () => (await bench.store.outbox.depth()).waiting === 0);
  assert.deepEqual(told, ['created cam', 'updated cam']);
});

test('journals are made anew after a broker restart, the one of each picture too', async () => {
  await using bench = await startBench();
  await define(bench, 'cam');
  const before = await findJournal(bench.bus.connection, 'MEDIA_cam');
  assert.ok(before !== undefined);
  await bench.broker.kill9();
  await bench.broker.restart();
  const after = await waitFor(() => findJournal(bench.bus.connection, 'MEDIA_cam'), { deadlineMs: 10_000 });
  assert.notEqual(after.journalId, before.journalId);
  for (const { name } of Object.values(journals)) assert.ok((await waitFor(() => findJournal(bench.bus.connection, name))) !== undefined, name);
});
