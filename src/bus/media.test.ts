import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { NatsConnection } from '@nats-io/nats-core';
import { mediaJournalName, permissionsFor, type WatchReply, type WatchRequest, WeirError } from '../contracts/index.js';
import { assertWithin, startTestBroker, type TestBroker, waitFor, withDeadline } from '../testkit/index.js';
import {
  closeWatchPlace,
  countViewers,
  createBus,
  createMediaPublisher,
  deleteJournal,
  ensureMediaJournal,
  findJournal,
  type MediaPublisher,
  type MediaReader,
  type MediaReaderOptions,
  openMediaReader,
  openWatchPlace,
  type ReadGap,
} from './index.js';

let broker: TestBroker;
let hub: NatsConnection;
let spoke: NatsConnection;

before(async () => {
  broker = await startTestBroker();
  hub = await broker.connect();
  spoke = await broker.connect();
});
after(() => broker.stop());

const limits = { maxAgeMs: 60_000, maxBytes: 64 * 1024 ** 2 };
const init = new Uint8Array([0x66, 0x74, 0x79, 0x70]);
const epochOf = (picture: 'source' | 'no-signal' = 'source') => ({ init, codecs: 'avc1.64001f', picture });

/** A camera that sends a keyframe every ten frames; the payload carries the number. */
function camera(publisher: MediaPublisher, size = 1000) {
  let number = 0;
  const push = (count = 1) => {
    for (let each = 0; each < count; each += 1) {
      const data = new Uint8Array(size);
      new DataView(data.buffer).setUint32(0, number);
      publisher.push({ kind: number % 10 === 0 ? 'key' : 'delta', data, timeMs: number * 33, durationMs: 33 });
      number += 1;
    }
    return number;
  };
  const run = (everyMs: number) => {
    const timer = setInterval(() => push(), everyMs);
    return () => clearInterval(timer);
  };
  return { push, run, sent: () => number };
}

interface Seen {
  numbers: number[];
  inits: string[];
  gaps: ReadGap[];
  reader: MediaReader;
  firstMs: () => number;
}

function watchVia(connection: NatsConnection, streamId: string, makes = true) {
  return async (request: WatchRequest): Promise<WatchReply> => ({
    ...(await openWatchPlace({
      connection,
      streamId,
      viewer: request.viewer,
      ...(makes ? { limits } : {}),
      ...(request.after === undefined ? {} : { after: request.after }),
      ...(request.journal === undefined ? {} : { journalId: request.journal }),
    })),
    stream_id: streamId,
    state: 'running',
  });
}

function view(connection: NatsConnection, streamId: string, more: Partial<MediaReaderOptions> = {}): Seen {
  const started = performance.now();
  let first = Number.NaN;
  const numbers: number[] = [];
  const inits: string[] = [];
  const gaps: ReadGap[] = [];
  const reader = openMediaReader({
    connection,
    streamId,
    viewer: 'v1',
    watch: watchVia(hub, streamId),
    onInit: (one) => void inits.push(one.epoch),
    onFragment(fragment) {
      if (numbers.length === 0) first = performance.now() - started;
      numbers.push(new DataView(fragment.data.buffer, fragment.data.byteOffset).getUint32(0));
    },
    onGap: (gap) => gaps.push(gap),
    ...more,
  });
  return { numbers, inits, gaps, reader, firstMs: () => first };
}

function assertContiguous(numbers: number[]): void {
  const from = numbers[0] ?? 0;
  assert.deepEqual(
    numbers,
    numbers.map((_number, index) => from + index),
  );
}

test('media wait for their journal, and a viewer begins at the newest keyframe within a few milliseconds', async () => {
  const publisher = createMediaPublisher({ connection: spoke, streamId: 'late' });
  publisher.begin(epochOf());
  const source = camera(publisher);
  source.push(25);
  assert.equal(publisher.counters.flowing, false);
  assert.equal(publisher.preRoll()[0]?.fragments.length, 25);
  assert.equal((await ensureMediaJournal(hub, 'late')).warnings.length, 0);
  await waitFor(() => publisher.counters.acked === 25, { what: 'the acknowledgements' });
  const seen = view(hub, 'late');
  await waitFor(() => seen.numbers.length === 5, { what: 'the newest group of pictures' });
  assert.deepEqual(seen.numbers, [20, 21, 22, 23, 24]);
  await assertWithin(seen.firstMs(), 250, 'the first fragment');
  assert.equal(seen.inits.length, 1);
  source.push(1);
  await waitFor(() => seen.numbers.length === 6, { what: 'the next frame' });
  assert.equal(await countViewers(hub, 'late'), 1);
  // A new epoch: its init segment comes first, in order.
  publisher.begin(epochOf('no-signal'));
  source.push(5);
  await waitFor(() => seen.inits.length === 2, { what: 'the second init' });
  await seen.reader.stop();
  assert.equal(await closeWatchPlace(hub, 'late', 'v1'), true);
  assert.equal(await countViewers(hub, 'late'), 0);
  await publisher.stop();
  assert.equal(publisher.counters.dropped, 0);
});

test('a viewer in a new epoch without a keyframe waits for one; deltas alone are never given out', async () => {
  await ensureMediaJournal(hub, 'fresh');
  const publisher = createMediaPublisher({ connection: spoke, streamId: 'fresh' });
  publisher.begin(epochOf());
  const source = camera(publisher);
  source.push(11);
  publisher.begin(epochOf('no-signal'));
  // 11 to 19 are deltas of the new epoch, 20 is its first keyframe.
  source.push(8);
  await waitFor(() => publisher.counters.acked === 19, { what: 'the acknowledgements' });
  const seen = view(hub, 'fresh');
  source.push(4);
  await waitFor(() => seen.numbers.length === 3, { what: 'the first pictures' });
  assert.deepEqual(seen.numbers, [20, 21, 22]);
  assert.equal(seen.inits.length, 1);
  await seen.reader.stop();
  await publisher.stop();
});

test('kill -9 and restart of the broker: no fragment lost, none twice, flowing again within 2.5 s', async () => {
  await using own = await startTestBroker();
  const [mine, sender, viewer] = [await own.connect(), await own.connect(), await own.connect()];
  await ensureMediaJournal(mine, 'cam1');
  const publisher = createMediaPublisher({ connection: sender, streamId: 'cam1' });
  publisher.begin(epochOf());
  const source = camera(publisher);
  const stop = source.run(10);
  const seen = view(viewer, 'cam1', { watch: watchVia(mine, 'cam1') });
  await waitFor(() => seen.numbers.length > 60, { what: 'a second of media' });
  for (let round = 0; round < 2; round += 1) {
    await own.kill9();
    const sentBefore = source.sent();
    await waitFor(() => source.sent() > sentBefore + 30, { what: 'media pushed while the broker is away' });
    await own.restart();
    const restarted = performance.now();
    const sent = source.sent();
    await waitFor(() => (seen.numbers.at(-1) ?? 0) >= sent, { what: 'media after the restart' });
    await assertWithin(performance.now() - restarted, 2500, 'media after the restart');
  }
  stop();
  await waitFor(() => seen.numbers.at(-1) === source.sent() - 1, { what: 'the last fragment' });
  assertContiguous(seen.numbers);
  assert.deepEqual(seen.gaps, []);
  assert.equal(seen.inits.length, 1);
  assert.equal(publisher.counters.dropped, 0);
  assert.ok(publisher.counters.republished > 0);
  await seen.reader.stop();
  await publisher.stop();
});

test('lost viewer connection, lost place, hub away: goes on without a gap', async () => {
  await ensureMediaJournal(hub, 'flap');
  const publisher = createMediaPublisher({ connection: spoke, streamId: 'flap' });
  publisher.begin(epochOf());
  const source = camera(publisher);
  const stop = source.run(5);
  const viewer = await broker.connect();
  let isHubAway = false;
  let refused = 0;
  const asks: WatchRequest[] = [];
  const ask = watchVia(hub, 'flap');
  const seen = view(viewer, 'flap', {
    async watch(request) {
      if (isHubAway) {
        refused += 1;
        throw new WeirError('unavailable', 'the hub is away');
      }
      asks.push(request);
      return ask(request);
    },
  });
  await waitFor(() => seen.numbers.length > 50, { what: 'media' });
  await viewer.reconnect();
  await waitFor(() => asks.length === 2, { what: 'the second place' });
  assert.ok((asks[1]?.after ?? 0) > 0);
  const before = source.sent();
  await waitFor(() => (seen.numbers.at(-1) ?? 0) > before, { what: 'media from the second place' });
  isHubAway = true;
  await closeWatchPlace(hub, 'flap', 'v1');
  await waitFor(() => refused >= 3, { what: 'three vain attempts' });
  isHubAway = false;
  await waitFor(() => asks.length === 3, { what: 'the third place' });
  const sent = source.sent();
  await waitFor(() => (seen.numbers.at(-1) ?? 0) > sent, { what: 'media again' });
  stop();
  await waitFor(() => seen.numbers.at(-1) === source.sent() - 1, { what: 'the last fragment' });
  assertContiguous(seen.numbers);
  assert.deepEqual(seen.gaps, []);
  await seen.reader.stop();
  await publisher.stop();
});

test('a journal that was deleted and made anew gets media again, from a keyframe', async () => {
  await ensureMediaJournal(hub, 'anew');
  const publisher = createMediaPublisher({ connection: spoke, streamId: 'anew', limits: { rewindMs: 100 } });
  publisher.begin(epochOf());
  const source = camera(publisher);
  const stop = source.run(5);
  const seen = view(hub, 'anew', { watch: watchVia(hub, 'anew', false) });
  await waitFor(() => seen.numbers.length > 100, { what: 'media' });
  await deleteJournal(hub, mediaJournalName('anew'));
  await waitFor(() => !publisher.counters.flowing, { what: 'the publisher to notice' });
  assert.equal(seen.reader.state.state, 'waiting');
  await ensureMediaJournal(hub, 'anew');
  const sent = source.sent();
  await waitFor(() => (seen.numbers.at(-1) ?? 0) > sent, { what: 'media from the new journal' });
  stop();
  await waitFor(() => seen.numbers.at(-1) === source.sent() - 1, { what: 'the last fragment' });
  assertContiguous(seen.numbers);
  await seen.reader.stop();
  await publisher.stop();
});

test('a viewer that lags jumps to the newest keyframe, with bounded memory', async () => {
  await ensureMediaJournal(hub, 'slow');
  const publisher = createMediaPublisher({ connection: spoke, streamId: 'slow', limits: { initEveryMs: 200 } });
  publisher.begin(epochOf());
  const source = camera(publisher, 20_000);
  source.push(10);
  await waitFor(() => publisher.counters.acked === 10, { what: 'the journal' });
  const stop = source.run(4);
  const numbers: number[] = [];
  let isSlow = true;
  const seen = view(hub, 'slow', {
    maxLagMs: 300,
    credit: 16,
    async onFragment(fragment) {
      numbers.push(new DataView(fragment.data.buffer, fragment.data.byteOffset).getUint32(0));
      if (isSlow) await new Promise((resolve) => setTimeout(resolve, 20));
    },
  });
  await waitFor(() => seen.gaps.length >= 1, { what: 'the jump', deadlineMs: 8000 });
  assert.equal(seen.gaps[0]?.reason, 'lag');
  isSlow = false;
  await waitFor(() => seen.reader.counters.lag_ms < 200 && numbers.length > 30, { what: 'the newest media' });
  stop();
  await waitFor(() => numbers.at(-1) === source.sent() - 1, { what: 'the last fragment' });
  for (const [index, number] of numbers.entries()) {
    const before = numbers[index - 1] ?? number - 1;
    assert.ok(number === before + 1 || (number > before && number % 10 === 0), `${before} -> ${number}`);
  }
  await seen.reader.stop();
  await publisher.stop();
});

test('a fragment larger than the credit, and one larger than the bus', async () => {
  await using own = await startTestBroker({ maxPayloadBytes: 1_048_576 });
  const mine = await own.connect();
  await ensureMediaJournal(mine, 'big');
  const problems: WeirError[] = [];
  const publisher = createMediaPublisher({ connection: mine, streamId: 'big', onProblem: (error) => problems.push(error) });
  publisher.begin(epochOf());
  const fragment = (size: number, kind: 'key' | 'delta') => ({ kind, data: new Uint8Array(size), timeMs: 0, durationMs: 33 });
  const sizes: number[] = [];
  const seen = view(mine, 'big', { creditBytes: 100_000, watch: watchVia(mine, 'big'), onFragment: (one) => void sizes.push(one.data.length) });
  publisher.push(fragment(1000, 'key'));
  await waitFor(() => sizes.length === 1, { what: 'the first' });
  publisher.push(fragment(900_000, 'delta'));
  publisher.push(fragment(2000, 'delta'));
  publisher.push(fragment(1_048_576, 'delta'));
  publisher.push(fragment(3000, 'key'));
  await waitFor(() => sizes.length === 4, { what: 'the fragments that fit' });
  assert.deepEqual(sizes, [1000, 900_000, 2000, 3000]);
  assert.equal(problems[0]?.code, 'payload_too_large');
  assert.equal(publisher.counters.dropped, 1);
  assert.deepEqual(
    seen.gaps.map((gap) => gap.reason),
    ['lost'],
  );
  await seen.reader.stop();
  await publisher.stop();
});

test('memory of the publisher stays within the pre-roll while the bus stands still', async () => {
  await using own = await startTestBroker();
  const mine = await own.connect();
  await ensureMediaJournal(mine, 'frozen');
  const publisher = createMediaPublisher({ connection: mine, streamId: 'frozen', limits: { preRollBytes: 1_000_000, windowBytes: 300_000 } });
  publisher.begin(epochOf());
  const source = camera(publisher, 10_000);
  source.push(5);
  await waitFor(() => publisher.counters.acked === 5, { what: 'the journal' });
  await own.freeze();
  source.push(500);
  assert.ok(publisher.counters.published <= 40, `${publisher.counters.published} sent without an answer`);
  assert.ok(publisher.counters.queue_bytes <= 1_000_000);
  assert.ok(publisher.counters.dropped >= 400);
  own.thaw();
  await waitFor(() => publisher.counters.queue_bytes === 0, { what: 'everything that was kept to be stored' });
  const kept = (await findJournal(mine, mediaJournalName('frozen')))?.messages ?? 0;
  assert.ok(kept >= 100, `${kept} in the journal`);
  await publisher.stop();
});

test('a browser login can do what it needs, and nothing else', async () => {
  const rights = permissionsFor('viewer', { streams: ['open'], viewer: 'b1', inboxPrefix: '_INBOX_b1' });
  const spokeRights = permissionsFor('spoke', { streams: ['open'], spokeId: 's1', inboxPrefix: '_INBOX_s1' });
  await using own = await startTestBroker({
    users: [
      { user: 'browser', password: 'browser', publish: rights.publish, subscribe: rights.subscribe, allowResponses: rights.allowResponses },
      {
        user: 'spoke',
        password: 'spoke',
        publish: spokeRights.publish,
        subscribe: spokeRights.subscribe,
        allowResponses: spokeRights.allowResponses,
      },
    ],
  });
  const server = createBus(await own.connect());
  const browser = await own.connect('browser', { inboxPrefix: '_INBOX_b1' });
  const problems: WeirError[] = [];
  const bus = createBus(browser, { onProblem: (error) => problems.push(error) });
  for (const streamId of ['open', 'closed']) {
    await ensureMediaJournal(server.connection, streamId);
    await server.serve('stream_watch', { stream_id: streamId }, (request) => watchVia(server.connection, streamId)(request)).ready;
  }
  const sender = await own.connect('spoke', { inboxPrefix: '_INBOX_s1' });
  const spokeProblems: WeirError[] = [];
  const publisher = createMediaPublisher({ connection: sender, streamId: 'open', onProblem: (error) => spokeProblems.push(error) });
  publisher.begin(epochOf());
  camera(publisher).push(10);

  const watch = (streamId: string) => (request: WatchRequest) => bus.request('stream_watch', { stream_id: streamId }, request);
  const seen = view(browser, 'open', { viewer: 'b1', watch: watch('open') });
  await waitFor(() => seen.numbers.length === 10, { what: 'the allowed stream' });
  assertContiguous(seen.numbers);

  const denied = (error: unknown) => error instanceof WeirError && error.code === 'permission_denied';
  const refused = view(browser, 'closed', { viewer: 'b1', watch: watch('closed') });
  await assert.rejects(withDeadline(refused.reader.closed, 3000), denied);
  await assert.rejects(bus.subscribe('stream_media_key', { stream_id: 'open' }, () => undefined).ready, denied);
  await assert.rejects(bus.subscribe('stream_status', { stream_id: 'closed' }, () => undefined).ready, denied);
  await bus.subscribe('stream_status', { stream_id: 'open' }, () => undefined).ready;
  problems.length = 0;
  bus.publish('stream_command', { stream_id: 'open' }, { action: 'stop', stream_id: 'open', timestamp: new Date().toISOString() });
  await waitFor(() => problems.some(denied), { what: 'the refusal of the command' });
  const forbidden = [
    '$JS.API.CONSUMER.MSG.NEXT.MEDIA_open.other',
    '$JS.API.CONSUMER.MSG.NEXT.MEDIA_closed.b1',
    '$JS.API.CONSUMER.CREATE.MEDIA_open.b1',
    '$JS.API.STREAM.INFO.MEDIA_open',
    '$JS.API.STREAM.MSG.GET.MEDIA_open',
    '$JS.API.DIRECT.GET.MEDIA_open',
    'videonode.stream.open.media.key',
  ];
  for (const subject of forbidden) {
    problems.length = 0;
    browser.publish(subject, '{"batch":1}', { reply: '_INBOX_b1.x' });
    await waitFor(() => problems.some((error) => denied(error) && error.message.includes(subject)), { what: `the refusal of ${subject}` });
  }
  // Another's inbox cannot be listened to.
  const spying = browser.subscribe('_INBOX_s1.>', { callback: () => undefined });
  await waitFor(() => spying.isClosed(), { what: 'the refusal of the inbox' });
  const foreign = createMediaPublisher({ connection: sender, streamId: 'closed', onProblem: (error) => spokeProblems.push(error) });
  foreign.begin(epochOf());
  await waitFor(() => spokeProblems.some(denied), { what: 'the refusal of foreign media' });
  await Promise.all([foreign.stop(0), publisher.stop(), seen.reader.stop()]);
});

test('a fragment that is kept first is sent when that is done, and what comes after it not before; in memory it is at once', async () => {
  await ensureMediaJournal(hub, 'kept');
  const publisher = createMediaPublisher({ connection: spoke, streamId: 'kept' });
  publisher.begin(epochOf());
  const source = camera(publisher);
  source.push(1);
  await waitFor(() => publisher.counters.acked === 1, { what: 'the first acknowledgement' });
  for (const end of ['resolves', 'fails'] as const) {
    const before = publisher.counters.published;
    let settle: () => void = () => undefined;
    const kept = new Promise<void>((resolve, reject) => {
      settle = () => (end === 'resolves' ? resolve() : reject(new Error('no')));
    });
    publisher.push({ kind: 'delta', data: new Uint8Array(100), timeMs: 0, durationMs: 33 }, () => kept);
    source.push(2);
    // The answer to a ping comes after whatever was sent before it.
    await spoke.flush();
    assert.equal(publisher.counters.published, before);
    assert.equal(publisher.preRoll()[0]?.fragments.length, before + 3);
    settle();
    await waitFor(() => publisher.counters.acked === before + 3, { what: 'all three' });
  }
  await publisher.stop();
  assert.equal(publisher.counters.dropped, 0);
});
