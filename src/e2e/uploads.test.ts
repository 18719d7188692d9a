/** Uploads over a real HTTP server: the resumable protocol, its abuse, and every other way a file may come. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { problemSchema, type Upload, type Video, WeirError } from '../contracts/index.js';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { guardedRequest } from '../vod/net/index.js';
import { startUploadBed, type UploadBed, type UploadBedOptions } from './upload-bed.js';

const tus = { 'tus-resumable': '1.0.0' };
const patchType = { ...tus, 'content-type': 'application/offset+octet-stream' };
const door = '/api/v1/uploads/tus';

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');
const base64 = (text: string) => Buffer.from(text).toString('base64');

function bytes(size: number, seed = 1): Buffer {
  const data = Buffer.alloc(size);
  for (let index = 0, value = seed; index < size; index++) {
    value = (value * 1103515245 + 12345) & 0x7fffffff;
    data[index] = value >> 16;
  }
  return data;
}

function withBed(body: (bed: UploadBed, folder: string) => Promise<void>, options: UploadBedOptions = {}): () => Promise<void> {
  return () =>
    withTempFolder(async (folder) => {
      await using bed = await startUploadBed(folder, options);
      await body(bed, folder);
      assert.deepEqual(bed.complaints, []);
    }, 'uploads');
}

async function begin(bed: UploadBed, size: number, more: Record<string, string> = {}): Promise<string> {
  const answer = await bed.call('POST', door, { headers: { ...tus, 'upload-length': String(size), ...more } });
  assert.equal(answer.status, 201, await answer.text());
  return answer.headers.get('location') ?? '';
}

const patch = (bed: UploadBed, url: string, offset: number, body: Uint8Array, more: Record<string, string> = {}) =>
  bed.call('PATCH', url, { headers: { ...patchType, 'upload-offset': String(offset), ...more }, body });

const head = (bed: UploadBed, url: string) => bed.call('HEAD', url, { headers: tus });

async function offsetOf(bed: UploadBed, url: string): Promise<number> {
  const answer = await head(bed, url);
  assert.equal(answer.status, 200);
  return Number(answer.headers.get('upload-offset'));
}

const idOf = (url: string) => url.split('/').at(-1) ?? '';

async function uploadOf(bed: UploadBed, id: string): Promise<Upload> {
  return (await (await bed.call('GET', `/api/v1/uploads/${id}`)).json()) as Upload;
}

const ended = (bed: UploadBed, id: string, state: Upload['state']) =>
  waitFor(
    async () => {
      const upload = await uploadOf(bed, id);
      return upload.state === state ? upload : undefined;
    },
    { what: `the upload to be ${state}` },
  );

async function refused(answer: Response, status: number, field?: string): Promise<void> {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  if (text === '') return;
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  const problem = problemSchema.parse(JSON.parse(text));
  if (field !== undefined) assert.equal(problem.errors?.[0]?.field, field, text);
}

/** A request whose body is sent by hand. */
async function openRequest(bed: UploadBed, lines: readonly string[]): Promise<{ socket: Socket; answer: () => string }> {
  const socket = connect(bed.port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`${[...lines, 'Host: hub', 'Authorization: Bearer operator'].join('\r\n')}\r\n\r\n`);
  return { socket, answer: () => text };
}

const openPatch = (bed: UploadBed, url: string, offset: number, length: number, more: readonly string[] = []) =>
  openRequest(bed, [
    `PATCH ${url} HTTP/1.1`,
    'Tus-Resumable: 1.0.0',
    'Content-Type: application/offset+octet-stream',
    `Upload-Offset: ${offset}`,
    `Content-Length: ${length}`,
    ...more,
  ]);

describe('resumable uploads', () => {
  it(
    'say what they can do',
    withBed(async (bed) => {
      const answer = await bed.call('OPTIONS', door, { headers: tus });
      assert.equal(answer.status, 204);
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
        ['OPTIONS', door],
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

describe('abuse of the protocol', () => {
  const creations: [string, Record<string, string>, number, string?][] = [
    ['no version', { 'tus-resumable': '', 'upload-length': '5' }, 412],
    ['another version', { 'tus-resumable': '0.2.2', 'upload-length': '5' }, 412],
    ['no length', {}, 400],
    ['a negative length', { 'upload-length': '-5' }, 400],
    ['a length in words', { 'upload-length': 'ten' }, 400],
    ['a length beyond all numbers', { 'upload-length': '99999999999999999999' }, 400],
    ['a length and a later one', { 'upload-length': '5', 'upload-defer-length': '1' }, 400],
    ['nothing at all', { 'upload-length': '0' }, 422, 'upload-length'],
    ['more than may be', { 'upload-length': '107374182401' }, 413],
    ['several parts', { 'upload-length': '5', 'upload-concat': 'partial' }, 501],
    ['base64 that is none', { 'upload-length': '5', 'upload-metadata': 'filename a*b=' }, 400, 'upload-metadata.filename'],
    [
      'a name that is not UTF-8',
      { 'upload-length': '5', 'upload-metadata': `filename ${Buffer.from([0xc3, 0x28]).toString('base64')}` },
      400,
      'upload-metadata.filename',
    ],
    ['a key twice', { 'upload-length': '5', 'upload-metadata': 'filename YQ==,filename Yg==' }, 400, 'upload-metadata.filename'],
    ['a huge name', { 'upload-length': '5', 'upload-metadata': `filename ${base64('x'.repeat(2000))}` }, 400, 'upload-metadata.filename'],
    ['a draft that is no JSON', { 'upload-length': '5', 'upload-metadata': `draft ${base64('{')}` }, 400, 'draft'],
    ['a draft with an unknown field', { 'upload-length': '5', 'upload-metadata': `draft ${base64('{"tittle":"x"}')}` }, 400, 'draft.tittle'],
    [
      'a draft with a wrong time',
      { 'upload-length': '5', 'upload-metadata': `draft ${base64('{"thumbnail_time":"-i"}')}` },
      400,
      'draft.thumbnail_time',
    ],
    [
      'a video to replace that is not there',
      { 'upload-length': '5', 'upload-metadata': `draft ${base64('{"replaces":"nobody"}')}` },
      404,
      'draft.replaces',
    ],
  ];
  it(
    'by a creation is refused, naming the field',
    withBed(async (bed) => {
      for (const [what, headers, status, field] of creations) {
        const answer = await bed.call('POST', door, { headers: { ...tus, ...headers } });
        await refused(answer, status, field).catch((error: unknown) => assert.fail(`${what}: ${error}`));
      }
      assert.deepEqual(await readdir(bed.uploadFolder), []);
      assert.equal((await bed.store.uploads.list({ limit: 10 })).items.length, 0);
      assert.equal((await bed.store.videos.list({ limit: 10 })).total, 0);
    }),
  );

  it(
    'by a header that is too long for any request ends in 431',
    withBed(async (bed) => {
      const { answer, socket } = await openRequest(bed, [`POST ${door} HTTP/1.1`, `Upload-Metadata: filename ${'A'.repeat(70_000)}`]);
      await once(socket, 'close');
      assert.match(answer(), /^HTTP\/1\.1 431 /);
    }),
  );

  it(
    'by a chunk is refused and changes nothing',
    withBed(async (bed) => {
      const url = await begin(bed, 1000);
      await patch(bed, url, 0, bytes(10));
      await refused(await patch(bed, url, 5, bytes(10)), 409);
      await refused(await patch(bed, url, 20, bytes(10)), 409);
      await refused(await patch(bed, url, -1, bytes(10)), 400);
      await refused(await bed.call('PATCH', url, { headers: patchType, body: bytes(10) }), 400, 'upload-offset');
      await refused(
        await bed.call('PATCH', url, { headers: { ...patchType, 'content-type': 'video/mp4', 'upload-offset': '10' }, body: bytes(10) }),
        415,
      );
      await refused(await patch(bed, url, 10, bytes(2000)), 413);
      assert.equal(await offsetOf(bed, url), 10);
    }),
  );

  it(
    'by declaring 1 KB and sending more without end is cut off at what was declared',
    withBed(async (bed) => {
      const url = await begin(bed, 1000);
      const { socket, answer } = await openRequest(bed, [
        `PATCH ${url} HTTP/1.1`,
        'Tus-Resumable: 1.0.0',
        'Content-Type: application/offset+octet-stream',
        'Upload-Offset: 0',
        'Transfer-Encoding: chunked',
      ]);
      const block = bytes(65_536);
      for (let index = 0; index < 64 && answer() === ''; index++) {
        socket.write(`10000\r\n`);
        socket.write(block);
        socket.write('\r\n');
        await new Promise((resolve) => setImmediate(resolve));
      }
      await waitFor(() => answer() !== '', { what: 'the refusal' });
      assert.match(answer(), /^HTTP\/1\.1 413 /);
      socket.destroy();
      assert.ok((await stat(join(bed.uploadFolder, idOf(url), 'source'))).size <= 1000);
    }),
  );

  it(
    'by sending a byte now and then is ended, and the bytes are kept',
    withBed(
      async (bed) => {
        const url = await begin(bed, 1000);
        const { socket, answer } = await openPatch(bed, url, 0, 1000);
        const drip = setInterval(() => socket.write('x'), 20);
        try {
          await waitFor(() => answer() !== '', { what: 'the end of patience' });
        } finally {
          clearInterval(drip);
        }
        assert.match(answer(), /^HTTP\/1\.1 408 /);
        socket.destroy();
        await waitFor(async () => (await head(bed, url)).status === 200, { what: 'the lock' });
        const offset = await offsetOf(bed, url);
        assert.ok(offset > 0 && offset < 1000, String(offset));

        const silent = await openRequest(bed, ['PUT /api/v1/uploads/files/a.mp4 HTTP/1.1', 'Content-Type: video/mp4', 'Content-Length: 1000']);
        silent.socket.write('x');
        await waitFor(() => silent.answer() !== '', { what: 'the end of patience' });
        assert.match(silent.answer(), /^HTTP\/1\.1 408 /);
        silent.socket.destroy();
      },
      { http: { pace: { idleMs: 2000, minBytesPerS: 10_000, windowMs: 600 } } },
    ),
  );

  const ids = [
    '..%2f..%2fx',
    '%2e%2e%2e',
    'x%00y',
    '-i',
    'concat:a|b',
    '%F0%9F%8E%AC',
    'a'.repeat(300),
    '11111111-1111-4111-8111-111111111111',
    'a/b',
    '%2Fetc%2Fpasswd',
  ];
  it(
    'by an id that is none of ours finds nothing and touches nothing',
    withBed(async (bed) => {
      for (const id of ids) {
        for (const method of ['HEAD', 'PATCH', 'DELETE']) {
          const answer = await bed.call(method, `${door}/${id}`, { headers: { ...patchType, 'upload-offset': '0' } });
          assert.equal(answer.status, 404, `${method} ${id}`);
        }
      }
      assert.deepEqual(await readdir(bed.uploadFolder), []);
    }),
  );

  const names: [string, string][] = [
    ['..%2f..%2fx', '..%2f..%2fx'],
    ['../../x', 'x'],
    ['..\\..\\x.mp4', 'x.mp4'],
    ['a\0b.mp4', 'ab.mp4'],
    ['-i', '-i'],
    ['concat:a|b', 'concat:a|b'],
    ['🎬.mp4', '🎬.mp4'],
    ['x'.repeat(300), 'x'.repeat(255)],
    ['..', 'video'],
    ['a\r\nb.mp4', 'ab.mp4'],
  ];
  it(
    'by a file name leaves a harmless name, and never a path',
    withBed(async (bed) => {
      for (const [given, shown] of names) {
        const url = await begin(bed, 4, { 'upload-metadata': `filename ${base64(given)}` });
        assert.equal((await uploadOf(bed, idOf(url))).name, shown);
        const put = await bed.call('PUT', `/api/v1/uploads/files/${encodeURIComponent(given)}`, {
          headers: { 'content-type': 'video/mp4' },
          body: bytes(4),
        });
        // A path that holds a NUL, or only dots, is no address.
        if (put.status === 201) assert.equal(((await put.json()) as Video).source?.name, shown);
        else assert.ok(given === '..' || given.includes('\0'), `${given}: ${put.status}`);
      }
      for (const entry of await readdir(bed.uploadFolder)) assert.match(entry, /^[0-9a-f-]{36}$/);
    }),
  );

  it(
    'by the same file twice makes two videos that do not take the other along',
    withBed(async (bed) => {
      const data = bytes(1000);
      const made: Video[] = [];
      for (let index = 0; index < 2; index++) {
        const put = await bed.call('PUT', '/api/v1/uploads/files/a.mp4', { headers: { 'content-type': 'video/mp4' }, body: data });
        made.push((await put.json()) as Video);
      }
      assert.notEqual(made[0]?.video_id, made[1]?.video_id);
      const released = await bed.store.videos.delete(made[0]?.video_id ?? '');
      await rm(released?.path ?? '');
      const other = await bed.store.videos.get(made[1]?.video_id ?? '');
      assert.deepEqual(await readFile(other?.source?.path ?? ''), data);
    }),
  );
});

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

/** A server that serves one file, as badly as it is told. */
async function startOrigin(
  data: Buffer,
): Promise<
  { url: string; seen: string[]; state: { cutAfter?: number; etag?: string; status?: number; length: boolean; redirect?: string } } & AsyncDisposable
> {
  const seen: string[] = [];
  const state: { cutAfter?: number; etag?: string; status?: number; length: boolean; redirect?: string } = { etag: '"v1"', length: true };
  const server = createServer((request, response) => {
    const { range } = request.headers;
    seen.push(`${request.url} ${range ?? '-'}`);
    if (state.redirect !== undefined && request.url === '/moved') return void response.writeHead(302, { location: state.redirect }).end();
    if (state.status !== undefined) return void response.writeHead(state.status).end();
    const isPart = range !== undefined && request.headers['if-range'] === state.etag;
    const from = isPart ? Number(/bytes=(\d+)-/.exec(range)?.[1]) : 0;
    const part = data.subarray(from);
    response.writeHead(isPart ? 206 : 200, {
      'content-type': 'video/mp4',
      ...(state.length ? { 'content-length': part.length } : {}),
      ...(state.etag === undefined ? {} : { etag: state.etag }),
      ...(isPart ? { 'content-range': `bytes ${from}-${data.length - 1}/${data.length}` } : {}),
    });
    const { cutAfter } = state;
    if (cutAfter === undefined) return void response.end(part);
    delete state.cutAfter;
    response.write(part.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 50));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    state,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const fetchFrom =
  (allowedHosts: readonly string[]): NonNullable<UploadBedOptions['fetch']> =>
  (url, { headers, signal }) =>
    guardedRequest(url, { headers, signal, allowedHosts });

describe('files that are fetched', () => {
  it('go on with a range after the connection broke, and begin anew when the file has changed', async () => {
    const data = bytes(500_000);
    await using origin = await startOrigin(data);
    await withBed(
      async (bed) => {
        const fetchOne = async () => {
          const answer = await bed.call('POST', '/api/v1/uploads/url', { json: { url: `${origin.url}/My%20Film.mp4`, draft: { title: 'Fetched' } } });
          assert.equal(answer.status, 202, await answer.clone().text());
          return ended(bed, ((await answer.json()) as Upload).upload_id, 'done');
        };
        origin.state.cutAfter = 200_000;
        const first = await fetchOne();
        assert.deepEqual([first.sha256, first.name, first.size_bytes], [sha256(data), 'My Film.mp4', data.length]);
        assert.equal(origin.seen.length, 2);
        assert.match(origin.seen[1] ?? '', /bytes=\d{2,}-$/);

        origin.seen.length = 0;
        delete origin.state.etag;
        origin.state.cutAfter = 200_000;
        assert.equal((await fetchOne()).sha256, sha256(data));
        assert.deepEqual(origin.seen, ['/My%20Film.mp4 -', '/My%20Film.mp4 -']);

        origin.state.length = false;
        assert.equal((await fetchOne()).sha256, sha256(data));
      },
      { fetch: fetchFrom([new URL(origin.url).host]) },
    )();
  });

  it('are refused inside the network, after a redirect into it, when they are too large, and when the server says no', async () => {
    await using origin = await startOrigin(bytes(2000));
    await using inside = await startOrigin(bytes(10));
    await withBed(
      async (bed) => {
        const ask = (url: string) => bed.call('POST', '/api/v1/uploads/url', { json: { url } });
        await refused(await ask(`${inside.url}/a.mp4`), 403, 'url');
        origin.state.redirect = `${inside.url}/a.mp4`;
        await refused(await ask(`${origin.url}/moved`), 403, 'url');
        origin.state.redirect = 'file:///etc/passwd';
        await refused(await ask(`${origin.url}/moved`), 403, 'url');
        origin.state.redirect = '/moved';
        await refused(await ask(`${origin.url}/moved`), 422, 'url');
        assert.deepEqual(inside.seen, []);
        await refused(await ask('http://169.254.169.254/latest/meta-data'), 403, 'url');
        await refused(await ask('ftp://films.example/a'), 400, 'url');
        await refused(await ask(`${origin.url}/large.mp4`), 413);
        origin.state.length = false;
        const open = (await (await ask(`${origin.url}/large.mp4`)).json()) as Upload;
        assert.equal((await ended(bed, open.upload_id, 'failed')).error?.reason, 'too_large');
        origin.state.status = 404;
        await refused(await ask(`${origin.url}/none.mp4`), 404, 'url');
        await waitFor(async () => (await readdir(bed.uploadFolder)).length === 0, { what: 'the files to go' });
        assert.equal((await bed.store.videos.list({ limit: 10 })).total, 0);
      },
      { fetch: fetchFrom([new URL(origin.url).host]), vod: { max_upload_bytes: 1000 } },
    )();
  });

  it('go on with the next hub', () =>
    withTempFolder(async (folder) => {
      const data = bytes(300_000);
      await using origin = await startOrigin(data);
      const fetch = fetchFrom([new URL(origin.url).host]);
      let id = '';
      {
        await using bed = await startUploadBed(folder, { fetch, timing: { fetchRetryMs: 60_000 } });
        origin.state.cutAfter = 100_000;
        id = ((await (await bed.call('POST', '/api/v1/uploads/url', { json: { url: `${origin.url}/a.mp4` } })).json()) as Upload).upload_id;
        await ended(bed, id, 'paused');
        await waitFor(async () => (await bed.store.uploads.get(id))?.state === 'paused', { what: 'the pause' });
      }
      await using bed = await startUploadBed(folder, { fetch });
      assert.equal((await ended(bed, id, 'done')).sha256, sha256(data));
      assert.match(origin.seen[1] ?? '', /bytes=\d{2,}-$/);
    }, 'uploads'));
});

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
