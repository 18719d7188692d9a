/** Promise: a broker that stands still, or a disk that is full, is told by health; the picture goes on where it can and comes back where it cannot. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Alert, ComponentHealth, Problem, SystemHealth } from '../contracts/index.js';
import { mountSmallDisk, type SmallDisk, waitFor } from '../testkit/index.js';
import { startWeir, type Weir } from './weir.js';

function partOf(health: SystemHealth, name: string): ComponentHealth | undefined {
  return health.components.find((component) => component.name === name);
}

async function healthWhen(weir: Weir, isSo: (health: SystemHealth) => boolean, what: string, deadlineMs = 20_000): Promise<SystemHealth> {
  let last: SystemHealth | undefined;
  try {
    return await waitFor(
      async () => {
        last = await weir.api<SystemHealth>('GET', '/health/detailed');
        return isSo(last) ? last : undefined;
      },
      { deadlineMs, everyMs: 100, what },
    );
  } catch (error) {
    throw new Error(`${String(error)}\nlast: ${JSON.stringify(last)}\n${weir.log.slice(-3000)}`);
  }
}

const small = { device: 'test:', resolution: '320x180', framerate: 10 };

/** The picture flows: a still of a key that is newer than the one before. */
async function flows(weir: Weir, streamId: string, deadlineMs = 30_000): Promise<void> {
  const tagOf = async () => {
    const answer = await weir.request('GET', `/api/v1/streams/${streamId}/still.jpg`);
    await answer.arrayBuffer();
    return answer.ok ? answer.headers.get('etag') : undefined;
  };
  let first: string | null | undefined;
  await waitFor(
    async () => {
      const tag = await tagOf();
      first ??= tag;
      return tag !== undefined && tag !== first;
    },
    { deadlineMs, everyMs: 300, what: `two keyframes of ${streamId}` },
  );
}

describe('a broker that stands still', () => {
  let weir: Weir;
  const broker = () => weir.processes().find(({ command }) => command.includes('nats-server'))?.pid ?? 0;

  before(async () => {
    weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
    await weir.api('POST', '/api/v1/streams', { stream_id: 'one', config: small });
    await weir.streamWhen('one', ({ status }) => status?.state === 'running', 'running', 30_000);
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
  });

  test('for a moment: it is told, the hub answers meanwhile, and all goes on in the same processes', async () => {
    const before = { broker: broker(), ffmpeg: (await weir.stream('one')).status?.pid };
    process.kill(before.broker, 'SIGSTOP');
    const health = await healthWhen(weir, (now) => partOf(now, 'broker')?.status !== 'healthy', 'the frozen broker told', 10_000);
    assert.match(partOf(health, 'broker')?.message ?? '', /does not answer/);
    assert.equal((await fetch(`${weir.url}/health/ready`)).status < 600, true);
    process.kill(before.broker, 'SIGCONT');
    await healthWhen(weir, (now) => now.status === 'healthy', 'all healthy again', 30_000);
    await flows(weir, 'one');
    assert.deepEqual({ broker: broker(), ffmpeg: (await weir.stream('one')).status?.pid }, before);
  });

  test('for good: it is replaced, and the picture is back without a new FFmpeg', async () => {
    const before = { broker: broker(), ffmpeg: (await weir.stream('one')).status?.pid };
    process.kill(before.broker, 'SIGSTOP');
    await waitFor(() => broker() !== 0 && broker() !== before.broker, { deadlineMs: 40_000, everyMs: 100, what: 'another broker' });
    await healthWhen(weir, (now) => now.status === 'healthy', 'all healthy again', 40_000);
    await flows(weir, 'one');
    assert.equal((await weir.stream('one')).status?.pid, before.ffmpeg, 'FFmpeg never noticed');
    const { items } = await weir.api<{ items: Alert[] }>('GET', '/api/v1/alerts');
    assert.ok(
      items.every((alert) => alert.cleared_at !== null),
      JSON.stringify(items),
    );
  });
});

describe('a data folder on a full disk', () => {
  let disk: SmallDisk | undefined;
  let weir: Weir | undefined;

  before(async () => {
    disk = await mountSmallDisk(192);
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
    await disk?.remove();
  });

  test('changes are refused as such and health says why; with room again all is well, in the same FFmpeg', async (t) => {
    if (disk === undefined) {
      t.skip('this user may not mount a small disk');
      return;
    }
    // So small a disk never has the room that recordings ask for by default.
    weir = await startWeir({
      dataFolder: disk.folder,
      env: { WEIR_STREAMS_TEST_PICTURE: 'false', WEIR_STORAGE_MIN_FREE_BYTES: '0', WEIR_VOD_MIN_FREE_BYTES: '0' },
    });
    const hub = weir;
    await hub.api('POST', '/api/v1/streams', { stream_id: 'one', config: small });
    await hub.streamWhen('one', ({ status }) => status?.state === 'running', 'running', 30_000);
    await flows(hub, 'one');
    const before = (await hub.stream('one')).status?.pid;

    const ballast = join(disk.folder, 'ballast');
    const filled = disk;
    filled.fill(ballast);
    const refused = await waitFor(
      async () => {
        // What is left in pages that are open already is used up first.
        const answer = await hub.request('POST', '/api/v1/streams', { name: 'x'.repeat(100), config: small });
        const body = (await answer.json()) as Problem;
        filled.fill(ballast);
        return answer.ok ? undefined : body;
      },
      { deadlineMs: 20_000, everyMs: 20, what: 'a refused change' },
    );
    assert.deepEqual([refused.code, /disk/.test(refused.detail)], ['resource_exhausted', true], JSON.stringify(refused));
    await healthWhen(hub, (now) => /disk.*full/.test(partOf(now, 'broker')?.message ?? ''), 'the full disk told', 30_000);
    assert.equal((await fetch(`${hub.url}/health`)).status, 200, 'the hub answers');

    rmSync(ballast);
    await healthWhen(hub, (now) => now.status === 'healthy', 'all healthy again', 60_000);
    await flows(hub, 'one');
    assert.equal((await hub.stream('one')).status?.pid, before, 'FFmpeg never noticed');
    await hub.api('POST', '/api/v1/streams', { stream_id: 'after', config: small });
    await hub.streamWhen('after', ({ status }) => status?.state === 'running', 'running', 30_000);
    // Journals are kept again.
    await waitFor(
      async () => {
        const { items } = await hub.api<{ items: unknown[] }>('GET', '/api/v1/streams/after/history?kind=metrics&limit=10');
        return items.length > 0;
      },
      { deadlineMs: 20_000, everyMs: 300, what: 'history after the full disk' },
    );
  });
});
