/** Fetches files by HTTP. What was fetched is kept: a connection that breaks, or a hub that starts again, goes on with a range where the server can. */
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { type Session, type VideoDraft, WeirError } from '../../contracts/index.js';
import type { UploadRecord } from '../../store/index.js';
import { toUploadError } from './book.js';
import type { Completion } from './complete.js';
import { checkTimes } from './draft.js';
import { nameInUrl } from './names.js';
import type { FetchedBody, UploadsOptions } from './needs.js';
import { type ReceiveParts, receive } from './receive.js';

export interface FetchParts extends ReceiveParts {
  readonly options: ReceiveParts['options'] & Pick<UploadsOptions, 'fetch'>;
  readonly completion: Completion;
  readonly stopping: AbortSignal;
}

const maxRedirects = 5;
/** Attempts in a row that brought no byte. */
const maxFruitless = 6;
const longestPauseMs = 60_000;

interface Opened {
  readonly answer: FetchedBody;
  /** Where its first byte goes. */
  readonly offset: number;
  /** Of the whole file; null: not told. */
  readonly size: number | null;
  readonly validator: string | null;
}

export class Fetching {
  readonly #parts: FetchParts;
  readonly #running = new Map<string, Promise<void>>();

  constructor(parts: FetchParts) {
    this.#parts = parts;
  }

  /** Begins; resolves when the server has answered. Throws what refuses the address, the answer or the size. */
  async begin(session: Session, url: string, draft: VideoDraft, signal: AbortSignal): Promise<UploadRecord> {
    const { book } = this.#parts;
    const opened = await this.#open(url, 0, null, AbortSignal.any([signal, this.#parts.stopping]));
    try {
      const contentType = textOf(opened.answer.headers['content-type'])?.slice(0, 200) ?? null;
      const upload = await book.begin({
        method: 'url',
        session,
        name: nameInUrl(url),
        contentType,
        sizeBytes: opened.size,
        draft: checkTimes(draft),
        url,
      });
      if (opened.validator !== null) await book.note(upload.upload_id, { validator: opened.validator });
      this.#run(upload, opened);
      return upload;
    } catch (error) {
      opened.answer.discard();
      throw error;
    }
  }

  /** Goes on with one that a former hub began. */
  resume(upload: UploadRecord): void {
    this.#run(upload, undefined);
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  #run(upload: UploadRecord, opened: Opened | undefined): void {
    const work = this.#fetch(upload, opened)
      .catch((error: unknown) => {
        this.#parts.options.log.error({ upload_id: upload.upload_id, err: error }, 'a fetch ended unexpectedly');
      })
      .finally(() => this.#running.delete(upload.upload_id));
    this.#running.set(upload.upload_id, work);
  }

  async #fetch(upload: UploadRecord, first: Opened | undefined): Promise<void> {
    const { book, live, completion, stopping } = this.#parts;
    const hold = await live.hold(upload.upload_id, true, stopping);
    const signal = AbortSignal.any([stopping, hold.signal]);
    let size: number | undefined;
    try {
      size = await this.#untilWhole(upload, first, signal);
    } catch (thrown) {
      first?.answer.discard();
      // A hub that stops leaves it to the next one; whoever cancelled has ended it already.
      if (!signal.aborted) await book.end(upload, 'failed', WeirError.from(thrown));
      return;
    } finally {
      hold.free();
    }
    const complete = await book.toChecking(upload.upload_id, size);
    if (complete !== undefined) await completion.complete(complete).catch(() => undefined);
  }

  /** Fetches until the file is whole; returns its size. Throws what another attempt would not mend. */
  async #untilWhole(upload: UploadRecord, first: Opened | undefined, signal: AbortSignal): Promise<number> {
    let opened = first;
    let fruitless = 0;
    for (;;) {
      signal.throwIfAborted();
      const before = (await this.#parts.files.sizeOf(upload.upload_id)) ?? 0;
      try {
        const size = await this.#attempt(upload, opened, signal);
        if (size !== undefined) return size;
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        const kept = (await this.#parts.files.sizeOf(upload.upload_id)) ?? 0;
        fruitless = kept > before ? 0 : fruitless + 1;
        await this.#waitAfter(WeirError.from(thrown), upload, kept, fruitless, signal);
      }
      opened = undefined;
    }
  }

  /** Throws the failure itself when another attempt would not mend it, or too many brought nothing. */
  async #waitAfter(error: WeirError, upload: UploadRecord, kept: number, fruitless: number, signal: AbortSignal): Promise<void> {
    const isFullDisk = error.facts?.reason === 'disk_full';
    if (!isFullDisk && (!isPassing(error) || fruitless >= maxFruitless)) throw error;
    await this.#parts.book.received(upload.upload_id, kept, 'paused', toUploadError(error));
    const ms = error.retryAfterS === undefined ? this.#parts.timing.fetchRetryMs * 2 ** fruitless : error.retryAfterS * 1000;
    await pause(Math.min(ms, longestPauseMs), undefined, { signal });
  }

  /** One connection. Undefined when it ended early and the next one shall go on. */
  async #attempt(upload: UploadRecord, given: Opened | undefined, signal: AbortSignal): Promise<number | undefined> {
    const { files, book, live } = this.#parts;
    const id = upload.upload_id;
    const row = (await book.get(id)) ?? upload;
    const present = (await files.sizeOf(id)) ?? 0;
    if (row.size_bytes !== null && row.size_bytes > 0 && present === row.size_bytes) return present;
    const opened = given ?? (await this.#open(row.url ?? '', present, row.validator, signal));
    try {
      if (opened.offset < present) {
        await files.cut(id, opened.offset);
        live.restart(id);
      }
      if (opened.size !== null) this.#parts.room.checkSize(opened.size, 'url');
      await book.note(id, { size_bytes: opened.size, validator: opened.validator, state: 'receiving', error: null });
      const source = Readable.from(opened.answer.body, { objectMode: false });
      const { bytes, end } = await receive(this.#parts, { source, upload: { ...row, size_bytes: opened.size }, offset: opened.offset, signal });
      const total = opened.offset + bytes;
      if (end === 'stopped') throw WeirError.from(signal.reason);
      if (end === 'too_long') throw new WeirError('payload_too_large', 'More came than may', { field: 'url', facts: { reason: 'too_large' } });
      await book.received(id, total, 'receiving');
      const isWhole = end === 'whole' && (opened.size === null || total === opened.size);
      if (isWhole) {
        this.#parts.room.checkSize(total, 'url');
        return total;
      }
      throw source.errored ?? new WeirError('unavailable', 'The server ended the connection early');
    } finally {
      opened.answer.discard();
    }
  }

  /** Sends the request, follows redirects (each of them guarded like the first), and reads what the answer is a part of. */
  async #open(url: string, offset: number, validator: string | null, signal: AbortSignal): Promise<Opened> {
    // Without a validator nobody could tell whether a part still fits to what is there.
    const from = validator === null ? 0 : offset;
    const headers: Record<string, string> = { accept: '*/*', 'accept-encoding': 'identity' };
    if (from > 0 && validator !== null) Object.assign(headers, { range: `bytes=${from}-`, 'if-range': validator });
    let address = url;
    for (let hop = 0; ; hop++) {
      const answer = await this.#parts.options.fetch(address, { headers, signal });
      const location = textOf(answer.headers.location);
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return readAnswer(answer, from);
      answer.discard();
      if (hop >= maxRedirects) throw new WeirError('unsupported', `The server redirects more than ${maxRedirects} times`, { field: 'url' });
      address = redirected(location, address);
    }
  }
}

function redirected(location: string, from: string): string {
  let target: URL;
  try {
    target = new URL(location, from);
  } catch (cause) {
    throw new WeirError('unsupported', 'The server redirects to what is no address', { field: 'url', cause });
  }
  if (target.protocol === 'http:' || target.protocol === 'https:') return target.href;
  throw new WeirError('permission_denied', 'The server redirects to an address that is not HTTP', { field: 'url' });
}

function readAnswer(answer: FetchedBody, from: number): Opened {
  const { status, headers } = answer;
  const length = lengthOf(headers['content-length']);
  const validator = validatorOf(headers);
  if (status === 200) return { answer, offset: 0, size: length, validator };
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(textOf(headers['content-range']) ?? '');
  if (status === 206 && range !== null && Number(range[1]) === from) {
    return { answer, offset: from, size: range[3] === '*' ? null : Number(range[3]), validator };
  }
  answer.discard();
  throw refusedBy(status, textOf(headers['retry-after']));
}

function refusedBy(status: number, retryAfter: string | undefined): WeirError {
  const seconds = Number(retryAfter);
  const options = { field: 'url', facts: { reason: 'http_status', status }, ...(seconds > 0 ? { retryAfterS: seconds } : {}) };
  const passes = status === 408 || status === 425 || status === 429 || status >= 500;
  if (passes) return new WeirError('unavailable', `The server answers with status ${status}`, options);
  const code = status === 404 || status === 410 ? 'not_found' : status === 401 || status === 403 ? 'permission_denied' : 'unsupported';
  return new WeirError(code, `The server answers with status ${status}`, options);
}

/** Another attempt may do better. */
function isPassing(error: WeirError): boolean {
  return ['unavailable', 'deadline_exceeded', 'cancelled', 'internal'].includes(error.code);
}

/** A strong ETag, else the date of the last change. */
function validatorOf(headers: FetchedBody['headers']): string | null {
  const etag = textOf(headers.etag);
  if (etag !== undefined && /^"[\x21\x23-\x7e]{1,200}"$/.test(etag)) return etag;
  const date = textOf(headers['last-modified']);
  return date !== undefined && !Number.isNaN(Date.parse(date)) && date.length < 64 ? date : null;
}

function lengthOf(value: string | readonly string[] | undefined): number | null {
  const text = textOf(value);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
