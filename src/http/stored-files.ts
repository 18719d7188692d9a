/** Downloads: a file in whole or in part, as RFC 9110 has it. */
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type StoredFile, WeirError } from '../contracts/index.js';
import { HttpError } from './problems.js';

/** Playlists of a day are below it. */
const maxCompressedBytes = 16 * 1024 ** 2;

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header. Undefined: send the whole file, which is what a header means that is malformed, names another unit, or asks for
 * several ranges (no answer in parts is made: whoever wants several asks several times). `unsatisfiable`: nothing of it is in the file.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/.exec(header ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    // The last so many bytes.
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= sizeBytes) return 'unsatisfiable';
  return { start, end: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
}

/** Sends the file, or a part of it, or says that the client has it already. The file is opened for a GET only. */
export function sendStoredFile(file: StoredFile, request: FastifyRequest, reply: FastifyReply, signal: AbortSignal): FastifyReply {
  const { headers } = request;
  // HTTP has whole seconds; what is between them would make a file look newer than what was sent.
  const modifiedAt = Math.floor(file.modifiedAt.getTime() / 1000) * 1000;
  reply.header('etag', file.etag).header('last-modified', new Date(modifiedAt).toUTCString());
  // It may be kept, but each use asks whether the login still holds.
  reply.header('cache-control', file.delivery?.cacheControl ?? 'private, no-cache').header('accept-ranges', 'bytes');
  if (file.delivery?.anyOrigin === true) openToAnyOrigin(reply);
  if (isNotModified(headers, file.etag, modifiedAt)) return reply.code(304).send();

  reply.header('content-type', file.contentType);
  if (file.delivery === undefined) reply.header('content-disposition', disposition(file.filename));
  if (file.delivery?.compress === true) {
    reply.header('vary', 'accept-encoding');
    if (isCompressible(file, request)) return sendCompressed(file, reply, signal);
  }
  const range =
    request.method === 'GET' && rangeHolds(headers['if-range'], file.etag, modifiedAt) ? parseRange(headers.range, file.sizeBytes) : undefined;
  if (range === 'unsatisfiable') {
    reply.removeHeader('content-disposition');
    const error = new WeirError('invalid_argument', `The file has ${file.sizeBytes} bytes`, { field: 'range', received: headers.range });
    throw new HttpError(416, error, { 'content-range': `bytes */${file.sizeBytes}` });
  }
  const { start, end } = range ?? { start: 0, end: file.sizeBytes - 1 };
  reply.header('content-length', end - start + 1);
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end}/${file.sizeBytes}`);
  // An empty body, not none: for none the length of the file would be replaced by 0.
  if (request.method === 'HEAD' || file.sizeBytes === 0) return reply.send(Readable.from([]));
  return reply.send(bodyOf(file.open(start, end), signal));
}

/** Pages of every origin may read this answer; it carries nothing that only who is signed in may see. */
export function openToAnyOrigin(reply: FastifyReply): void {
  reply.header('access-control-allow-origin', '*').header('cross-origin-resource-policy', 'cross-origin');
}

/** What is read as a whole and small enough to be. */
function isCompressible({ sizeBytes }: StoredFile, { method, headers }: FastifyRequest): boolean {
  const takes = String(headers['accept-encoding'] ?? '')
    .split(',')
    .some((part) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)|$)/i.test(part));
  return method === 'GET' && takes && headers.range === undefined && sizeBytes > 0 && sizeBytes <= maxCompressedBytes;
}

function sendCompressed(file: StoredFile, reply: FastifyReply, signal: AbortSignal): FastifyReply {
  reply.header('content-encoding', 'gzip').removeHeader('accept-ranges');
  // Other bytes, another validator.
  reply.header('etag', file.etag.replace(/"$/, '-gz"'));
  return reply.send(bodyOf(file.open(0, file.sizeBytes - 1), signal).pipe(createGzip()));
}

/** `If-None-Match` counts before `If-Modified-Since`. */
function isNotModified(headers: FastifyRequest['headers'], etag: string, modifiedAt: number): boolean {
  const known = headers['if-none-match'];
  if (known !== undefined) return namesEtag(known, etag);
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return !Number.isNaN(since) && modifiedAt <= since;
}

/** True when an `If-None-Match` header names the validator. */
export function namesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((part) => part.trim().replace(/^W\//, '').replace(/-gz"$/, '"') === etag);
}

/** A part is only good for a client whose other parts are of the same file: `If-Range` takes a strong validator, or the exact date. */
function rangeHolds(header: string | string[] | undefined, etag: string, modifiedAt: number): boolean {
  if (header === undefined) return true;
  const wanted = String(header).trim();
  return wanted.startsWith('"') ? wanted === etag : Date.parse(wanted) === modifiedAt;
}

/** Names of files hold safe characters only; should one not, it is made so rather than let it break out of the header. */
function disposition(filename: string): string {
  return `attachment; filename="${filename.replace(/[^A-Za-z0-9._-]/g, '_')}"`;
}

/** A body that is read as the client takes it, and closed with the request. */
export function bodyOf(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Readable {
  const body = Readable.from(source, { objectMode: true, highWaterMark: 1 });
  const drop = () => body.destroy();
  signal.addEventListener('abort', drop, { once: true });
  body.once('close', () => signal.removeEventListener('abort', drop));
  if (signal.aborted) drop();
  return body;
}
