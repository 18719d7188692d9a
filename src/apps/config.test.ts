import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { WeirError } from '../contracts/index.js';
import { loadConfig, maskConfig, nearest } from './config.js';
import { configKeys, findConfigKey, isSecretVariable } from './config-keys.js';
import { olderNames } from './older-names.js';

const folder = mkdtempSync(join(tmpdir(), 'weir-config-'));
after(() => rmSync(folder, { recursive: true }));

function load(yaml: string | undefined, environment: Record<string, string> = {}, flags: Record<string, unknown> = {}) {
  const path = join(folder, 'weir.yaml');
  if (yaml === undefined) rmSync(path, { force: true });
  else writeFileSync(path, yaml);
  return loadConfig({ environment, flags, folder });
}

test('defaults hold when nothing is set, and the data folder is meant from the working folder', () => {
  const { config, sources } = load(undefined);
  assert.equal(config.http.port, 8080);
  assert.equal(config.nats.port, 4222);
  assert.equal(config.data_dir, join(folder, 'data'));
  assert.equal(sources.size, 0);
});

test('flag beats environment beats file beats default, and each source is known', () => {
  const yaml = 'http:\n  port: 1001\n  host: 127.0.0.2\nlog: { level: debug }\n';
  const { config, sources } = load(yaml, { WEIR_HTTP_PORT: '1002', WEIR_HTTP_HOST: '127.0.0.3' }, { 'http.port': '1003' });
  assert.deepEqual([config.http.port, config.http.host, config.log.level], [1003, '127.0.0.3', 'debug']);
  assert.equal(sources.get('http.port'), 'flag --port');
  assert.equal(sources.get('http.host'), 'environment WEIR_HTTP_HOST');
  assert.match(sources.get('log.level') ?? '', /^file .*weir\.yaml$/);
});

test('names of other systems are understood, and the own name wins', () => {
  const seeds = load(undefined, { NATS_URL: 'nats://a:4222', NATS_USER: 'u', NATS_PASSWORD: 'p', NATS_TLS_ENABLED: 'true' }).config.nats;
  assert.deepEqual([seeds.url, seeds.user, seeds.password, seeds.tls?.enabled], ['nats://a:4222', 'u', 'p', true]);
  assert.equal(load(undefined, { NATS_URL: 'nats://a', WEIR_NATS_URL: 'nats://b' }).config.nats.url, 'nats://b');
  assert.equal(load(undefined, { WEIR_ADMIN_PASSWORD: 'long enough' }).config.access.admin_password, 'long enough');
});

test('lists come from YAML lists and from comma-separated text; paths are meant from where they were written', () => {
  const { config } = load('streams:\n  media_folders: [clips, /srv/x]\n');
  assert.deepEqual(config.streams.media_folders, [join(folder, 'clips'), '/srv/x']);
  assert.deepEqual(load(undefined, { WEIR_STREAMS_SOURCE_HOSTS: 'a.example, b.example' }).config.streams.source_hosts, ['a.example', 'b.example']);
});

test('bus users come from the environment and from the file', () => {
  const users = [
    { name: 'cam1', password: 'with:colons:inside', streams: ['a'] },
    { name: 'cam2', password: '0123456789', streams: ['b', 'c'] },
  ];
  const text = 'cam1:with:colons:inside:a, cam2:0123456789:b+c';
  assert.deepEqual(load(undefined, { WEIR_ACCESS_BUS_USERS: text }).config.access.bus_users, users);
  assert.deepEqual(load(`access:\n  bus_users: ${JSON.stringify(users)}\n`).config.access.bus_users, users);
  assert.deepEqual(load(undefined, { WEIR_ACCESS_BUS_USERS: '' }).config.access.bus_users, []);
});

test('an empty section and an empty variable count as not set', () => {
  assert.equal(load('http:\nnats:\n', { WEIR_HTTP_PORT: '' }).config.http.port, 8080);
});

const refusals: [name: string, yaml: string | undefined, environment: Record<string, string>, flags: Record<string, unknown>, text: RegExp][] = [
  ['a word for a port', 'http:\n  port: abc\n', {}, {}, /http\.port: .*received "abc" \(from file .*weir\.yaml\)/],
  ['a word for a port, with its place in the file', 'log:\n  level: info\nhttp:\n  port: abc\n', {}, {}, /weir\.yaml:4:9: http\.port: /],
  ['true for a port', 'http:\n  port: true\n', {}, {}, /weir\.yaml:2:9: http\.port: use a number; received true/],
  ['a list for a number', 'storage:\n  check_s: []\n', {}, {}, /storage\.check_s: use a number; received \[\]/],
  ['neither true nor false nor auto', 'streams:\n  test_picture: 7\n', {}, {}, /test_picture: use true, false or auto; received 7/],
  [
    'a secret that belongs into the environment',
    'access:\n  jwt_secret: x\n',
    {},
    {},
    /weir\.yaml:2:15: access\.jwt_secret: .*WEIR_ACCESS_JWT_SECRET/,
  ],
  [
    'an older name with a value that does not fit',
    undefined,
    { CAMERA_SERVICE_MEDIAMTX_CODEC_VIDEO_PROFILE: 'high422' },
    {},
    /gateway\.video_profile: .*"high422" \(from environment CAMERA_SERVICE_MEDIAMTX_CODEC_VIDEO_PROFILE\)/,
  ],
  ['an alias without its anchor', 'http: *none\n', {}, {}, /weir\.yaml/],
  ['two documents', 'http: {}\n---\nlog: {}\n', {}, {}, /weir\.yaml:2:1: /],
  ['a port out of range in the environment', undefined, { WEIR_HTTP_PORT: '70000' }, {}, /http\.port: .*"70000" \(from environment WEIR_HTTP_PORT\)/],
  ['a flag value', undefined, {}, { 'nats.port': 'x' }, /nats\.port: .*"x" \(from flag --port\)/],
  ['an unknown key, with the near one', 'http:\n  prot: 1\n', {}, {}, /http\.prot: is no setting \(from file .*\); did you mean http\.port\?/],
  ['an unknown section', 'htttp:\n  port: 1\n', {}, {}, /htttp: is no setting/],
  ['an unknown variable of a section', undefined, { WEIR_HTTP_PROT: '1' }, {}, /WEIR_HTTP_PROT: is no setting .*did you mean WEIR_HTTP_PORT\?/],
  ['a flag that is neither true nor false', 'http:\n  trust_proxy: maybe\n', {}, {}, /http\.trust_proxy: use true or false; received "maybe"/],
  ['a password in the file', 'access:\n  admin_password: secret-secret\n', {}, {}, /WEIR_ADMIN_PASSWORD/],
  ['a secret of the wrong type, unseen', 'nats:\n  url: nats://x\n  password: 12345678\n', {}, {}, /nats\.password: .*received \*\*\*/],
  ['half of a certificate', 'http:\n  tls: { cert_file: c.pem }\n', {}, {}, /cert_file and key_file belong together/],
  ['half of a certificate of the bus', undefined, { WEIR_NATS_TLS_ENABLED: 'true', WEIR_NATS_TLS_KEY_FILE: 'k' }, {}, /nats\.tls: .*belong together/],
  ['TLS of the supervised bus without a certificate', undefined, { WEIR_NATS_TLS_ENABLED: 'true' }, {}, /nats\.tls: .*needs cert_file/],
  ['two ways to log in', undefined, { NATS_URL: 'nats://x', NATS_USER: 'u', WEIR_NATS_TOKEN: 't' }, {}, /choose one of/],
  ['credentials without an address', undefined, { NATS_USER: 'u' }, {}, /nats\.user: is only used with nats\.url/],
  ['a bus user without streams', undefined, { WEIR_ACCESS_BUS_USERS: 'cam1:0123456789' }, {}, /bus_users\.0\.streams: name the streams as well/],
  [
    'a bus user whose password is empty, without showing others',
    undefined,
    { WEIR_ACCESS_BUS_USERS: 'a:a-long-secret:s,cam1::s' },
    {},
    /bus_users\.1\.password: (?!.*a-long-secret).*10 characters.*\(from environment WEIR_ACCESS_BUS_USERS\)/,
  ],
  ['a bus user with a name that is no word', undefined, { WEIR_ACCESS_BUS_USERS: 'c m:0123456789:s' }, {}, /bus_users\.0\.name: use 1 to 64/],
  ['a bus user named twice', undefined, { WEIR_ACCESS_BUS_USERS: 'a:0123456789:s,A:0123456789:s' }, {}, /bus_users: .*same name/],
  ['bus users for a foreign server', undefined, { NATS_URL: 'nats://x', WEIR_ACCESS_BUS_USERS: 'a:0123456789:s' }, {}, /bus_users: is for the super/],
  [
    'a warning above the block',
    'storage:\n  warn_percent: 95\n',
    {},
    {},
    /weir\.yaml:2:17: storage\.warn_percent: must be below storage\.block_percent, which is 90/,
  ],
  [
    'a wait that cuts clients at rest',
    undefined,
    { WEIR_RPC_PONG_WAIT_S: '10' },
    {},
    /rpc\.pong_wait_s: must be above rpc\.ping_interval_s, which is 30/,
  ],
  ['a list instead of sections', '- a\n', {}, {}, /must hold sections/],
  ['broken YAML, with its place', 'http:\n  port: [\n', {}, {}, /weir\.yaml:\d+:\d+: /],
  ['a key written twice', 'http: {}\nhttp: {}\n', {}, {}, /weir\.yaml:2:1: /],
];
for (const [name, yaml, environment, flags, text] of refusals) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => load(yaml, environment, flags),
      (error) => {
        assert.ok(error instanceof WeirError && error.code === 'invalid_argument');
        assert.match(error.message, text);
        return true;
      },
    );
  });
}

test('variables of the older camera service are understood, count least, and unknown ones are told', () => {
  const { config, warnings } = load(
    undefined,
    {
      CAMERA_SERVICE_SERVER_PORT: '8002',
      CAMERA_SERVICE_SERVER_PING_INTERVAL: '1m30s',
      CAMERA_SERVICE_SERVER_PONG_WAIT: '2m',
      CAMERA_SERVICE_MEDIAMTX_CODEC_BITRATE: '2M',
      CAMERA_SERVICE_LOGGING_LEVEL: 'warn',
      CAMERA_SERVICE_SECURITY_CORS_ORIGINS: '["https://a.example", "https://b.example"]',
      CAMERA_SERVICE_RETENTION_POLICY_TYPE: 'size',
      CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: 'x'.repeat(32),
      CAMERA_SERVICE_EXTERNAL_DISCOVERY_GENERIC_UAV_COMMON_PORTS: '[554 8554]',
      CAMERA_SERVICE_STORAGE_WARN_PERCENT: '70',
      WEIR_STORAGE_WARN_PERCENT: '75',
      CAMERA_SERVICE_PERFORMANCE_DEBOUNCE: '15',
      CAMERA_SERVICE_ENABLE_HOT_RELOAD: 'true',
    },
    {},
  );
  assert.deepEqual(
    [config.rpc.port, config.rpc.ping_interval_s, config.gateway.bitrate_kbps, config.log.level, config.storage.retention.type],
    [8002, 90, 2000, 'warning', 'size'],
  );
  assert.deepEqual(config.http.allowed_origins, ['https://a.example', 'https://b.example']);
  assert.deepEqual(config.external_discovery.generic_ports, [554, 8554]);
  assert.equal(config.access.jwt_secret?.length, 32);
  assert.equal(config.storage.warn_percent, 75);
  assert.deepEqual(warnings, ['CAMERA_SERVICE_PERFORMANCE_DEBOUNCE in the environment has no counterpart here and changes nothing']);
});

test('every older name means a key that there is, and its secrets are secret', () => {
  for (const [name, { path }] of Object.entries(olderNames)) assert.equal(findConfigKey(path)?.path, path, name);
  assert.equal(isSecretVariable('CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY'), true);
  assert.equal(isSecretVariable('CAMERA_SERVICE_SERVER_PORT'), false);
});

test('without a file in the working folder, the one in the data folder counts; it cannot move that folder', () => {
  const data = join(folder, 'kept');
  mkdirSync(data);
  writeFileSync(join(data, 'weir.yaml'), 'log: { level: debug }\n');
  const loaded = load(undefined, { WEIR_DATA_DIR: 'kept' });
  assert.deepEqual([loaded.config.log.level, loaded.file], ['debug', join(data, 'weir.yaml')]);
  const both = load('log: { level: error }\n', { WEIR_DATA_DIR: 'kept' });
  assert.equal(both.config.log.level, 'error');
  assert.match(both.warnings[0] ?? '', /kept\/weir\.yaml is not read, since there is/);
  writeFileSync(join(data, 'weir.yaml'), 'data_dir: elsewhere\n');
  assert.throws(() => load(undefined, { WEIR_DATA_DIR: 'kept' }), /weir\.yaml:1:11: data_dir: cannot be set/);
});

test('keys know what they are', () => {
  const of = (path: string) => configKeys.find((key) => key.path === path);
  assert.deepEqual(
    [of('http.port')?.isNumber, of('streams.test_picture')?.isNumber, of('external_discovery.generic_ports')?.isNumber],
    [true, false, false],
  );
  const lists = configKeys.filter((key) => key.isList).map((key) => key.path);
  assert.deepEqual(lists, [
    'http.allowed_origins',
    'streams.media_folders',
    'streams.source_hosts',
    'external_discovery.skydio_ranges',
    'external_discovery.skydio_known_hosts',
    'external_discovery.generic_ranges',
    'external_discovery.generic_ports',
    'external_discovery.generic_paths',
    'external_discovery.generic_known_hosts',
    'vod.source_folders',
    'vod.output_folders',
    'vod.profiles',
    'vod.fetch_hosts',
    'access.bus_users',
  ]);
  assert.deepEqual([of('recordings.folder')?.isPath, of('gateway.binary')?.isPath], [true, false]);
  assert.deepEqual([of('http.port')?.default, of('storage.retention.type')?.default, of('nats.url')?.default], [8080, 'age', undefined]);
});

test('all faults are named at once', () => {
  assert.throws(() => load('http:\n  port: abc\nlog:\n  level: loud\n'), /http\.port[\s\S]*log\.level/);
});

test('a named file must exist; a variable beyond the sections is only a warning', () => {
  assert.throws(() => loadConfig({ environment: {}, folder, file: 'none.yaml' }), /none\.yaml does not exist/);
  assert.match(load(undefined, { WEIR_SERVICE_HOST: '10.0.0.1' }).warnings[0] ?? '', /WEIR_SERVICE_HOST/);
});

test('secrets and passwords in addresses are masked', () => {
  const { config } = load(undefined, {
    NATS_URL: 'nats://u:p@h:1',
    WEIR_ADMIN_PASSWORD: 'long enough',
    WEIR_DATABASE_URL: 'postgres://u:geheim@db/x',
  });
  const busUsers = load(undefined, { WEIR_ACCESS_BUS_USERS: 'cam1:a-long-secret:s' }).config;
  assert.doesNotMatch(JSON.stringify(maskConfig(busUsers)), /a-long-secret/);
  const text = JSON.stringify(maskConfig(config));
  assert.doesNotMatch(text, /long enough|geheim|u:p@/);
  assert.match(text, /nats:\/\/\*\*\*@h:1/);
});

test('every key has its own variable name', () => {
  assert.equal(new Set(configKeys.map((key) => key.environment)).size, configKeys.length);
  assert.ok(configKeys.some((key) => key.path === 'http.tls.cert_file' && key.environment === 'WEIR_HTTP_TLS_CERT_FILE' && key.isPath));
});

test('nearest finds a misspelling and nothing where nothing is near', () => {
  assert.equal(nearest('satrt', ['start', 'stop']), 'start');
  assert.equal(nearest('zzz', ['start', 'stop']), undefined);
});
