/** The configuration file of nats-server: a pure function to its text. */
import type { BrokerUser } from './users.js';
import { featuresOf, type ServerVersion } from './version.js';

/** Ports of the three listeners; -1 lets the system choose. */
export interface BrokerPorts {
  client: number;
  websocket: number;
  monitor: number;
}

export interface TlsFiles {
  certFile: string;
  keyFile: string;
  /** When given, clients must show a certificate signed by it. */
  caFile?: string;
}

export interface BrokerConfig {
  version: ServerVersion;
  /** Address of the client listener; WebSocket and monitoring stay on loopback. */
  host: string;
  ports: BrokerPorts;
  maxPayloadBytes: number;
  maxMemoryBytes: number;
  maxFileBytes: number;
  /** `always`: each stored message is on the disk before it is acknowledged, at a few hundred per second; needs 2.10. */
  sync: 'interval' | 'always';
  storeFolder: string;
  portsFolder: string;
  logFile: string;
  logFileBytes: number;
  tls?: TlsFiles | undefined;
  websocketTls?: TlsFiles | undefined;
  users: readonly BrokerUser[];
}

/** Text of the file. Every account is explicit, so that no client without a login gets in, not even on servers that would open a global account. */
export function formatBrokerConfig(config: BrokerConfig): string {
  const features = featuresOf(config.version);
  // A message must fit twice, or the largest one alone would count as a slow reader.
  const maxPending = Math.max(32 * 1024 * 1024, 2 * config.maxPayloadBytes);
  return joinLines([
    '# Written by Weir at each start and change of users; edits are lost.',
    `server_name: weir`,
    `listen: ${quote(address(config.host, config.ports.client))}`,
    `http: ${quote(address('127.0.0.1', config.ports.monitor))}`,
    `ports_file_dir: ${quote(config.portsFolder)}`,
    `max_payload: ${config.maxPayloadBytes}`,
    `max_pending: ${maxPending}`,
    'write_deadline: "5s"',
    'ping_interval: "20s"',
    'ping_max: 2',
    // 30 s is the least that the server takes; we end it sooner ourselves.
    'lame_duck_duration: "30s"',
    'lame_duck_grace_period: "500ms"',
    `log_file: ${quote(config.logFile)}`,
    `logfile_size_limit: ${config.logFileBytes}`,
    features.logFileCount ? 'logfile_max_num: 3' : undefined,
    ...(config.tls === undefined ? [] : tlsBlock(config.tls)),
    // The space before the brace matters: without it the server reads one long key.
    'websocket {',
    `  listen: ${quote(address('127.0.0.1', config.ports.websocket))}`,
    ...(config.websocketTls === undefined ? ['  no_tls: true'] : indent(tlsBlock(config.websocketTls))),
    '  compression: false',
    '  handshake_timeout: "5s"',
    '}',
    'jetstream {',
    `  store_dir: ${quote(config.storeFolder)}`,
    `  max_memory_store: ${config.maxMemoryBytes}`,
    `  max_file_store: ${config.maxFileBytes}`,
    config.sync === 'always' && features.syncInterval ? '  sync_interval: always' : undefined,
    '}',
    'accounts {',
    '  SYS {}',
    '  WEIR {',
    '    jetstream: enabled',
    '    users: [',
    ...config.users.map((user) => `      ${userEntry(user)}`),
    '    ]',
    '  }',
    '}',
    'system_account: SYS',
  ]);
}

function tlsBlock(tls: TlsFiles): string[] {
  return [
    'tls {',
    `  cert_file: ${quote(tls.certFile)}`,
    `  key_file: ${quote(tls.keyFile)}`,
    ...(tls.caFile === undefined ? [] : [`  ca_file: ${quote(tls.caFile)}`, '  verify: true']),
    '}',
  ];
}

function userEntry(user: BrokerUser): string {
  const login = 'nkey' in user ? `nkey: ${quote(user.nkey)}` : `user: ${quote(user.user)}, password: ${quote(user.password)}`;
  const rights = [`publish: ${allowance(user.publish)}`, `subscribe: ${allowance(user.subscribe)}`];
  if (user.allowResponses === true) rights.push('allow_responses: { max: 1, expires: "1m" }');
  const types = user.connectionTypes === undefined ? '' : `, allowed_connection_types: ${JSON.stringify(user.connectionTypes)}`;
  return `{ ${login}${types}, permissions: { ${rights.join(', ')} } }`;
}

/** To the server an empty allow list means everything; to us it means nothing. */
function allowance(subjects: readonly string[]): string {
  return subjects.length === 0 ? '{ deny: [">"] }' : `{ allow: [${subjects.map(quote).join(', ')}] }`;
}

function address(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The server knows the escapes of JSON but `\u` and `\/`; control characters, which would need the former, are refused before. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function joinLines(lines: readonly (string | undefined)[]): string {
  return `${lines.filter((line) => line !== undefined).join('\n')}\n`;
}
