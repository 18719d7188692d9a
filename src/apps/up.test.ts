import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Spoke, SystemHealth } from '../contracts/index.js';
import { processIdentity } from '../supervisor/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
import { browser, type RunningWeir, runWeir, spawnWeir, startWeir } from './testing/run-weir.js';

/** Nobody may collect what our test left as a zombie; that counts as gone. */
function isAlive(pid: number): boolean {
  return processIdentity(pid) !== undefined;
}

const isLocalAndOnline = (spoke: Spoke) => spoke.spoke_id === 'local' && spoke.state === 'online';

const source = { device: 'test:', resolution: '320x180', framerate: 10 };

describe('weir up', () => {
  let folder = '';
  let weir: RunningWeir;
  let user: ReturnType<typeof browser>;

  const pids = async () => {
    const { items } = await user.call('list_spokes');
    const health = await user.call('system_health');
    const broker = health.components.find((part) => part.name === 'broker')?.details?.pid;
    const status = await user.call('stream_status', { params: { stream_id: 'one' } });
    return { broker: Number(broker), spoke: Number(items.find(isLocalAndOnline)?.pid), ffmpeg: Number(status.pid) };
  };
  const untilRunning = (streamId: string) =>
    waitFor(async () => (await user.call('get_stream', { params: { stream_id: streamId } })).status?.state === 'running', {
      deadlineMs: 20_000,
      everyMs: 100,
      what: `the picture of ${streamId}: ${weir.log()}`,
    });

  before(async () => {
    folder = await makeTempFolder('up');
    weir = await startWeir(folder);
  });
  after(async () => {
    await weir.end('SIGTERM');
    await removeFolder(folder);
  });

  test('starts with a one-time link, a test picture, and nothing open to others', async () => {
    const { admin_link, url } = weir.ready;
    assert.ok(admin_link !== null);
    const code = new URL(admin_link).searchParams.get('code') ?? '';
    user = browser(url);
    await assert.rejects(user.call('setup_admin', { body: { code: `${code}x`, username: 'root', password: 'a good password' } }), /403/);
    const session = await user.call('setup_admin', { body: { code, username: 'root', password: 'a good password' } });
    assert.equal(session.role, 'admin');
    await assert.rejects(user.call('setup_admin', { body: { code, username: 'more', password: 'a good password' } }), /409/);
    assert.deepEqual(
      (await user.call('list_streams')).items.map((one) => one.stream_id),
      ['test'],
    );
    const secrets = join(weir.ready.data_dir, 'secrets');
    for (const name of await readdir(secrets)) assert.equal(statSync(join(secrets, name)).mode & 0o077, 0, name);
    assert.equal(statSync(join(weir.ready.data_dir, 'weir.db')).mode & 0o077, 0);
  });

  test('a stream made by REST plays', async () => {
    await user.call('create_stream', { body: { stream_id: 'one', config: source } });
    await untilRunning('one');
    const health = await user.call('system_health');
    assert.equal(health.status, 'healthy', JSON.stringify(health));
    const metrics = await (await fetch(`${weir.ready.url}/metrics`, { headers: { cookie: user.cookie() } })).text();
    for (const line of [
      'weir_stream_up{stream_id="one"} 1',
      'gnatsd_varz_connections ',
      'weir_http_requests_total{',
      'process_resident_memory_bytes ',
    ]) {
      assert.ok(metrics.includes(line), line);
    }
  });

  test('a token bound to one stream reads nothing of the others in metrics and health', async () => {
    const token = await runWeir(folder, ['token', 'create', 'bound', '--role', 'viewer', '--streams', 'one']);
    assert.equal(token.code, 0, token.err);
    const headers = { authorization: `Bearer ${token.out.trim()}` };
    const metrics = await (await fetch(`${weir.ready.url}/metrics`, { headers })).text();
    assert.match(metrics, /weir_stream_up\{stream_id="one"\} 1/);
    assert.doesNotMatch(metrics, /stream_id="test"|weir_streams\{/);
    const health = (await (await fetch(`${weir.ready.url}/health/detailed`, { headers })).json()) as SystemHealth;
    const { details, message, ...shown } = health.components.find((part) => part.name === 'streams') ?? {};
    assert.deepEqual([shown, details, message], [{ name: 'streams', status: 'healthy' }, undefined, undefined]);
    assert.ok(health.components.some((part) => part.name === 'broker' && part.details !== undefined));
  });

  test('the command line on the same machine needs neither address nor token', async () => {
    const list = await runWeir(folder, ['stream', 'list', '--json']);
    assert.equal(list.code, 0, list.err);
    assert.ok((JSON.parse(list.out) as { items: { stream_id: string }[] }).items.some((one) => one.stream_id === 'one'));
    const missing = await runWeir(folder, ['stream', 'get', 'none']);
    assert.deepEqual([missing.code, missing.out], [1, '']);
    assert.match(missing.err, /none/);
    const token = await runWeir(folder, ['token', 'create', 'reader', '--role', 'viewer']);
    const elsewhere = await runWeir(folder, ['stream', 'list'], { env: { WEIR_URL: weir.ready.url, WEIR_TOKEN: token.out.trim() } });
    assert.equal(elsewhere.code, 0, elsewhere.err);
    const refused = await runWeir(folder, ['stream', 'stop', 'one'], { env: { WEIR_URL: weir.ready.url, WEIR_TOKEN: token.out.trim() } });
    assert.equal(refused.code, 4, refused.err);
    const { port, protocol } = new URL(weir.ready.url);
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      const byName = await runWeir(folder, ['stream', 'list'], { env: { WEIR_URL: `${protocol}//${host}:${port}/` } });
      assert.equal(byName.code, 0, `${host}: ${byName.err}`);
    }
    const stranger = await runWeir(folder, ['stream', 'list'], { env: { WEIR_URL: 'http://127.0.0.1:1' } });
    assert.equal(stranger.code, 3);
    assert.match(stranger.err, /No hub answers/);
  });

  test('a spoke of its own, as a container runs it, joins with a bus user made for its stream', async () => {
    const made = await runWeir(folder, ['--json', 'bus', 'user', 'add', 'cam1', '--spoke-of', 'far']);
    const { name, password } = JSON.parse(made.out) as { name: string; password: string };
    const env = { NATS_URL: weir.ready.bus, NATS_USER: name, NATS_PASSWORD: password, STREAM_ID: 'far', WEIR_DATA_DIR: join(folder, 'far') };
    const spoke = spawnWeir(folder, ['spoke', '--device', 'test:', '--resolution', '320x180', '--framerate', '10'], env);
    try {
      await untilRunning('far');
      assert.equal((await user.call('get_stream', { params: { stream_id: 'far' } })).status?.spoke_id, 'cam1');
    } finally {
      assert.equal(await spoke.end('SIGTERM'), 0, spoke.log());
    }
  });

  test('a second hub on the same folder is refused by name', async () => {
    await assert.rejects(startWeir(folder), /held for the hub by process/);
  });

  test('after kill -9 of the hub the next one adopts broker, spoke and FFmpeg, and sessions hold', async () => {
    const before = await pids();
    assert.ok(
      Object.values(before).every((pid) => pid > 1 && isAlive(pid)),
      JSON.stringify(before),
    );
    assert.equal(await weir.end('SIGKILL'), 'SIGKILL');
    assert.ok(Object.values(before).every(isAlive), 'broker, spoke and FFmpeg outlive the hub');
    weir = await startWeir(folder);
    assert.equal(weir.ready.admin_link, null);
    user = browser(weir.ready.url, user.cookie());
    await waitFor(async () => (await user.call('list_spokes')).items.some(isLocalAndOnline), { deadlineMs: 10_000 });
    await untilRunning('one');
    assert.deepEqual(await pids(), before);
    const status = await user.call('stream_status', { params: { stream_id: 'one' } });
    assert.equal(status.restarts, 0);
  });

  test('SIGUSR2 leaves broker, spoke and FFmpeg running for the next hub', async () => {
    const before = await pids();
    assert.equal(await weir.end('SIGUSR2'), 0, weir.log());
    assert.ok(Object.values(before).every(isAlive));
    weir = await startWeir(folder);
    user = browser(weir.ready.url, user.cookie());
    await waitFor(async () => (await user.call('list_spokes')).items.some(isLocalAndOnline), { deadlineMs: 10_000 });
    await untilRunning('one');
    assert.deepEqual(await pids(), before);
  });

  test('a stop ends everything it started, with exit code 0', async () => {
    const before = await pids();
    assert.equal(await weir.end('SIGTERM'), 0, weir.log());
    for (const [name, pid] of Object.entries(before)) assert.equal(isAlive(pid), false, `${name} is gone`);
  });

  test('access control works while the hub is down, and the next start then wants no set-up', async () => {
    const added = await runWeir(folder, ['user', 'add', 'second', '--role', 'admin'], { input: 'another good one\n' });
    assert.equal(added.code, 0, added.err);
    const listed = await runWeir(folder, ['user', 'list', '--json']);
    const { items } = JSON.parse(listed.out) as { items: { username: string }[] };
    assert.deepEqual(
      items.map((one) => one.username),
      ['root', 'second'],
    );
  });
});

describe('the command line', () => {
  const rows: [name: string, args: string[], code: number, text: RegExp][] = [
    ['a misspelt command', ['sream'], 2, /Did you mean stream\?/],
    ['a misspelt option', ['up', '--prot', '1'], 2, /Did you mean --port\?/],
    ['a missing argument', ['stream', 'get'], 2, /missing required argument/],
    ['a bad port', ['up', '--port', 'many'], 2, /http\.port.*"many" \(from flag --port\)/],
    ['a spoke without NATS', ['spoke'], 2, /NATS_URL/],
    ['a bad duration', ['token', 'create', 'x', '--role', 'viewer', '--expires-in', 'soon'], 2, /seconds/],
    ['a bad role', ['token', 'create', 'x', '--role', 'boss'], 2, /role/],
  ];
  for (const [name, args, code, text] of rows) {
    test(`refuses ${name} with code ${code} and a reason`, async () => {
      const folder = await makeTempFolder('cli');
      try {
        const result = await runWeir(folder, args);
        assert.equal(result.code, code, result.err);
        assert.match(result.err, text);
        assert.equal(result.out, '');
      } finally {
        await removeFolder(folder);
      }
    });
  }

  test('doctor names what is wrong and says so in its exit code', async () => {
    const folder = await makeTempFolder('doctor');
    try {
      const sound = await runWeir(folder, ['--json', 'doctor']);
      const report = JSON.parse(sound.out) as { findings: { check: string; level: string; message: string }[] };
      for (const check of ['node', 'config', 'broker', 'ffmpeg', 'ports', 'data', 'exposure']) {
        assert.ok(
          report.findings.some((finding) => finding.check === check),
          check,
        );
      }
      const broken = await runWeir(folder, ['doctor'], { env: { WEIR_NATS_BINARY: '/nonexistent', WEIR_HTTP_HOST: '0.0.0.0' } });
      assert.equal(broken.code, 1);
      assert.match(broken.out, /ERROR +broker +nats-server was not found/);
      assert.match(broken.out, /WARNING exposure +0\.0\.0\.0 is configured, but there is no admin yet/);
    } finally {
      await removeFolder(folder);
    }
  });

  test('help of every command shows its options', async () => {
    const folder = await makeTempFolder('help');
    try {
      for (const command of ['up', 'stream', 'stream create', 'user add', 'token create', 'bus user add', 'doctor', 'config show']) {
        const help = await runWeir(folder, [...command.split(' '), '--help']);
        assert.equal(help.code, 0);
        assert.match(help.out, /Usage: weir /);
      }
    } finally {
      await removeFolder(folder);
    }
  });
});
