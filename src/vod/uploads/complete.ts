/** After the last byte: what is it really? Then it becomes the source of its video, in one transaction with its events and its job. */
import { randomUUID } from 'node:crypto';
import { type SourceFacts, type VideoDraft, type VideoProcessRequest, WeirError } from '../../contracts/index.js';
import type { Transaction, UploadRecord, VideoRecord } from '../../store/index.js';
import { toUploadError, type UploadBook } from './book.js';
import type { LiveUploads } from './live.js';
import type { UploadsOptions } from './needs.js';
import type { UploadFiles } from './upload-files.js';

export interface CompletionParts {
  readonly options: Pick<UploadsOptions, 'store' | 'log' | 'inspect' | 'enqueue'>;
  readonly files: UploadFiles;
  readonly live: LiveUploads;
  readonly book: UploadBook;
  /** Aborts when the hub stops: a check that was cut short is made again by the next start. */
  readonly stopping: AbortSignal;
}

/** Failures of the check that say nothing about the file. */
const passing: ReadonlySet<string> = new Set(['unavailable', 'internal', 'cancelled', 'deadline_exceeded', 'resource_exhausted']);

export class Completion {
  done = 0;
  readonly #parts: CompletionParts;
  readonly #running = new Map<string, { readonly abort: AbortController; readonly ended: Promise<VideoRecord> }>();

  constructor(parts: CompletionParts) {
    this.#parts = parts;
  }

  /**
   * Checks a complete upload and makes its video. Throws what is wrong with the file, which is deleted then; when the check itself could not
   * be made (`unavailable`, ...) the upload stays `checking` and is tried again later.
   */
  complete(upload: UploadRecord): Promise<VideoRecord> {
    const running = this.#running.get(upload.upload_id);
    if (running !== undefined) return running.ended;
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#parts.stopping]);
    const ended = this.#check(upload, signal).finally(() => this.#running.delete(upload.upload_id));
    // Whoever does not wait for it learns of a failure from the upload.
    ended.catch(() => undefined);
    this.#running.set(upload.upload_id, { abort, ended });
    return ended;
  }

  isRunning(uploadId: string): boolean {
    return this.#running.has(uploadId);
  }

  /** Stops a check, for an upload that was cancelled. */
  async abort(uploadId: string, reason: WeirError): Promise<void> {
    const running = this.#running.get(uploadId);
    running?.abort.abort(reason);
    await running?.ended.catch(() => undefined);
  }

  /** Waits for what runs. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map((one) => one.ended));
  }

  async #check(upload: UploadRecord, signal: AbortSignal): Promise<VideoRecord> {
    const { options, files, live, book } = this.#parts;
    const { upload_id, path } = upload;
    try {
      if (path === null) throw new WeirError('internal', 'The upload has no file');
      const isOurs = upload.method !== 'path';
      if (isOurs) await files.sync(upload_id);
      // The digest of a file that is used in place is made afterwards: whoever named it need not wait until it was read.
      const digest = isOurs ? live.digest(upload_id, path, upload.size_bytes ?? 0) : Promise.resolve(null);
      digest.catch(() => undefined);
      const facts = await options.inspect(path, signal);
      const video = await this.#keep(upload, path, facts, await digest);
      this.done++;
      live.forget(upload_id);
      options.log.info({ upload_id, video_id: video.video_id, size_bytes: upload.size_bytes, owner: upload.owner }, 'upload done');
      if (!isOurs) this.#digestLater(upload_id, path, upload.size_bytes ?? 0);
      return video;
    } catch (thrown) {
      const error = WeirError.from(thrown);
      if (passing.has(error.code)) {
        if (!signal.aborted) {
          options.log.warn({ upload_id, err: error }, 'an upload could not be checked, it will be tried again');
          await book.note(upload_id, { error: toUploadError(error) });
        }
      } else await book.end(upload, 'failed', error);
      throw error;
    }
  }

  async #keep(upload: UploadRecord, path: string, facts: SourceFacts, sha256: string | null): Promise<VideoRecord> {
    try {
      return await this.#keepWith(upload, path, facts, sha256, wantsJob(upload.draft));
    } catch (thrown) {
      const error = WeirError.from(thrown);
      // A job that cannot be made is no reason to lose the file: the video says why it was not queued.
      if (!wantsJob(upload.draft) || !['invalid_argument', 'permission_denied', 'failed_precondition'].includes(error.code)) throw thrown;
      this.#parts.options.log.warn({ upload_id: upload.upload_id, err: error }, 'no job could be made for an upload');
      return this.#keepWith(upload, path, facts, sha256, false, error.message);
    }
  }

  async #keepWith(
    upload: UploadRecord,
    path: string,
    facts: SourceFacts,
    sha256: string | null,
    withJob: boolean,
    problem: string | null = null,
  ): Promise<VideoRecord> {
    const { options, files, book } = this.#parts;
    const { video, released } = await options.store.transaction(async (tx) => {
      const changes = { state: 'done', sha256, path: null, error: null, expires_at: null } as const;
      const row = await tx.uploads.update(upload.upload_id, changes, ['checking']);
      if (row === undefined) throw new WeirError('cancelled', 'The upload was cancelled');
      const sourceId = await sourceFor(tx, upload, path, sha256);
      const letGo = await tx.videos.attachSource(upload.video_id, sourceId, upload.name);
      const before = await tx.videos.get(upload.video_id);
      // The present output of a video that got a new source stays until there is another one.
      const state = before?.output == null ? 'uploaded' : before.state;
      const kept = await tx.videos.update(upload.video_id, { facts, state, error: problem });
      await publishUploaded(tx, kept, path, sha256);
      await book.tell(tx, kept);
      if (withJob) await options.enqueue(requestFor(kept, path, upload.draft), { origin: originOf(upload), owner: kept.owner, tx });
      return { video: (await tx.videos.get(upload.video_id)) ?? kept, released: letGo };
    });
    if (released.path !== null) await files.removeSource(released.path);
    return video;
  }

  #digestLater(uploadId: string, path: string, size: number): void {
    const { live, options } = this.#parts;
    live
      .digest(uploadId, path, size)
      .then(async (sha256) => {
        await options.store.videos.setSourceHash(uploadId, sha256);
        await options.store.uploads.update(uploadId, { sha256 }, ['done']);
      })
      .catch((error: unknown) => {
        if (!this.#parts.stopping.aborted) options.log.warn({ upload_id: uploadId, err: error }, 'no digest could be made of a file');
      })
      .finally(() => live.forget(uploadId));
  }
}

/** A file that is used in place by several videos is one source. */
async function sourceFor(tx: Transaction, upload: UploadRecord, path: string, sha256: string | null): Promise<string> {
  const present = upload.method === 'path' ? await tx.videos.sourceAt(path) : undefined;
  if (present !== undefined) return present.source_id;
  const size_bytes = upload.size_bytes ?? 0;
  await tx.videos.addSource({ source_id: upload.upload_id, path, size_bytes, sha256, owned: upload.method !== 'path' });
  return upload.upload_id;
}

async function publishUploaded(tx: Transaction, video: VideoRecord, path: string, sha256: string | null): Promise<void> {
  await tx.outbox.add({
    event_id: randomUUID(),
    name: 'video_upload',
    params: {},
    message: {
      video_id: video.video_id,
      source_path: path,
      user_id: video.owner,
      metadata: { title: video.title },
      ...(video.source === null ? {} : { size_bytes: video.source.size_bytes }),
      ...(sha256 === null ? {} : { sha256 }),
      timestamp: new Date().toISOString(),
    },
  });
}

function wantsJob(draft: VideoDraft): boolean {
  return draft.process !== false;
}

function originOf(upload: UploadRecord): 'upload' | 'recording' {
  return upload.method === 'recording' ? 'recording' : 'upload';
}

/** The job that a draft asks for. */
export function requestFor(video: VideoRecord, path: string, draft: VideoDraft): VideoProcessRequest {
  return {
    video_id: video.video_id,
    source_path: path,
    user_id: video.owner,
    metadata: { title: video.title },
    ...(draft.quality === undefined ? {} : { quality: draft.quality }),
    ...(draft.profile === undefined ? {} : { profile: draft.profile }),
    ...(draft.priority === undefined ? {} : { priority: draft.priority }),
    ...(draft.callback_url === undefined ? {} : { callback_url: draft.callback_url }),
    ...(draft.thumbnail_time === undefined ? {} : { thumbnail_time: draft.thumbnail_time }),
    ...(draft.delete_source === undefined ? {} : { delete_source: draft.delete_source }),
  };
}
