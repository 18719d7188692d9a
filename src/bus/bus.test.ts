import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { NatsConnection } from '@nats-io/nats-core';
import { type StreamProgress, WeirError } from '../contracts/index.js';
import { startTestBroker, type TestBroker, waitFor, withDeadline } from '../testkit/index.js';
import { createBus, nextSpan, noReply, traceId } from './index.js';

let broker: TestBroker;
let one: NatsConnection;
let two: NatsConnection;

before(async () => {
  broker = await startTestBroker({
    maxPayloadBytes: 1_048_576,
    users: [{ user: 'narrow', password: 'narrow', publish: ['videonode.stream.cam1.status.get'], subscribe: ['_INBOX.>'] }],
  });
  one = await broker.connect();
  two = await broker.connect();
});
after(() => broker.stop());

const progress = (streamId: string, frame: number): StreamProgress => ({
  stream_id: streamId,
  frame,
  fps: 30,
  bitrate_kbps: 3000,
  total_size_bytes: 1,
  dropped_frames: 0,
  speed: 1,
  timestamp: new Date().toISOString(),
});
const now = () => new Date().toISOString();
const code = (wanted: string) => (error: unknown) => error instanceof WeirError && error.code === wanted;

test('a published message arrives checked, with its parameters and trace', async () => {
  const [out, into] = [createBus(one), createBus(two)];
  const trace = nextSpan();
  const seen: unknown[] = [];
  const subscription = into.subscribe('stream_progress', {}, (message, meta) => {
    seen.push([message.frame, meta.params.stream_id, meta.trace?.traceparent, meta.subject]);
  });
  await subscription.ready;
  out.publish('stream_progress', { stream_id: 'cam1' }, progress('cam1', 7), { trace });
  await waitFor(() => seen.length === 1, { what: 'the message' });
  assert.deepEqual(seen, [[7, 'cam1', trace.traceparent, 'videonode.stream.cam1.progress']]);
  assert.equal(traceId(nextSpan(trace)), traceId(trace));
  subscription.stop();
  assert.throws(() => out.publish('stream_progress', { stream_id: 'a.b' }, progress('a', 1)), code('invalid_argument'));
});

test('invalid messages are counted and told, and the next one still arrives', async () => {
  const told: string[] = [];
  const problems: string[] = [];
  const into = createBus(two, { onProblem: (error) => problems.push(error.code) });
  const frames: number[] = [];
  const subscription = into.subscribe('stream_progress', { stream_id: 'bad' }, (message) => void frames.push(message.frame), {
    onInvalid: (error) => told.push(error.message),
  });
  await subscription.ready;
  one.publish('videonode.stream.bad.progress', 'not json');
  one.publish('videonode.stream.bad.progress', '{"frame":"x"}');
  one.publish('videonode.stream.bad.progress', JSON.stringify({ ...progress('bad', 3), from_a_newer_spoke: true }));
  await waitFor(() => frames.length === 1, { what: 'the valid message' });
  assert.equal(subscription.counters.invalid, 2);
  assert.equal(told.length, 2);
  assert.deepEqual(problems, ['invalid_argument'], 'reported once per second at most');
  subscription.stop();
});

test('a slow receiver keeps the limits: the oldest are dropped, or merged by subject', async () => {
  const [out, into] = [createBus(one), createBus(two)];
  for (const policy of ['drop_oldest', 'merge_by_subject'] as const) {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const frames: number[] = [];
    const subscription = into.subscribe(
      'stream_progress',
      {},
      async (message) => {
        frames.push(message.frame);
        await gate;
      },
      { limit: 10, policy },
    );
    await subscription.ready;
    for (let frame = 0; frame < 1000; frame += 1) out.publish('stream_progress', { stream_id: `cam${frame % 4}` }, progress('cam', frame));
    await waitFor(() => subscription.counters.received === 1000, { what: 'all messages' });
    const waiting = policy === 'drop_oldest' ? 10 : 4;
    assert.equal(subscription.counters.queued, waiting);
    assert.equal(subscription.counters.merged + subscription.counters.dropped, 999 - waiting);
    release();
    await waitFor(() => frames.length === waiting + 1, { what: 'the rest' });
    assert.equal(Math.max(...frames), 999);
    subscription.stop();
  }
});

test('request and answer; every failure is a coded error', async () => {
  const [ask, answer] = [createBus(one), createBus(two)];
  await assert.rejects(ask.request('stream_status_get', { stream_id: 'cam1' }, undefined), code('unavailable'));
  const traces: (string | undefined)[] = [];
  const server = answer.serve('stream_status_get', {}, async (_message, meta) => {
    traces.push(meta.trace?.traceparent);
    if (meta.params.stream_id === 'gone')
      throw new WeirError('not_found', 'No stream gone', { hint: 'look at the list', field: 'stream_id', received: 'gone' });
    if (meta.params.stream_id === 'broken') throw new TypeError('secret path /etc/x');
    if (meta.params.stream_id === 'slow') await new Promise(() => undefined);
    if (meta.params.stream_id === 'silent') return noReply;
    return { stream_id: meta.params.stream_id, state: 'running' as const, timestamp: now() };
  });
  await server.ready;
  const trace = nextSpan();
  assert.equal((await ask.request('stream_status_get', { stream_id: 'cam1' }, undefined, { trace })).state, 'running');
  assert.deepEqual(traces, [trace.traceparent]);
  await assert.rejects(ask.request('stream_status_get', { stream_id: 'gone' }, undefined), (error: unknown) => {
    assert.ok(error instanceof WeirError);
    assert.equal(error.code, 'not_found');
    assert.equal(error.message, 'No stream gone');
    assert.equal(error.hint, 'look at the list');
    assert.equal(error.errors[0]?.field, 'stream_id');
    return true;
  });
  await assert.rejects(
    ask.request('stream_status_get', { stream_id: 'broken' }, undefined),
    (error: unknown) => code('internal')(error) && !(error as Error).message.includes('/etc'),
  );
  await assert.rejects(ask.request('stream_status_get', { stream_id: 'slow' }, undefined, { timeoutMs: 60 }), code('deadline_exceeded'));
  await assert.rejects(ask.request('stream_status_get', { stream_id: 'silent' }, undefined, { timeoutMs: 60 }), code('deadline_exceeded'));
  const abort = new AbortController();
  const cancelled = ask.request('stream_status_get', { stream_id: 'slow' }, undefined, { signal: abort.signal });
  abort.abort();
  await assert.rejects(cancelled, code('cancelled'));
  await server.stop(10);
});

test('a plain client sees the error in headers and body', async () => {
  const answer = createBus(two);
  const server = answer.serve('stream_command', { stream_id: 'cam9' }, () => {
    throw new WeirError('failed_precondition', 'It is draining');
  });
  await server.ready;
  const reply = await one.request('videonode.stream.cam9.command', JSON.stringify({ action: 'start', stream_id: 'cam9', timestamp: now() }));
  assert.equal(reply.headers?.get('Nats-Service-Error-Code'), '409');
  assert.equal(reply.headers?.get('Nats-Service-Error'), 'It is draining');
  const body = reply.json<{ ok: boolean; error: { code: string } }>();
  assert.equal(body.ok, false);
  assert.equal(body.error.code, 'failed_precondition');
  const strict = await one.request(
    'videonode.stream.cam9.command',
    JSON.stringify({ action: 'start', stream_id: 'cam9', timestamp: now(), extra: 1 }),
  );
  assert.equal(strict.headers?.get('Nats-Service-Error-Code'), '400');
  await server.stop();
});

test('an answer never goes to a subject that means something', async () => {
  const answer = createBus(two);
  const server = answer.serve('stream_status_get', {}, () => ({ stream_id: 'cam1', state: 'running' as const, timestamp: now() }));
  await server.ready;
  const seen: string[] = [];
  one.subscribe('videonode.stream.cam1.status', { callback: (_error, msg) => void seen.push(msg.subject) });
  await one.flush();
  one.publish('videonode.stream.cam1.status.get', '', { reply: 'videonode.stream.cam1.status' });
  assert.equal((await one.request('videonode.stream.cam1.status.get')).json<{ state: string }>().state, 'running');
  await one.flush();
  assert.deepEqual(seen, []);
  assert.equal(server.counters.requests, 2);
  await server.stop();
});

test('requests beyond the limits are refused, not piled up', async () => {
  const [ask, answer] = [createBus(one), createBus(two)];
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = answer.serve(
    'stream_status_get',
    {},
    async () => {
      await gate;
      return { stream_id: 'cam1', state: 'running' as const, timestamp: now() };
    },
    { concurrency: 2, limit: 3 },
  );
  await server.ready;
  const asked = Array.from({ length: 8 }, () =>
    ask.request('stream_status_get', { stream_id: 'cam1' }, undefined).then(
      () => 'ok',
      (error: WeirError) => error.code,
    ),
  );
  await waitFor(() => server.counters.refused === 3, { what: 'three refusals' });
  assert.equal(server.counters.active, 2);
  release();
  assert.deepEqual((await Promise.all(asked)).sort(), [
    'ok',
    'ok',
    'ok',
    'ok',
    'ok',
    'resource_exhausted',
    'resource_exhausted',
    'resource_exhausted',
  ]);
  await server.stop();
});

test('too large is refused before it is sent, with both sizes', () => {
  const out = createBus(one);
  const message = { ...progress('cam1', 1), filler: 'x'.repeat(1_100_000) };
  assert.throws(
    () => out.publish('stream_progress', { stream_id: 'cam1' }, message),
    (error: unknown) => code('payload_too_large')(error) && /1100\d{3} bytes.*1048576/.test((error as Error).message),
  );
});

test('what the login may not do is permission_denied', async () => {
  const problems: WeirError[] = [];
  const narrow = createBus(await broker.connect('narrow'), { onProblem: (error) => problems.push(error) });
  await assert.rejects(narrow.subscribe('stream_status', {}, () => undefined).ready, code('permission_denied'));
  await assert.rejects(narrow.request('stream_watch', { stream_id: 'cam1' }, { viewer: 'v1' }), code('permission_denied'));
  problems.length = 0;
  narrow.publish('stream_command', { stream_id: 'cam1' }, { action: 'stop', stream_id: 'cam1', timestamp: now() });
  await waitFor(() => problems.length > 0, { what: 'the refusal of the publish' });
  assert.equal(problems[0]?.code, 'permission_denied');
});

test('services are discovered as NATS tools expect it', async () => {
  const answer = createBus(two, { service: { name: 'weir-spoke', version: '1.2.3', description: 'a spoke' } });
  const server = answer.serve('stream_status_get', {}, (_message, meta) => {
    if (meta.params.stream_id === 'gone') throw new WeirError('not_found', 'none');
    return { stream_id: 'cam1', state: 'running' as const, timestamp: now() };
  });
  await server.ready;
  await one.request('videonode.stream.cam1.status.get');
  await one.request('videonode.stream.gone.status.get');
  const ping = (await one.request('$SRV.PING')).json<{ type: string; name: string; id: string; version: string }>();
  assert.equal(ping.type, 'io.nats.micro.v1.ping_response');
  assert.equal(ping.name, 'weir-spoke');
  const info = (await one.request(`$SRV.INFO.weir-spoke.${ping.id}`)).json<{ type: string; endpoints: { name: string; subject: string }[] }>();
  assert.equal(info.type, 'io.nats.micro.v1.info_response');
  assert.equal(info.endpoints[0]?.subject, 'videonode.stream.*.status.get');
  const stats = (await one.request('$SRV.STATS.weir-spoke')).json<{
    endpoints: { num_requests: number; num_errors: number; average_processing_time: number }[];
  }>();
  assert.equal(stats.endpoints[0]?.num_requests, 2);
  assert.equal(stats.endpoints[0]?.num_errors, 1);
  assert.ok((stats.endpoints[0]?.average_processing_time ?? 0) > 0);
  await answer.stop();
  await two.flush();
  await assert.rejects(one.request('$SRV.PING'), /no responders/i);
});

test('a broker that stands still does not grow the publisher; a lost one fails requests at once', async () => {
  await using own = await startTestBroker();
  const connection = await own.connect();
  const out = createBus(connection, { unconfirmedBytes: 4 * 1024 ** 2 });
  await own.freeze();
  const filler = 'x'.repeat(60_000);
  for (let index = 0; index < 300; index += 1)
    out.publish('stream_log', { stream_id: 'cam1' }, { stream_id: 'cam1', level: 'info', origin: 'hub', message: filler, timestamp: now() });
  assert.ok(out.counters.dropped > 200, `dropped ${out.counters.dropped}`);
  own.thaw();
  await withDeadline(out.flush(), 5000);
  const answer = createBus(await own.connect());
  const server = answer.serve('stream_status_get', {}, () => new Promise(() => undefined));
  await server.ready;
  const asked = assert.rejects(out.request('stream_status_get', { stream_id: 'cam1' }, undefined, { timeoutMs: 20_000 }), code('unavailable'));
  await waitFor(() => server.counters.active === 1, { what: 'the request' });
  await own.kill9();
  await withDeadline(asked, 2000);
  const waited = out.request('stream_status_get', { stream_id: 'cam2' }, undefined, { timeoutMs: 400 });
  await assert.rejects(waited, code('unavailable'));
});
