import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BrokerConfig, formatBrokerConfig } from './config.js';
import { type BrokerUser, checkUsers } from './users.js';
import { isAtLeast, oldestVersion, parseVersion, type ServerVersion } from './version.js';

const version = (text: string): ServerVersion => parseVersion(text) ?? assert.fail(text);
const hub: BrokerUser = { user: 'hub', password: 'p', publish: ['>'], subscribe: ['>'] };
const base: BrokerConfig = {
  version: version('2.9.10'),
  host: '127.0.0.1',
  ports: { client: 4222, websocket: 8222, monitor: -1 },
  maxPayloadBytes: 1024,
  maxMemoryBytes: 2048,
  maxFileBytes: 4096,
  sync: 'always',
  storeFolder: '/d/store',
  portsFolder: '/d',
  logFile: '/d/log',
  logFileBytes: 99,
  users: [hub],
};
const tls = { certFile: '/c.pem', keyFile: '/k.pem' };

const rows: { name: string; change?: Partial<BrokerConfig>; has?: string[]; lacks?: RegExp[] }[] = [
  {
    name: 'the oldest server gets nothing that it does not know',
    has: ['listen: "127.0.0.1:4222"', 'http: "127.0.0.1:-1"', 'websocket {\n  listen: "127.0.0.1:8222"\n  no_tls: true\n  compression: false'],
    lacks: [/sync_interval/, /logfile_max_num/, /no_auth_user/, /authorization/, /websocket\{/],
  },
  { name: '2.10 syncs when told to', change: { version: version('2.10.0') }, has: ['  sync_interval: always'], lacks: [/logfile_max_num/] },
  { name: '2.10 does not unless told', change: { version: version('2.10.0'), sync: 'interval' }, lacks: [/sync_interval/] },
  { name: '2.11 bounds its logs itself', change: { version: version('2.11.4') }, has: ['logfile_max_num: 3'] },
  { name: 'accounts are explicit', has: ['accounts {\n  SYS {}\n  WEIR {\n    jetstream: enabled', 'system_account: SYS'] },
  { name: 'an IPv6 address is bracketed', change: { host: '::' }, has: ['listen: "[::]:4222"'] },
  { name: 'pending fits two of the largest messages', change: { maxPayloadBytes: 50_000_000 }, has: ['max_pending: 100000000'] },
  { name: 'small messages still get 32 MiB pending', has: ['max_pending: 33554432'] },
  {
    name: 'TLS for clients leaves the WebSocket plain',
    change: { tls },
    has: ['\ntls {\n  cert_file: "/c.pem"\n  key_file: "/k.pem"\n}', '  no_tls: true'],
  },
  {
    name: 'TLS with an authority asks clients for certificates',
    change: { websocketTls: { ...tls, caFile: '/ca.pem' } },
    has: ['  tls {\n    cert_file: "/c.pem"\n    key_file: "/k.pem"\n    ca_file: "/ca.pem"\n    verify: true\n  }'],
    lacks: [/no_tls/],
  },
  {
    name: 'an empty list is a denial, not everything',
    change: { users: [{ user: 'u', password: 'p', publish: [], subscribe: ['a', 'b.>'], allowResponses: true }] },
    has: [
      '{ user: "u", password: "p", permissions: { publish: { deny: [">"] }, subscribe: { allow: ["a", "b.>"] }, allow_responses: { max: 1, expires: "1m" } } }',
    ],
  },
  {
    name: 'a hash, quotes and ways in',
    change: { users: [{ user: 'a"b', password: '$2a$10$x/y.z', publish: ['a'], subscribe: ['a'], connectionTypes: ['WEBSOCKET'] }] },
    has: ['user: "a\\"b", password: "$2a$10$x/y.z", allowed_connection_types: ["WEBSOCKET"]'],
  },
  {
    name: 'a user with a key',
    change: { users: [{ nkey: `U${'A'.repeat(55)}`, publish: ['a'], subscribe: ['a'] }] },
    has: [`{ nkey: "U${'A'.repeat(55)}", permissions:`],
    lacks: [/password/],
  },
];

for (const row of rows) {
  test(`broker configuration: ${row.name}`, () => {
    const text = formatBrokerConfig({ ...base, ...row.change });
    for (const part of row.has ?? []) assert.ok(text.includes(part), `${part}\nis missing in\n${text}`);
    for (const part of row.lacks ?? []) assert.doesNotMatch(text, part);
  });
}

const faulty: { name: string; user: BrokerUser }[] = [
  { name: 'a space in a subject', user: { ...hub, publish: ['a b'] } },
  { name: 'a quote in a subject', user: { ...hub, subscribe: ['a"'] } },
  { name: 'an empty token', user: { ...hub, subscribe: ['a..b'] } },
  { name: 'a wildcard in a token', user: { ...hub, subscribe: ['a*'] } },
  { name: 'a hash that the server takes for a password', user: { ...hub, password: '$2b$10$x' } },
  { name: 'an empty password', user: { ...hub, password: '' } },
  { name: 'a line end in a name', user: { user: 'a\nb', password: 'p', publish: [], subscribe: [] } },
  { name: 'a seed instead of a public key', user: { nkey: `SU${'A'.repeat(56)}`, publish: [], subscribe: [] } },
];

for (const row of faulty) {
  test(`broker users: ${row.name} is refused`, () => {
    assert.throws(() => checkUsers([row.user]), { code: 'invalid_argument' });
  });
}

test('broker users: the subjects that Weir uses pass', () => {
  checkUsers([{ ...hub, publish: ['$JS.API.CONSUMER.MSG.NEXT.*.v1', '_INBOX_x.>', 'videonode.stream.cam-1.status', '*', '>'] }]);
});

test('broker version: read from the answer of the program and compared with the floor', () => {
  assert.deepEqual(parseVersion('nats-server: v2.10.27-RC.1'), { major: 2, minor: 10, patch: 27 });
  assert.equal(parseVersion('none'), undefined);
  const verdicts = ['2.9.9', '2.9.10', '2.9.11', '2.10.0', '3.0.0', '1.99.99'].map((text) => isAtLeast(version(text), oldestVersion));
  assert.deepEqual(verdicts, [false, true, true, true, true, false]);
});
