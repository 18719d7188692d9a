/**
 * Promise: with MediaMTX every stream has a path that plays for whoever may see it, and whatever becomes of MediaMTX, live pictures and
 * recordings go on. A program that passes for it always, the real one where it is on PATH.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Camera, GatewayPath, GatewayState, Recording, StreamToken, SystemHealth, User } from '../contracts/index.js';
import { type Player, play } from '../gateways/testing/fixture.js';
import { findOptionalProgram } from '../supervisor/index.js';
import { controlFake, makeFakeMediaMtx } from '../testkit/fake-mediamtx.js';
import { makeTempFolder, removeFolder, waitFor, withDeadline } from '../testkit/index.js';
import { breaksOf, readCounters } from './pictures.js';
import { stopRecording } from './recorded-camera.js';
import { startWeir, Weir } from './weir.js';

const real = findOptionalProgram('mediamtx');

const environment = (binary: string): Record<string, string> => ({
  WEIR_GATEWAY_KIND: 'mediamtx',
  WEIR_GATEWAY_BINARY: binary,
  WEIR_GATEWAY_API_PORT: '-1',
  WEIR_GATEWAY_RTSP_PORT: '-1',
  WEIR_GATEWAY_WEBRTC_PORT: '-1',
  WEIR_GATEWAY_HLS_PORT: '-1',
  WEIR_GATEWAY_RTMP_PORT: '0',
  WEIR_GATEWAY_SRT_PORT: '0',
  WEIR_GATEWAY_HEALTH_INTERVAL_S: '0.3',
  WEIR_GATEWAY_REQUEST_TIMEOUT_S: '1',
  WEIR_GATEWAY_START_TIMEOUT_S: '30',
  WEIR_GATEWAY_CLOSE_AFTER_S: '1',
  WEIR_GATEWAY_BREAKER_FAILURES: '2',
  WEIR_GATEWAY_BREAKER_OPEN_S: '0.5',
  WEIR_STREAMS_TEST_PICTURE: 'false',
  WEIR_STORAGE_MIN_FREE_BYTES: '0',
  WEIR_VOD_MIN_FREE_BYTES: '0',
  WEIR_STORAGE_BLOCK_PERCENT: '100',
});

/** A Weir with MediaMTX, asked as a person would. */
class GatewayWorld {
  readonly weir: Weir;

  constructor(weir: Weir) {
    this.weir = weir;
  }

  state = () => this.weir.api<GatewayState>('GET', '/api/v1/gateway');
  paths = async () => (await this.weir.api<{ items: GatewayPath[] }>('GET', '/api/v1/gateway/paths')).items;
  camera = (id: string) => this.weir.api<Camera>('GET', `/api/v1/cameras/${id}`);

  stateWhen(isSo: (state: GatewayState) => boolean, what: string): Promise<GatewayState> {
    return waitFor(
      async () => {
        const state = await this.state();
        return isSo(state) ? state : Promise.reject(new Error(JSON.stringify(state)));
      },
      { deadlineMs: 30_000, everyMs: 50, what: `gateway: ${what}` },
    );
  }

  pathWhen(streamId: string, isSo: (path: GatewayPath) => boolean, what: string): Promise<GatewayPath> {
    let last: GatewayPath[] = [];
    return waitFor(
      async () => {
        last = await this.paths();
        const path = last.find((one) => one.stream_id === streamId);
        return path !== undefined && isSo(path) ? path : Promise.reject(new Error(JSON.stringify(last)));
      },
      { deadlineMs: 30_000, everyMs: 50, what: `path ${streamId}: ${what}` },
    );
  }

  async rtspOf(id: string): Promise<string> {
    return await waitFor(async () => (await this.camera(id)).streams.rtsp, { deadlineMs: 30_000, what: `the RTSP address of ${id}` });
  }

  async tokenOf(id: string): Promise<string> {
    return (await this.weir.api<StreamToken>('POST', `/api/v1/streams/${id}/token`)).token;
  }

  /** A stream token that this user asked for himself. */
  async tokenOfGuest(credentials: { username: string; password: string }, id: string): Promise<string> {
    const { url } = this.weir;
    const headers = { 'content-type': 'application/json', origin: url };
    const login = await fetch(`${url}/api/v1/session`, { method: 'POST', headers, body: JSON.stringify(credentials) });
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const answer = await fetch(`${url}/api/v1/streams/${id}/token`, { method: 'POST', headers: { ...headers, cookie }, body: '{}' });
    return ((await answer.json()) as StreamToken).token;
  }

  get pid(): number {
    return (JSON.parse(readFileSync(join(this.weir.dataFolder, 'gateway', 'mediamtx.json'), 'utf8')) as { pid: number }).pid;
  }

  get apiPort(): number {
    return (JSON.parse(readFileSync(join(this.weir.dataFolder, 'gateway', 'ports.json'), 'utf8')) as { ports: { api: number } }).ports.api;
  }

  /** FFmpeg processes that MediaMTX runs to publish this stream. */
  commandsOf(id: string): number[] {
    return this.weir.processes().flatMap(({ pid, command }) => (command.includes(`${id}.ffconcat`) && command.startsWith('ffmpeg') ? [pid] : []));
  }

  recording = async (id: string) => (await this.weir.api<{ recording: Recording | null }>('GET', `/api/v1/streams/${id}/recording`)).recording;

  /** The live picture plays and the recording grows, from now on. */
  async goesOn(id: string): Promise<void> {
    const before = (await this.recording(id))?.elapsed_s ?? 0;
    const live = await readCounters(`${this.weir.url}/api/v1/streams/${id}/live.mp4`, [
      ...['-headers', `Authorization: Bearer ${this.weir.localToken}\r\n`, '-t', '1'],
    ]);
    assert.ok(live.length > 5, `${live.length} pictures`);
    assert.deepEqual(breaksOf(live), []);
    await waitFor(async () => ((await this.recording(id))?.elapsed_s ?? 0) > before + 1, {
      deadlineMs: 20_000,
      everyMs: 100,
      what: 'a second more of the recording',
    });
  }
}

function promises(name: string, binaryIn: (folder: string) => Promise<string>, isFake: boolean): void {
  describe(name, () => {
    let folder: string;
    let world: GatewayWorld;
    let camera: string;

    const withPlayer = async (url: string, work: (player: Player) => Promise<void>) => {
      const player = play(url);
      try {
        await waitFor(() => player.frames > 3, { deadlineMs: 40_000, what: `a picture of ${url.replace(/\?.*/, '')}` });
        await work(player);
      } finally {
        await player.stop();
      }
    };

    before(async () => {
      folder = await makeTempFolder('weir-e2e-gateway-');
      world = new GatewayWorld(await startWeir({ env: environment(await binaryIn(folder)) }));
      const { weir } = world;
      const body = { name: 'Yard', source: 'test:', resolution: '320x180', framerate: 15 };
      camera = (await weir.api<Camera>('POST', '/api/v1/cameras', body)).camera_id;
      await weir.api('POST', '/api/v1/streams', {
        stream_id: 'side',
        config: { device: 'test:', resolution: '320x180', framerate: 10 },
        on_demand: true,
      });
    });

    after(async () => {
      await world?.weir[Symbol.asyncDispose]();
      await removeFolder(folder);
    });

    test('paths are there for cameras and streams, idle, and the camera tells its addresses', async () => {
      const state = await world.stateWhen((now) => now.state === 'running', 'running');
      assert.deepEqual([state.kind, state.managed, state.error], ['mediamtx', 'child', null]);
      assert.match(state.version ?? '', /^\d+\.\d+/);
      for (const id of [camera, 'side']) await world.pathWhen(id, (path) => path.exists && !path.ready, 'is there and idle');
      await world.rtspOf(camera);
      const { streams } = await world.camera(camera);
      const host = `${new URL(world.weir.url).hostname}:\\d+`;
      assert.match(streams.rtsp ?? '', new RegExp(`^rtsp://${host}/${camera}$`));
      assert.match(streams.webrtc ?? '', new RegExp(`^http://${host}/${camera}/whep$`));
      assert.match(streams.hls ?? '', new RegExp(`^http://${host}/${camera}/index\\.m3u8$`));
      assert.equal(streams.srt, undefined, 'what is off has no address');
      assert.equal((await world.weir.stream(camera)).status?.state === 'running', false, 'nobody watches yet');
    });

    test('a stranger is refused; who carries a token of the stream starts it, sees each frame, is listed, and can be cut off', async () => {
      const url = await world.rtspOf(camera);
      const token = await world.tokenOf(camera);
      const other = await world.tokenOf('side');
      for (const refused of [url, `${url}?token=${other}`, url.replace('//', '//admin:wrong-password@')]) {
        const { code, lastWords } = await withDeadline(play(refused).ended, 20_000, 'the refusal');
        assert.notEqual(code, 0);
        assert.match(lastWords, /401/);
      }
      assert.deepEqual(world.commandsOf(camera), [], 'strangers start nothing');
      await withPlayer(`${url}?token=${token}`, async (player) => {
        await world.weir.streamWhen(camera, ({ status }) => status?.state === 'running', 'runs because somebody reads');
        assert.equal(world.commandsOf(camera).length, 1, 'one FFmpeg hands it on');
        const path = await world.pathWhen(camera, (now) => now.ready && now.readers.length === 1, 'has its reader');
        assert.deepEqual(path.tracks, ['H264']);
        const counters = await readCounters(`${url}?token=${token}`, ['-rtsp_transport', 'tcp', '-t', '2']);
        assert.ok(counters.length > 10, `${counters.length} pictures`);
        assert.deepEqual(breaksOf(counters), []);
        await world.pathWhen(camera, (now) => now.readers.length === 1, 'the second reader is gone');
        const reader = path.readers[0]?.reader_id ?? '';
        await world.weir.api('DELETE', `/api/v1/gateway/paths/${camera}/readers/${encodeURIComponent(reader)}`);
        await withDeadline(player.ended, 20_000, 'the end of the reader');
        const again = await world.weir.request('DELETE', `/api/v1/gateway/paths/${camera}/readers/${encodeURIComponent(reader)}`);
        assert.equal(again.status, 404);
      });
      await world.pathWhen(camera, (now) => !now.ready, 'idle after the last reader');
      await waitFor(() => world.commandsOf(camera).length === 0, { deadlineMs: 20_000, what: 'the end of its FFmpeg' });
    });

    test('a user who is disabled watches no further: neither at the gateway nor at the hub', async () => {
      const { weir } = world;
      const credentials = { username: 'guest', password: 'long enough 1' };
      const { user_id } = await weir.api<User>('POST', '/api/v1/users', { ...credentials, role: 'viewer' });
      const token = await world.tokenOfGuest(credentials, camera);
      const live = `${weir.url}/api/v1/streams/${camera}/live.mp4`;
      const players = [play(`${await world.rtspOf(camera)}?token=${token}`), play(live, ['-headers', `Authorization: Bearer ${token}\r\n`])];
      try {
        await waitFor(() => players.every((player) => player.frames > 3), { deadlineMs: 40_000, what: 'pictures by both ways' });
        await weir.api('PATCH', `/api/v1/users/${user_id}`, { disabled: true });
        for (const player of players) await withDeadline(player.ended, 20_000, 'the end of the picture');
        const { code, lastWords } = await withDeadline(play(`${await world.rtspOf(camera)}?token=${token}`).ended, 20_000, 'the refusal');
        assert.notEqual(code, 0);
        assert.match(lastWords, /401/);
      } finally {
        await Promise.all(players.map((player) => player.stop()));
      }
    });

    test('no token and no password stands in the list of processes', async () => {
      const token = await world.tokenOf('side');
      const url = (await world.rtspOf(camera)).replace(camera, 'side');
      await withPlayer(`${url}?token=${token}`, async () => {
        const commands = await waitFor(
          () => {
            const lines = world.weir.processes().filter(({ command }) => command.includes('side.ffconcat'));
            return lines.length > 0 && lines.every(({ command }) => !/rtsp:\/\/weir:[\w-]+@/.test(command)) ? lines : undefined;
          },
          { what: 'a covered password' },
        );
        for (const { command } of commands) assert.ok(!/Bearer|eyJ/.test(command), command);
      });
    });

    test('a stream that goes takes its path along, a new one brings its own', async () => {
      await world.weir.api('POST', '/api/v1/streams', { stream_id: 'brief', config: { device: 'test:', resolution: '320x180' }, on_demand: true });
      await world.pathWhen('brief', (path) => path.exists, 'appears');
      await world.weir.api('DELETE', '/api/v1/streams/brief');
      await waitFor(async () => !(await world.paths()).some((path) => path.stream_id === 'brief'), { deadlineMs: 20_000, what: 'its path is gone' });
    });

    test('killed: it is back on the same ports with all paths, and plays', async () => {
      const [pid, url] = [world.pid, await world.rtspOf(camera)];
      process.kill(pid, 'SIGKILL');
      await waitFor(() => world.pid !== pid, { deadlineMs: 20_000, what: 'another process' });
      await world.stateWhen((now) => now.state === 'running', 'running again');
      for (const id of [camera, 'side']) await world.pathWhen(id, (path) => path.exists, 'is back');
      assert.equal(await world.rtspOf(camera), url);
      await withPlayer(`${url}?token=${await world.tokenOf(camera)}`, async () => undefined);
    });

    const faults: [string, () => unknown, () => unknown][] = [
      ['frozen', () => process.kill(world.pid, 'SIGSTOP'), () => process.kill(world.pid, 'SIGCONT')],
      ...(isFake ? [['answering garbage', () => controlFake(world.apiPort, 'garbage'), () => controlFake(world.apiPort, 'none')] as never] : []),
    ];
    for (const [fault, begin, end] of faults) {
      test(`${fault}: the circuit opens, the hub says degraded, links vanish; the live picture and the recording go on`, async () => {
        await world.stateWhen((now) => now.state === 'running', 'running');
        await world.weir.api('POST', `/api/v1/streams/${camera}/recording`, { pre_roll_s: 0 });
        await waitFor(async () => ((await world.recording(camera))?.elapsed_s ?? 0) > 0.5, { deadlineMs: 30_000, what: 'a recording' });
        await begin();
        try {
          const open = await world.stateWhen((now) => now.state === 'circuit_open', 'an open circuit');
          assert.match(open.error ?? '', /MediaMTX/);
          const health = await world.weir.api<SystemHealth>('GET', '/health/detailed');
          assert.equal(health.components.find((part) => part.name === 'gateway')?.status, 'degraded');
          const { streams } = await world.camera(camera);
          assert.equal(streams.rtsp, undefined, 'no address that does not work');
          assert.match(streams.hls ?? '', /\/api\/v1\/streams\//, 'that of the hub itself');
          await world.goesOn(camera);
        } finally {
          await end();
        }
        await world.stateWhen((now) => now.state === 'running', 'running again');
        await world.rtspOf(camera);
        assert.equal((await stopRecording(world.weir, camera)).state, 'stopped');
      });
    }

    test('the hub is killed: the next one adopts MediaMTX, and players come back to the same address', async () => {
      const [pid, url] = [world.pid, await world.rtspOf(camera)];
      await world.weir.kill9();
      await world.weir.start();
      await world.stateWhen((now) => now.state === 'running', 'running');
      assert.equal(world.pid, pid, 'the same process');
      assert.equal(await world.rtspOf(camera), url);
      await withPlayer(`${url}?token=${await world.tokenOf(camera)}`, async () => {
        await world.pathWhen(camera, (now) => now.readers.length === 1, 'has its reader');
      });
    });

    test('hub and MediaMTX are killed: a new one runs with all paths', async () => {
      const { pid } = world;
      await world.weir.kill9();
      process.kill(pid, 'SIGKILL');
      await world.weir.start();
      await world.stateWhen((now) => now.state === 'running', 'running');
      assert.notEqual(world.pid, pid);
      for (const id of [camera, 'side']) await world.pathWhen(id, (path) => path.exists, 'is there');
    });

    test('a stop under a reader leaves no process', async () => {
      const player = play(`${await world.rtspOf(camera)}?token=${await world.tokenOf(camera)}`);
      try {
        await waitFor(() => player.frames > 3, { deadlineMs: 40_000, what: 'a picture' });
        assert.equal(await world.weir.stop(), 0);
        await withDeadline(player.ended, 20_000, 'the end of the reader');
        await waitFor(() => world.weir.processes().length === 0, { deadlineMs: 10_000, what: 'no process is left' });
      } finally {
        await player.stop();
      }
    });
  });
}

promises('a program that passes for MediaMTX', async (folder) => (await makeFakeMediaMtx(folder)).path, true);
if (real === undefined) test('the real MediaMTX', { skip: 'mediamtx is not on PATH' }, () => undefined);
else promises('the real MediaMTX', async () => real, false);

describe('a MediaMTX that is too old', () => {
  let folder: string;
  before(async () => {
    folder = await makeTempFolder('weir-e2e-old-mediamtx-');
  });
  after(() => removeFolder(folder));

  test('demanded: the start ends with a sentence that says what to do, and leaves nothing behind', async () => {
    const { path } = await makeFakeMediaMtx(join(folder, 'program'), '1.14.0');
    const weir = new Weir({ env: environment(path), dataFolder: join(folder, 'data') }, join(folder, 'data'));
    await assert.rejects(weir.start(), /MediaMTX 1\.14\.0 is not supported[\s\S]*1\.15\.2/);
    await waitFor(() => weir.processes().length === 0, { deadlineMs: 20_000, what: 'no process is left' });
  });

  test('only found: the builtin gateway serves, and the log says why', async () => {
    const { path } = await makeFakeMediaMtx(join(folder, 'program'), '1.14.0');
    await using weir = await startWeir({ env: { ...environment(path), WEIR_GATEWAY_KIND: 'auto' } });
    const state = await weir.api<GatewayState>('GET', '/api/v1/gateway');
    assert.deepEqual([state.kind, state.state], ['builtin', 'running']);
    assert.match(weir.log, /MediaMTX was found but cannot be used/);
  });
});
