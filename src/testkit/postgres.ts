/** A PostgreSQL server of our own, when its programs are on this machine. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { makeTempFolder, removeFolder } from './temp-folder.js';
import { waitFor } from './wait-for.js';

/** Why tests with a PostgreSQL server are left out on this machine; false: they are not. */
export const withoutPostgres: string | false =
  findPrograms() === undefined ? 'needs the PostgreSQL server programs (Debian package postgresql)' : false;

export interface TestPostgres {
  /** Runs one statement. */
  query(text: string): Promise<void>;
  /** Makes an empty schema and gives the address of a database that keeps all of its tables there. */
  newSchema(): Promise<{ readonly schema: string; readonly url: string }>;
  urlOf(schema: string): string;
  stop(): Promise<void>;
}

/** Starts it on a free port, for this process only. Needs `withoutPostgres` to be false. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const bin = findPrograms() ?? '';
  const folder = await makeTempFolder('postgres');
  // The server refuses to run as root.
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const made = spawnSync(join(bin, 'initdb'), ['-D', data, '-U', 'weir', '-A', 'trust', '-N', '--no-locale', '-E', 'UTF8'], { ...user, cwd: folder });
  if (made.status !== 0) throw new Error(`no database could be made: ${made.stderr?.toString()}`);
  const port = await freePort();
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off', 'max_connections=60'];
  const command = [join(bin, 'postgres'), '-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  // So that a test run that is killed leaves no server behind.
  if (existsSync('/usr/bin/setpriv')) command.unshift('/usr/bin/setpriv', '--pdeathsig', 'KILL');
  const child = spawn(command[0] ?? '', command.slice(1), { ...user, cwd: folder, stdio: 'ignore' });
  const url = `postgres://weir@127.0.0.1:${port}/postgres`;
  const query = (text: string) => runQuery(url, text);
  const urlOf = (schema: string) => `${url}?options=${encodeURIComponent(`-c search_path=${schema}`)}`;
  let schemas = 0;
  await waitFor(() => query('select 1').then(() => true), { what: 'the PostgreSQL server', deadlineMs: 60_000, everyMs: 50 });
  return {
    query,
    urlOf,
    async newSchema() {
      schemas += 1;
      const schema = `w${schemas}`;
      await query(`create schema ${schema}`);
      return { schema, url: urlOf(schema) };
    },
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGINT');
      await exited;
      await removeFolder(folder);
    },
  };
}

async function runQuery(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'test' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

function findPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(root, version, 'bin')), ...(process.env.PATH ?? '').split(':')];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

function unprivilegedUser(): { uid: number; gid: number } {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = lines.find((one) => one.startsWith('postgres:')) ?? lines.find((one) => one.startsWith('nobody:')) ?? '';
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** A TCP port of this machine that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
