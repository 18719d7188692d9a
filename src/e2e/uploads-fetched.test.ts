/** Files that the hub fetches from an address. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { Upload } from '../contracts/index.js';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { guardedRequest } from '../vod/net/index.js';
import { startUploadBed, type UploadBedOptions } from './upload-bed.js';
import { bytes, ended, refused, sha256, withBed } from './upload-requests.js';

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
