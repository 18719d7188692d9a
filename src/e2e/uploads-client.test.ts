/** Resumable uploads with the client that browsers use: chunks, a pause in the middle, a hub that is away for a while. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Upload as TusUpload } from 'tus-js-client';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { startUploadBed, type UploadBed } from './upload-bed.js';

const data = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff));

const done = (bed: UploadBed, uploadId: string) =>
  waitFor(
    async () => {
      const upload = await bed.store.uploads.get(uploadId);
      return upload?.state === 'done' ? upload : undefined;
    },
    { what: 'the upload to be done' },
  );

const idOf = (url: string | null) => url?.split('/').at(-1) ?? '';

describe('tus-js-client', () => {
  it('sends a file in chunks, is paused, and another one goes on with it', () =>
    withTempFolder(async (folder) => {
      await using bed = await startUploadBed(folder);
      const common = {
        endpoint: `${bed.base}/api/v1/uploads/tus`,
        chunkSize: 500_000,
        retryDelays: [0, 100, 200, 400, 800, 1600],
        headers: { authorization: 'Bearer operator' },
        metadata: { filename: 'Fílm.mp4', filetype: 'video/mp4', draft: JSON.stringify({ title: 'By a client', process: false }) },
      };
      const url = await new Promise<string>((resolve, reject) => {
        const first: TusUpload = new TusUpload(data, {
          ...common,
          onError: reject,
          onChunkComplete: (_size, accepted) => {
            if (accepted < 1_000_000) return;
            void first.abort().then(() => resolve(first.url ?? ''));
          },
        });
        first.start();
      });
      const seen: number[] = [];
      await new Promise<void>((resolve, reject) => {
        new TusUpload(data, {
          ...common,
          uploadUrl: url,
          onError: reject,
          onSuccess: () => resolve(),
          onProgress: (sent) => void seen.push(sent),
        }).start();
      });
      assert.ok((seen[0] ?? 0) >= 1_000_000, `it went on at ${seen[0]}`);
      const upload = await done(bed, idOf(url));
      assert.equal(upload.sha256, createHash('sha256').update(data).digest('hex'));
      const video = await bed.store.videos.get(upload.video_id);
      assert.deepEqual([video?.title, video?.source?.name, video?.state], ['By a client', 'Fílm.mp4', 'uploaded']);
      assert.deepEqual(bed.complaints, []);
    }, 'uploads'));

  it('waits for a hub that is away, and ends an upload that it does not want', () =>
    withTempFolder(async (folder) => {
      const first = await startUploadBed(folder);
      let second: UploadBed | undefined;
      try {
        const finished = new Promise<string>((resolve, reject) => {
          const client: TusUpload = new TusUpload(data, {
            endpoint: `${first.base}/api/v1/uploads/tus`,
            chunkSize: 500_000,
            retryDelays: Array.from({ length: 40 }, () => 100),
            headers: { authorization: 'Bearer operator' },
            onError: reject,
            onSuccess: () => resolve(client.url ?? ''),
            onChunkComplete: (_size, accepted) => {
              if (accepted !== 1_000_000) return;
              void first[Symbol.asyncDispose]().then(async () => {
                second = await startUploadBed(folder, { port: first.port });
              }, reject);
            },
          });
          client.start();
        });
        const url = await finished;
        assert.ok(second !== undefined);
        assert.equal((await done(second, idOf(url))).sha256, createHash('sha256').update(data).digest('hex'));
        const unwanted = await second.call('POST', '/api/v1/uploads/tus', { headers: { 'tus-resumable': '1.0.0', 'upload-length': '10' } });
        const location = new URL(unwanted.headers.get('location') ?? '', second.base).href;
        await TusUpload.terminate(location, { headers: { authorization: 'Bearer operator' } });
        assert.equal((await second.store.uploads.get(idOf(location)))?.state, 'cancelled');
      } finally {
        await second?.[Symbol.asyncDispose]();
      }
    }, 'uploads'));
});
