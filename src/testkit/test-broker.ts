/** A real nats-server for one test file: own ports, own folder, gone afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node';
import { makeTempFolder, removeFolder } from './temp-folder.js';
import { waitFor } from './wait-for.js';

/** A login of the test broker; without `publish` or `subscribe` it may use every subject, with an empty list none. */
export interface TestUser {
  user: string;
  password: string;
  publish?: readonly string[];
  subscribe?: readonly string[];
  /** May answer each request it receives, once. */
  allowResponses?: boolean;
}

export interface TestBrokerOptions {
  /** Logins besides `hub` (password `hub`), which may do everything and always exists. */
  users?: readonly TestUser[];
  /** Default true. */
  jetstream?: boolean;
  /** Default 16 MiB, as in production. */
  maxPayloadBytes?: number;
}

export interface TestBroker {
  /** `nats://127.0.0.1:<port>`; the same after {@link restart}. */
  readonly url: string;
  /** `ws://127.0.0.1:<port>` */
  readonly websocketUrl: string;
  /** `http://127.0.0.1:<port>` with /healthz, /varz, /connz, /jsz. */
  readonly monitorUrl: string;
  /** Of the present process; changes with {@link restart}. */
  readonly pid: number;
  /** A connection as this user, by default `hub`; it reconnects for ever at short intervals and is closed by {@link stop}. */
  connect(user?: string, options?: ConnectionOptions): Promise<NatsConnection>;
  /** Replaces the users besides `hub` and reloads; resolves when the server has taken them. */
  setUsers(users: readonly TestUser[]): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill9(): Promise<void>;
  /** SIGSTOP: the sockets stay open and nothing is answered. Resolves when every thread stands. */
  freeze(): Promise<void>;
  /** SIGCONT */
  thaw(): void;
  /** Starts it again with the same ports and store, after killing it if it still runs; resolves when ready. */
  restart(): Promise<void>;
  /** Closes the connections made by {@link connect}, ends the server and removes its folder. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Ports {
  client: number;
  websocket: number;
  monitor: number;
}

/** Starts nats-server (from PATH, or `WEIR_NATS_SERVER`) on free loopback ports in a temp folder; ready when it resolves. */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const folder = await makeTempFolder('broker');
  try {
    return await openTestBroker(folder, options);
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

async function openTestBroker(folder: string, options: TestBrokerOptions): Promise<TestBroker> {
  let users = [...(options.users ?? [])];
  let ports: Ports = { client: -1, websocket: -1, monitor: -1 };
  // A reload is refused when a port differs from the one the process was started with, even if that was "any".
  let launchedWith = ports;
  const configFile = join(folder, 'nats.conf');
  const connections = new Set<NatsConnection>();
  const write = () => writeFile(configFile, configText(folder, launchedWith, users, options), { mode: 0o600 });

  await write();
  let server = await launch(folder, configFile);
  ports = await readPorts(folder, server);
  await ready(ports);

  const broker: TestBroker = {
    url: `nats://127.0.0.1:${ports.client}`,
    websocketUrl: `ws://127.0.0.1:${ports.websocket}`,
    monitorUrl: `http://127.0.0.1:${ports.monitor}`,
    get pid() {
      return server.pid ?? -1;
    },
    async connect(user = 'hub', connectOptions = {}) {
      const pass = user === 'hub' ? 'hub' : users.find((one) => one.user === user)?.password;
      const connection = await connect({
        servers: broker.url,
        user,
        pass: pass ?? '',
        maxReconnectAttempts: -1,
        reconnectTimeWait: 50,
        ...connectOptions,
      });
      connections.add(connection);
      connection.closed().then(
        () => connections.delete(connection),
        () => connections.delete(connection),
      );
      return connection;
    },
    async setUsers(next) {
      users = [...next];
      const before = (await varz(ports)).config_load_time;
      await write();
      server.kill('SIGHUP');
      await waitFor(async () => (await varz(ports)).config_load_time !== before, { what: 'reload of the test broker', everyMs: 2 });
    },
    async kill9() {
      await end(server, 'SIGKILL');
    },
    async freeze() {
      server.kill('SIGSTOP');
      await waitFor(() => isFrozen(broker.pid), { what: 'standstill of the test broker', everyMs: 1 });
    },
    thaw() {
      server.kill('SIGCONT');
    },
    async restart() {
      await end(server, 'SIGKILL');
      launchedWith = ports;
      await write();
      server = await launch(folder, configFile);
      await ready(ports);
    },
    async stop() {
      await Promise.all([...connections].map((connection) => connection.close()));
      server.kill('SIGCONT');
      await end(server, 'SIGKILL');
      await removeFolder(folder);
    },
    [Symbol.asyncDispose]: () => broker.stop(),
  };
  return broker;
}

async function launch(folder: string, configFile: string): Promise<ChildProcess> {
  const program = process.env.WEIR_NATS_SERVER ?? 'nats-server';
  const command = [program, '-c', configFile, '-l', join(folder, 'nats.log')];
  // So that a test run that is killed leaves no server behind.
  if (existsSync('/usr/bin/setpriv')) command.unshift('/usr/bin/setpriv', '--pdeathsig', 'KILL');
  const server = spawn(command[0] ?? program, command.slice(1), { stdio: 'ignore' });
  await once(server, 'spawn');
  server.unref();
  return server;
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.ref();
  server.kill(signal);
  await exited;
}

/** The signal reaches the threads one by one; a late one still answers requests. */
async function isFrozen(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  const states = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')));
  return states.every((stat) => stat.slice(stat.lastIndexOf(')')).startsWith(') T'));
}

async function readPorts(folder: string, server: ChildProcess): Promise<Ports> {
  const file = join(folder, `nats-server_${server.pid}.ports`);
  const found = await waitFor(
    async () => {
      if (server.exitCode !== null) throw new Error(`nats-server left with ${server.exitCode}: ${await readFile(join(folder, 'nats.log'), 'utf8')}`);
      return JSON.parse(await readFile(file, 'utf8')) as { nats: string[]; monitoring: string[]; websocket: string[] };
    },
    { what: 'the ports of the test broker', deadlineMs: 10_000, everyMs: 5 },
  );
  const port = (urls: string[]) => Number(new URL(urls[0] ?? '').port);
  return { client: port(found.nats), websocket: port(found.websocket), monitor: port(found.monitoring) };
}

async function ready(ports: Ports): Promise<void> {
  await waitFor(async () => (await fetch(`http://127.0.0.1:${ports.monitor}/healthz`)).ok, {
    what: 'health of the test broker',
    deadlineMs: 10_000,
    everyMs: 5,
  });
}

async function varz(ports: Ports): Promise<{ config_load_time: string }> {
  const response = await fetch(`http://127.0.0.1:${ports.monitor}/varz`);
  return (await response.json()) as { config_load_time: string };
}

function configText(folder: string, ports: Ports, users: readonly TestUser[], options: TestBrokerOptions): string {
  const logins = [{ user: 'hub', password: 'hub' }, ...users].map(userText).join('\n      ');
  return `
listen: "127.0.0.1:${ports.client}"
http: "127.0.0.1:${ports.monitor}"
ports_file_dir: ${JSON.stringify(folder)}
max_payload: ${options.maxPayloadBytes ?? 16_777_216}
max_pending: 67108864
websocket {
  listen: "127.0.0.1:${ports.websocket}"
  no_tls: true
}
${options.jetstream === false ? '' : `jetstream {\n  store_dir: ${JSON.stringify(join(folder, 'store'))}\n  max_memory_store: 1073741824\n  max_file_store: 1073741824\n}`}
accounts {
  SYS {
    users: [{ user: "sys", password: "sys" }]
  }
  WEIR {
    ${options.jetstream === false ? '' : 'jetstream: enabled'}
    users: [
      ${logins}
    ]
  }
}
system_account: SYS
`;
}

function userText(user: TestUser): string {
  const permissions: string[] = [];
  if (user.publish !== undefined) permissions.push(`publish: ${allowance(user.publish)}`);
  if (user.subscribe !== undefined) permissions.push(`subscribe: ${allowance(user.subscribe)}`);
  if (user.allowResponses === true) permissions.push('allow_responses: true');
  const suffix = permissions.length === 0 ? '' : `, permissions: { ${permissions.join(', ')} }`;
  return `{ user: ${JSON.stringify(user.user)}, password: ${JSON.stringify(user.password)}${suffix} }`;
}

/** To the server an empty allow list means everything. */
function allowance(subjects: readonly string[]): string {
  return subjects.length === 0 ? '{ deny: [">"] }' : `{ allow: ${JSON.stringify(subjects)} }`;
}
