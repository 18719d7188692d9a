/** Requests of upload clients, good and bad, by hand. Tests only. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { problemSchema, type Upload } from '../contracts/index.js';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { startUploadBed, type UploadBed, type UploadBedOptions } from './upload-bed.js';

export const tus = { 'tus-resumable': '1.0.0' };
export const patchType = { ...tus, 'content-type': 'application/offset+octet-stream' };
export const door = '/api/v1/uploads/tus';

export const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');
export const base64 = (text: string) => Buffer.from(text).toString('base64');

export function bytes(size: number, seed = 1): Buffer {
  const data = Buffer.alloc(size);
  for (let index = 0, value = seed; index < size; index++) {
    value = (value * 1103515245 + 12345) & 0x7fffffff;
    data[index] = value >> 16;
  }
  return data;
}

export function withBed(body: (bed: UploadBed, folder: string) => Promise<void>, options: UploadBedOptions = {}): () => Promise<void> {
  return () =>
    withTempFolder(async (folder) => {
      await using bed = await startUploadBed(folder, options);
      await body(bed, folder);
      assert.deepEqual(bed.complaints, []);
    }, 'uploads');
}

export async function begin(bed: UploadBed, size: number, more: Record<string, string> = {}): Promise<string> {
  const answer = await bed.call('POST', door, { headers: { ...tus, 'upload-length': String(size), ...more } });
  assert.equal(answer.status, 201, await answer.text());
  return answer.headers.get('location') ?? '';
}

export const patch = (bed: UploadBed, url: string, offset: number, body: Uint8Array, more: Record<string, string> = {}) =>
  bed.call('PATCH', url, { headers: { ...patchType, 'upload-offset': String(offset), ...more }, body });

export const head = (bed: UploadBed, url: string) => bed.call('HEAD', url, { headers: tus });

export async function offsetOf(bed: UploadBed, url: string): Promise<number> {
  const answer = await head(bed, url);
  assert.equal(answer.status, 200);
  return Number(answer.headers.get('upload-offset'));
}

export const idOf = (url: string) => url.split('/').at(-1) ?? '';

export async function uploadOf(bed: UploadBed, id: string): Promise<Upload> {
  return (await (await bed.call('GET', `/api/v1/uploads/${id}`)).json()) as Upload;
}

export const ended = (bed: UploadBed, id: string, state: Upload['state']) =>
  waitFor(
    async () => {
      const upload = await uploadOf(bed, id);
      return upload.state === state ? upload : undefined;
    },
    { what: `the upload to be ${state}` },
  );

export async function refused(answer: Response, status: number, field?: string): Promise<void> {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  if (text === '') return;
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  const problem = problemSchema.parse(JSON.parse(text));
  if (field !== undefined) assert.equal(problem.errors?.[0]?.field, field, text);
}

/** A request whose body is sent by hand. */
export async function openRequest(bed: UploadBed, lines: readonly string[]): Promise<{ socket: Socket; answer: () => string }> {
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

export const openPatch = (bed: UploadBed, url: string, offset: number, length: number, more: readonly string[] = []) =>
  openRequest(bed, [
    `PATCH ${url} HTTP/1.1`,
    'Tus-Resumable: 1.0.0',
    'Content-Type: application/offset+octet-stream',
    `Upload-Offset: ${offset}`,
    `Content-Length: ${length}`,
    ...more,
  ]);
