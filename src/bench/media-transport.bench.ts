/**
 * Two ways for the picture to reach viewers, in one run: pulled from a JetStream journal (what Weir does), and a plain
 * subscription with a request for the group of pictures to begin with. 100 viewers of one 3 Mbit/s stream; a viewer that
 * stands still; a restart of the broker. The figures stand in docs/decisions/0002-media-journal.md.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { createMediaPublisher, ensureMediaJournal, openMediaReader, openWatchPlace } from '../bus/index.js';
import { startTestBroker, type TestBroker, waitFor } from '../testkit/index.js';

type Way = 'journal' | 'plain';
const viewers = 100;
const seconds = 6;
const frameRate = 30;
const keyBytes = 60_000;
const deltaBytes = 10_800;
const streamId = 'bench';
const plain = { init: 'plain.init', media: 'plain.media', group: 'plain.group' };

const now = () => performance.timeOrigin + performance.now();

// ---- Viewers live in a thread of their own, so that they do not delay the publisher. ----

interface Order {
  what: 'open' | 'measure' | 'stand_still';
  ms?: number;
}
interface Sum {
  firstMs: number[];
  latencyMs: number[];
  numbers: number[];
  /** After standing still: age of what was seen next, and time until a picture was younger than 100 ms. */
  caughtUpMs: number;
}

interface Viewer {
  firstMs: number;
  latencyMs: number[];
  numbers: number[];
}

function frame(number: number, isKey: boolean): Uint8Array {
  const data = new Uint8Array(isKey ? keyBytes : deltaBytes);
  const view = new DataView(data.buffer);
  view.setFloat64(0, now());
  view.setUint32(8, number);
  return data;
}

async function openViewer(url: string, way: Way, hub: NatsConnection, index: number): Promise<Viewer> {
  const connection = await connect({ servers: url, user: 'hub', pass: 'hub', maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const viewer: Viewer = { firstMs: Number.NaN, latencyMs: [], numbers: [] };
  const started = performance.now();
  const take = (data: Uint8Array) => {
    const view = new DataView(data.buffer, data.byteOffset);
    if (Number.isNaN(viewer.firstMs)) viewer.firstMs = performance.now() - started;
    viewer.latencyMs.push(now() - view.getFloat64(0));
    viewer.numbers.push(view.getUint32(8));
  };
  if (way === 'journal') {
    const name = `v${index}`;
    openMediaReader({
      connection,
      streamId,
      viewer: name,
      async watch({ after, journal }) {
        const options = {
          connection: hub,
          streamId,
          viewer: name,
          ...(after === undefined ? {} : { after }),
          ...(journal === undefined ? {} : { journalId: journal }),
        };
        return { ...(await openWatchPlace({ ...options, limits: {} })), stream_id: streamId, state: 'running' };
      },
      onInit: () => undefined,
      onFragment: (fragment) => take(fragment.data),
    });
  } else {
    connection.subscribe(plain.media, { callback: (_error, msg) => take(msg.data) });
    const group = await connection.request(plain.group, '', { timeout: 5000 });
    // The answer holds the key fragment; the deltas since are left out, which flatters this way a little.
    take(group.data);
  }
  return viewer;
}

async function runViewers(): Promise<void> {
  const { url, way, count } = workerData as { url: string; way: Way; count: number };
  const hub = await connect({ servers: url, user: 'hub', pass: 'hub', maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const all: Viewer[] = [];
  parentPort?.on('message', async ({ what, ms }: Order) => {
    if (what === 'open') {
      for (let index = 0; index < count; index += 1) all.push(await openViewer(url, way, hub, index));
      parentPort?.postMessage('opened');
    } else if (what === 'stand_still') {
      const before = all.map((viewer) => viewer.latencyMs.length);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
      const resumed = performance.now();
      await waitFor(() => all.every((viewer, index) => viewer.latencyMs.length > (before[index] ?? 0) && (viewer.latencyMs.at(-1) ?? 1e9) < 100), {
        what: 'new pictures',
        deadlineMs: 10_000,
        everyMs: 2,
      });
      parentPort?.postMessage({ caughtUpMs: performance.now() - resumed });
    } else {
      const sum: Sum = {
        firstMs: all.map((one) => one.firstMs),
        latencyMs: all.flatMap((one) => one.latencyMs),
        numbers: all[0]?.numbers ?? [],
        caughtUpMs: 0,
      };
      for (const viewer of all) viewer.latencyMs = [];
      parentPort?.postMessage(sum);
    }
  });
}

// ---- The measuring side. ----

async function ask<T>(worker: Worker, order: Order): Promise<T> {
  const answer = once(worker, 'message');
  worker.postMessage(order);
  return ((await answer) as [T])[0];
}

async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function rssMb(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

interface Source {
  sent(): number;
  stop(): Promise<void>;
}

/** Sends the same frames either way; the plain one has nothing to send again. */
async function openSource(broker: TestBroker, way: Way): Promise<Source> {
  const connection = await broker.connect();
  let number = 0;
  let lastKey = frame(0, true);
  let push: (isKey: boolean, data: Uint8Array) => void;
  const publisher = createMediaPublisher({ connection, streamId });
  if (way === 'journal') {
    await ensureMediaJournal(connection, streamId);
    publisher.begin({ init: new Uint8Array(800), codecs: 'avc1.64001f', picture: 'source' });
    push = (isKey, data) =>
      publisher.push({ kind: isKey ? 'key' : 'delta', data, timeMs: (number * 1000) / frameRate, durationMs: 1000 / frameRate });
  } else {
    connection.subscribe(plain.group, { callback: (_error, msg) => void msg.respond(lastKey) });
    push = (_isKey, data) => connection.publish(plain.media, data);
  }
  const timer = setInterval(() => {
    const isKey = number % frameRate === 0;
    const data = frame(number, isKey);
    if (isKey) lastKey = data;
    push(isKey, data);
    number += 1;
  }, 1000 / frameRate);
  return {
    sent: () => number,
    async stop() {
      clearInterval(timer);
      await publisher.stop();
      await connection.close();
    },
  };
}

const settle = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const at = (sorted: number[], share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
const print = (line: string) => process.stdout.write(`${line}\n`);

async function openWorker(broker: TestBroker, way: Way, count: number): Promise<Worker> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { url: broker.url, way, count } });
  await ask(worker, { what: 'open' });
  return worker;
}

async function measureCrowd(broker: TestBroker, way: Way): Promise<void> {
  const worker = await openWorker(broker, way, viewers);
  await settle(1000);
  const first = await ask<Sum>(worker, { what: 'measure' });
  const cpu = await cpuMs(broker.pid);
  await settle(seconds * 1000);
  const used = (await cpuMs(broker.pid)) - cpu;
  const sum = await ask<Sum>(worker, { what: 'measure' });
  const latency = sum.latencyMs.sort((a, b) => a - b);
  const firsts = first.firstMs.sort((a, b) => a - b);
  const expected = seconds * frameRate * viewers;
  print(
    `${way.padEnd(8)} ${viewers} viewers: publish->receive p50 ${at(latency, 0.5).toFixed(1)} ms, p99 ${at(latency, 0.99).toFixed(1)} ms; ` +
      `first fragment p50 ${at(firsts, 0.5).toFixed(1)} ms, p99 ${at(firsts, 0.99).toFixed(1)} ms; ` +
      `${((latency.length / expected) * 100).toFixed(1)} % of the fragments; server ${(used / seconds / 1000).toFixed(2)} cores, ${(await rssMb(broker.pid)).toFixed(0)} MB`,
  );
  await worker.terminate();
}

async function measureStandstill(broker: TestBroker, way: Way): Promise<void> {
  const worker = await openWorker(broker, way, 1);
  await settle(500);
  const before = await rssMb(broker.pid);
  const answer = await ask<{ caughtUpMs: number }>(worker, { what: 'stand_still', ms: 5000 });
  const grown = (await rssMb(broker.pid)) - before;
  const { numbers } = await ask<Sum>(worker, { what: 'measure' });
  const missing = (numbers.at(-1) ?? 0) - (numbers[0] ?? 0) + 1 - numbers.length;
  print(
    `${way.padEnd(8)} a viewer stands still for 5 s: live again after ${answer.caughtUpMs.toFixed(0)} ms, ${missing} fragments left out, server grew ${grown.toFixed(1)} MB`,
  );
  await worker.terminate();
}

async function measureRestart(broker: TestBroker, way: Way, source: Source): Promise<void> {
  const worker = await openWorker(broker, way, 1);
  await settle(1000);
  await broker.kill9();
  await settle(500);
  await broker.restart();
  const sent = source.sent();
  const started = performance.now();
  const numbers = await waitFor(
    async () => {
      const sum = await ask<Sum>(worker, { what: 'measure' });
      return (sum.numbers.at(-1) ?? 0) > sent ? sum.numbers : false;
    },
    { what: 'media after the restart', deadlineMs: 10_000, everyMs: 10 },
  );
  const took = performance.now() - started;
  const distinct = new Set(numbers).size;
  const missing = (numbers.at(-1) ?? 0) - (numbers[1] ?? 0) + 2 - distinct;
  print(
    `${way.padEnd(8)} broker kill -9 and restart: media again ${took.toFixed(0)} ms after ready, ${missing} fragments lost, ${numbers.length - distinct} twice`,
  );
  await worker.terminate();
}

if (isMainThread) {
  for (const way of ['journal', 'plain'] as const) {
    const broker = await startTestBroker();
    const source = await openSource(broker, way);
    await settle(1200);
    await measureCrowd(broker, way);
    await measureStandstill(broker, way);
    await measureRestart(broker, way, source);
    await source.stop();
    await broker.stop();
  }
  process.exit(0);
} else {
  await runViewers();
}
