import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { problemSchema, type StoredFile } from '../contracts/index.js';
import { type ByteRange, parseRange } from './stored-files.js';
import { createFixture } from './testing/fixture.js';

const rows: [header: string | undefined, size: number, expected: ByteRange | 'unsatisfiable' | undefined][] = [
  [undefined, 10, undefined],
  ['bytes=0-0', 10, { start: 0, end: 0 }],
  ['bytes=0-9', 10, { start: 0, end: 9 }],
  ['bytes=2-', 10, { start: 2, end: 9 }],
  ['bytes=2-400', 10, { start: 2, end: 9 }],
  ['bytes=-3', 10, { start: 7, end: 9 }],
  ['bytes=-300', 10, { start: 0, end: 9 }],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=10-12', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=5-2', 10, undefined],
  ['bytes=-', 10, undefined],
  ['bytes=a-b', 10, undefined],
  ['bytes=0-1,4-5', 10, undefined],
  ['items=0-1', 10, undefined],
  ['bytes=99999999999999999999-', 10, undefined],
];

test('a range header is read as RFC 9110 has it', () => {
  for (const [header, size, expected] of rows) assert.deepEqual(parseRange(header, size), expected, String(header));
});

const content = Buffer.from('0123456789');
const modified = 'Fri, 20 Nov 2026 12:00:00 GMT';

function fileOf(bytes: Buffer = content) {
  const opened: ByteRange[] = [];
  const file: StoredFile = {
    contentType: 'video/mp4',
    filename: 'front_1.mp4',
    sizeBytes: bytes.length,
    modifiedAt: new Date('2026-11-20T12:00:00.700Z'),
    etag: '"e1"',
    async *open(start, end) {
      opened.push({ start, end });
      // Byte by byte: the answer must be put together again.
      for (let at = start; at <= end; at += 1) yield bytes.subarray(at, at + 1);
    },
  };
  return { file, opened };
}

async function ask(headers: Record<string, string>, method: 'GET' | 'HEAD' = 'GET', bytes?: Buffer) {
  const { file, opened } = fileOf(bytes);
  const { server } = createFixture({ recording_file: () => file });
  const answer = await server.inject({
    method,
    url: '/files/recordings/front_1',
    headers: { host: 'hub', authorization: 'Bearer viewer', ...headers },
  });
  return { answer, opened };
}

describe('a download', () => {
  test('is the whole file with all that a client wants to know of it', async () => {
    const { answer } = await ask({});
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.body, '0123456789');
    const { headers } = answer;
    assert.equal(headers['content-type'], 'video/mp4');
    assert.equal(headers['content-length'], '10');
    assert.equal(headers['content-disposition'], 'attachment; filename="front_1.mp4"');
    assert.equal(headers['accept-ranges'], 'bytes');
    assert.equal(headers.etag, '"e1"');
    assert.equal(headers['last-modified'], modified);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  });

  test('takes the token as a key of older clients', async () => {
    const { file } = fileOf();
    const { server } = createFixture({ recording_file: () => file });
    const with_ = (key: string) => server.inject({ url: '/files/recordings/front_1', headers: { host: 'hub', 'x-api-key': key } });
    assert.equal((await with_('viewer')).statusCode, 200);
    assert.equal((await with_('nonsense')).statusCode, 401);
  });

  test('in part opens only that part', async () => {
    const { answer, opened } = await ask({ range: 'bytes=2-4' });
    assert.equal(answer.statusCode, 206);
    assert.equal(answer.body, '234');
    assert.equal(answer.headers['content-range'], 'bytes 2-4/10');
    assert.equal(answer.headers['content-length'], '3');
    assert.deepEqual(opened, [{ start: 2, end: 4 }]);
  });

  test('of several ranges is the whole file', async () => {
    const { answer } = await ask({ range: 'bytes=0-1,4-5' });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.body, '0123456789');
  });

  test('beyond the end is refused with the size', async () => {
    const { answer, opened } = await ask({ range: 'bytes=10-' });
    assert.equal(answer.statusCode, 416);
    assert.equal(answer.headers['content-range'], 'bytes */10');
    assert.equal(answer.headers.etag, undefined);
    assert.equal(problemSchema.parse(answer.json()).status, 416);
    assert.deepEqual(opened, []);
  });

  for (const [header, status] of [
    ['"e1"', 206],
    ['"other"', 200],
    ['W/"e1"', 200],
    [modified, 206],
    ['Fri, 20 Nov 2026 12:00:01 GMT', 200],
    ['nonsense', 200],
  ] as const) {
    test(`with If-Range ${header} is answered with ${status}`, async () => {
      const { answer } = await ask({ range: 'bytes=0-1', 'if-range': header });
      assert.equal(answer.statusCode, status);
    });
  }

  for (const [name, value, status] of [
    ['if-none-match', '"e1"', 304],
    ['if-none-match', '"a", W/"e1"', 304],
    ['if-none-match', '"other"', 200],
    ['if-modified-since', modified, 304],
    ['if-modified-since', 'Fri, 20 Nov 2026 11:59:59 GMT', 200],
  ] as const) {
    test(`with ${name} ${value} is answered with ${status}`, async () => {
      const { answer, opened } = await ask({ [name]: value });
      assert.equal(answer.statusCode, status);
      if (status === 304) assert.deepEqual([answer.body, opened, answer.headers.etag], ['', [], '"e1"']);
    });
  }

  test('of which only the head is asked opens nothing, and knows no ranges', async () => {
    for (const range of [{}, { range: 'bytes=0-1' }, { range: 'bytes=99-' }]) {
      const { answer, opened } = await ask(range as Record<string, string>, 'HEAD');
      assert.equal(answer.statusCode, 200);
      assert.deepEqual([answer.headers['content-length'], answer.body, opened], ['10', '', []]);
    }
  });

  test('of an empty file is empty', async () => {
    const { answer, opened } = await ask({}, 'GET', Buffer.alloc(0));
    assert.deepEqual([answer.statusCode, answer.headers['content-length'], answer.body, opened], [200, '0', '', []]);
  });

  test('that the client breaks off closes the file', async () => {
    let closed: (() => void) | undefined;
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { file } = fileOf();
    const endless: StoredFile = {
      ...file,
      sizeBytes: 1_000_000_000,
      async *open() {
        try {
          for (;;) yield Buffer.alloc(65_536);
        } finally {
          closed?.();
        }
      },
    };
    const { server } = createFixture({ recording_file: () => endless });
    const port = await server.listen('127.0.0.1', 0);
    const abort = new AbortController();
    const answer = await fetch(`http://127.0.0.1:${port}/files/recordings/x`, { headers: { authorization: 'Bearer viewer' }, signal: abort.signal });
    await answer.body?.getReader().read();
    abort.abort();
    await isClosed;
    await server.close();
  });
});

describe('an answer that is elsewhere', () => {
  const ask = async (anyOrigin: boolean, method: 'GET' | 'HEAD' = 'GET') => {
    const { server } = createFixture({ video_file: () => ({ location: 'r7/master.m3u8', anyOrigin }) });
    return await server.inject({ method, url: '/files/videos/v1/master.m3u8', headers: { host: 'hub', origin: 'http://elsewhere' } });
  };

  test('is named relative to what was asked for, and looked for again each time', async () => {
    for (const method of ['GET', 'HEAD'] as const) {
      const { statusCode, headers, body } = await ask(false, method);
      assert.deepEqual([statusCode, headers.location, headers['cache-control'], body], [302, 'r7/master.m3u8', 'no-cache', '']);
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  });

  test('may be followed by pages of other origins where its file may be read by them', async () => {
    const { headers } = await ask(true);
    assert.deepEqual([headers['access-control-allow-origin'], headers['cross-origin-resource-policy']], ['*', 'cross-origin']);
  });
});
