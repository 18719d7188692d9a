/** The book of uploads: begins, notes, ends them. Rows, files and events change here and nowhere else. */
import { randomUUID } from 'node:crypto';
import { type Session, type VideoDraft, WeirError } from '../../contracts/index.js';
import type { Transaction, UploadChanges, UploadRecord, VideoRecord } from '../../store/index.js';
import type { LiveUploads } from './live.js';
import { cleanFileName, titleOf } from './names.js';
import type { UploadsOptions } from './needs.js';
import { replacedVideo } from './replaced.js';
import type { Room } from './room.js';
import type { UploadFiles } from './upload-files.js';

/** A new upload. */
export interface Beginning {
  readonly method: UploadRecord['method'];
  readonly session: Session;
  /** As given; cleaned here. */
  readonly name: string | undefined;
  readonly contentType?: string | null;
  /** Null: not known beforehand. */
  readonly sizeBytes: number | null;
  /** For the look at the room when `sizeBytes` is null: about how much is to come. */
  readonly expectedBytes?: number | null;
  readonly draft: VideoDraft;
  readonly metadata?: string | null;
  readonly url?: string | null;
  /** A file that is used where it lies; left out: one is made. */
  readonly inPlace?: string;
}

type Ending = 'failed' | 'cancelled' | 'expired';
const moving = ['receiving', 'paused'] as const;
const unfinished = ['receiving', 'paused', 'checking'] as const;

export interface BookParts {
  readonly options: Pick<UploadsOptions, 'store' | 'log' | 'settings' | 'view' | 'checkDraft'>;
  readonly files: UploadFiles;
  readonly live: LiveUploads;
  readonly room: Room;
}

export class UploadBook {
  failed = 0;
  readonly #parts: BookParts;

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  get(uploadId: string): Promise<UploadRecord | undefined> {
    return this.#parts.options.store.uploads.get(uploadId);
  }

  /** Throws what a file of this size, this draft or this user may not. The row comes before the file, so no file is ever without one. */
  async begin(beginning: Beginning): Promise<UploadRecord> {
    const { options, files, live, room } = this.#parts;
    const { method, session, draft, inPlace } = beginning;
    options.checkDraft?.(draft);
    const uploadId = randomUUID();
    const name = cleanFileName(beginning.name);
    const record = await options.store.transaction(async (tx) => {
      await tx.lock('uploads');
      if (inPlace === undefined) await room.checkStart(beginning.sizeBytes ?? beginning.expectedBytes ?? null, session, tx);
      const video = await this.#videoFor(tx, name, draft, session);
      return tx.uploads.insert({
        upload_id: uploadId,
        video_id: video.video_id,
        method,
        state: 'receiving',
        name,
        content_type: beginning.contentType ?? null,
        size_bytes: beginning.sizeBytes,
        received_bytes: 0,
        sha256: null,
        owner: session.username,
        draft,
        metadata: beginning.metadata ?? null,
        path: inPlace ?? files.pathOf(uploadId),
        unverified_from: null,
        url: beginning.url ?? null,
        validator: null,
        error: null,
        expires_at: this.expiry(),
      });
    });
    if (inPlace !== undefined) return record;
    try {
      await files.create(uploadId);
    } catch (error) {
      await this.end(record, 'failed', WeirError.from(error));
      throw error;
    }
    live.progress(uploadId, 0);
    return record;
  }

  /** When an upload that gets no further byte ends. */
  expiry(): string {
    return new Date(Date.now() + this.#parts.options.settings.upload_expire_s * 1000).toISOString();
  }

  /** Notes a change of an upload that has not ended. Undefined when it has. */
  note(uploadId: string, changes: UploadChanges): Promise<UploadRecord | undefined> {
    return this.#parts.options.store.uploads.update(uploadId, changes, unfinished);
  }

  /** Bytes came; the time of its end moves. */
  async received(uploadId: string, bytes: number, state: 'receiving' | 'paused', error: UploadRecord['error'] = null): Promise<void> {
    await this.#parts.options.store.uploads.update(uploadId, { received_bytes: bytes, state, error, expires_at: this.expiry() }, moving);
  }

  /** Takes an upload that is complete out of the hands of its sender. False when it was done or ended already. */
  async toChecking(uploadId: string, size: number): Promise<UploadRecord | undefined> {
    const changes: UploadChanges = { state: 'checking', size_bytes: size, received_bytes: size, unverified_from: null, error: null };
    return this.#parts.options.store.uploads.update(uploadId, changes, moving);
  }

  /** Ends an upload without a video: its file goes, and the video that was to become of it. False when it had ended already. */
  async end(upload: UploadRecord, how: Ending, reason?: WeirError): Promise<boolean> {
    const { options, files, live } = this.#parts;
    const ended = await options.store.transaction(async (tx) => {
      const error = reason === undefined ? null : toUploadError(reason);
      const row = await tx.uploads.update(upload.upload_id, { state: how, error, path: null, expires_at: null }, unfinished);
      if (row === undefined) return false;
      await this.#dropVideo(tx, row);
      return true;
    });
    if (!ended) return false;
    if (how === 'failed') this.failed++;
    live.forget(upload.upload_id);
    await files.remove(upload.upload_id);
    options.log.info({ upload_id: upload.upload_id, owner: upload.owner, reason: reason?.message }, `upload ${how}`);
    return true;
  }

  /** Tells of a video as it is now; leaves with the transaction. */
  async tell(tx: Pick<Transaction, 'outbox'>, video: VideoRecord): Promise<void> {
    const message = this.#parts.options.view(video);
    await tx.outbox.add({ event_id: randomUUID(), name: 'video_changed', params: { video_id: video.video_id }, message });
  }

  /** The video that the upload becomes the source of: a new one, or that which the draft names. */
  async #videoFor(tx: Transaction, name: string, draft: VideoDraft, session: Session): Promise<VideoRecord> {
    if (draft.replaces !== undefined) return await replacedVideo(tx, draft.replaces, session);
    const video = await tx.videos.insert({
      video_id: randomUUID(),
      title: draft.title ?? titleOf(name),
      description: draft.description ?? '',
      tags: draft.tags ?? [],
      visibility: draft.visibility ?? 'private',
      owner: session.username,
      state: 'uploading',
    });
    await this.tell(tx, video);
    return video;
  }

  async #dropVideo(tx: Transaction, upload: UploadRecord): Promise<void> {
    const video = await tx.videos.get(upload.video_id);
    // One that has a source already is what it was before the upload.
    if (video === undefined || video.state !== 'uploading' || video.source !== null) return;
    await tx.videos.delete(video.video_id);
    await this.tell(tx, { ...video, deleted_at: new Date().toISOString() });
  }
}

/** An error as it is kept with an upload. */
export function toUploadError(error: WeirError): NonNullable<UploadRecord['error']> {
  const reason = error.facts?.reason;
  return { code: error.code, reason: typeof reason === 'string' ? reason : null, detail: error.toProblem().detail };
}
