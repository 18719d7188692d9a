/** Program behind `audience.ts`: opens the sockets, receives, and counts when asked. Ends with its parent. */
import { type NatsConnection, type WsConnectionOptions, wsconnect } from '@nats-io/nats-core';
import WebSocket from 'ws';
import { createBus, openMediaReader } from '../bus/index.js';
import { publishSubject } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import type { AudienceOrder, AudienceReport, Seat } from './audience.js';
import { percentile } from './figures.js';
import { startCpu } from './processes.js';

const latencies: number[] = [];
let lost = 0;
let jumps = 0;
let isMeasuring = false;

/** Counts one message of a viewer; `number` grows by one from message to message unless something was lost. */
function createCounter() {
  let next: number | undefined;
  let run: string | undefined;
  return {
    take(number: number, publishedAt: number, restart: string): void {
      if (isMeasuring) {
        latencies.push(performance.timeOrigin + performance.now() - publishedAt);
        if (next !== undefined && run === restart && number > next) lost += number - next;
      }
      next = number + 1;
      run = restart;
    },
    /** The viewer was seconds behind and went on at the newest keyframe. */
    jump(): void {
      next = undefined;
      if (isMeasuring) jumps += 1;
    },
  };
}

function connect(seat: Seat): Promise<NatsConnection> {
  const options: WsConnectionOptions = {
    servers: seat.url,
    user: seat.credentials.user,
    pass: seat.credentials.password,
    inboxPrefix: seat.credentials.inbox_prefix,
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
    // A busy machine may miss the broker's patience with logins at first.
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    timeout: 20_000,
    // Its type is that of the browser, which the client of `ws` follows.
    wsFactory: (url) =>
      Promise.resolve({
        socket: new WebSocket(url, {
          perMessageDeflate: false,
          ...(seat.token === undefined ? {} : { headers: { authorization: `Bearer ${seat.token}` } }),
        }) as never,
        encrypted: false,
      }),
  };
  return wsconnect(options);
}

async function sit(order: AudienceOrder, seat: Seat): Promise<() => boolean> {
  const connection = await connect(seat);
  const count = createCounter();
  let received = 0;
  if (order.kind === 'progress') {
    connection.subscribe(publishSubject('stream_progress', { stream_id: order.streamId }), {
      callback: (_error, message) => {
        const progress = message.json<{ frame: number; sent_at: number }>();
        received += 1;
        count.take(progress.frame, progress.sent_at, '');
      },
    });
    await connection.flush();
  } else {
    const bus = createBus(connection);
    openMediaReader({
      connection,
      streamId: order.streamId,
      viewer: seat.credentials.viewer,
      watch: (request, signal) => bus.request('stream_watch', { stream_id: order.streamId }, request, { signal }),
      onInit: () => undefined,
      onGap: ({ reason }) => {
        if (reason === 'lag') count.jump();
      },
      onFragment: (fragment) => {
        received += 1;
        count.take(fragment.sequence, fragment.publishedAt, fragment.epoch);
      },
    });
  }
  return () => received > 0;
}

async function open(order: AudienceOrder): Promise<object> {
  const waiting = [...order.seats];
  const seated: (() => boolean)[] = [];
  const usher = async () => {
    for (let seat = waiting.shift(); seat !== undefined; seat = waiting.shift()) seated.push(await sit(order, seat));
  };
  await Promise.all(Array.from({ length: 8 }, usher));
  await waitFor(() => seated.every((hasReceived) => hasReceived()), { deadlineMs: 40_000, everyMs: 50, what: 'a message for each viewer' });
  return {};
}

async function measure(ms: number): Promise<AudienceReport> {
  latencies.length = 0;
  lost = 0;
  jumps = 0;
  const cpu = startCpu([process.pid]);
  isMeasuring = true;
  await new Promise((resolve) => setTimeout(resolve, ms));
  isMeasuring = false;
  return {
    received: latencies.length,
    lost,
    jumps,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: percentile(latencies, 1),
    cpuPercent: cpu(),
  };
}

process.on('disconnect', () => process.exit(0));
process.on('message', (message: { order?: AudienceOrder; measureMs?: number }) => {
  const work = message.order === undefined ? measure(message.measureMs ?? 0) : open(message.order);
  work.then(
    (reply) => process.send?.(reply),
    (error: unknown) => process.send?.({ failure: String(error) }),
  );
});
