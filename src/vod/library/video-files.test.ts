import assert from 'node:assert/strict';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Redirect, type StoredFile, WeirError } from '../../contracts/index.js';
import { call, type LibraryBench, output, session, withLibrary } from './testing/bench.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const anna = session('operator', 'anna');

function stored(answer: StoredFile | Redirect): StoredFile {
  assert.ok('open' in answer);
  return answer;
}

/** A later encode of a video that is in place, in the library; its segment says which one it is. */
async function publishAgain({ store, videos }: LibraryBench, videoId: string, revision: number): Promise<string> {
  const folder = join(videos, videoId, `r${revision}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'master.m3u8'), `#EXTM3U\n# ${revision}\n`);
  await writeFile(join(folder, '360p_000.ts'), `segment of ${revision}`);
  const result = output(revision);
  await store.videos.update(videoId, { output: result, output_path: folder, published_at: result.published_at });
  return folder;
}

const revisionFile = ({ library }: LibraryBench, revision: number, filename: string) =>
  call(library.operations.video_revision_file, anna, { params: { video_id: 'a', revision, filename } });

async function contentOf(file: StoredFile, start = 0, end = file.sizeBytes - 1): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of file.open(start, end)) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('files of a video', () => {
  it('are its playlists, segments and pictures, and nothing else that lies beside them', () =>
    withLibrary(async ({ library, publish }) => {
      const { folder, source } = await publish('a');
      const file = async (filename: string) => stored(await call(library.operations.video_file, anna, { params: { video_id: 'a', filename } }));
      assert.equal(await contentOf(await file('360p_000.ts')), 'segment');
      assert.equal(await contentOf(await file('360p_000.ts'), 1, 3), 'egm');
      assert.equal((await file('thumbnail.jpg')).contentType, 'image/jpeg');
      await symlink(source, join(folder, 'link.ts'));
      for (const name of ['notes.txt', 'missing.ts', 'link.ts', 'r1.ts']) await assert.rejects(file(name), withCode('not_found'), name);
    }));

  it('of a revision in the library never change, so every cache may keep them for ever', () =>
    withLibrary(async (bench) => {
      await bench.publish('a', 'public');
      await publishAgain(bench, 'a', 2);
      for (const [revision, content] of [
        [1, 'segment'],
        [2, 'segment of 2'],
      ] as const) {
        const file = await revisionFile(bench, revision, '360p_000.ts');
        assert.equal(await contentOf(file), content);
        assert.deepEqual(file.delivery, { cacheControl: 'public, max-age=31536000, immutable', compress: false, anyOrigin: true });
      }
    }));

  it('may be kept by nobody but who asked, when the video is not public', () =>
    withLibrary(async (bench) => {
      await bench.publish('a', 'link');
      const file = await revisionFile(bench, 1, 'master.m3u8');
      assert.deepEqual([file.delivery?.cacheControl, file.delivery?.anyOrigin], ['private, max-age=31536000, immutable', false]);
    }));

  it('under the address that stays are those of the present revision, and playlists lead on to it', () =>
    withLibrary(async (bench) => {
      const { library, publish, store } = bench;
      await publish('a', 'public');
      const file = (filename: string) => call(library.operations.video_file, anna, { params: { video_id: 'a', filename } });
      assert.deepEqual(await file('master.m3u8'), { location: 'r1/master.m3u8', anyOrigin: true });
      const folder = await publishAgain(bench, 'a', 2);
      assert.deepEqual(await file('360p.m3u8'), { location: 'r2/360p.m3u8', anyOrigin: true });
      const segment = stored(await file('360p_000.ts'));
      assert.deepEqual([await contentOf(segment), segment.delivery?.cacheControl], ['segment of 2', 'public, no-cache']);
      await writeFile(join(folder, 'thumbnail_1a.jpg'), 'chosen');
      await store.videos.update('a', { output: output(2, { thumbnail: 'thumbnail_1a.jpg' }) });
      assert.equal(await contentOf(stored(await file('thumbnail.jpg'))), 'chosen');
    }));

  it('of a revision that is not there name the present one', () =>
    withLibrary(async (bench) => {
      const { folder } = await bench.publish('a');
      await publishAgain(bench, 'a', 3);
      await rm(folder, { recursive: true });
      for (const revision of [1, 2, 4]) {
        await assert.rejects(revisionFile(bench, revision, 'master.m3u8'), (error) => {
          assert.ok(error instanceof WeirError && error.code === 'not_found');
          assert.match(error.hint ?? '', /r3/);
          return true;
        });
      }
    }));

  it('in a folder that a request named are those of the newest result only, and are asked for each time', () =>
    withLibrary(async (bench) => {
      const { uploads, store } = bench;
      await bench.publish('a');
      const folder = join(uploads, 'named');
      await mkdir(folder);
      await writeFile(join(folder, '360p_000.ts'), 'newest');
      await store.videos.update('a', { output: output(5), output_path: folder });
      const file = await revisionFile(bench, 5, '360p_000.ts');
      assert.deepEqual([await contentOf(file), file.delivery?.cacheControl], ['newest', 'private, no-cache']);
      await store.videos.update('a', { output: output(6), output_path: folder });
      await assert.rejects(revisionFile(bench, 5, '360p_000.ts'), withCode('not_found'));
    }));

  it('of a first encode are asked for each time, and found also in the moment that it is put in place', () =>
    withLibrary(async (bench) => {
      const { folder } = await bench.publish('a');
      const staging = join(bench.videos, 'a', '.r1.r1');
      await rename(folder, staging);
      await bench.store.videos.update('a', { output_path: staging, published_at: null });
      const growing = await revisionFile(bench, 1, '360p_000.ts');
      assert.deepEqual([await contentOf(growing), growing.delivery?.cacheControl], ['segment', 'private, no-cache']);
      await rename(staging, folder);
      assert.equal(await contentOf(await revisionFile(bench, 1, '360p_000.ts')), 'segment');
      // The same in a folder that a request named.
      const named = join(bench.uploads, 'my.video');
      await rename(folder, named);
      await bench.store.videos.update('a', { output_path: join(bench.uploads, '.my.video.r1') });
      assert.equal(await contentOf(await revisionFile(bench, 1, '360p_000.ts')), 'segment');
    }));

  it('include the source for its owner, under a name that does no harm, as long as it is kept', () =>
    withLibrary(async ({ library, publish, store }) => {
      await publish('a');
      const source = () => call(library.operations.video_source, anna, { params: { video_id: 'a' } });
      assert.deepEqual([await contentOf(await source()), (await source()).filename], ['source', 'holiday.mp4']);
      await store.videos.attachSource('a', 's-a', '../../ö "x".mp4');
      assert.match((await source()).filename, /^[A-Za-z0-9][A-Za-z0-9._-]*$/);
      await store.videos.releaseSource('a');
      await assert.rejects(source(), withCode('failed_precondition'));
    }));
});

describe('a poster', () => {
  it('is another candidate, in place of the old one', () =>
    withLibrary(async ({ library, publish, store }) => {
      const { folder } = await publish('a');
      const params = { video_id: 'a' };
      const shown = async () =>
        contentOf(stored(await call(library.operations.video_file, anna, { params: { ...params, filename: 'thumbnail.jpg' } })));
      const names = new Set<string | null | undefined>();
      for (let times = 0; times < 2; times += 1) {
        const video = await call(library.operations.set_poster, anna, { params, body: { candidate: 'poster_1.jpg' } });
        assert.equal(await shown(), 'new picture');
        names.add(video.thumbnail_url);
      }
      assert.equal(names.size, 2, 'a cache keeps each picture under an address of its own');
      assert.equal((await readdir(folder)).filter((name) => name.startsWith('thumbnail_')).length, 1);
      assert.equal((await store.videos.get('a'))?.poster?.at_s, 0);
    }));

  it('is no other file, no time after the end, and nothing before there is a result', () =>
    withLibrary(async ({ library, publish, store }) => {
      await publish('a');
      const { set_poster } = library.operations;
      const params = { video_id: 'a' };
      await assert.rejects(call(set_poster, anna, { params, body: { candidate: 'notes.txt' } }), withCode('invalid_argument'));
      await assert.rejects(call(set_poster, anna, { params, body: { at_s: 5 } }), withCode('unavailable'), 'this hub has no FFmpeg');
      await store.videos.insert({ video_id: 'b', title: 'b', owner: 'anna', state: 'uploaded' });
      await assert.rejects(call(set_poster, anna, { params: { video_id: 'b' }, body: { at_s: 0 } }), withCode('failed_precondition'));
    }));
});
