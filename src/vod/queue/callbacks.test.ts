import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { waitFor } from '../../testkit/index.js';
import { defaultTiming } from './parts.js';
import { Bench, call, session } from './testing/bench.js';

interface Hit {
  readonly at: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers as it is told; `answers` is used up, then 200. */
async function startReceiver() {
  const hits: Hit[] = [];
  const answers: { status: number; headers?: Record<string, string> }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      hits.push({ at: performance.now(), headers: request.headers, body });
      const { status, headers } = answers.shift() ?? { status: 200 };
      response.writeHead(status, headers).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${port}/hook`, hits, answers, close, [Symbol.asyncDispose]: close };
}

const open = { settings: { fetch_hosts: ['127.0.0.1'] } };

async function runJob(bench: Bench, videoId: string, callback_url: string, fails = false): Promise<void> {
  const worker = bench.workers[0] ?? (await bench.worker('w1'));
  await bench.publish(bench.request(videoId, { callback_url, metadata: { n: 1 } }));
  const held = await worker.take();
  if (fails) await worker.fail(held, true, 'empty');
  else await worker.finish(held);
}

const callbacks = async (bench: Bench) => (await call(bench.hub.operations.list_callbacks, session('operator'), { query: { limit: 50 } })).items;

test('a result is told, signed so that an ordinary receiver accepts it', async () => {
  await using receiver = await startReceiver();
  await using bench = await Bench.start(open);
  await runJob(bench, 'good', receiver.url);
  await runJob(bench, 'bad', receiver.url, true);
  await waitFor(() => receiver.hits.length === 2, { what: 'both callbacks' });
  const { secret } = await call(bench.hub.operations.callback_secret, session('admin'), {});
  assert.match(secret, /^whsec_/);
  const seen = receiver.hits.map(
    (hit) => new Webhook(secret).verify(hit.body, hit.headers as Record<string, string>) as { type: string; data: Record<string, unknown> },
  );
  assert.deepEqual(
    seen.map((one) => [one.type, one.data.video_id, one.data.status, one.data.metadata]),
    [
      ['video.processed', 'good', 'done', { n: 1 }],
      ['video.failed', 'bad', 'failed', { n: 1 }],
    ],
  );
  const [forged] = receiver.hits;
  assert.throws(() => new Webhook(secret).verify(`${forged?.body} `, forged?.headers as Record<string, string>));
  await waitFor(async () => (await callbacks(bench)).every((one) => one.state === 'delivered'));
});

test('a request that is refused is told at its address as well, whatever was wrong with it', async () => {
  await using receiver = await startReceiver();
  await using bench = await Bench.start(open);
  bench.videos.trash.add('binned');
  receiver.answers.push({ status: 500 });
  const callback_url = receiver.url;
  const requests = [
    bench.request('outside', { source_path: '/etc/passwd', callback_url, metadata: { n: 1 } }),
    bench.request('binned', { callback_url }),
    bench.request('untyped', { callback_url, quality: 'all', user_id: 7 }),
    { source_path: '/x', callback_url },
    bench.request('no address', { source_path: '/etc/passwd', callback_url: 'hook' }),
  ];
  for (const request of requests) await bench.publish(request);
  await bench.publish(`{"video_id":"cut","callback_url":"${callback_url}"`);
  await waitFor(async () => (await bench.store.dead_letters.count()) === requests.length + 1, { what: 'all refusals' });
  await waitFor(async () => {
    const all = await callbacks(bench);
    return all.length === 4 && all.every((one) => one.state === 'delivered');
  });
  const { secret } = await call(bench.hub.operations.callback_secret, session('admin'), {});
  const told = receiver.hits.map((hit) => {
    const { type, data } = new Webhook(secret).verify(hit.body, hit.headers as Record<string, string>) as {
      type: string;
      data: Record<string, unknown>;
    };
    return {
      id: hit.headers['webhook-id'],
      line: JSON.stringify([type, data.video_id, data.job_id, data.status, data.user_id, data.metadata, data.reason]),
    };
  });
  assert.equal(told.length, 5, 'one of them twice: its receiver failed at first');
  assert.equal(new Set(told.map((one) => one.id)).size, 4);
  assert.deepEqual([...new Set(told.map((one) => one.line))].sort(), [
    '["video.failed","binned",null,"failed","user-1",{},"in_trash"]',
    '["video.failed","outside",null,"failed","user-1",{"n":1},"path_not_allowed"]',
    '["video.failed","untyped",null,"failed","",{},"invalid_request"]',
    '["video.failed",null,null,"failed","",{},"invalid_request"]',
  ]);
  const [one] = await callbacks(bench);
  assert.equal(one?.job_id, null);
});

test('a receiver that is down or fails is tried again with the same id, also after a restart of the hub', async () => {
  const receiver = await startReceiver();
  await using bench = await Bench.start({ settings: { ...open.settings, callback_attempts: 10 }, timing: { callbackDelaysMs: [50, 150, 300] } });
  receiver.answers.push({ status: 500 }, { status: 503 });
  await runJob(bench, 'v', receiver.url);
  await waitFor(() => receiver.hits.length >= 2, { what: 'two attempts' });
  await receiver.close();
  await bench.stopHub();
  const again = createServer((_request, response) => response.end()).listen(Number(new URL(receiver.url).port), '127.0.0.1');
  const second: string[] = [];
  again.on('request', (request: IncomingMessage) => second.push(String(request.headers['webhook-id'])));
  await bench.startHub();
  await waitFor(() => second.length === 1, { what: 'the delivery after the restart' });
  assert.deepEqual(new Set([...receiver.hits.map((hit) => hit.headers['webhook-id']), ...second]).size, 1, 'the id names the event, not the attempt');
  const [one] = await waitFor(async () => {
    const items = await callbacks(bench);
    return items[0]?.state === 'delivered' ? items : undefined;
  });
  assert.ok((one?.attempts ?? 0) >= 3);
  again.closeAllConnections();
  again.close();
});

test('Retry-After is kept to', async () => {
  await using receiver = await startReceiver();
  await using bench = await Bench.start({ ...open, timing: { callbackDelaysMs: [10] } });
  receiver.answers.push({ status: 429, headers: { 'retry-after': '1' } });
  await runJob(bench, 'v', receiver.url);
  await waitFor(() => receiver.hits.length === 2, { what: 'the second attempt' });
  assert.ok((receiver.hits[1]?.at ?? 0) - (receiver.hits[0]?.at ?? 0) >= 950);
});

test('410 ends it; what fails too often is given up, is visible and can be replayed', async () => {
  await using receiver = await startReceiver();
  await using bench = await Bench.start({ ...open, timing: { callbackDelaysMs: [10] } });
  receiver.answers.push({ status: 410 });
  await runJob(bench, 'gone', receiver.url);
  await waitFor(async () => (await callbacks(bench))[0]?.state === 'disabled', { what: 'the end by 410' });
  receiver.answers.push({ status: 500 }, { status: 500 }, { status: 302, headers: { location: 'http://127.0.0.1:1/' } });
  await runJob(bench, 'tired', receiver.url);
  const failed = await waitFor(async () => (await callbacks(bench)).find((one) => one.state === 'failed'), { what: 'the last attempt' });
  assert.deepEqual([failed.attempts, failed.last_status], [3, 302]);
  assert.match(failed.last_error ?? '', /redirects are not followed/);
  await call(bench.hub.operations.replay_callback, session('operator'), { params: { callback_id: failed.callback_id } });
  await waitFor(async () => (await callbacks(bench)).find((one) => one.callback_id === failed.callback_id)?.state === 'delivered', {
    what: 'the replay',
  });
  const job = (await bench.jobsOf('tired'))[0];
  const kinds = (await bench.store.jobs.events(job?.job_id ?? '')).filter((event) => event.kind === 'callback').map((event) => event.detail);
  assert.equal(kinds.length, 2);
});

test('an address inside the network that was not named gets nothing', async () => {
  await using receiver = await startReceiver();
  await using bench = await Bench.start();
  await runJob(bench, 'v', receiver.url);
  const [one] = await waitFor(async () => {
    const items = await callbacks(bench);
    return items[0]?.last_error == null ? undefined : items;
  });
  assert.match(one?.last_error ?? '', /inside the network.*vod\.fetch_hosts/);
  assert.equal(receiver.hits.length, 0);
});

test('the pauses of all attempts add up to about two days', () => {
  const hours = defaultTiming.callbackDelaysMs.reduce((sum, ms) => sum + ms, 0) / 3600_000;
  assert.equal(defaultTiming.callbackDelaysMs.length, 11);
  assert.ok(hours > 40 && hours < 56, `${hours} h`);
});
