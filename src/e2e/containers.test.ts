/** Promise: the files in deploy/ bring up a hub and a camera container that are safe, obedient, and heal. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import type { CommandResult, Stream, StreamStatus, WatchReply } from '../contracts/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
import { baseImage, imageFolder, type PreparedEngine, prepareEngine } from './containers-images.js';
import { type DockerEngine, type Output, withoutDocker } from './docker-engine.js';

const secrets = {
  WEIR_ADMIN_PASSWORD: 'correct-horse-battery',
  STREAM1_PASSWORD: 'a:password+of/stream1=',
  VOD_WORKER_PASSWORD: 'another+password/of=1',
};
const operator = { name: 'control-room', password: 'the-password-of-the-control-room' };
const spokeUser = 'ffmpeg-stream1';
const workerUser = 'vod-worker1';

describe('containers', { skip: withoutDocker(imageFolder) }, () => {
  let prepared: PreparedEngine;
  let engine: DockerEngine;
  let folder: string;
  let took: string;
  let ports: { http: number; nats: number };
  let token: string;
  let control: NatsConnection;

  const envFile = () => join(folder, 'env');
  const writeEnv = (values: Readonly<Record<string, string | number>>) =>
    writeFileSync(
      envFile(),
      Object.entries(values)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
  const compose = (...args: string[]) =>
    engine.compose(['-f', 'deploy/compose.yaml', '--env-file', envFile(), '-p', 'weir-test', ...args], { deadlineMs: 240_000 });
  const idOf = async (service: string) => (await compose('ps', '-q', service)).stdout.trim();
  const inspect = async <T>(service: string, format: string) =>
    JSON.parse(await engine.docker('inspect', '-f', `{{json ${format}}}`, await idOf(service))) as T;
  const inside = async (service: string, ...command: string[]) => (await compose('exec', '-T', service, ...command)).stdout.trim();
  const programsOf = async (service: string) => engine.docker('top', await idOf(service), '-eo', 'pid,comm');
  const logs = async () => (await compose('logs', '--no-color', '--tail', '40').catch((error: unknown) => ({ stdout: String(error) }))).stdout;

  const api = async <T = unknown>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`http://127.0.0.1:${ports.http}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
  const plain = (user: string, pass: string) =>
    connect({ servers: `nats://127.0.0.1:${ports.nats}`, user, pass, maxReconnectAttempts: -1, reconnectTimeWait: 200, timeout: 5000 });
  const statusWhen = async (isSo: (status: StreamStatus) => boolean, what: string, deadlineMs = 20_000) => {
    try {
      const isNow = async () => {
        const { status } = await api<Stream>('GET', '/api/v1/streams/stream1');
        return status !== null && isSo(status) ? status : undefined;
      };
      return await waitFor(isNow, { deadlineMs, everyMs: 100, what });
    } catch (error) {
      throw new Error(`${String(error)}\n${await logs()}`);
    }
  };
  const isPlaying = (status: StreamStatus) => status.state === 'running' && status.no_signal !== true;
  const hubIsReady = () =>
    waitFor(async () => (await fetch(`http://127.0.0.1:${ports.http}/health/ready`)).ok, { deadlineMs: 45_000, everyMs: 200, what: 'the hub' });
  const command = (action: string) => JSON.stringify({ action, stream_id: 'stream1', timestamp: new Date().toISOString() });

  before(async () => {
    const startedAt = performance.now();
    prepared = await prepareEngine();
    engine = prepared.engine;
    folder = await makeTempFolder('containers');
    const [http = 0, nats = 0] = await freePorts(2);
    ports = { http, nats };
    writeEnv({ ...secrets, WEIR_BASE_IMAGE: baseImage, WEIR_HTTP_PUBLISHED: http, WEIR_NATS_PUBLISHED: nats });
    await compose('build');
    took = `ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${prepared.took}`;
  });

  after(async () => {
    await control?.close();
    await prepared?.stop();
    if (folder !== undefined) await removeFolder(folder);
  });

  test('a secret that is missing or too short is named before anything starts', async (t) => {
    t.diagnostic(took);
    const refusalOf = (run: Promise<Output | string>) =>
      run.then(
        () => assert.fail('it started'),
        (error: Error) => error.message,
      );
    const composeWith = (values: Record<string, string>) => {
      const file = join(folder, 'env.bad');
      writeFileSync(
        file,
        Object.entries(values)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      );
      return refusalOf(engine.compose(['-f', 'deploy/compose.yaml', '--env-file', file, 'config']));
    };
    assert.match(await composeWith({ WEIR_ADMIN_PASSWORD: 'x', STREAM1_PASSWORD: 'x' }), /VOD_WORKER_PASSWORD.*choose the bus password/);
    assert.match(
      await composeWith({ STREAM1_PASSWORD: 'x', VOD_WORKER_PASSWORD: 'x' }),
      /WEIR_ADMIN_PASSWORD.*choose the password of the first admin/,
    );
    assert.match(await composeWith({ WEIR_ADMIN_PASSWORD: 'x', VOD_WORKER_PASSWORD: 'x' }), /STREAM1_PASSWORD.*choose the bus password/);
    const run = (...args: string[]) => refusalOf(engine.docker('run', '--rm', '--network', 'none', ...args));
    assert.match(await run('-e', 'WEIR_ADMIN_PASSWORD=short', 'weir-hub'), /first admin is not accepted: use at least 10 characters/);
    assert.match(await run('-e', 'WEIR_ACCESS_BUS_USERS=camera::stream1', 'weir-hub'), /access\.bus_users\.0\.password: .*10 characters/);
    assert.match(await run('weir-spoke'), /needs the address of NATS[\s\S]*NATS_URL/);
  });

  test('hub and spoke come up: without root, without a writable file system, on loopback only', async () => {
    await compose('up', '-d');
    for (const service of ['hub', spokeUser, workerUser]) {
      assert.equal(await inside(service, 'id', '-u'), '10001');
      await assert.rejects(inside(service, 'touch', '/weir/x'), /[Rr]ead-only file system/);
      assert.equal(
        await inside(service, 'sh', '-c', 'grep -E "^(CapEff|NoNewPrivs)" /proc/self/status | tr -d "\\n"'),
        'CapEff:\t0000000000000000NoNewPrivs:\t1',
      );
      assert.equal(await inspect(service, '.HostConfig.RestartPolicy.Name'), 'unless-stopped');
    }
    const published = await inspect<Record<string, { HostIp: string }[]>>('hub', '.HostConfig.PortBindings');
    assert.deepEqual(
      [
        ...new Set(
          Object.values(published)
            .flat()
            .map((binding) => binding.HostIp),
        ),
      ],
      ['127.0.0.1'],
    );
    await hubIsReady();
    const made = JSON.parse(await inside('hub', 'weir', 'token', 'create', 'test', '--role', 'admin', '--json')) as { secret: string };
    token = made.secret;
    const spokes = await waitFor(async () =>
      (await api<{ items: { spoke_id: string; state: string }[] }>('GET', '/api/v1/spokes')).items.find((one) => one.state === 'online'),
    );
    assert.equal(spokes.spoke_id, spokeUser);
  });

  test('a stream defined over REST runs in its container, and its picture arrives at a plain client of the bus', async () => {
    await api('POST', '/api/v1/streams', { stream_id: 'stream1', config: { device: 'test:', resolution: '640x360', framerate: 30 } });
    const status = await statusWhen(isPlaying, 'stream1 plays');
    assert.equal(status.spoke_id, spokeUser);
    assert.match(await programsOf(spokeUser), /ffmpeg/);
    await api('POST', '/api/v1/bus/users', { ...operator, role: 'operator' });
    control = await plain(operator.name, operator.password);
    const { init, fragments } = await watch(control, 30);
    assert.equal(init.subarray(4, 8).toString(), 'ftyp');
    assert.deepEqual([...new Set(fragments.map((fragment) => fragment.box))], ['moof']);
    assert.equal(fragments[0]?.kind, 'key', 'a viewer begins at a keyframe');
    const numbers = fragments.map((fragment) => fragment.sequence);
    assert.deepEqual(
      numbers,
      numbers.map((_number, index) => (numbers[0] ?? 0) + index),
      'no fragment is missing',
    );
    const still = await fetch(`http://127.0.0.1:${ports.http}/api/v1/streams/stream1/still.jpg`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(Buffer.from(await still.arrayBuffer()).readUInt16BE(0), 0xffd8, 'a JPEG');
  });

  test('a video that is sent to the hub is encoded in the container of the worker', async () => {
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=15:duration=3', '-c:v', 'libx264', '-preset', 'ultrafast'];
    await inside('hub', 'ffmpeg', '-v', 'error', ...picture, '/tmp/clip.mp4');
    const made = JSON.parse(await inside('hub', 'weir', '--json', 'video', 'upload', '/tmp/clip.mp4', '--title', 'From a container')) as {
      video_id: string;
      state: string;
      job_id: string;
    };
    assert.equal(made.state, 'ready');
    const job = await api<{ state: string; events: { kind: string; worker_id: string | null }[] }>('GET', `/api/v1/jobs/${made.job_id}`);
    const doneBy = job.events.find((event) => event.kind === 'done')?.worker_id;
    assert.deepEqual([job.state, doneBy], ['done', workerUser]);
  });

  test('the login of the container reaches its own stream only', async () => {
    await assert.rejects(plain(spokeUser, 'not-the-password'), { name: 'AuthorizationError' });
    const spoke = await plain(spokeUser, secrets.STREAM1_PASSWORD);
    try {
      const refused = new Set<string>();
      void (async () => {
        for await (const event of spoke.status()) if (event.type === 'error') refused.add(/"([^"]+)"/.exec(String(event.error))?.[1] ?? '');
      })();
      const foreign = ['videonode.stream.other.status', 'videonode.stream.stream1.command', '$JS.API.STREAM.DELETE.MEDIA_stream1'];
      for (const subject of foreign) spoke.publish(subject, '{}');
      spoke.subscribe('videonode.stream.other.command', { callback: () => undefined });
      await waitFor(() => refused.size === foreign.length + 1, { what: 'refusals' });
      assert.deepEqual([...refused].sort(), [...foreign, 'videonode.stream.other.command'].sort());
    } finally {
      await spoke.close();
    }
  });

  test('REST stops and starts it, and so does a plain message on the bus', async () => {
    await api('POST', '/api/v1/streams/stream1/stop');
    await statusWhen((status) => status.state === 'stopped', 'stopped over REST');
    assert.doesNotMatch(await programsOf(spokeUser), /ffmpeg/);
    await api('POST', '/api/v1/streams/stream1/start');
    await statusWhen(isPlaying, 'started over REST');

    const stopped = (await control.request('videonode.stream.stream1.command', command('stop'), { timeout: 5000 })).json<CommandResult>();
    assert.equal(stopped.ok, true);
    await statusWhen((status) => status.state === 'stopped', 'stopped by a request');
    assert.equal((await api<Stream>('GET', '/api/v1/streams/stream1')).desired, 'stopped');
    control.publish('videonode.stream.stream1.command', command('start'));
    await statusWhen(isPlaying, 'started by a plain publish');
    assert.equal((await api<Stream>('GET', '/api/v1/streams/stream1')).desired, 'running');
  });

  test('Docker is told that the hub is healthy', async () => {
    const health = await waitFor(() => inspect<{ Status: string; Log: object[] }>('hub', '.State.Health').then((one) => one.Log.length > 0 && one), {
      deadlineMs: 30_000,
      everyMs: 500,
      what: 'the first look at its health',
    });
    assert.equal(health.Status, 'healthy', JSON.stringify(health.Log));
  });

  test('a spoke container that is killed comes back by itself, and its picture with it', async (t) => {
    const before = await watch(control, 1);
    const { StartedAt } = await inspect<{ StartedAt: string }>(spokeUser, '.State');
    const killedAt = performance.now();
    process.kill(await inspect<number>(spokeUser, '.State.Pid'), 'SIGKILL');
    const fresh = await waitFor(
      async () => (await watch(control, 1)).fragments.find((one) => one.epoch > (before.fragments[0]?.epoch ?? '') && one.isSource),
      {
        deadlineMs: 30_000,
        what: 'the picture of a new encoder',
      },
    );
    t.diagnostic(`picture again after ${Math.round(performance.now() - killedAt)} ms`);
    assert.ok(fresh.sequence >= 0);
    assert.notEqual((await inspect<{ StartedAt: string }>(spokeUser, '.State')).StartedAt, StartedAt);
    await statusWhen(isPlaying, 'plays again');
  });

  test('a hub container that is killed comes back too; the encoder in the other container never stops', async (t) => {
    const encoder = (await statusWhen(isPlaying, 'plays')).pid;
    const killedAt = performance.now();
    process.kill(await inspect<number>('hub', '.State.Pid'), 'SIGKILL');
    await hubIsReady();
    t.diagnostic(`hub ready again after ${Math.round(performance.now() - killedAt)} ms`);
    assert.equal((await statusWhen(isPlaying, 'plays on')).pid, encoder);
    await waitFor(() => watch(control, 5), { deadlineMs: 20_000, what: 'the picture' });
  });

  test('everything is there again after down and up, and a changed password holds', async () => {
    const before = await api<Stream>('GET', '/api/v1/streams/stream1');
    await control.close();
    await compose('down');
    const changed = { ...secrets, STREAM1_PASSWORD: 'another-password' };
    writeEnv({ ...changed, WEIR_HTTP_PUBLISHED: ports.http, WEIR_NATS_PUBLISHED: ports.nats });
    await compose('up', '-d');
    await hubIsReady();
    const again = await api<Stream>('GET', '/api/v1/streams/stream1');
    assert.deepEqual([again.config, again.desired, again.revision], [before.config, before.desired, before.revision]);
    await statusWhen(isPlaying, 'plays after down and up');
    control = await plain(operator.name, operator.password);
    assert.equal((await watch(control, 5)).fragments.length, 5);
    await assert.rejects(plain(spokeUser, secrets.STREAM1_PASSWORD), { name: 'AuthorizationError' });
  });
});

interface Fragment {
  readonly kind: string;
  readonly box: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly isSource: boolean;
}

/** Watches stream1 as a program without any library of ours does: asks for a reading place, then pulls. */
async function watch(client: NatsConnection, count: number): Promise<{ init: Buffer; fragments: Fragment[] }> {
  const viewer = `u-${operator.name}`;
  const answer = await client.request('videonode.stream.stream1.watch', JSON.stringify({ viewer }), { timeout: 5000 });
  const place = answer.json<WatchReply>();
  const fragments: Fragment[] = [];
  const inbox = `_INBOX.${crypto.randomUUID()}`;
  const subscription = client.subscribe(inbox, {
    callback: (_error, message) => {
      const kind = message.subject.split('.').at(-1) ?? '';
      if (kind === 'key' || kind === 'delta') fragments.push(toFragment(kind, message.headers, message.data, place.picture));
    },
  });
  try {
    client.publish(`$JS.API.CONSUMER.MSG.NEXT.${place.journal}.${place.consumer}`, JSON.stringify({ batch: count + 10, expires: 5e9 }), {
      reply: inbox,
    });
    await waitFor(() => fragments.length >= count, { what: `${count} fragments` });
  } finally {
    subscription.unsubscribe();
  }
  return { init: Buffer.from(place.init ?? '', 'base64'), fragments: fragments.slice(0, count) };
}

function toFragment(kind: string, headers: MsgHdrs | undefined, data: Uint8Array, picture: WatchReply['picture']): Fragment {
  return {
    kind,
    box: Buffer.from(data.subarray(4, 8)).toString(),
    epoch: headers?.get('Weir-Epoch') ?? '',
    sequence: Number(headers?.get('Weir-Sequence')),
    isSource: picture === 'source',
  };
}

/** Ports that are free now, all at the same time. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
