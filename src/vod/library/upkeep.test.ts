import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { call, output, session, withLibrary } from './testing/bench.js';

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
      { sweepMs: 20 },
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
  it('loses replaced revisions after a while, never the current one', () =>
    withLibrary(
      async ({ store, publish, videos }) => {
        const { folder } = await publish('a');
        const current = join(videos, 'a', 'r2');
        const abandoned = join(videos, 'gone', 'r1');
        for (const made of [current, abandoned]) await mkdir(made, { recursive: true });
        await writeFile(join(current, 'master.m3u8'), 'new');
        await utimes(folder, new Date(0), new Date(0));
        await store.videos.update('a', { output: output(2), output_path: current });
        await waitFor(async () => !(await exists(folder)) && !(await exists(dirname(abandoned))), { what: 'what is over is gone' });
        assert.equal(await readFile(join(current, 'master.m3u8'), 'utf8'), 'new');
      },
      { sweepMs: 20, replacedKeepMs: 50 },
    ));
});
