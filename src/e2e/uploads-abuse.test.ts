/** What a client of the resumable protocol may get wrong, and what it is told. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Video } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import {
  base64,
  begin,
  bytes,
  door,
  head,
  idOf,
  offsetOf,
  openPatch,
  openRequest,
  patch,
  patchType,
  refused,
  tus,
  uploadOf,
  withBed,
} from './upload-requests.js';

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
