/**
 * The store under the protocol library: a file and a row for each upload. The size of the file is the offset; bytes are only ever appended,
 * and cut off again when a chunk with a checksum did not come whole and right.
 *
 * The body does not go through the library, whose web streams would cost about as much as receiving it: `write` takes it from the request
 * itself, which travels beside the library's calls.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { DataStore, type Lock, type Locker, Upload } from '@tus/server';
import { type Session, type TusRequest, WeirError } from '../../contracts/index.js';
import type { UploadRecord } from '../../store/index.js';
import { toUploadError } from './book.js';
import type { Completion } from './complete.js';
import type { Hold } from './live.js';
import { type ReceiveParts, receive } from './receive.js';
import type { ExpectedChecksum } from './tus-checksum.js';
import type { TusMetadata } from './tus-metadata.js';
import { TusProblem } from './tus-problem.js';
import { isUploadId } from './upload-files.js';

/** What belongs to one request. */
export interface TusCall {
  readonly request: TusRequest;
  readonly session: Session;
  readonly metadata: TusMetadata | undefined;
  readonly rawMetadata: string | undefined;
  readonly checksum: ExpectedChecksum | undefined;
  /** What the request made or changed. */
  upload?: UploadRecord;
  hold?: Hold;
}

export interface TusStoreParts extends ReceiveParts {
  readonly completion: Completion;
}

/** The call that runs now. */
export const tusCalls = new AsyncLocalStorage<TusCall>();

function currentCall(): TusCall {
  const call = tusCalls.getStore();
  if (call === undefined) throw new Error('not inside a request');
  return call;
}

export class TusStore extends DataStore {
  override extensions = ['creation', 'creation-with-upload', 'creation-defer-length', 'expiration', 'termination', 'checksum'];
  readonly #parts: TusStoreParts;

  constructor(parts: TusStoreParts) {
    super();
    this.#parts = parts;
  }

  /** The row and the file are made here, under an id of our own; the library takes it over. */
  override async create(upload: Upload): Promise<Upload> {
    const call = currentCall();
    const { book, live } = this.#parts;
    const record = await book.begin({
      method: 'tus',
      session: call.session,
      name: call.metadata?.name,
      contentType: call.metadata?.contentType ?? null,
      sizeBytes: upload.size ?? null,
      draft: call.metadata?.draft ?? {},
      metadata: call.rawMetadata ?? null,
    });
    call.upload = record;
    upload.id = record.upload_id;
    call.hold = await live.hold(record.upload_id, false, call.request.signal);
    return upload;
  }

  override async getUpload(id: string): Promise<Upload> {
    const record = await this.find(id);
    currentCall().upload = record;
    const offset = await this.#offsetOf(record);
    // The library counts the time of expiry from this date; here it moves with every byte.
    return new Upload({ id, offset, creation_date: record.updated_at, ...(record.size_bytes === null ? {} : { size: record.size_bytes }) });
  }

  override async declareUploadLength(id: string, size: number): Promise<void> {
    const { room, book, options } = this.#parts;
    const { session } = currentCall();
    await options.store.transaction(async (tx) => {
      await tx.lock('uploads');
      await room.checkStart(size, session, tx);
      await tx.uploads.update(id, { size_bytes: size }, ['receiving', 'paused']);
    });
    const updated = await book.get(id);
    if (updated !== undefined) currentCall().upload = updated;
  }

  override async write(_unused: unknown, id: string, offset: number): Promise<number> {
    const call = currentCall();
    const { book, completion } = this.#parts;
    const upload = call.upload?.upload_id === id ? call.upload : await this.find(id);
    if (upload.state !== 'receiving' && upload.state !== 'paused') return offset;
    if (call.checksum !== undefined) await book.note(id, { unverified_from: offset });
    const total = await this.#take(call, upload, offset);
    if (call.checksum !== undefined) await book.note(id, { unverified_from: null });
    if (total !== upload.size_bytes) {
      await book.received(id, total, 'receiving');
      return total;
    }
    const complete = await book.toChecking(id, total);
    // The client is not kept waiting for the check; the upload tells how it went.
    if (complete !== undefined) void completion.complete(complete).catch(() => undefined);
    return total;
  }

  override async remove(id: string): Promise<void> {
    const upload = await this.find(id);
    const { completion, book } = this.#parts;
    const reason = new WeirError('cancelled', 'Cancelled by its client');
    await completion.abort(id, reason);
    if (!(await book.end(upload, 'cancelled', reason))) throw new TusProblem(gone(id), 410);
  }

  override getExpiration(): number {
    return this.#parts.options.settings.upload_expire_s * 1000;
  }

  /** The upload, if it can still be spoken of. Throws 404 for what never was one, and 410 for what has ended without a video. */
  async find(id: string): Promise<UploadRecord> {
    const record = isUploadId(id) ? await this.#parts.book.get(id) : undefined;
    if (record === undefined || record.method !== 'tus') {
      throw new WeirError('not_found', 'There is no such upload', { facts: { resource: 'upload', id: id.slice(0, 80) } });
    }
    const { session, request } = currentCall();
    if (record.owner !== session.username && session.role !== 'admin' && request.method !== 'HEAD') {
      throw new WeirError('permission_denied', `The upload belongs to ${record.owner}`);
    }
    const isOver = record.expires_at !== null && record.expires_at < new Date().toISOString() && record.state !== 'checking';
    if (isOver || ['failed', 'cancelled', 'expired'].includes(record.state)) throw new TusProblem(gone(id, record), 410);
    return record;
  }

  /** Takes the body; returns the new offset. Throws when it was not whole, after noting what there is. */
  async #take(call: TusCall, upload: UploadRecord, offset: number): Promise<number> {
    const { book } = this.#parts;
    const id = upload.upload_id;
    const signal = call.hold === undefined ? call.request.signal : AbortSignal.any([call.request.signal, call.hold.signal]);
    const { stream } = call.request.incoming;
    const source = stream instanceof Readable ? stream : Readable.from(stream);
    const { checksum } = call;
    try {
      const { bytes, end } = await receive(this.#parts, { source, upload, offset, signal, checksum: checksum?.hash });
      if (end === 'whole' && (checksum === undefined || checksum.holds())) {
        if (checksum !== undefined) this.#parts.live.follow(id, this.#parts.files.pathOf(id), offset + bytes);
        return offset + bytes;
      }
      const kept = checksum === undefined ? offset + bytes : await this.#discard(id, offset);
      await book.received(id, kept, 'paused');
      throw this.#notWhole(end, signal);
    } catch (thrown) {
      if (thrown instanceof TusProblem) throw thrown;
      const error = WeirError.from(thrown);
      const kept = checksum === undefined ? ((await this.#parts.files.sizeOf(id)) ?? offset) : await this.#discard(id, offset);
      await book.received(id, kept, 'paused', toUploadError(error));
      throw error;
    }
  }

  #notWhole(end: 'whole' | 'broken' | 'stopped' | 'too_long', signal: AbortSignal): TusProblem {
    switch (end) {
      case 'whole':
        return new TusProblem(
          new WeirError('invalid_argument', 'The checksum does not match; the chunk was discarded', { field: 'upload-checksum' }),
          460,
        );
      case 'too_long':
        return new TusProblem(new WeirError('payload_too_large', 'More came than Upload-Length says', { field: 'upload-length' }));
      case 'stopped':
        return new TusProblem(WeirError.from(signal.reason));
      case 'broken':
        return new TusProblem(new WeirError('cancelled', 'The connection broke off'), 400);
    }
  }

  async #discard(id: string, offset: number): Promise<number> {
    await this.#parts.files.cut(id, offset);
    await this.#parts.book.note(id, { unverified_from: null });
    this.#parts.live.progress(id, offset);
    return offset;
  }

  /** Whatever was written down: what the file has, less a chunk that a crash kept from being compared. */
  async #offsetOf(record: UploadRecord): Promise<number> {
    const { files, book } = this.#parts;
    if (record.state === 'done' || record.state === 'checking') return record.size_bytes ?? record.received_bytes;
    const size = await files.sizeOf(record.upload_id);
    if (size === undefined) {
      await book.end(record, 'failed', new WeirError('not_found', 'The file of the upload is gone'));
      throw new TusProblem(gone(record.upload_id), 410);
    }
    if (record.unverified_from === null || record.unverified_from >= size) return size;
    return this.#discard(record.upload_id, record.unverified_from);
  }
}

/** One connection changes an upload at a time; see {@link LiveUploads.hold}. */
export class TusLocker implements Locker {
  readonly #parts: TusStoreParts;

  constructor(parts: TusStoreParts) {
    this.#parts = parts;
  }

  newLock(id: string): Lock {
    const { live } = this.#parts;
    let hold: Hold | undefined;
    return {
      lock: async () => {
        const call = currentCall();
        // An upload that is being made has no id of ours yet; `create` takes hold of it.
        if (call.request.method === 'POST') return;
        if (!isUploadId(id)) return;
        hold = await live.hold(id, call.request.method === 'DELETE', call.request.signal);
        call.hold = hold;
      },
      unlock: async () => {
        (hold ?? currentCall().hold)?.free();
      },
    };
  }
}

function gone(id: string, record?: UploadRecord): WeirError {
  const detail = record?.error?.detail;
  return new WeirError('not_found', `The upload is gone${detail === undefined ? '' : `: ${detail}`}`, {
    hint: 'begin a new one',
    facts: {
      resource: 'upload',
      id,
      ...(record === undefined ? {} : { state: record.state }),
      ...(record?.error?.reason ? { reason: record.error.reason } : {}),
    },
  });
}
