/**
 * The typed bus against the raw client doing the same work with JSON.parse and JSON.stringify, in one run, medians of five.
 * Goals: publish -> subscribe at least 0.90 of raw, request p50 at most 1.15 of raw.
 */
import type { NatsConnection } from '@nats-io/nats-core';
import { createBus } from '../bus/index.js';
import type { StreamMetrics, StreamStatus } from '../contracts/index.js';
import { startTestBroker } from '../testkit/index.js';

const messages = 100_000;
const requests = 3000;
const rounds = 5;
const subject = 'videonode.stream.cam1.metrics';

const metrics: StreamMetrics = {
  stream_id: 'cam1',
  cpu_percent: 12.5,
  rss_bytes: 84_000_000,
  fps: 29.97,
  bitrate_kbps: 3012.4,
  queue_bytes: 0,
  dropped_frames: 0,
  dropped_fragments: 0,
  keyframe_age_ms: 412,
  restarts: 0,
  timestamp: '2026-11-20T12:00:00.123Z',
};
const status: StreamStatus = { stream_id: 'cam1', state: 'running', pid: 4711, timestamp: '2026-11-20T12:00:00.123Z' };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Publishes in bursts, as fast as the receiver follows, and resolves to messages per second. */
async function throughput(publish: () => void, flush: () => Promise<void>, count: { now: number }): Promise<number> {
  count.now = 0;
  const started = performance.now();
  for (let sent = 0; sent < messages; sent += 500) {
    for (let index = 0; index < 500; index += 1) publish();
    await flush();
  }
  while (count.now < messages) await flush();
  return (messages / (performance.now() - started)) * 1000;
}

async function latencies(ask: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let index = 0; index < requests; index += 1) {
    const started = performance.now();
    await ask();
    taken.push((performance.now() - started) * 1000);
  }
  return taken.sort((a, b) => a - b);
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function rawThroughput(publisher: NatsConnection, receiver: NatsConnection): Promise<number> {
  const count = { now: 0 };
  const subscription = receiver.subscribe(subject, {
    callback: (_error, msg) => {
      const message = JSON.parse(decoder.decode(msg.data)) as StreamMetrics;
      if (message.stream_id === 'cam1') count.now += 1;
    },
  });
  await receiver.flush();
  const publish = () => publisher.publish(subject, encoder.encode(JSON.stringify(metrics)));
  const result = await throughput(publish, () => publisher.flush(), count);
  subscription.unsubscribe();
  return result;
}

async function busThroughput(publisher: NatsConnection, receiver: NatsConnection): Promise<number> {
  const count = { now: 0 };
  const [out, into] = [createBus(publisher), createBus(receiver)];
  const subscription = into.subscribe('stream_metrics', {}, (message) => {
    if (message.stream_id === 'cam1') count.now += 1;
  });
  await subscription.ready;
  const publish = () => out.publish('stream_metrics', { stream_id: 'cam1' }, metrics);
  const result = await throughput(publish, () => publisher.flush(), count);
  await Promise.all([out.stop(), into.stop()]);
  return result;
}

async function rawRequests(asker: NatsConnection, answerer: NatsConnection): Promise<number[]> {
  const subscription = answerer.subscribe('raw.status.get', { callback: (_error, msg) => void msg.respond(encoder.encode(JSON.stringify(status))) });
  await answerer.flush();
  const result = await latencies(async () => JSON.parse(decoder.decode((await asker.request('raw.status.get')).data)));
  subscription.unsubscribe();
  return result;
}

async function busRequests(asker: NatsConnection, answerer: NatsConnection): Promise<number[]> {
  const [ask, answer] = [createBus(asker), createBus(answerer)];
  const server = answer.serve('stream_status_get', { stream_id: 'cam1' }, () => status);
  await server.ready;
  const result = await latencies(() => ask.request('stream_status_get', { stream_id: 'cam1' }, undefined));
  await Promise.all([ask.stop(), answer.stop()]);
  return result;
}

const broker = await startTestBroker();
const one = await broker.connect('hub', { noAsyncTraces: true });
const two = await broker.connect('hub', { noAsyncTraces: true });
const flow: { raw: number[]; bus: number[] } = { raw: [], bus: [] };
const ask: { raw: number[][]; bus: number[][] } = { raw: [], bus: [] };
await rawThroughput(one, two);
await busThroughput(one, two);
for (let round = 0; round < rounds; round += 1) {
  // The order alternates, so that neither side always meets the warmer machine.
  const steps = [
    async () => flow.raw.push(await rawThroughput(one, two)),
    async () => flow.bus.push(await busThroughput(one, two)),
    async () => ask.raw.push(await rawRequests(one, two)),
    async () => ask.bus.push(await busRequests(one, two)),
  ];
  for (const step of round % 2 === 0 ? steps : steps.reverse()) await step();
}
await broker.stop();

const at = (runs: number[][], share: number) => median(runs.map((run) => run[Math.floor(run.length * share)] ?? 0));
const line = (what: string, raw: number, bus: number, unit: string, goal: string) =>
  process.stdout.write(
    `${what.padEnd(28)} raw ${raw.toFixed(0)} ${unit}, bus ${bus.toFixed(0)} ${unit}, ratio ${(bus / raw).toFixed(2)} (goal ${goal})\n`,
  );
line('publish -> subscribe', median(flow.raw), median(flow.bus), 'msg/s', '>= 0.90');
line('request p50', at(ask.raw, 0.5), at(ask.bus, 0.5), 'us', '<= 1.15');
line('request p99', at(ask.raw, 0.99), at(ask.bus, 0.99), 'us', '<= 1.5');
