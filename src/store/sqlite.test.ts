import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Sqlite from 'better-sqlite3';
import { WeirError } from '../contracts/index.js';
import { makeTempFolder, removeFolder, withTempFolder } from '../testkit/index.js';
import { openStore } from './open-store.js';
import { describeStore } from './store.suite.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

describeStore('SQLite', async () => {
  const folder = await makeTempFolder('store');
  const open = () => openStore({ path: join(folder, 'data', 'weir.db') });
  const store = await open();
  return {
    store,
    reopen: open,
    drop: async () => {
      await store.stop();
      await removeFolder(folder);
    },
  };
});

const waitingCallback = {
  callback_id: 'c',
  video_id: 'v',
  url: 'http://a/',
  event: 'video.failed',
  state: 'waiting',
  attempts: 0,
  last_status: null,
  last_error: null,
  next_ms: 5,
  created_at: '2026-01-01T00:00:00.000Z',
  delivered_at: null,
  body: '{}',
} as const;

describe('SQLite file', () => {
  it('and its log are readable for their owner only, whatever the mask', async () => {
    await withTempFolder(async (folder) => {
      const path = join(folder, 'sub', 'weir.db');
      await using store = await openStore({ path });
      await store.settings.set('a', 1);
      for (const file of [path, `${path}-wal`]) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
    });
  });

  it('is refused when a newer Weir wrote it, and left as it was', async () => {
    await withTempFolder(async (folder) => {
      const path = join(folder, 'weir.db');
      await (await openStore({ path })).stop();
      const raw = new Sqlite(path);
      raw.prepare('insert into weir_migration (name, timestamp) values (?, ?)').run('9999_future', 'x');
      raw.close();
      await assert.rejects(openStore({ path }), (error: unknown) => {
        assert.ok(error instanceof WeirError);
        assert.equal(error.code, 'failed_precondition');
        assert.match(error.message, /newer Weir.*9999_future/);
        return true;
      });
    });
  });

  it('opens again without touching anything', async () => {
    await withTempFolder(async (folder) => {
      const path = join(folder, 'weir.db');
      await (await openStore({ path })).stop();
      const before = await stat(path);
      await (await openStore({ path })).stop();
      assert.equal((await stat(path)).mtimeMs, before.mtimeMs);
    });
  });

  it('of an earlier version learns which videos came by a message, and loses no callback', async () => {
    await withTempFolder(async (folder) => {
      const path = join(folder, 'weir.db');
      const before = await openStore({ path });
      for (const video_id of ['sent', 'named', 'bare']) await before.videos.insert({ video_id, title: video_id, owner: 'ada', state: 'ready' });
      for (const [video_id, owned] of [['sent', true] as const, ['named', false] as const]) {
        await before.videos.addSource({ source_id: video_id, path: `/in/${video_id}`, size_bytes: 1, sha256: null, owned });
        await before.videos.attachSource(video_id, video_id, video_id);
      }
      await before.callbacks.insert({ ...waitingCallback, job_id: 'j' });
      await before.stop();
      const raw = new Sqlite(path);
      raw.exec(`
        drop index videos_output; drop index uploads_video; alter table videos drop column origin; alter table videos drop column poster;
        delete from weir_migration where name >= '0008';
      `);
      raw.close();
      await using store = await openStore({ path });
      const origins = ['sent', 'named', 'bare'].map(async (id) => (await store.videos.get(id))?.origin);
      assert.deepEqual(await Promise.all(origins), ['hub', 'bus', 'hub']);
      assert.deepEqual(
        (await store.callbacks.due(10, 10)).map(({ callback_id, job_id }) => [callback_id, job_id]),
        [['c', 'j']],
      );
      await store.callbacks.insert({ ...waitingCallback, callback_id: 'd', job_id: null, video_id: null });
      assert.deepEqual(
        (await store.callbacks.list({ limit: 10 })).items.map((one) => one.callback_id),
        ['d', 'c'],
      );
    });
  });

  it('that is no database, or damaged, is unavailable with a hint', async () => {
    await withTempFolder(async (folder) => {
      const path = join(folder, 'weir.db');
      await writeFile(path, 'this is not a database, just a long enough text '.repeat(200));
      await assert.rejects(
        openStore({ path }),
        (error: unknown) => error instanceof WeirError && error.code === 'unavailable' && error.hint !== undefined,
      );
      const damaged = join(folder, 'damaged.db');
      const store = await openStore({ path: damaged });
      for (let index = 0; index < 200; index++) await store.settings.set(`k${index}`, 'x'.repeat(500));
      await store.stop();
      await truncate(damaged, 8192);
      await assert.rejects(async () => {
        await using again = await openStore({ path: damaged });
        await again.settings.get('k1');
      }, withCode('unavailable'));
    });
  });

  it('in a folder that cannot be made is unavailable', async () => {
    await withTempFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '');
      await assert.rejects(openStore({ path: join(folder, 'file', 'weir.db') }), (error: unknown) => error instanceof WeirError);
      mkdirSync(join(folder, 'is-a-folder.db'));
      await assert.rejects(openStore({ path: join(folder, 'is-a-folder.db') }), (error: unknown) => error instanceof WeirError);
    });
  });

  it('held by another program is unavailable after a second, and works when let go', async () => {
    await withTempFolder(async (folder) => {
      const path = join(folder, 'weir.db');
      await using store = await openStore({ path });
      const other = new Sqlite(path);
      other.exec('begin immediate');
      await assert.rejects(store.settings.set('a', 1), withCode('unavailable'));
      await assert.rejects(
        store.transaction((tx) => tx.settings.set('a', 1)),
        withCode('unavailable'),
      );
      other.exec('rollback');
      other.close();
      await store.transaction((tx) => tx.settings.set('a', 2));
      assert.equal(await store.settings.get('a'), 2);
    });
  });

  it('on a full disk is resource_exhausted, keeps what was there and goes on when there is room', async (context) => {
    const folder = await makeTempFolder('full');
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]).status === 0;
    try {
      if (!mounted) return context.skip('needs the right to mount a small file system');
      await using store = await openStore({ path: join(folder, 'weir.db') });
      await store.settings.set('kept', 1);
      const fill = async () => {
        for (let index = 0; index < 500; index++) await store.settings.set(`k${index}`, 'x'.repeat(8000));
      };
      await assert.rejects(fill(), withCode('resource_exhausted'));
      const inside = store.transaction(async (tx) => {
        for (let index = 0; index < 500; index++) await tx.settings.set(`t${index}`, 'x'.repeat(8000));
      });
      await assert.rejects(inside, withCode('resource_exhausted'));
      assert.equal(await store.settings.get('kept'), 1);
      assert.equal(await store.settings.get('t0'), undefined);
      spawnSync('mount', ['-o', 'remount,size=8m', folder]);
      await store.transaction((tx) => tx.settings.set('after', 1));
      assert.equal(await store.settings.get('after'), 1);
    } finally {
      if (mounted) spawnSync('umount', [folder]);
      await removeFolder(folder);
    }
  });

  it('is left in order by kill -9 in the middle of writing', async () => {
    await withTempFolder(async (folder) => {
      const path = join(folder, 'weir.db');
      const script = `
        import { openStore } from ${JSON.stringify(new URL('./open-store.js', import.meta.url).href)};
        const store = await openStore({ path: ${JSON.stringify(path)} });
        for (let n = 1; ; n++) {
          await store.transaction(async (tx) => { await tx.settings.set('a', n); await tx.settings.set('b', n); });
          if (n === 200) process.kill(process.pid, 'SIGKILL');
        }`;
      const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
      assert.equal(run.signal, 'SIGKILL', run.stderr.toString());
      await using store = await openStore({ path });
      assert.deepEqual([await store.settings.get('a'), await store.settings.get('b')], [200, 200]);
    });
  });

  it('address that is none of PostgreSQL is refused by name', async () => {
    await assert.rejects(openStore({ url: 'mysql://localhost/weir' }), withCode('invalid_argument'));
    await assert.rejects(openStore({}), withCode('invalid_argument'));
  });
});
