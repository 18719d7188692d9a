import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { call, type LibraryBench, output, session, withLibrary } from './testing/bench.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const anna = session('operator', 'anna');
const exists = (path: string) =>
  readdir(dirname(path)).then(
    (names) => names.some((name) => path.endsWith(`/${name}`)),
    () => false,
  );

describe('the trash', () => {
  it('keeps everything until it is taken out, and says until when', () =>
    withLibrary(async ({ library, publish, cancelled }) => {
      const { folder, source } = await publish('a');
      const params = { video_id: 'a' };
      const { delete_video, restore_video } = library.operations;
      const first = await call(delete_video, anna, { params });
      assert.equal(first.deleted, 'trash');
      assert.deepEqual(await call(delete_video, anna, { params }), first, 'a second time does not make it last longer');
      assert.deepEqual([await exists(folder), await exists(source), cancelled], [true, true, []]);
      assert.equal((await call(restore_video, anna, { params })).state, 'ready');
    }));

  it('is emptied of what has been in it long enough', () =>
    withLibrary(
      async ({ store, publish }) => {
        const [old, young] = [await publish('old'), await publish('young')];
        await store.videos.update('old', { deleted_at: new Date(Date.now() - 2 * 3_600_000).toISOString() });
        await store.videos.update('young', { deleted_at: new Date().toISOString() });
        const isGone = async () => !(await exists(dirname(old.folder))) && !(await exists(old.source));
        await waitFor(async () => (await store.videos.get('old')) === undefined && (await isGone()), { what: 'the old one is gone' });
        assert.deepEqual([await exists(young.folder), await exists(young.source)], [true, true]);
      },
      { timing: { sweepMs: 20 } },
    ));
});

describe('deleting for good', () => {
  it('stops the work on it and leaves nothing on the disk', () =>
    withLibrary(async ({ library, publish, store, cancelled, videos, uploads }) => {
      await publish('a');
      const params = { video_id: 'a' };
      const answer = await call(library.operations.delete_video, anna, { params, query: { forever: 'true' } });
      assert.deepEqual([answer.deleted, cancelled], ['forever', ['a']]);
      assert.equal(await store.videos.get('a'), undefined);
      assert.deepEqual([await readdir(videos), await readdir(uploads)], [[], []]);
      await assert.rejects(call(library.operations.delete_video, anna, { params, query: { forever: 'true' } }), withCode('not_found'));
    }));

  it('leaves a source that another video keeps, one that is used in place, and a result that lies elsewhere', () =>
    withLibrary(async ({ library, publish, store, uploads }) => {
      const shared = await publish('a');
      await publish('b');
      await store.videos.attachSource('b', 's-a', 'same.mp4');
      const elsewhere = join(uploads, '..', 'elsewhere');
      const [inPlace, result] = [join(elsewhere, 'in-place.mp4'), join(elsewhere, 'result')];
      await mkdir(result, { recursive: true });
      await writeFile(inPlace, 'mine');
      await store.videos.insert({ video_id: 'c', title: 'c', owner: 'anna', state: 'ready' });
      await store.videos.addSource({ source_id: 's-c', path: inPlace, size_bytes: 4, sha256: null, owned: false });
      await store.videos.attachSource('c', 's-c', 'in-place.mp4');
      await store.videos.update('c', { output: output(1), output_path: result });
      for (const video_id of ['a', 'c']) await call(library.operations.delete_video, anna, { params: { video_id }, query: { forever: 'true' } });
      assert.deepEqual([await exists(shared.source), await exists(inPlace), await exists(result)], [true, true, true]);
      await call(library.operations.delete_video, anna, { params: { video_id: 'b' }, query: { forever: 'true' } });
      assert.equal(await exists(shared.source), false, 'its last video took it along');
    }));
});

describe('the library on the disk', () => {
  const hourMs = 3_600_000;
  /** Revisions `first` to `last` of a video, each finished an hour after the one before; the last one `agoMs` ago. */
  async function publishMany({ publish, store, videos }: LibraryBench, last: number, agoMs: number): Promise<(revision: number) => string> {
    await publish('a');
    const folderOf = (revision: number) => join(videos, 'a', `r${revision}`);
    for (let revision = 1; revision <= last; revision += 1) {
      await mkdir(folderOf(revision), { recursive: true });
      const playlist = join(folderOf(revision), 'master.m3u8');
      await writeFile(playlist, `${revision}`);
      const at = new Date(Date.now() - agoMs - (last - revision) * hourMs);
      await utimes(playlist, at, at);
    }
    await store.videos.update('a', { output: output(last), output_path: folderOf(last) });
    return folderOf;
  }

  it('loses replaced revisions after their time, whatever is changed or made meanwhile, never the current one', () =>
    withLibrary(
      async (bench) => {
        // The second was replaced an hour and a half ago, the third half an hour ago.
        const folderOf = await publishMany(bench, 4, hourMs / 2);
        const abandoned = join(bench.videos, 'gone', 'r1');
        await mkdir(abandoned, { recursive: true });
        await bench.store.videos.update('a', { title: 'another', progress: 5 });
        await waitFor(async () => !(await exists(folderOf(2))) && !(await exists(dirname(abandoned))), { what: 'what is over is gone' });
        assert.deepEqual((await readdir(join(bench.videos, 'a'))).sort(), ['r3', 'r4']);
        assert.equal(await readFile(join(folderOf(4), 'master.m3u8'), 'utf8'), '4');
      },
      { timing: { sweepMs: 20 }, settings: { replaced_keep_s: 3600 } },
    ));

  it('gives up replaced revisions early when it is short of room, the oldest first, and no more than needed', async () => {
    let free = 0;
    await withLibrary(
      async (bench) => {
        const folderOf = await publishMany(bench, 4, 0);
        free = 70;
        await waitFor(async () => !(await exists(folderOf(1))) && !(await exists(folderOf(2))), { what: 'there is room again' });
        assert.deepEqual((await readdir(join(bench.videos, 'a'))).sort(), ['r3', 'r4']);
      },
      {
        timing: { sweepMs: 20 },
        settings: { replaced_keep_s: 86_400, min_free_bytes: 100 },
        // Each look finds ten bytes more, as a revision went; before the test is ready there is room.
        freeBytes: async () => {
          if (free === 0) return 100;
          free += 10;
          return free;
        },
      },
    );
  });

  it('keeps what an attempt may still write, also one that was put in place this moment', () =>
    withLibrary(
      async (bench) => {
        await bench.publish('a');
        await bench.store.videos.update('a', { progress: 50 });
        const names = ['.r3.r3', 'r2'];
        for (const name of names) {
          await mkdir(join(bench.videos, 'a', name));
          await utimes(join(bench.videos, 'a', name), new Date(0), new Date(0));
        }
        const marker = join(bench.videos, 'gone', 'r1');
        await mkdir(marker, { recursive: true });
        await waitFor(async () => !(await exists(dirname(marker))), { what: 'a round is over' });
        assert.deepEqual((await readdir(join(bench.videos, 'a'))).sort(), ['.r3.r3', 'r1', 'r2']);
        await bench.store.videos.update('a', { progress: null });
        await waitFor(async () => (await readdir(join(bench.videos, 'a'))).length === 1, { what: 'what nobody writes is gone' });
      },
      { timing: { sweepMs: 20, unknownKeepMs: 0 } },
    ));
});
