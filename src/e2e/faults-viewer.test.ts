/** Promise: a viewer that stops reading costs hub and broker a bounded amount, disturbs nobody, and goes on at the newest keyframe. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { wsconnect } from '@nats-io/nats-core';
import { WebSocket } from 'ws';
import { createBus, openMediaReader, type ReadGap } from '../bus/index.js';
import type { BusCredentials } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { startWeir, type Weir } from './weir.js';

const stallMs = 20_000;
const mebibyte = 1024 * 1024;
/** Of the stream, by the broker. */
const keptBytes = 6 * mebibyte;

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/** A viewer as a browser is one, over `/nats` of the hub, whose socket can be left unread. */
async function openViewer(weir: Weir) {
  const credentials = await weir.api<BusCredentials>('POST', '/api/v1/bus/credentials', {});
  let socket: WebSocket | undefined;
  const connection = await wsconnect({
    servers: `${weir.url.replace('http', 'ws')}${credentials.url}`,
    user: credentials.user,
    pass: credentials.password,
    inboxPrefix: credentials.inbox_prefix,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    wsFactory: async (address) => {
      socket = new WebSocket(address, { headers: { authorization: `Bearer ${weir.localToken}`, origin: weir.url } });
      return { socket: socket as never, encrypted: false };
    },
  });
  const bus = createBus(connection);
  const gaps: ReadGap[] = [];
  const seen = { fragments: 0, bytes: 0, publishedAt: 0, afterGap: '' };
  const reader = openMediaReader({
    connection,
    streamId: 'busy',
    viewer: credentials.viewer,
    watch: (request, signal) => bus.request('stream_watch', { stream_id: 'busy' }, request, { signal }),
    onInit: () => undefined,
    onGap: (gap) => {
      gaps.push(gap);
      seen.afterGap = '';
    },
    onFragment: (fragment) => {
      seen.fragments += 1;
      seen.bytes += fragment.data.length;
      seen.publishedAt = fragment.publishedAt;
      if (gaps.length > 0 && seen.afterGap === '') seen.afterGap = fragment.kind;
    },
  });
  return { seen, gaps, reader, pause: () => socket?.pause(), resume: () => socket?.resume(), close: () => connection.close() };
}

describe('a viewer that stops reading', () => {
  let weir: Weir;
  before(async () => {
    // Less than what comes during the stall: one that stalls for a shorter time reads on where it was, and misses nothing.
    weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false', WEIR_STREAMS_MEDIA_MAX_BYTES: String(keptBytes) } });
    const config = { device: 'test:', resolution: '1280x720', framerate: 30, bitrate: 6000 };
    await weir.api('POST', '/api/v1/streams', { stream_id: 'busy', config });
    await weir.streamWhen('busy', ({ status }) => status?.state === 'running', 'running', 30_000);
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
  });

  test('memory of hub and broker stays bounded, others see every fragment, and it skips to the newest keyframe', { timeout: 90_000 }, async (t) => {
    const slow = await openViewer(weir);
    const quick = await openViewer(weir);
    try {
      await waitFor(() => slow.seen.fragments > 60 && quick.seen.fragments > 60, { deadlineMs: 30_000, what: 'both watching' });
      const broker = weir.processes().find(({ command }) => command.includes('nats-server'))?.pid ?? 0;
      const before = { hub: residentBytes(weir.pid), broker: residentBytes(broker), quick: quick.seen.fragments, bytes: quick.seen.bytes };
      slow.pause();
      // Not a wait for something: the stall itself is what is tested.
      await delay(stallMs);
      const stalledAt = slow.seen.publishedAt;
      const megabits = ((quick.seen.bytes - before.bytes) * 8) / stallMs / 1000;
      const grown = { hub: residentBytes(weir.pid) - before.hub, broker: residentBytes(broker) - before.broker };
      t.diagnostic(
        `${megabits.toFixed(1)} Mbit/s; grown: hub ${Math.round(grown.hub / mebibyte)} MiB, broker ${Math.round(grown.broker / mebibyte)} MiB`,
      );
      // What is kept of the stream, and at most what one connection may hold back.
      assert.ok(grown.broker < keptBytes + 32 * mebibyte, `broker grew by ${grown.broker}`);
      assert.ok(grown.hub < 32 * mebibyte, `hub grew by ${grown.hub}`);
      assert.ok(megabits > 3, `only ${megabits.toFixed(1)} Mbit/s ran`);
      assert.ok(quick.gaps.length === 0 && quick.seen.fragments > before.quick + 100, 'the other viewer was not disturbed');

      slow.resume();
      await waitFor(() => slow.seen.publishedAt > stalledAt + stallMs - 3000 && Date.now() - slow.seen.publishedAt < 2500, {
        deadlineMs: 20_000,
        what: 'the slow viewer at the newest picture',
      });
      assert.ok(slow.gaps.length >= 1, 'what it missed was skipped');
      assert.equal(slow.seen.afterGap, 'key', 'and it goes on with a keyframe');
      assert.ok(slow.seen.fragments < quick.seen.fragments - 200, `${slow.seen.fragments} of ${quick.seen.fragments} fragments`);
    } finally {
      for (const viewer of [slow, quick]) {
        viewer.resume();
        await viewer.reader.stop();
        await viewer.close();
      }
    }
  });
});
