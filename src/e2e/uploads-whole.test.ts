/** Files that come in one go, and files that are there already. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Video } from '../contracts/index.js';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { startUploadBed } from './upload-bed.js';
import { bytes, ended, openRequest, refused, sha256, withBed } from './upload-requests.js';

describe('uploads in one go', () => {
  it(
    'come as a body',
    withBed(async (bed) => {
      const data = bytes(2_000_000);
      const query = new URLSearchParams({ draft: JSON.stringify({ title: 'Body', process: false }) });
      const put = await bed.call('PUT', `/api/v1/uploads/files/my_film.mp4?${query}`, { headers: { 'content-type': 'video/mp4' }, body: data });
      assert.equal(put.status, 201);
      const video = (await put.json()) as Video;
      assert.deepEqual([video.title, video.state, video.source?.sha256, video.source?.size_bytes], ['Body', 'uploaded', sha256(data), data.length]);
      assert.equal(bed.queued.length, 0);
      const named = await bed.call('PUT', '/api/v1/uploads/files/my_film.mp4', {
        body: bytes(10),
        headers: { 'content-type': 'application/octet-stream' },
      });
      assert.equal(((await named.json()) as Video).title, 'my film');
      await refused(await bed.call('PUT', '/api/v1/uploads/files/a.mp4', { body: new Uint8Array(0) }), 422, '(body)');
      await refused(await bed.call('PUT', '/api/v1/uploads/files/a.mp4?draft=%7B', { body: bytes(10) }), 400, 'draft');
    }),
  );

  it(
    'come as a form, with the draft first or without one',
    withBed(async (bed) => {
      const data = bytes(3_000_000);
      const form = (entries: [string, string | Blob, string?][]) => {
        const made = new FormData();
        for (const [name, value, file] of entries) {
          if (typeof value === 'string') made.append(name, value);
          else made.append(name, value, file);
        }
        return made;
      };
      const file: [string, Blob, string] = ['file', new Blob([data], { type: 'video/mp4' }), 'Fílm.mp4'];
      const draft: [string, string] = ['draft', JSON.stringify({ title: 'Form' })];
      const send = (entries: [string, string | Blob, string?][]) => bed.call('POST', '/api/v1/uploads/multipart', { body: form(entries) });
      const full = (await (await send([draft, file])).json()) as Video;
      assert.deepEqual([full.title, full.source?.sha256, full.source?.name], ['Form', sha256(data), 'Fílm.mp4']);
      const plain = (await (await send([file])).json()) as Video;
      assert.deepEqual([plain.title, plain.state], ['Fílm', 'queued']);
      const before = (await readdir(bed.uploadFolder)).length;
      await refused(await send([file, draft]), 400, 'draft');
      await refused(await send([draft]), 400, 'file');
      await refused(await send([['draft', '{'], file]), 400, 'draft');
      await refused(await send([['other', 'x'], file]), 400, 'other');
      await refused(await send([['film', new Blob([data]), 'a.mp4']]), 400, 'film');
      await refused(await send([file, file]), 400);
      await refused(await send([['file', new Blob([]), 'a.mp4']]), 422);
      await refused(
        await bed.call('POST', '/api/v1/uploads/multipart', { headers: { 'content-type': 'multipart/form-data' }, body: 'x' }),
        400,
        'content-type',
      );
      await refused(await bed.call('POST', '/api/v1/uploads/multipart', { json: {} }), 400, 'content-type');
      assert.equal((await readdir(bed.uploadFolder)).length, before);
    }),
  );

  it(
    'leave nothing behind when they break off',
    withBed(async (bed) => {
      const { socket } = await openRequest(bed, ['PUT /api/v1/uploads/files/a.mp4 HTTP/1.1', 'Content-Type: video/mp4', 'Content-Length: 100000']);
      socket.write(bytes(50_000));
      const first = await waitFor(async () => (await bed.store.uploads.list({ limit: 1 })).items[0], { what: 'the upload' });
      socket.destroy();
      const upload = await ended(bed, first.upload_id, 'failed');
      assert.equal(upload.error?.code, 'cancelled');

      const part = '--B\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n';
      const form = await openRequest(bed, [
        'POST /api/v1/uploads/multipart HTTP/1.1',
        'Content-Type: multipart/form-data; boundary=B',
        'Content-Length: 100000',
      ]);
      form.socket.write(part);
      form.socket.write(bytes(10_000));
      const second = await waitFor(async () => (await bed.store.uploads.list({ limit: 1, state: 'receiving' })).items[0], { what: 'the upload' });
      form.socket.destroy();
      await ended(bed, second.upload_id, 'failed');
      await waitFor(async () => (await readdir(bed.uploadFolder)).length === 0, { what: 'the files to go' });
      assert.equal((await bed.store.videos.list({ limit: 10 })).total, 0);
    }),
  );

  it(
    'leave the limit for other bodies as it is',
    withBed(async (bed) => {
      await refused(await bed.call('POST', '/api/v1/uploads/check', { json: { size_bytes: 1, name: 'x'.repeat(1_100_000) } }), 413);
    }),
  );
});

describe('files that are there already', () => {
  it('are used in place when they really lie in an allowed folder', () =>
    withTempFolder(async (folder) => {
      const films = join(folder, 'films');
      await mkdir(films);
      const data = bytes(5000);
      await writeFile(join(films, 'a.mp4'), data);
      await writeFile(join(folder, 'secret.mp4'), data);
      await writeFile(join(films, 'empty.mp4'), '');
      await symlink(join(folder, 'secret.mp4'), join(films, 'escape.mp4'));
      await symlink(folder, join(films, 'up'));
      await using bed = await startUploadBed(folder, { vod: { source_folders: [films] } });
      const take = (path: string) => bed.call('POST', '/api/v1/uploads/path', { json: { path } });
      const taken = (await (await take(join(films, 'a.mp4'))).json()) as Video;
      assert.equal(bed.queued[0]?.source_path, join(films, 'a.mp4'));
      await waitFor(async () => (await bed.store.videos.get(taken.video_id))?.source?.sha256 === sha256(data), { what: 'the digest' });
      assert.equal((await take(join(films, 'a.mp4'))).status, 201);
      assert.deepEqual(await readdir(bed.uploadFolder), []);
      for (const path of [
        join(films, 'escape.mp4'),
        join(films, 'up', 'secret.mp4'),
        join(films, '..', 'secret.mp4'),
        '/etc/passwd',
        '/nowhere/a.mp4',
        `${films}-x/a`,
      ]) {
        await refused(await take(path), 403, 'path');
      }
      await refused(await take(`${films}/../films/../nothing`), 403, 'path');
      await refused(await take(join(films, 'nothing.mp4')), 404, 'path');
      await refused(await take(join(films, 'empty.mp4')), 422, 'path');
      await refused(await take(films), 403, 'path');
      await refused(await take('films/a.mp4'), 400, 'path');
      // Deleting both videos leaves the file alone.
      for (const { video_id } of (await bed.store.videos.list({ limit: 10 })).items)
        assert.deepEqual(await bed.store.videos.delete(video_id), { path: null });
    }, 'uploads'));

  it(
    'are offered by their digest, and made a video of without being sent again',
    withBed(async (bed) => {
      const data = bytes(9000);
      const check = async (size_bytes: number, digest?: string) =>
        (await (
          await bed.call('POST', '/api/v1/uploads/check', { json: { size_bytes, ...(digest === undefined ? {} : { sha256: digest }) } })
        ).json()) as {
          allowed: boolean;
          existing: Video[];
        };
      assert.deepEqual((await check(9000, sha256(data))).existing, []);
      await refused(await bed.call('POST', '/api/v1/uploads/reuse', { json: { size_bytes: 9000, sha256: sha256(data) } }), 404, 'sha256');
      const put = await bed.call('PUT', '/api/v1/uploads/files/a.mp4', { headers: { 'content-type': 'video/mp4' }, body: data });
      const original = (await put.json()) as Video;
      const offer = await check(9000, sha256(data));
      assert.deepEqual([offer.allowed, offer.existing.map((video) => video.video_id)], [true, [original.video_id]]);
      const reused = await bed.call('POST', '/api/v1/uploads/reuse', { json: { size_bytes: 9000, sha256: sha256(data), draft: { title: 'Again' } } });
      assert.equal(reused.status, 201);
      const again = (await reused.json()) as Video;
      assert.deepEqual([again.title, again.state, again.source?.sha256], ['Again', 'queued', sha256(data)]);
      // Either may go, even by the hand of a worker that deletes its source.
      const first = await bed.store.videos.get(original.video_id);
      await rm(first?.source?.path ?? '');
      await bed.store.videos.delete(original.video_id);
      const second = await bed.store.videos.get(again.video_id);
      assert.deepEqual(await readFile(second?.source?.path ?? ''), data);
      assert.equal((await stat(second?.source?.path ?? '')).nlink, 1);
    }),
  );

  it(
    'are taken over from the library',
    withBed(async (bed, folder) => {
      const data = bytes(700);
      await writeFile(join(folder, 'cut.mp4'), data);
      const session = { user_id: 'u', username: 'ada', role: 'operator', streams: null, expires_at: null } as const;
      const { signal } = new AbortController();
      const video = await bed.uploads.addRecording({ path: join(folder, 'cut.mp4'), name: 'cut.mp4', draft: { title: 'Cut' }, signal }, session);
      assert.deepEqual([video.title, video.owner, video.source?.sha256], ['Cut', 'ada', sha256(data)]);
      await assert.rejects(stat(join(folder, 'cut.mp4')));
      assert.equal((await bed.store.uploads.list({ limit: 1 })).items[0]?.method, 'recording');
    }),
  );
});
