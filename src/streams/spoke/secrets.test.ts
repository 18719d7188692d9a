/** Credentials of sources and push targets: they work, and nobody but their owner gets to see them. Real broker, real FFmpeg. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { StreamConfig } from '../../contracts/index.js';
import { startCapture } from '../../testkit/ffmpeg-capture.js';
import { assertWithin, waitFor } from '../../testkit/index.js';
import { watchProcesses } from '../../testkit/process-witness.js';
import { startRtspServer } from '../../testkit/rtsp-server.js';
import { startLiveServer } from './testing/live-server.js';
import { isPicture, isSlate, startTestbed, type Testbed } from './testing/testbed.js';

/** Long enough to be found nowhere else on this machine. */
const makeSecret = () => `s3cr't${randomBytes(8).toString('hex')}`;

/** What is said of a stream must not hold the secret either. */
function assertUnspoken(it: Testbed, secret: string): void {
  const { statuses, alerts, log, metrics, progress } = it.heard;
  for (const message of [...statuses, ...alerts, ...log, ...metrics, ...progress]) assert.ok(!JSON.stringify(message).includes(secret));
  assert.ok(statuses.length > 0);
}

async function withWitness(secret: string, body: (it: Testbed) => Promise<void>) {
  const forms = [secret, encodeURIComponent(secret)];
  const witness = await watchProcesses(forms);
  try {
    await using it = await startTestbed();
    await body(it);
    for (const form of forms) assertUnspoken(it, form);
  } catch (error) {
    await witness.stop();
    throw error;
  }
  const seen = await witness.stop();
  assert.ok(seen.rounds > 20, `${seen.rounds} looks`);
  return seen.sightings;
}

async function play(t: TestContext, it: Testbed, config: StreamConfig): Promise<void> {
  const begin = performance.now();
  await it.command('start', config);
  const first = await it.media(isPicture, { deadlineMs: 20_000 });
  t.diagnostic(`first picture after ${Math.round(first.atMs - begin)} ms`);
  await waitFor(() => it.heard.media.filter(isPicture).length > 60, { deadlineMs: 10_000 });
  assert.equal((await it.statusNow()).state, 'running');
}

for (const authentication of ['basic', 'digest'] as const) {
  test(`RTSP ${authentication}: plays, is refused with a wrong password, and shows neither`, async (t) => {
    const password = makeSecret();
    await using camera = closing(await startRtspServer({ credentials: { user: 'admin', password }, authentication }));
    const address = (secret: string) => camera.url.replace('//', `//admin:${encodeURIComponent(secret)}@`);
    // Without its last letter, so that the wrong one is looked for as well.
    const sightings = await withWitness(password.slice(0, -1), async (it) => {
      await play(t, it, { device: address(password) });
      assert.equal((await it.statusNow()).mode, 'copy');
      // What FFmpeg writes about the end must not tell it either.
      camera.cut();
      await it.status((status) => status.state === 'error');
      await it.media(isSlate);
      const wrong = `${password.slice(0, -1)}x`;
      const fromMs = performance.now();
      await it.command('configure', { device: address(wrong) });
      const refused = await it.status((status) => status.reason === 'source_refused', { fromMs, deadlineMs: 15_000 });
      assert.match(refused.error ?? '', /user name or password/);
    });
    assert.deepEqual(sightings, []);
  });
}

test('a camera that hangs is found out and played again as without credentials', async (t) => {
  const password = makeSecret();
  await using camera = closing(await startRtspServer({ credentials: { user: 'admin', password } }));
  const sightings = await withWitness(password, async (it) => {
    await play(t, it, { device: camera.url.replace('//', `//admin:${password}@`) });
    const silentMs = performance.now();
    camera.setMuted(true);
    const found = await it.status((status) => status.state === 'error', { fromMs: silentMs });
    t.diagnostic(`silence found after ${Math.round(found.atMs - silentMs)} ms`);
    await assertWithin(found.atMs - silentMs, 1500, 'silence found');
    assert.equal(found.reason, 'source_silent');
    const backMs = performance.now();
    camera.setMuted(false);
    const back = await it.media(isPicture, { fromMs: backMs, deadlineMs: 15_000 });
    t.diagnostic(`playing again after ${Math.round(back.atMs - backMs)} ms`);
    await assertWithin(back.atMs - backMs, 2500, 'playing again');
  });
  assert.deepEqual(sightings, []);
});

test('MPEG-TS over HTTP with a token: plays with sound and shows nothing', async (t) => {
  const token = makeSecret();
  await using server = await startLiveServer({ hasAudio: true });
  const sightings = await withWitness(token, async (it) => {
    await play(t, it, { device: `${server.url}?token=${encodeURIComponent(token)}` });
    const status = await it.statusNow();
    assert.deepEqual([status.mode, status.audio?.codec], ['copy', 'aac']);
  });
  assert.deepEqual(sightings, []);
});

/** The listener gets its address in a script too, so that it is not what is seen. */
async function pushTo(address: string, options: readonly string[], it: Testbed, config: StreamConfig): Promise<void> {
  const listener = startCapture(
    ['-v', 'error', '-f', 'concat', '-safe', '0', ...anyProtocol, '-i', 'pipe:0', '-an', '-c', 'copy', ...fragmented],
    'ffmpeg',
    ['ffconcat version 1.0', `file ${quote(address)}`, ...options.map((option) => `option ${option}`)],
  );
  try {
    await it.command('start', config);
    await listener.haveFragments(20, 20_000);
  } finally {
    await listener.stop();
  }
}

const anyProtocol = ['-protocol_whitelist', 'pipe,rtmp,tcp,srt'];
const fragmented = ['-f', 'mp4', '-movflags', '+empty_moov+frag_keyframe', '-frag_duration', '1', 'pipe:1'];
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

test('a push to RTMP arrives under its key, which nobody else sees', async () => {
  const key = makeSecret();
  const port = await freePort();
  const url = `rtmp://127.0.0.1:${port}/live/${key}?a=b:c&x=%2f`;
  const sightings = await withWitness(key, (it) => pushTo(url, ['listen 1'], it, { device: 'test:?size=320x180&audio=1', output_url: url }));
  assert.deepEqual(sightings, []);
});

test('a push to SRT arrives encrypted with its passphrase, which nobody else sees', async () => {
  const passphrase = makeSecret();
  const port = await freePort();
  const url = `srt://127.0.0.1:${port}?passphrase=${passphrase}&latency=50000`;
  const sightings = await withWitness(passphrase, (it) =>
    pushTo(`srt://127.0.0.1:${port}?mode=listener`, [`passphrase ${quote(passphrase)}`, 'enforced_encryption 1'], it, {
      device: 'test:?size=320x180&audio=1',
      output_url: url,
    }),
  );
  assert.deepEqual(sightings, []);
});

test('the password of an RTSP push, which FFmpeg takes as an argument only, is covered up within moments', async (t) => {
  const password = makeSecret();
  const requests: string[] = [];
  const target = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      requests.push(chunk.toString('latin1'));
      const cseq = /CSeq: (\d+)/i.exec(chunk.toString('latin1'))?.[1];
      socket.write(`RTSP/1.0 401 Unauthorized\r\nCSeq: ${cseq}\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n`);
    });
  }).listen(0, '127.0.0.1');
  await once(target, 'listening');
  const address = target.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const wanted = `Authorization: Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
  try {
    const sightings = await withWitness(password, async (it) => {
      await play(t, it, { device: 'test:?size=320x180', output_url: `rtsp://me:${encodeURIComponent(password)}@127.0.0.1:${port}/live` });
      await waitFor(() => requests.some((request) => request.includes(wanted)), { what: 'the password at the target' });
    });
    for (const { where, forMs, text } of sightings) t.diagnostic(`seen in ${where} for ${forMs.toFixed(1)} ms: ${text}`);
    assert.ok(sightings.every((sighting) => sighting.where === 'cmdline'));
    await assertWithin(Math.max(0, ...sightings.map((sighting) => sighting.forMs)), 250, 'the covering up');
  } finally {
    target.close();
  }
});

function closing<T extends { stop(): Promise<void> }>(server: T): T & AsyncDisposable {
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.stop() });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  server.close();
  await once(server, 'close');
  return port;
}
