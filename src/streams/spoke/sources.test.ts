/** The spoke against sources that misbehave as cameras and networks do. Real broker, real FFmpeg; what is promised is measured. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ensureMediaJournal } from '../../bus/index.js';
import { readTrackFacts } from '../../media/index.js';
import { type FaultProxy, startFaultProxy } from '../../testkit/fault-proxy.js';
import { waitFor } from '../../testkit/index.js';
import { startRtspServer } from '../../testkit/rtsp-server.js';
import { startLiveServer } from './testing/live-server.js';
import { isPicture, isSlate, startTestbed, type Testbed } from './testing/testbed.js';

/** What the design promises. */
const detectedWithinMs = 1000;
const backWithinMs = 2000;
/** The machine of the tests is shared; a promise may be missed by so much without being broken. */
const toleranceMs = 500;

async function playing(it: Testbed, device: string, more: object = {}): Promise<void> {
  await it.command('start', { device, ...more });
  await it.status((status) => status.state === 'running', { deadlineMs: 20_000 });
  await it.media(isPicture);
  // So that the rhythm of the source is known.
  await waitFor(() => it.heard.media.filter(isPicture).length > 60, { deadlineMs: 10_000 });
}

async function measureOutage(
  t: TestContext,
  it: Testbed,
  outage: { begin(): unknown; end(): unknown; reason?: string; awayMs: number },
): Promise<void> {
  const awayMs = performance.now();
  await outage.begin();
  const failed = await it.status((status) => status.state === 'error', { fromMs: awayMs });
  const slate = await it.media(isSlate, { fromMs: awayMs });
  t.diagnostic(`away found after ${Math.round(failed.atMs - awayMs)} ms (${failed.reason}), slate ${Math.round(slate.atMs - failed.atMs)} ms later`);
  if (outage.reason !== undefined) assert.equal(failed.reason, outage.reason);
  assert.ok(failed.atMs - awayMs <= detectedWithinMs + toleranceMs);
  await waitFor(() => performance.now() - awayMs > outage.awayMs, { deadlineMs: outage.awayMs + 1000 });
  assert.ok((await it.statusNow()).no_signal);
  const returnedMs = performance.now();
  await outage.end();
  const back = await it.media(isPicture, { fromMs: returnedMs, deadlineMs: 15_000 });
  t.diagnostic(`playing again ${Math.round(back.atMs - returnedMs)} ms after the source returned`);
  assert.ok(back.atMs - returnedMs <= backWithinMs + toleranceMs);
  const running = await it.status((status) => status.state === 'running', { fromMs: returnedMs });
  assert.equal(running.no_signal, undefined);
}

async function httpBed(): Promise<{
  it: Testbed;
  proxy: FaultProxy;
  device: string;
  server: Awaited<ReturnType<typeof startLiveServer>>;
  stop(): Promise<void>;
}> {
  const server = await startLiveServer();
  const proxy = await startFaultProxy({ port: server.port });
  const it = await startTestbed();
  const stop = async () => {
    await it.stop();
    await proxy.stop();
    await server.stop();
  };
  return { it, proxy, server, device: `http://127.0.0.1:${proxy.port}/live.ts`, stop };
}

test('HTTP: a stalled line', async (t) => {
  const { it, proxy, device, stop } = await httpBed();
  try {
    await playing(it, device);
    await measureOutage(t, it, { begin: () => proxy.stall(), end: () => proxy.resume(), reason: 'source_silent', awayMs: 6000 });
  } finally {
    await stop();
  }
});

test('HTTP: a server that is down for a while', async (t) => {
  const { it, proxy, device, stop } = await httpBed();
  try {
    await playing(it, device);
    await measureOutage(t, it, { begin: () => proxy.refuse(), end: () => proxy.accept(), awayMs: 8000 });
  } finally {
    await stop();
  }
});

test('HTTP: an encoder that is stopped (SIGSTOP) behind a server that goes on', async (t) => {
  const { it, server, device, stop } = await httpBed();
  try {
    await playing(it, device);
    await measureOutage(t, it, {
      begin: () => server.encoder.kill('SIGSTOP'),
      end: () => server.encoder.kill('SIGCONT'),
      reason: 'source_silent',
      awayMs: 7000,
    });
  } finally {
    await stop();
  }
});

test('RTSP: a camera that keeps its connections and sends nothing', async (t) => {
  const camera = await startRtspServer();
  const it = await startTestbed();
  try {
    await playing(it, camera.url);
    await measureOutage(t, it, { begin: () => camera.setMuted(true), end: () => camera.setMuted(false), reason: 'source_silent', awayMs: 5000 });
  } finally {
    await it.stop();
    await camera.stop();
  }
});

for (const [what, credentials] of [
  ['open to all', undefined],
  ['with a login, which asks for it whether or not the stream exists', { user: 'viewer', password: 'a word' }],
] as const) {
  test(`RTSP: a camera ${what}, that restarts: its port answers long before its stream exists`, async (t) => {
    const camera = await startRtspServer(credentials === undefined ? {} : { credentials, authentication: 'digest' });
    const proxy = await startFaultProxy({ port: camera.port });
    const it = await startTestbed();
    const login = credentials === undefined ? '' : `${credentials.user}:${encodeURIComponent(credentials.password)}@`;
    let booting: NodeJS.Timeout | undefined;
    try {
      await playing(it, `rtsp://${login}127.0.0.1:${proxy.port}/live`);
      const begin = async () => {
        camera.refuseDescribe('404 Not Found');
        await proxy.refuse();
        booting = setTimeout(() => void proxy.accept(), 6000);
      };
      await measureOutage(t, it, { begin, end: () => camera.refuseDescribe(undefined), awayMs: 12_000 });
    } finally {
      clearTimeout(booting);
      await it.stop();
      await proxy.stop();
      await camera.stop();
    }
  });
}

test('FFmpeg killed with SIGKILL: the picture is back at once', async (t) => {
  await using it = await startTestbed();
  await playing(it, 'test:');
  const { pid } = await it.statusNow();
  const killedMs = performance.now();
  process.kill(pid ?? 0, 'SIGKILL');
  const failed = await it.status((status) => status.state === 'error', { fromMs: killedMs });
  const back = await it.media((media) => isPicture(media) && media.atMs > failed.atMs, { fromMs: killedMs });
  t.diagnostic(`noticed after ${Math.round(failed.atMs - killedMs)} ms, playing again after ${Math.round(back.atMs - killedMs)} ms`);
  assert.ok(back.atMs - killedMs <= backWithinMs);
  assert.equal((await it.statusNow()).restarts, 1);
});

test('a change of resolution of a copied source gives a new epoch with a new init segment', async (t) => {
  const { it, server, device, stop } = await httpBed();
  try {
    await playing(it, device);
    const before = await it.statusNow();
    assert.deepEqual([before.mode, before.video?.width], ['copy', 640]);
    const fromMs = performance.now();
    await server.play({ size: '320x180' });
    const init = await it.media((media) => media.kind === 'init' && readTrackFacts(media.data).video?.width === 320, { fromMs, deadlineMs: 20_000 });
    const next = await it.media((media) => isPicture(media) && media.epoch === init.epoch, { fromMs });
    t.diagnostic(`new picture ${Math.round(next.atMs - fromMs)} ms after the change`);
    await it.status((status) => status.state === 'running' && status.video?.width === 320, { fromMs });
  } finally {
    await stop();
  }
});

test('a change of resolution of an encoded source is scaled; the picture goes on', async () => {
  const { it, server, device, stop } = await httpBed();
  try {
    await playing(it, device, { codec: 'h264' });
    const { pid } = await it.statusNow();
    await server.play({ size: '320x180' });
    const fromMs = performance.now();
    await it.media((media) => isPicture(media) && media.kind === 'key' && media.atMs > fromMs + 1500, { deadlineMs: 20_000 });
    const after = await it.statusNow();
    assert.deepEqual([after.state, after.video?.width], ['running', 640]);
    if (after.restarts === 0) assert.equal(after.pid, pid);
  } finally {
    await stop();
  }
});

test('sound without picture is named, and the slate shown', async () => {
  await using server = await startLiveServer({ hasAudio: true, videoForS: 25 });
  await using it = await startTestbed();
  await playing(it, server.url);
  const failed = await it.status((status) => status.state === 'error', { deadlineMs: 30_000 });
  assert.equal(failed.reason, 'audio_only');
  await it.media(isSlate, { fromMs: failed.atMs });
});

test('a frozen picture is alerted once and cleared once; the stream goes on', async () => {
  await using server = await startLiveServer({ freezeAtFrame: 90 });
  await using it = await startTestbed();
  await playing(it, server.url, { frozen_after_s: 3 });
  const frozen = await waitFor(() => it.heard.alerts.find((alert) => alert.kind === 'frozen_picture'), { deadlineMs: 15_000 });
  assert.equal(frozen.severity, 'warning');
  assert.deepEqual([(await it.statusNow()).state, (await it.statusNow()).reason], ['running', 'frozen_picture']);
  await server.play({});
  await waitFor(() => it.heard.alerts.some((alert) => alert.kind === 'frozen_picture' && alert.cleared === true), { deadlineMs: 15_000 });
  assert.equal(it.heard.alerts.filter((alert) => alert.kind === 'frozen_picture').length, 2);
});

test('garbage from a source is named, and retried', async () => {
  const server = createServer((_request, response) => {
    const timer = setInterval(() => response.write(randomBytes(20_000)), 20);
    response.on('close', () => clearInterval(timer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const it = await startTestbed();
  try {
    await it.command('start', { device: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live` });
    const failed = await it.status((status) => status.state === 'error', { deadlineMs: 20_000 });
    assert.equal(failed.reason, 'source_garbage');
    await it.media(isSlate);
  } finally {
    await it.stop();
    server.closeAllConnections();
    server.close();
  }
});

test('while the broker is away FFmpeg goes on; afterwards nothing new is started and the status is told again', async () => {
  await using it = await startTestbed();
  await playing(it, 'test:');
  const { pid } = await it.statusNow();
  await it.broker.kill9();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const fromMs = performance.now();
  await it.broker.restart();
  await ensureMediaJournal(await it.broker.connect(), it.streamId);
  await it.status((status) => status.state === 'running', { fromMs });
  await it.media(isPicture, { fromMs });
  const after = await it.statusNow();
  assert.deepEqual([after.pid, after.restarts], [pid, 0]);
});
