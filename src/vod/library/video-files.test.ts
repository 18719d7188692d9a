import assert from 'node:assert/strict';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type MediaFile, type StoredFile, WeirError } from '../../contracts/index.js';
import { call, session, withLibrary } from './testing/bench.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const anna = session('operator', 'anna');

/** Files of a video lie on the disk; only facts about a link are made up on the way. */
function stored(file: StoredFile | MediaFile): StoredFile {
  assert.ok('open' in file);
  return file;
}

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
      assert.equal((await file('master.m3u8')).contentType, 'application/vnd.apple.mpegurl');
      await symlink(source, join(folder, 'link.ts'));
      for (const name of ['notes.txt', 'missing.ts', 'link.ts', 'r1.ts']) await assert.rejects(file(name), withCode('not_found'), name);
    }));

  it('are never taken from a cache unasked, since the next encode writes others under their names', () =>
    withLibrary(async ({ library, publish }) => {
      const { folder } = await publish('a', 'public');
      const file = async () => stored(await call(library.operations.video_file, anna, { params: { video_id: 'a', filename: '360p_000.ts' } }));
      const before = await file();
      await writeFile(join(folder, '360p_000.ts'), 'made anew');
      const after = await file();
      assert.notEqual(after.etag, before.etag);
      assert.deepEqual([before.delivery?.cacheControl, before.delivery?.anyOrigin], ['public, no-cache', true]);
    }));

  it('may be kept by nobody but who asked, when the video is not public', () =>
    withLibrary(async ({ library, publish }) => {
      await publish('a', 'link');
      const file = stored(await call(library.operations.video_file, anna, { params: { video_id: 'a', filename: 'master.m3u8' } }));
      assert.deepEqual([file.delivery?.cacheControl, file.delivery?.anyOrigin], ['private, no-cache', false]);
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
    withLibrary(async ({ library, publish }) => {
      await publish('a');
      const params = { video_id: 'a' };
      await call(library.operations.set_poster, anna, { params, body: { candidate: 'poster_1.jpg' } });
      const file = stored(await call(library.operations.video_file, anna, { params: { ...params, filename: 'thumbnail.jpg' } }));
      assert.equal(await contentOf(file), 'new picture');
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
