import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Camera, Export, Recording, Segment, Settings, SettingsVersion, Snapshot, Storage } from '../../contracts/index.js';
import { WeirError } from '../../contracts/index.js';
import { withTempFolder } from '../../testkit/index.js';
import { type FakeAnswers, type FakeHub, startFakeHub } from './testing/fake-hub.js';
import { type CommandRun, runCommand } from './testing/run-command.js';

const at = '2026-05-01T12:00:00.000Z';

const camera: Camera = {
  camera_id: 'camera0',
  name: 'Front door',
  kind: 'v4l2',
  status: 'CONNECTED',
  error: null,
  resolution: '1280x720',
  fps: 30,
  source: '/dev/video0',
  device_id: 'usb-1',
  spoke_id: 'local',
  streaming: true,
  recording: false,
  streams: { hls: 'http://hub/hls' },
  capabilities: {
    driver: 'uvcvideo',
    formats: [{ pixel_format: 'MJPG', sizes: [{ width: 1280, height: 720, frame_rates: [30, 15] }] }],
    controls: [],
    probed_at: at,
    took_ms: 12,
  },
  created_at: at,
  connected_at: at,
  last_seen_at: at,
};

const recording: Recording = {
  recording_id: 'r1',
  stream_id: 'camera0',
  origin: 'manual',
  state: 'recording',
  cause: null,
  error: null,
  format: 'fmp4',
  filename: 'camera0_1',
  started_at: at,
  ended_at: null,
  until: null,
  elapsed_s: 65,
  size_bytes: 2048,
  segments: 1,
  requested_by: 'anna',
  requested_at: at,
};

const segment: Segment = {
  filename: 'camera0_1',
  recording_id: 'r1',
  stream_id: 'camera0',
  format: 'fmp4',
  started_at: at,
  ended_at: at,
  duration_s: 600,
  file_size: 4096,
  frames: 100,
  width: 1280,
  height: 720,
  protected: true,
  recovered: false,
  spoke_id: 'local',
  download_url: '/files/recordings/camera0_1',
};

const snapshot: Snapshot = {
  filename: 'camera0_1.jpg',
  stream_id: 'camera0',
  format: 'jpg',
  width: 1280,
  height: 720,
  file_size: 1024,
  taken_at: at,
  taken_by: 'anna',
  protected: false,
  download_url: '/files/snapshots/camera0_1.jpg',
};

const exported: Export = {
  export_id: 'e1',
  stream_id: 'camera0',
  from: at,
  to: at,
  name: 'door',
  state: 'queued',
  progress: 0,
  error: null,
  filename: null,
  file_size: null,
  missing_s: 0,
  download_url: null,
  created_at: at,
  created_by: 'anna',
  expires_at: null,
};

const storage: Storage = {
  path: '/data/recordings',
  total_space: 1000 * 1024 ** 3,
  used_space: 850 * 1024 ** 3,
  available_space: 150 * 1024 ** 3,
  usage_percentage: 85,
  recordings_size: 700 * 1024 ** 3,
  snapshots_size: 0,
  exports_size: 0,
  state: 'warning',
  low_space_warning: true,
  warn_percent: 80,
  block_percent: 90,
  retention: { policy_type: 'age', enabled: true, max_age_days: 30 },
  oldest_at: at,
  bytes_per_day: 1024 ** 3,
  full_in_days: 50,
  streams: [{ stream_id: 'camera0', size: 1024, segments: 2, bytes_per_day: 10, oldest_at: at }],
};

const version: SettingsVersion = {
  version: 3,
  time: at,
  actor: 'anna',
  comment: 'look closer',
  changes: [{ key: 'log.level', before: 'info', after: 'debug', applies: 'at_once' }],
  outcome: 'applied',
  detail: null,
};

const wideVersion: SettingsVersion = {
  ...version,
  comment: 'a reason that\ngoes on '.repeat(20),
  changes: Array.from({ length: 20 }, (_, at) => ({ key: `recordings.setting_${at}`, before: 1, after: 2, applies: 'at_once' as const })),
};

const streamToken = { token: 'jwt', short_token: 'ws_short', token_id: 't', stream_id: 'camera0', actions: ['read' as const], expires_at: at };
const settings: Settings = {
  version: 3,
  file: '/etc/weir.yaml',
  writable: true,
  settings: [
    { key: 'http.port', value: 8080, pending: 9000, default: 8080, source: 'file', applies: 'restart', description: null, schema: {}, secret: false },
    { key: 'log.level', value: 'info', default: 'info', source: 'default', applies: 'at_once', description: null, schema: {}, secret: false },
  ],
  needs_restart: ['http.port'],
  problem: null,
};

const changed = { version: 4, changes: [{ key: 'http.port', before: 8080, after: 9000, applies: 'restart' as const }], needs_restart: ['http.port'] };
const page = { next_cursor: null };
const list = { total: 1, limit: 50, offset: 0 };

type Run = CommandRun & { readonly hub: FakeHub; readonly folder: string };

async function withHub(answers: FakeAnswers, args: readonly string[], check: (run: Run) => void | Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => {
    await using hub = await startFakeHub(answers);
    const run = await runCommand(args, { WEIR_URL: hub.url, WEIR_TOKEN: 'wt_test' }, folder);
    await check({ ...run, hub, folder });
  });
}

const shows: [args: string, answers: FakeAnswers, text: RegExp, calls: string][] = [
  [
    'camera list',
    { list_cameras: () => ({ items: [camera], total: 1, connected: 1, ...page }) },
    /camera0 +Front door +connected +v4l2 +1280x720 +30 +streaming/,
    'list_cameras {"limit":500}',
  ],
  [
    'camera list --status error',
    { list_cameras: () => ({ items: [], total: 0, connected: 0, ...page }) },
    /no cameras; plug one in/,
    'list_cameras {"limit":500,"status":"ERROR"}',
  ],
  [
    'camera show camera0',
    { get_camera: () => camera },
    /driver +uvcvideo[\s\S]*hls +http:\/\/hub\/hls[\s\S]*MJPG +1280x720 +30, 15/,
    'get_camera {"camera_id":"camera0"}',
  ],
  [
    'camera add test: --name Test --framerate 25 --always-on',
    { add_camera: () => camera },
    /camera0 \(Front door\) is added: connected/,
    'add_camera {"name":"Test","source":"test:","framerate":25,"always_on":true}',
  ],
  [
    'camera rename camera0 Door',
    { update_camera: () => ({ ...camera, name: 'Door' }) },
    /camera0 is called Door/,
    'update_camera {"camera_id":"camera0"} {"name":"Door"}',
  ],
  [
    'camera set camera0 --resolution auto --no-always-on --control brightness=12 auto=true',
    { update_camera: () => camera },
    /camera +camera0/,
    'update_camera {"camera_id":"camera0"} {"resolution":null,"always_on":false,"controls":{"brightness":12,"auto":true}}',
  ],
  ['camera remove camera0', {}, /camera0 is forgotten/, 'delete_camera {"camera_id":"camera0"}'],
  [
    'camera discover --timeout 1',
    { discover_cameras: () => ({ items: [], errors: ['no route'], took_ms: 1 }) },
    /no ONVIF camera answered[\s\S]*warning: no route/,
    'discover_cameras {"timeout_s":1}',
  ],
  [
    'recording start camera0 --duration 10m --format mp4 --segment 1m',
    { start_recording: () => ({ ...recording, until: at }) },
    /camera0: recording, until 2026-05-01T12:00:00Z/,
    'start_recording {"stream_id":"camera0"} {"duration_s":600,"format":"mp4","segment_s":60}',
  ],
  [
    'recording stop camera0',
    { stop_recording: () => ({ ...recording, state: 'stopped' }) },
    /camera0: stopped; 1:05, 2\.0 KiB in 1 file/,
    'stop_recording {"stream_id":"camera0"}',
  ],
  [
    'recording show camera0',
    { get_recording: () => ({ recording: null, policy: { mode: 'always' } }) },
    /camera0 is not recorded now\nplan: always/,
    'get_recording {"stream_id":"camera0"}',
  ],
  [
    'recording list',
    { list_recordings: () => ({ items: [{ ...recording, state: 'waiting', cause: 'source_missing' }], ...list }) },
    /waiting \(source missing\)/,
    'list_recordings {"limit":50,"offset":0}',
  ],
  [
    'recording files --stream camera0 --protected',
    { list_segments: () => ({ items: [segment], ...list, total: 7 }) },
    /camera0_1 +camera0 .* 10:00 +4\.0 KiB +fmp4 +protected\n1 of 7; more with --limit/,
    'list_segments {"limit":50,"offset":0,"stream_id":"camera0","protected":"true"}',
  ],
  [
    'recording policy camera0',
    { get_recording: () => ({ recording: null, policy: { mode: 'schedule', windows: [{ days: ['mon'], from: '08:00', to: '09:00' }] } }) },
    /by schedule: mon 08:00-09:00/,
    'get_recording {"stream_id":"camera0"}',
  ],
  [
    'recording protect camera0_1 --off',
    { update_segment: () => ({ ...segment, protected: false }) },
    /camera0_1 is no longer protected/,
    'update_segment {"filename":"camera0_1"} {"protected":false}',
  ],
  [
    'snapshot take camera0 --quality 50',
    { take_snapshot: () => snapshot },
    /camera0_1\.jpg \(1280x720, 1\.0 KiB\)/,
    'take_snapshot {"stream_id":"camera0"} {"quality":50}',
  ],
  ['snapshot list', { list_snapshots: () => ({ items: [], ...list, total: 0 }) }, /no snapshots; take one/, 'list_snapshots {"limit":50,"offset":0}'],
  [
    'snapshot delete camera0_1.jpg',
    { delete_snapshot: () => ({ filename: 'camera0_1.jpg', deleted: true, message: 'gone' }) },
    /camera0_1\.jpg: deleted/,
    'delete_snapshot {"filename":"camera0_1.jpg"}',
  ],
  [
    'storage show',
    { get_storage: () => storage },
    /warning: more than 80 % used[\s\S]*in 50\.0 days[\s\S]*deleted after 30 days[\s\S]*camera0 +1\.0 KiB/,
    'get_storage',
  ],
  [
    'storage cleanup',
    { cleanup_storage: () => ({ cleanup_executed: true, files_deleted: 2, space_freed: 2048, message: 'done' }) },
    /done; 2 files deleted, 2\.0 KiB freed/,
    'cleanup_storage',
  ],
  [
    'gateway show',
    {
      get_gateway: () => ({
        kind: 'mediamtx',
        state: 'running',
        managed: 'child',
        version: 'v1.20.1',
        features: { rtsp: true, moq: false },
        error: null,
        since: at,
      }),
    },
    /gateway +mediamtx[\s\S]*as a program of the hub[\s\S]*serves +rtsp\n/,
    'get_gateway',
  ],
  ['gateway paths', { list_gateway_paths: () => ({ items: [] }) }, /no paths/, 'list_gateway_paths'],
  ['gateway kick camera0 s1', {}, /s1 is cut off/, 'kick_gateway_reader {"stream_id":"camera0","reader_id":"s1"}'],
  [
    'gateway token camera0 --expires-in 10m',
    { create_stream_token: () => streamToken },
    /^jwt\n$/,
    'create_stream_token {"stream_id":"camera0"} {"expires_in_s":600}',
  ],
  ['gateway token camera0 --short', { create_stream_token: () => streamToken }, /^ws_short\n$/, 'create_stream_token {"stream_id":"camera0"}'],
  ['spoke list', { list_spokes: () => ({ items: [] }) }, /no spokes/, 'list_spokes'],
  ['config get http.port', { get_settings: () => settings }, /^8080 {2}\(after a restart: 9000\)\n$/, 'get_settings'],
  ['config diff', { get_settings: () => settings }, /http\.port +8080 +8080 +9000 +file\n$/, 'get_settings'],
  [
    'config diff 3',
    { list_settings_versions: () => ({ items: [version], ...page }) },
    /version 3, .* by anna: applied \(look closer\)\nlog\.level: info -> debug/,
    'list_settings_versions {"limit":500}',
  ],
  [
    'config history',
    { list_settings_versions: () => ({ items: [version], ...page }) },
    /3 +2026-05-01T12:00:00Z +anna +applied +log\.level +look closer/,
    'list_settings_versions {"limit":20}',
  ],
  [
    'config history -n 1',
    { list_settings_versions: () => ({ items: [wideVersion], ...page }) },
    /^VERSION.*\n3 {8}2026-05-01T12:00:00Z {2}anna {2}applied {2}recordings\.setting_0 and 19 more {2}a reason that goes on a reason that goes on .{1,8}…\n$/,
    'list_settings_versions {"limit":1}',
  ],
  [
    'config set http.port 9000 --comment why --if-version 3',
    { change_settings: () => changed },
    /http\.port: 8080 -> 9000\nneeds a restart: http\.port\nversion 4/,
    'change_settings {"changes":{"http.port":"9000"},"version":3,"comment":"why"}',
  ],
  [
    'config set http.port=9000 log.level=debug --dry-run',
    { change_settings: () => changed },
    /would need a restart: http\.port\nnothing was changed/,
    'change_settings {"changes":{"http.port":"9000","log.level":"debug"},"dry_run":true}',
  ],
  [
    'config unset http.port',
    { change_settings: () => ({ version: 3, changes: [], needs_restart: [] }) },
    /nothing changes; the configuration is at version 3/,
    'change_settings {"changes":{"http.port":null}}',
  ],
  ['config restore 3', { restore_settings: () => changed }, /version 4/, 'restore_settings {"version":3}'],
];
for (const [args, answers, text, expected] of shows) {
  test(`weir ${args}`, () =>
    withHub(answers, args.split(' '), ({ out, err, hub, exitCode }) => {
      assert.equal(err, '');
      assert.match(out, text);
      assert.equal(exitCode, 0);
      const parts = hub.calls.map(({ name, input }) =>
        [
          name,
          ...Object.values(input)
            .filter((part) => part !== undefined && JSON.stringify(part) !== '{}')
            .map((part) => JSON.stringify(part)),
        ].join(' '),
      );
      assert.deepEqual(parts, [expected]);
      assert.equal(hub.calls[0]?.token, 'wt_test');
    }));
}

test('what a policy or retention is not told stays as it was', async () => {
  const policy = { mode: 'always' as const, format: 'mkv' as const, max_age_days: 5 };
  const answers: FakeAnswers = {
    get_recording: () => ({ recording: null, policy }),
    set_recording_policy: ({ body }) => body,
    get_storage: () => storage,
    set_retention: ({ body }) => body,
  };
  await withHub(answers, ['recording', 'policy', 'camera0', '--window', 'sat 10:00-12:00', '--max-age-days', 'default'], ({ hub, out }) => {
    assert.deepEqual(hub.calls[1]?.input.body, {
      mode: 'schedule',
      format: 'mkv',
      max_age_days: null,
      windows: [{ days: ['sat'], from: '10:00', to: '12:00' }],
    });
    assert.match(out, /by schedule: sat 10:00-12:00, mkv/);
  });
  await withHub(answers, ['storage', 'retention', '--type', 'size', '--max-size-gb', '5'], ({ hub, out }) => {
    assert.deepEqual(hub.calls[1]?.input.body, { policy_type: 'size', enabled: true, max_age_days: 30, max_size_gb: 5 });
    assert.match(out, /the oldest are deleted beyond 5 GB/);
  });
});

test('coverage asks for the last day and tells what is missing and why', async () => {
  const answers: FakeAnswers = {
    coverage: ({ query }) => ({
      stream_id: 'camera0',
      from: query.from,
      to: query.to,
      spans: [
        { from: at, to: '2026-05-01T12:10:00.000Z', state: 'present', filename: 'camera0_1' },
        { from: '2026-05-01T12:10:00.000Z', to: '2026-05-01T12:10:07.000Z', state: 'missing', cause: 'spoke_killed' },
      ],
      present_s: 600,
      missing_s: 7,
      complete_percent: 98.85,
    }),
  };
  await withHub(answers, ['recording', 'coverage', 'camera0'], ({ out, hub }) => {
    assert.match(out, /98\.85 % of what was wanted; 10:00 present, 7 s missing\n\n.*\n.*7 s +missing +spoke killed\n$/);
    const { from, to } = (hub.calls[0]?.input.query ?? {}) as { from: string; to: string };
    assert.equal(Math.round((Date.parse(to) - Date.parse(from)) / 3600_000), 24);
  });
});

test('an export is waited for and written to a file, whole or not at all', async () => {
  let looks = 0;
  const answers: FakeAnswers = {
    create_export: () => exported,
    get_export: () =>
      ++looks < 2
        ? { ...exported, state: 'running', progress: 50 }
        : { ...exported, state: 'done', progress: 100, filename: 'door.mp4', file_size: 5, missing_s: 3 },
    export_file: () => ({ filename: 'door.mp4', content: 'video' }),
  };
  await withHub(answers, ['recording', 'export', 'camera0', '--from', '15m'], ({ out, folder, error }) => {
    assert.equal(error, undefined);
    assert.equal(out, `${join(folder, 'door.mp4')} (5 B); 3 s of the span were not recorded\n`);
    assert.equal(readFileSync(join(folder, 'door.mp4'), 'utf8'), 'video');
    assert.deepEqual(readdirSync(folder), ['door.mp4']);
  });
  await withHub(
    { ...answers, create_export: () => ({ ...exported, state: 'failed', error: 'nothing recorded' }) },
    ['recording', 'export', 'camera0', '--from', '15m'],
    ({ err }) => {
      assert.match(err, /The export is failed: nothing recorded/);
    },
  );
});

test('a file that is there is not written over without being told to', async () => {
  await withTempFolder(async (folder) => {
    await using hub = await startFakeHub({ recording_file: () => ({ filename: '../../evil.mp4', content: 'new' }) });
    const run = (...more: string[]) => runCommand(['recording', 'get', 'camera0_1', ...more], { WEIR_URL: hub.url }, folder);
    writeFileSync(join(folder, 'mine.mp4'), 'old');
    assert.equal((await run('-o', 'mine.mp4')).error?.code, 'already_exists');
    assert.equal(readFileSync(join(folder, 'mine.mp4'), 'utf8'), 'old');
    await run('-o', 'mine.mp4', '--force');
    assert.equal(readFileSync(join(folder, 'mine.mp4'), 'utf8'), 'new');
    await run();
    assert.deepEqual(readdirSync(folder).sort(), ['evil.mp4', 'mine.mp4']);
    assert.equal((await run('-o', 'none/x.mp4')).error?.code, 'not_found');
  });
});

test('a file that could not be deleted is told, and the command fails', async () => {
  const results = [
    { filename: 'a', deleted: true, message: 'deleted' },
    { filename: 'b', deleted: false, message: 'b is protected' },
  ];
  await withHub({ delete_segments: () => ({ results, space_freed: 10 }) }, ['recording', 'delete', 'a', 'b'], ({ out, exitCode }) => {
    assert.match(out, /a: deleted\nb: b is protected\n10 B freed/);
    assert.equal(exitCode, 1);
  });
});

test('all pages of a long list are fetched', async () => {
  const answers: FakeAnswers = {
    list_cameras: ({ query }) => ({
      items: [{ ...camera, camera_id: query.cursor === undefined ? 'camera0' : 'camera1' }],
      total: 2,
      connected: 2,
      next_cursor: query.cursor === undefined ? 'more' : null,
    }),
  };
  await withHub(answers, ['camera', 'list', '--json'], ({ out }) => {
    const { items } = JSON.parse(out) as { items: Camera[] };
    assert.deepEqual(
      items.map((one) => one.camera_id),
      ['camera0', 'camera1'],
    );
  });
});

const misuses: [args: string[], text: RegExp][] = [
  [['recording', 'start', 'camera0', '--duration', 'soon'], /write seconds, or a number with s, m, h or d/],
  [['recording', 'start', 'camera0', '--format', 'avi'], /format/],
  [['recording', 'coverage', 'camera0', '--from', 'yesterday'], /write a time like/],
  [['stream', 'update', 'front'], /Nothing to change was given/],
  [['camera', 'set', 'camera0'], /Nothing to change was given/],
  [['camera', 'set', 'camera0', '--control', 'brightness'], /write name=value/],
  [['camera', 'add', 'test:', '--framerate', 'fast'], /framerate must be a number/],
  [['config', 'set', 'http.port'], /A value for http\.port is missing/],
  [['config', 'set', 'a', 'b', 'c'], /neither KEY VALUE nor KEY=VALUE/],
  [['config', 'get', 'http.prot'], /Did you mean http\.port\?/],
  [['rpc'], /Name a method/],
  [['rpc', 'ping', 'novalue'], /novalue is no parameter/],
];
for (const [args, text] of misuses) {
  test(`weir ${args.join(' ')} is refused before anything is asked`, () =>
    withHub({}, args, ({ err, hub, error }) => {
      assert.equal(error?.code, 'invalid_argument');
      assert.match(err, text);
      assert.deepEqual(hub.calls, []);
    }));
}

test('a refusal of the hub is shown with its hint', async () => {
  const answers: FakeAnswers = {
    start_recording: () => {
      throw new WeirError('failed_precondition', 'camera0 is recorded already', { hint: 'stop it first' });
    },
  };
  await withHub(answers, ['recording', 'start', 'camera0'], ({ err, error }) => {
    assert.equal(error?.code, 'failed_precondition');
    assert.equal(err, 'weir: camera0 is recorded already\n  stop it first\n');
  });
});

test('settings are changed in the file while no hub runs, under the same checks', async () => {
  await withTempFolder(async (folder) => {
    const file = join(folder, 'weir.yaml');
    writeFileSync(file, '# mine\nhttp:\n  port: eighty\n');
    const run = (...args: string[]) => runCommand(['config', ...args], {}, folder);
    assert.match((await run('set', 'http.port', 'ninety')).err, /http\.port/);
    const mended = await run('set', 'http.port', '9000');
    assert.match(mended.out, /http\.port: 8080 -> 9000\nwritten to .*weir\.yaml; no hub runs here/);
    assert.equal(readFileSync(file, 'utf8'), '# mine\nhttp:\n  port: 9000\n');
    assert.equal((await run('get', 'http.port')).out, '9000\n');
    assert.match((await run('set', 'log.level', 'debug', '--dry-run')).out, /would be written/);
    assert.equal((await run('get', 'log.level')).out, 'info\n');
    await run('unset', 'http.port');
    assert.equal((await run('get', 'http.port')).out, '8080\n');
    assert.equal((await run('history')).error?.code, 'unavailable');
  });
});
