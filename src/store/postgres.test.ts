import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { WeirError } from '../contracts/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
import { openStore, type Store } from './open-store.js';
import { describeStore } from './store.suite.js';

const programs = findPrograms();
const skip = programs === undefined ? 'needs the PostgreSQL server programs (Debian package postgresql)' : false;

let server: { url: string; process: ChildProcess; folder: string } | undefined;
let schemas = 0;

describe('PostgreSQL', { skip, concurrency: false }, () => {
  before(async () => {
    server = await startServer(programs ?? '');
  });
  after(async () => {
    if (server === undefined) return;
    const exited = once(server.process, 'exit');
    server.process.kill('SIGINT');
    await exited;
    await removeFolder(server.folder);
  });

  describeStore('PostgreSQL', async () => {
    const schema = `w${++schemas}`;
    await query(`create schema ${schema}`);
    const open = () => openStore({ url: urlOf(schema), poolSize: 4 });
    const store = await open();
    return {
      store,
      reopen: open,
      drop: async () => {
        await store.stop();
        await query(`drop schema ${schema} cascade`);
      },
    };
  });

  it('is refused when a newer Weir wrote it', async () => {
    await withSchema(async (schema, store) => {
      await query(`insert into ${schema}.weir_migration (name, timestamp) values ('9999_future', 'x')`);
      await assert.rejects(openStore({ url: urlOf(schema) }), withCode('failed_precondition'));
      assert.equal(await store.streams.count(), 0);
    });
  });

  it('several hubs may open an empty database at once', async () => {
    const schema = `w${++schemas}`;
    await query(`create schema ${schema}`);
    const stores = await Promise.all(Array.from({ length: 3 }, () => openStore({ url: urlOf(schema), poolSize: 2 })));
    for (const store of stores) {
      await store.check();
      await store.stop();
    }
    await query(`drop schema ${schema} cascade`);
  });

  it('a deadlock between two transactions is run again, not reported', async () => {
    await withSchema(async (_schema, store) => {
      await store.settings.set('a', 0);
      await store.settings.set('b', 0);
      let met = 0;
      let go: () => void = () => undefined;
      const both = new Promise<void>((resolve) => {
        go = resolve;
      });
      const crossing = (first: string, second: string) =>
        store.transaction(async (tx) => {
          await tx.settings.set(first, 1);
          if (++met === 2) go();
          await both;
          await tx.settings.set(second, 1);
        });
      await Promise.all([crossing('a', 'b'), crossing('b', 'a')]);
      assert.ok(met >= 3, 'one of the two ran again');
    });
  });

  it('a connection cut by the server is unavailable once and replaced', async () => {
    await withSchema(async (_schema, store) => {
      const cut = store.transaction(async (tx) => {
        await tx.settings.set('a', 1);
        await query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'weir'`);
        await tx.settings.set('b', 1);
      });
      await assert.rejects(cut, withCode('unavailable'));
      await waitFor(() => store.check().then(() => true), { what: 'a new connection' });
      assert.equal(await store.settings.get('a'), undefined);
    });
  });

  it('wrong password or no server is told by code', async () => {
    await assert.rejects(openStore({ url: urlOf('public').replace('/postgres', '/nosuchdatabase') }), withCode('failed_precondition'));
    const free = await freePort();
    await assert.rejects(openStore({ url: `postgres://weir@127.0.0.1:${free}/weir` }), withCode('unavailable'));
  });
});

const withCode = (code: string) => (error: unknown) => {
  assert.ok(error instanceof WeirError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

async function withSchema(body: (schema: string, store: Store) => Promise<void>): Promise<void> {
  const schema = `w${++schemas}`;
  await query(`create schema ${schema}`);
  const store = await openStore({ url: urlOf(schema), poolSize: 4 });
  try {
    await body(schema, store);
  } finally {
    await store.stop();
    await query(`drop schema ${schema} cascade`);
  }
}

function urlOf(schema: string): string {
  return `${server?.url}?options=${encodeURIComponent(`-c search_path=${schema}`)}`;
}

async function query(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: server?.url, application_name: 'test' });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** Folder of initdb and postgres, the newest version first. */
function findPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(root, version, 'bin')), ...(process.env.PATH ?? '').split(':')];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

async function startServer(bin: string): Promise<{ url: string; process: ChildProcess; folder: string }> {
  const folder = await makeTempFolder('postgres');
  // The server refuses to run as root.
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const made = spawnSync(join(bin, 'initdb'), ['-D', data, '-U', 'weir', '-A', 'trust', '-N', '--no-locale', '-E', 'UTF8'], { ...user, cwd: folder });
  assert.equal(made.status, 0, made.stderr?.toString());
  const port = await freePort();
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off', 'max_connections=60'];
  const command = [join(bin, 'postgres'), '-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  // So that a test run that is killed leaves no server behind.
  if (existsSync('/usr/bin/setpriv')) command.unshift('/usr/bin/setpriv', '--pdeathsig', 'KILL');
  const child = spawn(command[0] ?? '', command.slice(1), { ...user, cwd: folder, stdio: 'ignore' });
  const url = `postgres://weir@127.0.0.1:${port}/postgres`;
  server = { url, process: child, folder };
  await waitFor(() => query('select 1').then(() => true), { what: 'the PostgreSQL server', deadlineMs: 15_000, everyMs: 50 });
  return server;
}

function unprivilegedUser(): { uid: number; gid: number } {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = lines.find((one) => one.startsWith('postgres:')) ?? lines.find((one) => one.startsWith('nobody:')) ?? '';
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
