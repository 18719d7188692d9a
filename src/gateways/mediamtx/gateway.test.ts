/** MediaMTX as the gateway: the fake of several versions always, the real program where it is on PATH. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { configSchema } from '../../contracts/index.js';
import { findOptionalProgram } from '../../supervisor/index.js';
import { controlFake, makeFakeMediaMtx } from '../../testkit/fake-mediamtx.js';
import { assertWithin, makeTempFolder, removeFolder, waitFor, withDeadline } from '../../testkit/index.js';
import type { PathWish } from '../gateway.js';
import { gatewaySuite } from '../gateway.suite.js';
import type { GatewaySettings } from '../index.js';
import { type Fixture, openFixture, play, testCommand } from '../testing/fixture.js';

const folder = await makeTempFolder('fake-mediamtx');
after(() => removeFolder(folder));
const versions = ['1.15.2', '1.16.3', '1.17.1', '1.18.2', '1.20.1'];
const real = findOptionalProgram('mediamtx');

const camera = (streamId = 'camera0'): PathWish => ({ streamId, source: { kind: 'v4l2', devicePath: '/dev/video0' } });

async function openFake(version = '1.20.1', settings: Partial<GatewaySettings> = {}): Promise<Fixture> {
  const { path } = await makeFakeMediaMtx(`${folder}/${version}`, version);
  return await openFixture({ kind: 'mediamtx', binary: path, ...settings });
}

function apiPortOf(world: Fixture): number {
  return (JSON.parse(readFileSync(`${world.folder}/gateway/ports.json`, 'utf8')) as { ports: { api: number } }).ports.api;
}

function pidOf(world: Fixture): number {
  return (JSON.parse(readFileSync(`${world.folder}/gateway/mediamtx.json`, 'utf8')) as { pid: number }).pid;
}

const readers = async (world: Fixture, path = 'camera0') => (await world.gateway.path(path)).readers;

/** With real players and real commands. */
function playingSuite(name: string, open: (settings?: Partial<GatewaySettings>) => Promise<Fixture>): void {
  describe(`${name}, with players`, () => {
    test('a reader starts the camera, is listed and cut, and the camera ends after the last one', { timeout: 60_000 }, async () => {
      await using world = await open();
      await world.untilRunning();
      await world.gateway.ensurePath(camera());
      assert.equal((await world.gateway.path('camera0')).ready, false, 'idle until somebody reads');
      const player = play(world.rtsp('camera0', `any:${world.viewerToken}`));
      try {
        await waitFor(() => player.frames > 5, { deadlineMs: 15_000, what: 'a picture' });
        const path = await waitFor(async () => {
          const seen = await world.gateway.path('camera0');
          return seen.readers.length === 1 ? seen : undefined;
        });
        assert.equal(path.ready, true);
        assert.deepEqual(path.tracks, ['H264']);
        assert.ok(path.bytes_received > 0);
        const [reader] = path.readers;
        assert.equal(reader?.type, 'rtspSession');
        assert.match(reader?.address ?? '', /^(?:127\.0\.0\.1|\[::1\]|::ffff:127\.0\.0\.1|::1):\d+$/);
        await waitFor(
          () => world.events.some((event) => event.kind === 'path_ready') && world.events.some((event) => event.kind === 'reader_joined'),
        );
        await world.gateway.kick('camera0', reader?.reader_id ?? '');
        await player.ended;
        await waitFor(() => world.events.some((event) => event.kind === 'reader_left'));
        await waitFor(async () => !(await world.gateway.path('camera0')).ready, { deadlineMs: 8000, what: 'the end of the camera' });
      } finally {
        await player.stop();
      }
    });

    test('who may read: nobody without credentials, and those with the right ones', { timeout: 120_000 }, async () => {
      await using world = await open();
      await world.untilRunning();
      for (const id of ['camera0', 'camera9']) await world.gateway.ensurePath(camera(id));
      const { tokens } = { tokens: world.gateway.operations };
      const stream = await tokens.create_stream_token(
        { user_id: 'u1', username: 'admin', role: 'admin', streams: null, expires_at: null },
        { params: { stream_id: 'camera0' }, query: undefined, body: undefined },
        { signal: AbortSignal.timeout(5000) },
      );
      const refused = [
        world.rtsp('camera0'),
        world.rtsp('camera0', 'dave:wrong'),
        world.rtsp('camera9', `any:${world.viewerToken}`),
        world.rtsp('camera9', `any:${stream.short_token}`),
        `${world.rtsp('camera9')}?token=${stream.token}`,
      ];
      const refuses = async (url: string) => {
        const { code, lastWords } = await play(url).ended;
        assert.notEqual(code, 0, url);
        assert.match(lastWords, /401/, url);
      };
      await Promise.all(refused.map(refuses));
      const admitted = [
        world.rtsp('camera0', `any:${world.viewerToken}`),
        world.rtsp('camera0', 'dave:dave-password'),
        // The signed token is too long for the place where FFmpeg keeps user and password.
        world.rtsp('camera0', `any:${stream.short_token}`),
        `${world.rtsp('camera0')}?token=${stream.token}`,
        `${world.rtsp('camera0')}?jwt=${stream.token}`,
      ];
      const admits = async (url: string) => {
        const player = play(url);
        try {
          await waitFor(() => player.frames > 0, { what: url.replace(/\?.*|\/\/.*@/, '') });
        } finally {
          await player.stop();
        }
      };
      await Promise.all(admitted.map(admits));
    });

    test('whose right ends is cut off: an expired token, a revoked one, a user who is gone; others read on', { timeout: 60_000 }, async () => {
      await using world = await open();
      await world.untilRunning();
      await world.gateway.ensurePath(camera());
      const request = { streamId: 'camera0', actions: ['read'], subject: 'anna' } as const;
      const lasting = await world.tokens.issue({ ...request, expiresInS: 600, userId: 'anna' });
      const players = {
        revoked: play(world.rtsp('camera0', `any:${world.viewerToken}`)),
        gone: play(`${world.rtsp('camera0')}?token=${lasting.token}`),
        password: play(world.rtsp('camera0', 'dave:dave-password')),
        stays: play(world.rtsp('camera0', `any:${world.operatorToken}`)),
      };
      const all = Object.values(players);
      try {
        await waitFor(() => all.every((player) => player.frames > 3), { deadlineMs: 20_000, what: 'pictures for all' });
        const brief = await world.tokens.issue({ ...request, expiresInS: 4 });
        const expiring = play(`${world.rtsp('camera0')}?token=${brief.token}`);
        all.push(expiring);
        await waitFor(() => expiring.frames > 0, { what: 'a picture before the end of the token' });
        await withDeadline(expiring.ended, 20_000, 'the end of the one whose token expired');
        assert.ok(Date.now() >= Date.parse(brief.expires_at), 'not before');
        for (const [id, player] of [
          ['viewer', players.revoked],
          ['anna', players.gone],
          ['dave', players.password],
        ] as const) {
          world.revoke(id);
          await withDeadline(player.ended, 20_000, `the end of ${id}`);
        }
        const { frames } = players.stays;
        await waitFor(() => players.stays.frames > frames + 5, { what: 'who may, reads on' });
        assert.equal((await readers(world)).length, 1);
      } finally {
        await Promise.all(all.map((player) => player.stop()));
      }
    });

    test('whose right ends while no hub runs is cut off by the next one', { timeout: 60_000 }, async () => {
      await using world = await open();
      await world.untilRunning();
      world.wishes.push(camera());
      world.changed();
      await waitFor(async () => (await world.gateway.path('camera0')).exists);
      const player = play(world.rtsp('camera0', `any:${world.viewerToken}`));
      try {
        await waitFor(() => player.frames > 0, { deadlineMs: 15_000, what: 'a picture' });
        await waitFor(async () => (await readers(world)).length === 1);
        await world.gateway.detach();
        world.revoke('viewer');
        await world.restart();
        await withDeadline(player.ended, 20_000, 'the end of the reader');
      } finally {
        await player.stop();
      }
    });

    test('who publishes is cut off as well', { timeout: 60_000 }, async () => {
      await using world = await open();
      await world.untilRunning();
      await world.gateway.ensurePath(camera());
      const address = world.rtsp('camera0', `any:${world.operatorToken}`);
      const source = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'];
      const publisher = execFile('ffmpeg', ['-nostdin', '-v', 'error', ...source, '-f', 'rtsp', '-rtsp_transport', 'tcp', address]);
      const ended = once(publisher, 'close');
      try {
        await waitFor(async () => (await world.gateway.path('camera0')).ready, { deadlineMs: 15_000, what: 'a publisher from outside' });
        world.revoke('operator');
        await withDeadline(ended, 20_000, 'the end of the publisher');
      } finally {
        publisher.kill('SIGKILL');
        await ended;
      }
    });

    test('Weir reads a camera from where it was opened, and the password leaves the process list', { timeout: 60_000 }, async () => {
      await using world = await open({ command: undefined as never, preset: 'ultrafast' });
      await world.untilRunning();
      // No device here: the republished stream is run by the same kind of command.
      await world.gateway.ensurePath({ streamId: 'door', source: { kind: 'stream' } });
      await world.gateway.ensurePath(camera());
      assert.match(world.gateway.sourceOf('camera0') ?? '', /^rtsp:\/\/weir:[\w-]{43}@127\.0\.0\.1:\d+\/camera0$/);
      assert.notEqual(
        world.gateway.sourceOf('door')?.split('@')[0],
        world.gateway.sourceOf('camera0')?.split('@')[0],
        'a password for one stream only',
      );
      const player = play(world.rtsp('door', `any:${world.operatorToken}`));
      try {
        await waitFor(() => player.frames > 5, { deadlineMs: 15_000, what: 'the republished picture' });
        const commands = await waitFor(async () => {
          const found = await commandLines('title=weir-');
          return found.length > 0 && found.every((line) => /rtsp:\/\/weir:\*+@/.test(line)) ? found : undefined;
        });
        for (const line of commands) assert.ok(!/Bearer|eyJ/.test(line), 'no token in the arguments');
      } finally {
        await player.stop();
      }
    });

    test('recording begins and ends under a reader, and tells true sizes and durations', { timeout: 60_000 }, async () => {
      await using world = await open();
      await world.untilRunning();
      await world.gateway.ensurePath(camera());
      const player = play(world.rtsp('camera0', `any:${world.viewerToken}`));
      try {
        await waitFor(() => player.frames > 0, { deadlineMs: 15_000, what: 'a picture' });
        await world.gateway.record('camera0', { segmentS: 60 });
        assert.equal((await world.gateway.path('camera0')).recording, true);
        const recording = await waitFor(
          async () => {
            const [first] = await world.gateway.recordings('camera0');
            return first?.durationS !== null && (first?.durationS ?? 0) >= 1.5 ? first : undefined;
          },
          { deadlineMs: 15_000, what: 'a recording of more than a second', everyMs: 100 },
        );
        await world.gateway.reconcile();
        await world.gateway.record('camera0', null);
        assert.ok((recording.sizeBytes ?? 0) > 1000);
        assert.ok((recording.durationS ?? 0) < 30);
        assert.equal((await readers(world)).length, 1, 'the reader is still there');
        const frames = player.frames;
        await waitFor(() => player.frames > frames, { what: 'the reader goes on' });
        await world.gateway.deleteRecording('camera0', recording.start);
        assert.ok((await world.gateway.recordings('camera0')).every((one) => one.start !== recording.start));
        await assert.rejects(world.gateway.deleteRecording('camera0', recording.start), { code: 'not_found' });
      } finally {
        await player.stop();
      }
    });

    test('killed: it comes back on the same ports, with its paths, and the camera plays again', { timeout: 60_000 }, async () => {
      await using world = await open();
      await world.untilRunning();
      world.wishes.push(camera('camera0'), camera('camera1'));
      world.changed();
      await waitFor(async () => (await world.gateway.paths()).length === 2);
      const before = { pid: pidOf(world), url: world.rtsp('camera0') };
      process.kill(before.pid, 'SIGKILL');
      await waitFor(
        async () => pidOf(world) !== before.pid && world.gateway.state().state === 'running' && (await world.gateway.paths()).length === 2,
        {
          deadlineMs: 10_000,
          what: 'running again with both paths',
        },
      );
      assert.equal(world.rtsp('camera0'), before.url);
      const player = play(world.rtsp('camera0', `any:${world.viewerToken}`));
      await waitFor(() => player.frames > 0, { deadlineMs: 15_000, what: 'a picture after the restart' });
      await player.stop();
    });

    test('a restarted hub adopts it: same process, and a reader loses nothing', { timeout: 60_000 }, async () => {
      await using world = await open();
      await world.untilRunning();
      world.wishes.push(camera());
      world.changed();
      await waitFor(async () => (await world.gateway.path('camera0')).exists);
      const player = play(world.rtsp('camera0', `any:${world.viewerToken}`));
      try {
        await waitFor(() => player.frames > 0, { deadlineMs: 15_000, what: 'a picture' });
        const pid = pidOf(world);
        await world.gateway.detach();
        await world.restart();
        await world.untilRunning();
        assert.equal(pidOf(world), pid);
        const { made } = await world.gateway.reconcile();
        assert.equal(made, 0);
        const frames = player.frames;
        await waitFor(() => player.frames > frames + 5, { what: 'the reader goes on' });
        assert.equal((await readers(world)).length, 1);
      } finally {
        await player.stop();
      }
    });

    test('sixteen paths, and a change of one leaves the others alone', { timeout: 60_000 }, async () => {
      // Nothing is looked at unless asked, so that the figures are exact.
      await using world = await open({ health_interval_s: 60 });
      await world.untilRunning();
      for (let at = 0; at < 16; at++) world.wishes.push(camera(`camera${at}`));
      assert.deepEqual(await world.gateway.reconcile(), { made: 16, removed: 0 });
      await waitFor(async () => (await world.gateway.paths()).length === 16, { what: 'sixteen paths' });
      assert.deepEqual(await world.gateway.reconcile(), { made: 0, removed: 0 });
      world.wishes.splice(3, 1);
      world.wishes[0] = { streamId: 'camera0', source: { kind: 'network', url: 'rtsp://user:pa$$@192.0.2.1/x' } };
      // A look of its own may have come first and found the same two.
      const { made, removed } = await world.gateway.reconcile();
      assert.ok(made <= 1 && removed <= 1, `${made} made, ${removed} removed`);
      assert.equal((await world.gateway.paths()).length, 15);
      assert.equal((await world.gateway.path('camera3')).exists, false);
    });
  });
}

async function commandLines(part: string): Promise<string[]> {
  const { readdir, readFile } = await import('node:fs/promises');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.map((line) => line.replaceAll('\0', ' ')).filter((line) => line.startsWith('ffmpeg') && line.includes(part));
}

for (const version of versions) gatewaySuite(`a fake MediaMTX ${version}`, () => openFake(version));
for (const version of ['1.15.2', '1.20.1']) playingSuite(`a fake MediaMTX ${version}`, (settings) => openFake(version, settings));

if (real === undefined) {
  test('the real MediaMTX', { skip: 'mediamtx is not on PATH' }, () => undefined);
} else {
  gatewaySuite('the real MediaMTX', () => openFixture({ kind: 'mediamtx', binary: real }));
  playingSuite('the real MediaMTX', (settings) => openFixture({ kind: 'mediamtx', binary: real, ...settings }));
}

describe('faults of MediaMTX', () => {
  for (const fault of ['hang', 'garbage', 'error'] as const) {
    test(`${fault}: the circuit opens, calls fail at once, and it closes when all is well again`, { timeout: 30_000 }, async () => {
      await using world = await openFake();
      await world.untilRunning();
      await world.gateway.ensurePath(camera());
      // Short limits are for the fault alone: a loaded machine is no fault.
      const { gateway: defaults } = configSchema.parse({});
      const usual = { ...defaults, health_interval_s: 0.3, breaker_open_s: 0.5, command: testCommand };
      world.gateway.configure({ ...usual, breaker_failures: 2, request_timeout_s: 0.3 });
      await controlFake(apiPortOf(world), fault);
      await waitFor(() => world.gateway.state().state === 'circuit_open', { what: 'an open circuit' });
      assert.match(world.gateway.state().error ?? '', /MediaMTX/);
      assert.equal(world.gateway.health().status, 'degraded');
      const begin = performance.now();
      await assert.rejects(world.gateway.paths(), (error: { code?: string }) => error.code === 'unavailable' || error.code === 'deadline_exceeded');
      await assertWithin(performance.now() - begin, 500, 'the refusal');
      assert.equal(world.gateway.urlsOf('camera0', 'h').rtsp, undefined, 'no link that does not work');
      world.gateway.configure(usual);
      await controlFake(apiPortOf(world), 'none');
      await world.untilRunning();
      assert.equal((await world.gateway.path('camera0')).exists, true);
    });
  }

  for (const version of ['1.14.0', '0.23.8']) {
    test(`${version} is too old: refused with a sentence that says what to do`, async () => {
      await assert.rejects(openFake(version), (error: { code?: string; message?: string; hint?: string }) => {
        assert.equal(error.code, 'unsupported');
        assert.ok(error.message?.includes(version));
        assert.match(error.hint ?? '', /1\.15\.2/);
        return true;
      });
    });
  }

  test('an external one that is too old is told so, and not as broken', { timeout: 20_000 }, async () => {
    const { startBareFake } = await import('../testing/bare-fake.js');
    await using bare = await startBareFake(`${folder}/bare`, '1.14.0');
    await using world = await openFixture({ kind: 'mediamtx', url: bare.apiUrl });
    await waitFor(() => world.gateway.state().error !== null);
    assert.match(world.gateway.state().error ?? '', /between 1\.2\.0 and 1\.15\.1 is not supported/);
  });

  test('an external one: our paths are made beside those of others, which are left alone', { timeout: 30_000 }, async () => {
    const { startBareFake } = await import('../testing/bare-fake.js');
    await using bare = await startBareFake(`${folder}/bare2`, '1.20.1');
    const made = await fetch(`${bare.apiUrl}/v3/config/paths/add/theirs`, { method: 'POST', body: '{}' });
    assert.equal(made.status, 200);
    await using world = await openFixture({ kind: 'auto', url: bare.apiUrl, rtsp_port: bare.rtspPort });
    await world.untilRunning();
    world.wishes.push(camera());
    assert.deepEqual(await world.gateway.reconcile(), { made: 1, removed: 0 });
    world.wishes.length = 0;
    assert.deepEqual(await world.gateway.reconcile(), { made: 0, removed: 1 });
    assert.deepEqual(
      (await world.gateway.paths()).map((path) => path.stream_id),
      ['theirs'],
    );
    await fetch(`${bare.apiUrl}/v3/config/paths/delete/theirs`, { method: 'DELETE' });
  });

  test('somebody changes a path behind our back: it is made right again', { timeout: 20_000 }, async () => {
    const { startBareFake } = await import('../testing/bare-fake.js');
    await using bare = await startBareFake(`${folder}/bare3`, '1.20.1');
    await using world = await openFixture({ kind: 'mediamtx', url: bare.apiUrl, rtsp_port: bare.rtspPort, health_interval_s: 0.05 });
    await world.untilRunning();
    world.wishes.push(camera());
    await world.gateway.reconcile();
    const command = async () => ((await (await fetch(`${bare.apiUrl}/v3/config/paths/get/camera0`)).json()) as { runOnDemand: string }).runOnDemand;
    const before = await command();
    await fetch(`${bare.apiUrl}/v3/config/paths/patch/camera0`, { method: 'PATCH', body: '{"runOnDemand":"true"}' });
    await waitFor(async () => (await command()) === before, { what: 'the command of before' });
  });

  test('settings that change make its paths anew; a command that cannot be changes nothing', { timeout: 20_000 }, async () => {
    const { startBareFake } = await import('../testing/bare-fake.js');
    await using bare = await startBareFake(`${folder}/bare4`, '1.20.1');
    const { gateway: defaults } = configSchema.parse({});
    await using world = await openFixture({ kind: 'mediamtx', url: bare.apiUrl, rtsp_port: bare.rtspPort, health_interval_s: 60 });
    await world.untilRunning();
    assert.deepEqual(world.gateway.seen('camera0'), { exists: false, ready: false, readers: 0 });
    world.wishes.push(camera());
    await world.gateway.reconcile();
    assert.deepEqual(world.gateway.seen('camera0'), { exists: true, ready: false, readers: 0 });
    const path = async () =>
      (await (await fetch(`${bare.apiUrl}/v3/config/paths/get/camera0`)).json()) as { runOnDemand: string; runOnDemandCloseAfter: string };
    const looking = { health_interval_s: 0.05, close_after_s: 7 };
    world.gateway.configure({ ...defaults, ...looking, bitrate_kbps: 1234 });
    const made = await waitFor(async () => {
      const now = await path();
      return now.runOnDemand.includes('1234k') ? now : undefined;
    });
    assert.equal(made.runOnDemandCloseAfter, '7s');
    for (const command of ['ffmpeg {nothing}', 'ffmpeg $HOME', "ffmpeg 'open"]) {
      assert.throws(() => world.gateway.configure({ ...defaults, ...looking, command }), { code: 'invalid_argument' });
    }
    world.gateway.configure({ ...defaults, ...looking, bitrate_kbps: 4321, host: 'cameras.example' });
    await waitFor(async () => (await path()).runOnDemand.includes('4321k'));
    assert.match(world.gateway.urlsOf('camera0', 'hub.example:8080').rtsp ?? '', /^rtsp:\/\/cameras\.example:/);
    // Nobody asks: the new pace of looking shows.
    const before = await path();
    await fetch(`${bare.apiUrl}/v3/config/paths/patch/camera0`, { method: 'PATCH', body: '{"runOnDemand":"true"}' });
    await waitFor(async () => (await path()).runOnDemand === before.runOnDemand, { what: 'the command of before' });
  });

  test('one that is not to open cameras is no source of them', { timeout: 20_000 }, async () => {
    await using world = await openFake('1.20.1', { open_cameras: false });
    await world.untilRunning();
    assert.equal(world.gateway.sourceOf('camera0'), undefined);
  });

  test('a port that is taken is named, with its holder', async () => {
    const { createServer } = await import('node:net');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await assert.rejects(openFake('1.20.1', { rtsp_port: port }), (error: { code?: string; message?: string }) => {
        assert.equal(error.code, 'failed_precondition');
        assert.match(error.message ?? '', new RegExp(`Port ${port} of MediaMTX \\(rtsp\\) is taken by process ${process.pid} `));
        return true;
      });
    } finally {
      server.close();
    }
  });

  test('a wish that cannot be a command is told, and keeps no other from being made', { timeout: 20_000 }, async () => {
    await using world = await openFake();
    await world.untilRunning();
    const bad = '/dev/video0 -f lavfi -i $(id)';
    world.wishes.push({ streamId: 'camera0', source: { kind: 'v4l2', devicePath: bad } }, camera('camera1'));
    await world.gateway.reconcile();
    assert.deepEqual(
      (await world.gateway.paths()).map((path) => path.stream_id),
      ['camera1'],
    );
    assert.match(world.gateway.health().message ?? '', /^camera0: /);
    await assert.rejects(world.gateway.ensurePath({ streamId: 'camera0', source: { kind: 'v4l2', devicePath: bad } }), { code: 'invalid_argument' });
  });
});
