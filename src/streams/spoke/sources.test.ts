/** The spoke against sources that misbehave as cameras and networks do. Real broker, real FFmpeg; what is promised is measured. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ensureMediaJournal } from '../../bus/index.js';
import { readTrackFacts } from '../../media/index.js';
import { waitFor } from '../../testkit/index.js';
import { startLiveServer } from './testing/live-server.js';
import { assertBackSoon, openHttpBed, playing } from './testing/outage.js';
import { isPicture, isSlate, startTestbed } from './testing/testbed.js';

test('FFmpeg killed with SIGKILL: the picture is back at once', async (t) => {
  await using it = await startTestbed();
  const startMs = await playing(it, 'test:');
  const { pid } = await it.statusNow();
  const killedMs = performance.now();
  process.kill(pid ?? 0, 'SIGKILL');
  const failed = await it.status((status) => status.state === 'error', { fromMs: killedMs });
  const back = await it.media((media) => isPicture(media) && media.atMs > failed.atMs, { fromMs: killedMs });
  assertBackSoon(t, back.atMs - killedMs, startMs);
  assert.equal((await it.statusNow()).restarts, 1);
});

test('a change of resolution of a copied source gives a new epoch with a new init segment', async (t) => {
  const { it, server, device, stop } = await openHttpBed();
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
  const { it, server, device, stop } = await openHttpBed();
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
