/** Quotas, full disks, and what a former hub left. */
import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Video, WeirError } from '../contracts/index.js';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { startUploadBed } from './upload-bed.js';
import { begin, bytes, door, ended, idOf, offsetOf, patch, refused, sha256, tus, uploadOf, withBed } from './upload-requests.js';

describe('room', () => {
  it(
    'of a user is reserved by what was declared',
    withBed(
      async (bed) => {
        const url = await begin(bed, 6000);
        await refused(await bed.call('POST', door, { headers: { ...tus, 'upload-length': '5000' } }), 429);
        await refused(await bed.call('PUT', '/api/v1/uploads/files/a.mp4', { body: bytes(5000) }), 429);
        const check = (await (await bed.call('POST', '/api/v1/uploads/check', { json: { size_bytes: 5000 } })).json()) as {
          allowed: boolean;
          reason: string;
          quota_left_bytes: number;
        };
        assert.deepEqual([check.allowed, check.quota_left_bytes], [false, 4000]);
        assert.match(check.reason, /quota/);
        await begin(bed, 4000, {});
        assert.equal((await bed.call('POST', door, { headers: { ...tus, 'upload-length': '5000' }, token: 'admin' })).status, 201);
        await patch(bed, url, 0, bytes(6000));
        await ended(bed, idOf(url), 'done');
        await refused(await bed.call('POST', door, { headers: { ...tus, 'upload-length': '1' } }), 429);
      },
      { vod: { user_quota_bytes: 10_000 } },
    ),
  );

  it(
    'of a file has a limit',
    withBed(
      async (bed) => {
        await refused(await bed.call('POST', door, { headers: { ...tus, 'upload-length': '1001' } }), 413);
        await refused(await bed.call('PUT', '/api/v1/uploads/files/a.mp4', { body: bytes(1001) }), 413);
        const form = new FormData();
        form.append('file', new Blob([bytes(2000)]), 'a.mp4');
        await refused(await bed.call('POST', '/api/v1/uploads/multipart', { body: form }), 413);
        const deferred = await bed.call('POST', door, { headers: { ...tus, 'upload-defer-length': '1' } });
        await refused(await patch(bed, deferred.headers.get('location') ?? '', 0, bytes(1001)), 413);
        assert.equal((await bed.store.videos.list({ limit: 10 })).total, 1);
      },
      { vod: { max_upload_bytes: 1000 } },
    ),
  );

  it(
    'of the disk is looked at before and while bytes come; the upload goes on when there is some again',
    withBed(
      async (bed) => {
        bed.free.bytes = 2_000_000;
        await refused(await bed.call('POST', door, { headers: { ...tus, 'upload-length': '1500000' } }), 507);
        bed.free.bytes = 1e12;
        const data = bytes(70 * 1024 * 1024, 5);
        const url = await begin(bed, data.length);
        bed.free.bytes = 5;
        await refused(await patch(bed, url, 0, data), 507);
        const paused = await uploadOf(bed, idOf(url));
        assert.deepEqual([paused.state, paused.error?.reason], ['paused', 'disk_full']);
        const offset = await offsetOf(bed, url);
        assert.ok(offset >= 64 * 1024 * 1024 && offset < data.length, String(offset));
        assert.equal(await waitFor(() => bed.uploads.health().status === 'degraded', { what: 'the health' }), true);
        bed.free.bytes = 1e12;
        assert.equal((await patch(bed, url, offset, data.subarray(offset))).status, 204);
        assert.equal((await ended(bed, idOf(url), 'done')).sha256, sha256(data));
      },
      { vod: { min_free_bytes: 1_000_000 } },
    ),
  );
});

describe('what a former hub left', () => {
  it('goes on, is checked again, or is deleted', () =>
    withTempFolder(async (folder) => {
      const data = bytes(3000);
      let unchecked = '';
      {
        await using bed = await startUploadBed(folder, {
          inspect: async () => {
            throw new WeirError('unavailable', 'no ffprobe');
          },
        });
        const url = await begin(bed, data.length);
        await patch(bed, url, 0, data);
        unchecked = idOf(url);
        await waitFor(async () => (await uploadOf(bed, unchecked)).error?.code === 'unavailable', { what: 'the failed check' });
        assert.equal((await uploadOf(bed, unchecked)).state, 'checking');
      }
      const orphan = '11111111-1111-4111-8111-111111111111';
      await mkdir(join(folder, 'uploads', orphan));
      await writeFile(join(folder, 'uploads', orphan, 'source'), 'x');
      await writeFile(join(folder, 'uploads', 'not-ours'), 'x');
      await using bed = await startUploadBed(folder);
      assert.equal((await ended(bed, unchecked, 'done')).sha256, sha256(data));
      assert.deepEqual((await readdir(bed.uploadFolder)).sort(), [unchecked, 'not-ours'].sort());
    }, 'uploads'));

  it(
    'a job that cannot be made leaves the video with its reason',
    withBed(
      async (bed) => {
        const put = await bed.call('PUT', '/api/v1/uploads/files/a.mp4', { body: bytes(100) });
        const video = (await put.json()) as Video;
        assert.deepEqual([put.status, video.state, video.error], [201, 'uploaded', 'no such profile']);
        assert.match(bed.complaints.splice(0).join(), /no job/);
      },
      {
        enqueue: async () => {
          throw new WeirError('invalid_argument', 'no such profile', { field: 'profile' });
        },
      },
    ),
  );
});
