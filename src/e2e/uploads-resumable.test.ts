/** The resumable protocol over a real HTTP server: pause, go on, checksums, ends, a hub that is killed. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WeirError } from '../contracts/index.js';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { startUploadBed } from './upload-bed.js';
import {
  base64,
  begin,
  bytes,
  door,
  ended,
  head,
  idOf,
  offsetOf,
  openPatch,
  patch,
  patchType,
  refused,
  sha256,
  tus,
  uploadOf,
  withBed,
} from './upload-requests.js';

describe('resumable uploads', () => {
  it(
    'say what they can do',
    withBed(async (bed) => {
      const url = await begin(bed, 100);
      const answer = await bed.call('OPTIONS', door, { headers: tus });
      assert.equal(answer.status, 204);
      const told = (one: Response) => [one.status, [...one.headers].filter(([name]) => !/^(?:date|trace.*|x-request.*)$/.test(name)).sort()];
      for (const [path, options] of [
        [door, { token: '' }],
        [url, { token: '' }],
        [`${door}/nothing`, { token: 'nonsense' }],
      ] as const) {
        assert.deepEqual(told(await bed.call('OPTIONS', path, options)), told(answer), 'the same for everybody, whatever is there');
      }
      const extensions = (answer.headers.get('tus-extension') ?? '').split(',');
      for (const one of ['creation', 'creation-with-upload', 'expiration', 'termination', 'checksum']) assert.ok(extensions.includes(one), one);
      assert.equal(answer.headers.get('tus-checksum-algorithm'), 'sha1,sha256');
      assert.equal(answer.headers.get('tus-version'), '1.0.0');
      assert.equal(answer.headers.get('tus-max-size'), '107374182400');
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
      assert.ok(answer.headers.get('x-content-type-options'));
    }),
  );

  it(
    'become a video with facts, digest, events and a job',
    withBed(async (bed) => {
      const data = bytes(300_000);
      const draft = { title: 'Film', tags: ['a'], priority: 7, quality: ['720p'] };
      const metadata = `filename ${base64('Mein Fílm.mp4')},filetype ${base64('video/mp4')},draft ${base64(JSON.stringify(draft))}`;
      const url = await begin(bed, data.length, { 'upload-metadata': metadata });
      assert.equal((await bed.store.videos.list({ limit: 10 })).items[0]?.state, 'uploading');
      const first = await patch(bed, url, 0, data.subarray(0, 100_000));
      assert.equal(first.status, 204);
      assert.equal(first.headers.get('upload-offset'), '100000');
      assert.ok(Date.parse(first.headers.get('upload-expires') ?? '') > Date.now());
      const halfway = await head(bed, url);
      assert.deepEqual(
        ['upload-offset', 'upload-length', 'cache-control', 'upload-metadata'].map((name) => halfway.headers.get(name)),
        ['100000', '300000', 'no-store', metadata],
      );
      const last = await patch(bed, url, 100_000, data.subarray(100_000));
      assert.equal(last.headers.get('upload-offset'), '300000');
      const upload = await ended(bed, idOf(url), 'done');
      assert.deepEqual(
        [upload.sha256, upload.received_bytes, upload.method, upload.owner, upload.url],
        [sha256(data), 300_000, 'tus', 'operator-name', null],
      );
      const video = await bed.store.videos.get(upload.video_id);
      assert.deepEqual([video?.title, video?.tags, video?.state, video?.source?.name], ['Film', ['a'], 'queued', 'Mein Fílm.mp4']);
      assert.deepEqual(await readFile(video?.source?.path ?? ''), data);
      assert.equal(bed.queued.length, 1);
      assert.deepEqual([bed.queued[0]?.priority, bed.queued[0]?.quality, bed.queued[0]?.source_path], [7, ['720p'], video?.source?.path]);
      const events = (await bed.store.outbox.next(20)).map((row) => row.name);
      assert.ok(events.includes('video_upload') && events.includes('video_changed'), events.join());
      // Asking again after the end does no harm.
      assert.equal(await offsetOf(bed, url), 300_000);
      assert.deepEqual(
        bed.fixture.audited.filter((one) => one.action.startsWith('upload')).map((one) => `${one.action} ${one.outcome}`),
        ['upload_tus allowed'],
      );
    }),
  );

  it(
    'take bytes with the creation, and a length that comes later',
    withBed(async (bed) => {
      const data = bytes(5000);
      const created = await bed.call('POST', door, { headers: { ...patchType, 'upload-length': '5000' }, body: data });
      assert.equal(created.status, 201);
      assert.equal(created.headers.get('upload-offset'), '5000');
      await ended(bed, idOf(created.headers.get('location') ?? ''), 'done');

      const deferred = await bed.call('POST', door, { headers: { ...tus, 'upload-defer-length': '1' } });
      const url = deferred.headers.get('location') ?? '';
      assert.equal((await patch(bed, url, 0, data.subarray(0, 1000))).status, 204);
      assert.equal((await head(bed, url)).headers.get('upload-defer-length'), '1');
      assert.equal((await patch(bed, url, 1000, data.subarray(1000), { 'upload-length': '5000' })).status, 204);
      assert.equal((await ended(bed, idOf(url), 'done')).sha256, sha256(data));
    }),
  );

  it(
    'compare the checksum of a chunk, and discard what does not match',
    withBed(async (bed) => {
      const data = bytes(50_000);
      const url = await begin(bed, data.length);
      const sum = (algorithm: string, part: Uint8Array) => ({
        'upload-checksum': `${algorithm} ${createHash(algorithm).update(part).digest('base64')}`,
      });
      const part = data.subarray(0, 20_000);
      await refused(await patch(bed, url, 0, part, sum('sha1', data)), 460);
      await refused(await patch(bed, url, 0, part, sum('sha256', data)), 460);
      assert.equal(await offsetOf(bed, url), 0);
      assert.equal((await stat(join(bed.uploadFolder, idOf(url), 'source'))).size, 0);
      await refused(await patch(bed, url, 0, part, { 'upload-checksum': 'md5 xxxx' }), 400, 'upload-checksum');
      await refused(await patch(bed, url, 0, part, { 'upload-checksum': 'sha1 short' }), 400, 'upload-checksum');
      assert.equal((await patch(bed, url, 0, part, sum('sha1', part))).status, 204);
      const rest = data.subarray(20_000);
      assert.equal((await patch(bed, url, 20_000, rest, sum('sha256', rest))).status, 204);
      assert.equal((await ended(bed, idOf(url), 'done')).sha256, sha256(data));
    }),
  );

  it(
    'keep what came when the connection breaks, unless it was to be compared',
    withBed(async (bed) => {
      const data = bytes(60_000);
      const url = await begin(bed, data.length);
      const plain = await openPatch(bed, url, 0, 60_000);
      plain.socket.write(data.subarray(0, 10_000));
      await waitFor(async () => (await uploadOf(bed, idOf(url))).received_bytes === 10_000, { what: 'the bytes' });
      plain.socket.destroy();
      await waitFor(async () => (await head(bed, url)).status === 200, { what: 'the lock' });
      assert.equal(await offsetOf(bed, url), 10_000);
      assert.equal((await uploadOf(bed, idOf(url))).state, 'paused');

      const summed = await openPatch(bed, url, 10_000, 50_000, [`Upload-Checksum: sha1 ${createHash('sha1').update('x').digest('base64')}`]);
      summed.socket.write(data.subarray(10_000, 30_000));
      await waitFor(async () => (await uploadOf(bed, idOf(url))).received_bytes === 30_000, { what: 'the bytes' });
      summed.socket.destroy();
      await waitFor(async () => (await head(bed, url)).status === 200, { what: 'the lock' });
      assert.equal(await offsetOf(bed, url), 10_000);
      assert.equal((await patch(bed, url, 10_000, data.subarray(10_000))).status, 204);
      assert.equal((await ended(bed, idOf(url), 'done')).sha256, sha256(data));
    }),
  );

  it(
    'are changed by one client at a time; a silent one gives way',
    withBed(
      async (bed) => {
        const data = bytes(60_000);
        const url = await begin(bed, data.length);
        const busy = await openPatch(bed, url, 0, 60_000);
        busy.socket.write(data.subarray(0, 1000));
        await waitFor(async () => (await uploadOf(bed, idOf(url))).received_bytes === 1000, { what: 'the bytes' });
        const second = await patch(bed, url, 1000, data.subarray(1000));
        // Either it came while bytes were moving, or the first had fallen silent.
        assert.ok(second.status === 423 || second.status === 204, String(second.status));
        if (second.status === 423) {
          await refused(second, 423);
          assert.equal((await patch(bed, url, 0, data)).status, 423);
          await waitFor(async () => (await head(bed, url)).status === 200, { what: 'the silent client to give way' });
          assert.equal((await patch(bed, url, 0, data)).status, 409);
          assert.equal((await patch(bed, url, 1000, data.subarray(1000))).status, 204);
        }
        assert.equal((await ended(bed, idOf(url), 'done')).sha256, sha256(data));
        busy.socket.destroy();
      },
      { timing: { quietMs: 1500 } },
    ),
  );

  it(
    'are ended by their client, also while bytes come and while they are checked',
    withBed(
      async (bed) => {
        const url = await begin(bed, 60_000);
        const sending = await openPatch(bed, url, 0, 60_000);
        sending.socket.write(bytes(1000));
        await waitFor(async () => (await uploadOf(bed, idOf(url))).received_bytes === 1000, { what: 'the bytes' });
        assert.equal((await bed.call('DELETE', url, { headers: tus })).status, 204);
        assert.equal((await head(bed, url)).status, 410);
        await refused(await patch(bed, url, 1000, bytes(10)), 410);
        assert.equal((await bed.call('DELETE', url, { headers: tus })).status, 410);
        sending.socket.destroy();

        const checked = await begin(bed, 10);
        assert.equal((await patch(bed, checked, 0, bytes(10))).status, 204);
        await waitFor(() => bed.inspected.length === 1, { what: 'the check' });
        assert.equal((await bed.call('DELETE', `/api/v1/uploads/${idOf(checked)}`)).status, 204);
        assert.equal((await uploadOf(bed, idOf(checked))).state, 'cancelled');
        await refused(await bed.call('DELETE', `/api/v1/uploads/${idOf(checked)}`), 409);
        await waitFor(async () => (await readdir(bed.uploadFolder)).length === 0, { what: 'the files to go' });
        assert.equal((await bed.store.videos.list({ limit: 10 })).total, 0);
      },
      {
        inspect: (_path, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          }),
      },
    ),
  );

  it(
    'expire after their last byte, and are gone then',
    withBed(
      async (bed) => {
        const url = await begin(bed, 100);
        await waitFor(async () => (await uploadOf(bed, idOf(url))).state === 'expired', { what: 'the end of its time' });
        assert.equal((await head(bed, url)).status, 410);
        await refused(await patch(bed, url, 0, bytes(100)), 410);
        await waitFor(async () => (await readdir(bed.uploadFolder)).length === 0, { what: 'the file to go' });
      },
      { vod: { upload_expire_s: 0.3 } },
    ),
  );

  it(
    'tell why a file is no video, and delete it',
    withBed(
      async (bed) => {
        const url = await begin(bed, 10);
        assert.equal((await patch(bed, url, 0, bytes(10))).status, 204);
        const upload = await ended(bed, idOf(url), 'failed');
        assert.deepEqual(upload.error, { code: 'unsupported', reason: 'not_a_video', detail: 'This is no video' });
        await refused(await head(bed, url), 410);
        await waitFor(async () => (await readdir(bed.uploadFolder)).length === 0, { what: 'the file to go' });
        assert.equal((await bed.store.videos.list({ limit: 10 })).total, 0);
        assert.equal(bed.queued.length, 0);
      },
      {
        inspect: async () => {
          throw new WeirError('unsupported', 'This is no video', { facts: { reason: 'not_a_video' } });
        },
      },
    ),
  );

  it('take a place that a proxy can lead to', async () => {
    await withBed(async (bed) => {
      const answer = await bed.call('POST', door, {
        headers: { ...tus, 'upload-length': '5', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher' },
      });
      assert.match(answer.headers.get('location') ?? '', /^\/api\/v1\/uploads\/tus\/[0-9a-f-]{36}$/);
      const override = await bed.call('POST', answer.headers.get('location') ?? '', {
        headers: { ...patchType, 'x-http-method-override': 'PATCH', 'upload-offset': '0' },
        body: bytes(5),
      });
      assert.equal(override.status, 204);
    })();
  });

  it(
    'follow the rules of access of every route',
    withBed(async (bed) => {
      const url = await begin(bed, 100);
      const headers = { ...tus, 'upload-length': '5' };
      for (const [method, path] of [
        ['POST', door],
        ['HEAD', url],
        ['PATCH', url],
        ['DELETE', url],
      ] as const) {
        assert.equal((await bed.call(method, path, { headers, token: '' })).status, 401, method);
        assert.equal((await bed.call(method, path, { headers, token: 'nonsense' })).status, 401, method);
        assert.equal((await bed.call(method, path, { headers, token: 'viewer' })).status, 403, method);
      }
      const cookie = { ...headers, cookie: 'weir_session=operator' };
      assert.equal((await bed.call('POST', door, { headers: cookie, token: '' })).status, 403);
      assert.equal((await bed.call('POST', door, { headers: { ...cookie, origin: 'http://evil.example' }, token: '' })).status, 403);
      assert.equal((await bed.call('POST', door, { headers: { ...cookie, origin: bed.base }, token: '' })).status, 201);
      assert.equal((await bed.call('GET', url, {})).status, 404);
    }),
  );

  it('go on after the hub was killed', () =>
    withTempFolder(async (folder) => {
      const data = bytes(400_000);
      const child = spawn(process.execPath, ['--input-type=module', '-e', killedHub(folder)], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        const [line] = (await once(child.stdout, 'data')) as [Buffer];
        const port = Number(line.toString());
        const base = `http://127.0.0.1:${port}`;
        const headers = { ...patchType, authorization: 'Bearer operator' };
        const created = await fetch(base + door, {
          method: 'POST',
          headers: { ...tus, authorization: 'Bearer operator', 'upload-length': String(data.length) },
        });
        const url = created.headers.get('location') ?? '';
        await fetch(base + url, { method: 'PATCH', headers: { ...headers, 'upload-offset': '0' }, body: data.subarray(0, 100_000) });
        const path = join(folder, 'uploads', idOf(url), 'source');
        // One whose chunk will never be compared, and one that is simply cut off.
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => undefined);
        const sum = createHash('sha1').update(data.subarray(100_000)).digest('base64');
        socket.write(
          `PATCH ${url} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer operator\r\nTus-Resumable: 1.0.0\r\nUpload-Checksum: sha1 ${sum}\r\n` +
            `Content-Type: application/offset+octet-stream\r\nUpload-Offset: 100000\r\nContent-Length: 300000\r\n\r\n`,
        );
        socket.write(data.subarray(100_000, 250_000));
        await waitFor(async () => (await stat(path)).size === 250_000, { what: 'the bytes' });
        child.kill('SIGKILL');
        await once(child, 'exit');
        await using bed = await startUploadBed(folder);
        assert.equal(await offsetOf(bed, url), 100_000);
        assert.equal((await uploadOf(bed, idOf(url))).state, 'paused');
        const cut = await openPatch(bed, url, 100_000, 300_000);
        cut.socket.write(data.subarray(100_000, 200_000));
        await waitFor(async () => (await stat(path)).size === 200_000, { what: 'the bytes' });
        cut.socket.destroy();
        await waitFor(async () => (await head(bed, url)).status === 200, { what: 'the lock' });
        assert.equal((await patch(bed, url, 200_000, data.subarray(200_000))).status, 204);
        assert.equal((await ended(bed, idOf(url), 'done')).sha256, sha256(data));
      } finally {
        child.kill('SIGKILL');
      }
    }, 'uploads'));
});

function killedHub(folder: string): string {
  const bed = JSON.stringify(new URL('./upload-bed.js', import.meta.url).href);
  return `import { startUploadBed } from ${bed}; const bed = await startUploadBed(${JSON.stringify(folder)}); console.log(bed.port);`;
}
