/**
 * How fast a file comes in, against plain Node: a server that does nothing but write the body to a file and have it written to the disk.
 * Both run as processes of their own, in turns, with the same client. Ours also keeps the digest, the progress and the row, and checks the
 * room; its figure for PUT ends when the video is there, that for tus when the last chunk is acknowledged.
 * `BENCH_UPLOAD_BYTES` is the size of the file (default 1 GB), `BENCH_ROUNDS` the turns of each (default 3).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { startUploadBed } from '../e2e/upload-bed.js';
import { makeTempFolder, removeFolder } from '../testkit/index.js';
import { atMost, type Figure, median, printFigures, told } from './figures.js';
import { memoryOf } from './processes.js';

const sizeBytes = Number(process.env.BENCH_UPLOAD_BYTES ?? 1e9);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const chunkBytes = 64 * 1024 * 1024;
const block = Buffer.alloc(256 * 1024, 'weir');

const [, , role, folderOfChild = ''] = process.argv;
async function servePlain(folder: string): Promise<void> {
  const path = join(folder, 'plain');
  const server = createServer((incoming, response) => {
    void (async () => {
      await pipeline(incoming, createWriteStream(path));
      const file = await open(path, 'r+');
      await file.sync();
      await file.close();
      await rm(path);
      response.end();
    })();
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

interface Served {
  readonly child: ChildProcess;
  readonly port: number;
}

async function serve(kind: 'plain' | 'weir', folder: string): Promise<Served> {
  const child = fork(fileURLToPath(import.meta.url), [kind, folder]);
  const [port] = (await once(child, 'message')) as [number];
  return { child, port };
}

interface Sent {
  readonly status: number;
  readonly location: string;
  readonly text: string;
}

/** Sends `bytes` bytes as fast as they are taken. */
async function send(port: number, method: string, path: string, headers: Record<string, string | number>, bytes: number): Promise<Sent> {
  const outgoing = request({
    port,
    host: '127.0.0.1',
    method,
    path,
    headers: { authorization: 'Bearer operator', 'content-length': bytes, ...headers },
  });
  const answered = once(outgoing, 'response');
  for (let left = bytes; left > 0; left -= block.length) {
    if (!outgoing.write(left < block.length ? block.subarray(0, left) : block)) await once(outgoing, 'drain');
  }
  outgoing.end();
  const [response] = (await answered) as [import('node:http').IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status: response.statusCode ?? 0, location: response.headers.location ?? '', text: Buffer.concat(parts).toString() };
}

function expect(sent: Sent, status: number): Sent {
  if (sent.status !== status) throw new Error(`status ${sent.status}: ${sent.text}`);
  return sent;
}

const tus = { 'tus-resumable': '1.0.0' };

const ways = {
  plain: async (port: number) => void expect(await send(port, 'POST', '/', {}, sizeBytes), 200),
  put: async (port: number) => {
    const path = `/api/v1/uploads/files/a.mp4?draft=${encodeURIComponent('{"process":false}')}`;
    expect(await send(port, 'PUT', path, { 'content-type': 'video/mp4' }, sizeBytes), 201);
  },
  tus: async (port: number) => {
    const { location } = expect(await send(port, 'POST', '/api/v1/uploads/tus', { ...tus, 'upload-length': sizeBytes }, 0), 201);
    for (let offset = 0; offset < sizeBytes; offset += chunkBytes) {
      const headers = { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': offset };
      expect(await send(port, 'PATCH', location, headers, Math.min(chunkBytes, sizeBytes - offset)), 204);
    }
  },
} as const;

type Way = keyof typeof ways;

async function timed(way: Way, port: number): Promise<number> {
  const startedAt = performance.now();
  await ways[way](port);
  return sizeBytes / 1e6 / ((performance.now() - startedAt) / 1000);
}

/** Peak memory while `work` runs, above what it was before. */
async function withPeak<T>(pid: number, work: () => Promise<T>): Promise<[T, number]> {
  const before = memoryOf(pid).rssMb;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, memoryOf(pid).rssMb);
  }, 100);
  try {
    return [await work(), peak - before];
  } finally {
    clearInterval(timer);
  }
}

function atLeast(what: string, value: number, goal: number): Figure {
  return { what, result: `${value.toFixed(2)} x`, goal: `>= ${goal} x`, isHeld: value >= goal };
}

async function measure(): Promise<void> {
  const folder = await makeTempFolder('upload-bench');
  const plain = await serve('plain', folder);
  const weir = await serve('weir', folder);
  const speeds: Record<Way, number[]> = { plain: [], put: [], tus: [] };
  const peaks: number[] = [];
  const pid = weir.child.pid ?? 0;
  try {
    // A first turn that does not count: code is compiled, memory is taken.
    await ways.put(weir.port);
    await ways.plain(plain.port);
    const settled = memoryOf(pid).rssMb;
    for (let round = 0; round < rounds; round++) {
      speeds.plain.push(await timed('plain', plain.port));
      for (const way of ['put', 'tus'] as const) {
        const [speed, peak] = await withPeak(pid, () => timed(way, weir.port));
        speeds[way].push(speed);
        peaks.push(peak);
        await emptied(weir.port, folder);
      }
    }
    const base = median(speeds.plain);
    printFigures([
      told('file', sizeBytes / 1e6, 'MB'),
      told('plain Node to disk', base, 'MB/s'),
      told('PUT', median(speeds.put), 'MB/s'),
      told('tus, chunks of 64 MiB', median(speeds.tus), 'MB/s'),
      atLeast('PUT against plain', median(speeds.put) / base, 0.8),
      atLeast('tus against plain', median(speeds.tus) / base, 0.8),
      told('memory before', settled, 'MB'),
      atMost('memory above that while a file comes, peak', Math.max(...peaks), 64, 'MB'),
      atMost('memory after all of them, above', memoryOf(pid).rssMb - settled, 48, 'MB'),
    ]);
  } finally {
    for (const { child } of [plain, weir]) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await removeFolder(folder);
  }
}

/** The disk must not fill up with rounds: files of uploads that are done are deleted, those under way are waited for. */
async function emptied(port: number, folder: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/uploads?limit=5`, { headers: { authorization: 'Bearer operator' } });
    const { items } = (await answer.json()) as { items: { state: string; upload_id: string }[] };
    const busy = items.filter(({ state }) => state !== 'done');
    if (busy.length === 0) {
      for (const { upload_id } of items) await rm(join(folder, 'uploads', upload_id), { recursive: true, force: true });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// A server does not outlive the bench, however that ends.
process.once('disconnect', () => process.exit());
if (role === 'plain') await servePlain(folderOfChild);
else if (role === 'weir') process.send?.((await startUploadBed(folderOfChild)).port);
else await measure();
