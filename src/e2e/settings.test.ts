/** Promise: the configuration can be changed by hand, by command and through the API while the hub runs; what is faulty changes nothing, and everything can be taken back. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NatsConnection } from '@nats-io/transport-node';
import type {
  Alert,
  Camera,
  ConfigChange,
  Export,
  Problem,
  Recording,
  RouteAnswer,
  Segment,
  Setting,
  Settings,
  SettingsVersion,
  Snapshot,
  Storage,
} from '../contracts/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
import { type CommandOptions, type CommandRun, runWeir } from './command-line.js';
import { startWeir, type Weir } from './weir.js';

const firstFile = '# The yard of the farm\nlog:\n  level: info # quiet\nstorage:\n  warn_percent: 99 # the disk is shared\n';

describe('the configuration of a running hub', () => {
  let dataFolder: string;
  let file: string;
  let weir: Weir;
  let bus: NatsConnection;
  const told: ConfigChange[] = [];

  const settings = () => weir.api<Settings>('GET', '/api/v1/config');
  const setting = async (key: string): Promise<Setting> => {
    const found = (await settings()).settings.find((one) => one.key === key);
    assert.ok(found, key);
    return found;
  };
  const settingWhen = (key: string, value: unknown) =>
    waitFor(async () => (await setting(key)).value === value, { deadlineMs: 10_000, everyMs: 50, what: `${key} is ${String(value)}` });
  const change = (changes: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    weir.api<RouteAnswer<'change_settings'>>('PATCH', '/api/v1/config', { changes, ...more });
  const refused = async (status: number, changes: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<Problem> => {
    const answer = await weir.request('PATCH', '/api/v1/config', { changes, ...more });
    const problem = (await answer.json()) as Problem;
    assert.equal(answer.status, status, JSON.stringify(problem));
    return problem;
  };
  const history = async () => (await weir.api<{ items: SettingsVersion[] }>('GET', '/api/v1/config/versions')).items;
  const openAlert = async () =>
    (await weir.api<{ items: Alert[] }>('GET', '/api/v1/alerts')).items.find((one) => one.kind === 'config_invalid' && one.cleared_at === null);
  const toldWhen = (revision: number) =>
    waitFor(() => told.find((one) => one.entity === 'config' && one.revision === revision), {
      deadlineMs: 10_000,
      what: `videonode.system.config tells version ${revision}`,
    });

  before(async () => {
    dataFolder = await makeTempFolder('weir-e2e-settings-');
    file = join(dataFolder, 'weir.yaml');
    writeFileSync(file, firstFile);
    weir = await startWeir({
      dataFolder,
      env: { WEIR_STREAMS_TEST_PICTURE: 'false', WEIR_STORAGE_MIN_FREE_BYTES: '0', WEIR_VOD_MIN_FREE_BYTES: '0', WEIR_STORAGE_BLOCK_PERCENT: '100' },
    });
    const user = await weir.api<{ password: string }>('POST', '/api/v1/bus/users', { name: 'listener', role: 'operator' });
    bus = await weir.connectPlain('listener', user.password);
    bus.subscribe('videonode.system.config', { callback: (_error, message) => void told.push(message.json<ConfigChange>()) });
    await bus.flush();
  });

  after(async () => {
    await bus?.close();
    await weir?.[Symbol.asyncDispose]();
    await removeFolder(dataFolder);
  });

  test('the file as found is the first version', async () => {
    const now = await settings();
    assert.deepEqual([now.file, now.writable, now.problem, now.needs_restart], [file, true, null, []]);
    const warn = await setting('storage.warn_percent');
    assert.deepEqual([warn.value, warn.default, warn.applies], [99, 80, 'at_once']);
    assert.match(warn.source, /^file .*weir\.yaml/);
    assert.equal((await setting('storage.block_percent')).source, 'environment WEIR_STORAGE_BLOCK_PERCENT');
    assert.equal((await history()).length, 1);
  });

  test('edited by hand: in effect at once, noted, told on the bus', async () => {
    const { version } = await settings();
    writeFileSync(file, firstFile.replace('99', '98'));
    await settingWhen('storage.warn_percent', 98);
    const next = await waitFor(async () => ((await settings()).version > version ? (await settings()).version : undefined), {
      what: 'a new version',
    });
    const message = await toldWhen(next);
    assert.deepEqual([message.entity, message.entity_id, message.change], ['config', 'weir.yaml', 'updated']);
    const [newest] = await history();
    assert.deepEqual([newest?.actor, newest?.outcome], ['file', 'applied']);
    assert.deepEqual(newest?.changes, [{ key: 'storage.warn_percent', before: 99, after: 98, applies: 'at_once' }]);
    // And not only told: whoever uses it has it.
    assert.equal((await weir.api<Storage>('GET', '/api/v1/storage')).warn_percent, 98);
  });

  test('edited wrongly: the old one holds, an alert names line, key and value, and goes when the file is mended', async () => {
    writeFileSync(file, `${firstFile.replace('99', 'ninety')}http:\n  prot: 80\n`);
    const alert = await waitFor(openAlert, { deadlineMs: 10_000, what: 'the alert' });
    assert.match(alert.message, /weir\.yaml:5:\d+: storage\.warn_percent: /);
    assert.match(alert.message, /ninety/);
    const now = await settings();
    assert.equal(now.problem, alert.message);
    assert.equal(now.settings.find((one) => one.key === 'storage.warn_percent')?.value, 98);
    const unchanged = await weir.request('PATCH', '/api/v1/config', { changes: { 'log.level': 'debug' } });
    assert.ok(!unchanged.ok);
    assert.match(((await unchanged.json()) as Problem).detail, /weir\.yaml/, 'the file is named as what is wrong');
    writeFileSync(file, `${firstFile.replace('99', 'ninety')}\n  : [`);
    await waitFor(async () => ((await settings()).problem ?? alert.message) !== alert.message, { deadlineMs: 10_000, what: 'the next problem' });
    writeFileSync(file, firstFile.replace('99', '97'));
    await settingWhen('storage.warn_percent', 97);
    await waitFor(async () => (await openAlert()) === undefined, { deadlineMs: 10_000, what: 'the end of the alert' });
    assert.equal((await settings()).problem, null);
  });

  test('changed through the API: checked first, written with comments kept, in effect, noted with who and why', async () => {
    const { version } = await settings();
    const tried = await change({ 'recordings.segment_s': 120 }, { dry_run: true });
    assert.deepEqual(tried.changes, [{ key: 'recordings.segment_s', before: 600, after: 120, applies: 'at_once' }]);
    assert.equal((await settings()).version, version, 'a dry run changes nothing');
    const made = await change({ 'recordings.segment_s': 120, 'log.level': 'debug' }, { version, comment: 'shorter files' });
    assert.deepEqual([made.version, made.needs_restart], [version + 1, []]);
    await toldWhen(made.version);
    const text = readFileSync(file, 'utf8');
    assert.ok(text.startsWith('# The yard of the farm\nlog:\n  level: debug # quiet\n'), text);
    assert.ok(text.includes('segment_s: 120'), text);
    const [newest] = await history();
    assert.deepEqual([newest?.comment, newest?.outcome, newest?.changes.length], ['shorter files', 'applied', 2]);
    assert.notEqual(newest?.actor, 'file');
    // Not only written: a file that is begun now ends after so long.
    assert.equal((await setting('recordings.segment_s')).value, 120);
  });

  test('refused: an old version, unknown keys, wrong values, what the environment decides; and not for operators', async () => {
    const { version } = await settings();
    await refused(409, { 'log.level': 'warning' }, { version: version - 1 });
    const problem = await refused(400, { 'log.levle': 'info', 'storage.warn_percent': 'many' });
    assert.deepEqual(problem.errors?.map((fault) => fault.field).sort(), ['log.levle', 'storage.warn_percent']);
    assert.match(problem.hint ?? '', /log\.level/);
    assert.match((await refused(409, { 'storage.block_percent': 50 })).detail, /WEIR_STORAGE_BLOCK_PERCENT/);
    const { secret } = await weir.api<{ secret: string }>('POST', '/api/v1/tokens', { name: 'op', role: 'operator' });
    assert.equal((await weir.request('PATCH', '/api/v1/config', { changes: { 'log.level': 'error' } }, secret)).status, 403);
    assert.equal((await weir.request('GET', '/api/v1/config', undefined, secret)).status, 403);
    assert.equal((await settings()).version, version, 'nothing was noted');
  });

  test('an earlier version is brought back', async () => {
    const before = await history();
    const target = before.find((one) => one.changes.some(({ after: now }) => now === 97));
    assert.ok(target);
    const restored = await weir.api<RouteAnswer<'restore_settings'>>('POST', `/api/v1/config/versions/${target.version}/restore`);
    assert.deepEqual(restored.changes.map((one) => one.key).sort(), ['log.level', 'recordings.segment_s']);
    await settingWhen('recordings.segment_s', 600);
    assert.ok(!readFileSync(file, 'utf8').includes('segment_s'));
    assert.equal((await history()).length, before.length + 1, 'a new version, none is lost');
    assert.equal((await weir.request('POST', '/api/v1/config/versions/9999/restore')).status, 404);
  });

  test('what needs a restart says so, does not hold before, and holds after', async () => {
    const made = await change({ 'rpc.health_port': -1, 'recordings.gap_alert_s': 7 });
    assert.deepEqual(made.needs_restart, ['rpc.health_port']);
    const [port, alerts] = [await setting('rpc.health_port'), await setting('recordings.gap_alert_s')];
    assert.deepEqual([port.value, port.pending, port.applies], [0, -1, 'restart']);
    assert.deepEqual([alerts.value, alerts.pending, alerts.applies], [7, undefined, 'at_once']);
    assert.equal((await history())[0]?.outcome, 'needs_restart');
    await weir.kill9();
    await weir.start();
    const after_restart = await settings();
    assert.deepEqual(after_restart.needs_restart, []);
    assert.equal((await setting('rpc.health_port')).value, -1);
    assert.equal((await setting('recordings.gap_alert_s')).value, 7);
    // Every key that claims to need no restart must be one that somebody follows: changed, it is in effect.
    const { needs_restart: none } = await change({ 'rpc.health_port': null, 'recordings.gap_alert_s': null });
    assert.deepEqual(none, ['rpc.health_port']);
  });

  test('every setting that claims to apply at once is in effect after a change, and no other is', async () => {
    const samples = await settings();
    const changes = Object.fromEntries(
      samples.settings
        .filter((one) => one.applies === 'at_once' && !one.source.startsWith('environment') && typeof one.value === 'number')
        .flatMap((one) => {
          const maximum = typeof one.schema.maximum === 'number' ? one.schema.maximum : Number.POSITIVE_INFINITY;
          const value = (one.value as number) + 1;
          return value <= maximum ? [[one.key, value] as const] : [];
        }),
    );
    assert.ok(Object.keys(changes).length >= 5, JSON.stringify(changes));
    const { needs_restart } = await change(changes);
    for (const key of Object.keys(changes)) {
      assert.ok(!needs_restart.includes(key), key);
      assert.equal((await setting(key)).value, changes[key], key);
    }
    await change(Object.fromEntries(Object.keys(changes).map((key) => [key, null])));
  });
});

describe('the commands of a running hub', () => {
  let dataFolder: string;
  let outside: string;
  let weir: Weir;
  let camera: string;

  const run = (...args: string[]): Promise<CommandRun> => runWeir(dataFolder, args);
  const ok = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(...args);
    assert.equal(code, 0, `weir ${args.join(' ')}: ${code}\n${out}${err}`);
    return out;
  };
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await ok(...args, '--json')) as T;
  const fails = async (code: number, pattern: RegExp, args: readonly string[], options: CommandOptions = {}) => {
    const ran = await runWeir(dataFolder, args, options);
    assert.equal(ran.code, code, `weir ${args.join(' ')}: ${ran.code}\n${ran.out}${ran.err}`);
    assert.match(ran.err, pattern);
    assert.equal(ran.out, '', 'what went wrong is no output');
  };

  before(async () => {
    dataFolder = await makeTempFolder('weir-e2e-commands-');
    outside = await makeTempFolder('weir-e2e-files-');
    weir = await startWeir({
      dataFolder,
      env: { WEIR_STREAMS_TEST_PICTURE: 'false', WEIR_STORAGE_MIN_FREE_BYTES: '0', WEIR_VOD_MIN_FREE_BYTES: '0', WEIR_STORAGE_BLOCK_PERCENT: '100' },
    });
  });

  after(async () => {
    await weir?.[Symbol.asyncDispose]();
    await removeFolder(dataFolder);
    await removeFolder(outside);
  });

  test('config: get, set, unset, history, diff, restore, with and without --json', async () => {
    assert.equal(await ok('config', 'get', 'log.level'), 'info\n');
    assert.match(await ok('config', 'set', 'log.level', 'debug', '--comment', 'look closer'), /log\.level: info -> debug/);
    assert.equal((await json<Setting>('config', 'get', 'log.level')).value, 'debug');
    const dry = await json<{ changes: unknown[] }>('config', 'set', 'recordings.segment_s=60', 'recordings.format=mkv', '--dry-run');
    assert.equal(dry.changes.length, 2);
    assert.equal((await json<Setting>('config', 'get', 'recordings.segment_s')).value, 600);
    const set = await json<{ needs_restart: string[]; version: number }>('config', 'set', 'recordings.segment_s=60', 'rpc.health_port=-1');
    assert.deepEqual(set.needs_restart, ['rpc.health_port']);
    assert.match(await ok('config', 'diff'), /rpc\.health_port[\s\S]*recordings\.segment_s|recordings\.segment_s[\s\S]*rpc\.health_port/);
    const { items } = await json<{ items: SettingsVersion[] }>('config', 'history');
    assert.equal(items[0]?.version, set.version);
    assert.match(await ok('config', 'diff', String(set.version)), /recordings\.segment_s: 600 -> 60/);
    await ok('config', 'restore', String(set.version - 1));
    assert.equal((await json<Setting>('config', 'get', 'recordings.segment_s')).value, 600);
    await ok('config', 'unset', 'log.level');
    assert.equal(await ok('config', 'get', 'log.level'), 'info\n');
    await ok('config', 'check');
  });

  test('exit codes: 1 failed, 2 wrong use, 3 not reachable, 4 refused; the problem as JSON where asked for', async () => {
    await fails(2, /log\.levle: is no setting[\s\S]*log\.level\?/, ['config', 'set', 'log.levle', 'info']);
    await fails(2, /log\.level/, ['config', 'set', 'log.level', 'loud']);
    await fails(1, /./, ['config', 'set', 'log.level', 'debug', '--if-version', '1']);
    await fails(1, /camera77/, ['camera', 'show', 'camera77']);
    await fails(2, /./, ['camera', 'add', 'test:', '--framerate', 'many']);
    await fails(2, /unknown command/, ['camera', 'explode']);
    await fails(3, /./, ['camera', 'list', '--url', 'http://127.0.0.1:1']);
    await fails(4, /gopher/, ['camera', 'add', 'gopher://camera']);
    await fails(4, /./, ['camera', 'list'], { env: { WEIR_TOKEN: 'weir_nobody_0000000000000000' } });
    const { code, err } = await run('camera', 'show', 'camera77', '--json');
    assert.equal(code, 1);
    assert.equal((JSON.parse(err) as Problem).code, 'not_found');
  });

  test('camera: add, list, show, set, rename', async () => {
    const made = await json<Camera>('camera', 'add', 'test:', '--name', 'Yard', '--resolution', '320x180', '--framerate', '10', '--always-on');
    camera = made.camera_id;
    assert.equal((await json<{ items: Camera[] }>('camera', 'list')).items[0]?.camera_id, camera);
    assert.match(await ok('camera', 'list'), new RegExp(`${camera} +Yard +connected +test +320x180`));
    await ok('camera', 'rename', camera, 'Back yard');
    await ok('camera', 'set', camera, '--framerate', '15');
    const isChanged = async () => (await weir.api<Camera>('GET', `/api/v1/cameras/${camera}`)).fps === 15;
    await waitFor(isChanged, { deadlineMs: 30_000, everyMs: 100, what: 'the new rate' });
    assert.match(await ok('camera', 'show', camera), /Back yard/);
    await weir.streamWhen(camera, ({ status }) => status?.state === 'running', 'runs', 30_000);
  });

  test('recording: start, show, stop, list, coverage, files, get, export, protect, delete', async () => {
    const started = await json<Recording>('recording', 'start', camera, '--segment', '2', '--pre-roll', '0');
    await fails(1, /./, ['recording', 'start', camera]);
    const now = await waitFor(
      async () => {
        const { recording } = await json<{ recording: Recording | null }>('recording', 'show', camera);
        return (recording?.segments ?? 0) >= 2 ? recording : undefined;
      },
      { deadlineMs: 40_000, everyMs: 100, what: 'two files' },
    );
    assert.equal(now.recording_id, started.recording_id);
    assert.match(await ok('recording', 'stop', camera), /stopped/);
    await fails(1, /./, ['recording', 'stop', camera]);
    assert.match(await ok('recording', 'list', '--stream', camera), new RegExp(camera));
    const { items: files } = await json<{ items: Segment[] }>('recording', 'files', '--stream', camera);
    assert.ok(files.length >= 2);
    assert.match(await ok('recording', 'coverage', camera, '--from', '1h', '--all'), /present/);
    const [newest, older] = files;
    assert.ok(newest !== undefined && older !== undefined);
    const target = join(outside, 'one.mp4');
    await ok('recording', 'get', older.filename, '-o', target);
    assert.equal(readFileSync(target).length, older.file_size);
    await fails(1, /./, ['recording', 'get', older.filename, '-o', target]);
    const exported = await json<{ export: Export; file: string }>('recording', 'export', camera, '--from', '1h', '-o', join(outside, 'all.mp4'));
    assert.equal(exported.export.state, 'done');
    assert.equal(readFileSync(exported.file).length, exported.export.file_size);
    await ok('recording', 'protect', older.filename);
    const half = await run('recording', 'delete', older.filename, newest.filename, '--json');
    assert.equal(half.code, 1, 'one of them is protected');
    const { results } = JSON.parse(half.out) as { results: { filename: string; deleted: boolean }[] };
    assert.deepEqual(
      results.map((one) => [one.filename, one.deleted]),
      [
        [older.filename, false],
        [newest.filename, true],
      ],
    );
    const policy = await json<{ mode: string }>('recording', 'policy', camera, '--mode', 'schedule', '--window', 'mon-fri 08:00-18:00');
    assert.equal(policy.mode, 'schedule');
    await ok('recording', 'policy', camera, '--mode', 'off');
  });

  test('snapshot: take, list, get, delete', async () => {
    await ok('snapshot', 'take', camera, '--name', 'gate', '--format', 'png', '-o', join(outside, 'gate.png'));
    assert.equal(readFileSync(join(outside, 'gate.png')).subarray(1, 4).toString(), 'PNG');
    const { items } = await json<{ items: Snapshot[] }>('snapshot', 'list', '--stream', camera);
    assert.deepEqual(
      items.map((one) => one.filename),
      ['gate.png'],
    );
    await ok('snapshot', 'get', 'gate.png', '-o', join(outside, 'again.png'));
    await ok('snapshot', 'delete', 'gate.png');
    await fails(1, /gate\.png/, ['snapshot', 'get', 'gate.png', '-o', join(outside, 'third.png')]);
  });

  test('storage: show, retention, cleanup', async () => {
    const storage = await json<Storage>('storage', 'show');
    assert.ok(storage.total_space > 0 && storage.recordings_size > 0);
    const kept = await json<{ policy_type: string; max_age_days: number }>('storage', 'retention', '--type', 'age', '--max-age-days', '14');
    assert.deepEqual([kept.policy_type, kept.max_age_days], ['age', 14]);
    assert.match(await ok('storage', 'retention'), /14 days/);
    const cleaned = await json<{ cleanup_executed: boolean; files_deleted: number }>('storage', 'cleanup');
    assert.deepEqual([cleaned.cleanup_executed, cleaned.files_deleted], [true, 0]);
    await fails(2, /./, ['storage', 'retention', '--max-age-days', 'soon']);
  });

  test('rpc: a result, a refusal, a method that there is not', async () => {
    const list = JSON.parse(await ok('rpc', 'get_camera_list')) as { cameras: { device: string }[] };
    assert.ok(list.cameras.some((one) => one.device === camera));
    assert.equal(await ok('rpc', 'ping'), '"pong"\n');
    await fails(1, /./, ['rpc', 'get_camera_status', 'device=camera77']);
    await fails(2, /no_such_method/, ['rpc', 'no_such_method']);
    assert.match(await ok('rpc', '--list'), /start_recording/);
  });

  test('while no hub runs, what it keeps can still be read and set, and the rest says that it cannot be reached', async () => {
    await weir.stop();
    await fails(3, /./, ['camera', 'list']);
    assert.match(await ok('config', 'set', 'recordings.segment_s', '90'), /90/);
    await weir.start();
    assert.equal((await json<Setting>('config', 'get', 'recordings.segment_s')).value, 90);
    assert.equal((await json<{ items: Camera[] }>('camera', 'list')).items.length, 1);
  });
});
