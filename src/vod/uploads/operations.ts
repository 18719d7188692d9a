/** The operations on uploads, one per route. */
import { randomUUID } from 'node:crypto';
import { type Session, type Video, type VideoDraft, WeirError } from '../../contracts/index.js';
import type { UploadRecord, VideoRecord } from '../../store/index.js';
import { requestFor } from './complete.js';
import { checkTimes } from './draft.js';
import type { Fetching } from './fetch.js';
import { type InPlaceParts, takeInPlace } from './in-place.js';
import { cleanFileName } from './names.js';
import type { UploadsOptions } from './needs.js';
import { type OneBodyParts, receiveForm, receivePut } from './one-body.js';
import type { UploadOperations } from './types.js';
import { toUpload } from './view.js';

export interface OperationParts extends OneBodyParts, Pick<InPlaceParts, 'settings'> {
  readonly options: UploadsOptions;
  readonly fetching: Fetching;
}

export function createOperations(parts: OperationParts): UploadOperations {
  return { ...sendingOperations(parts), ...bookOperations(parts), ...contentOperations(parts) };
}

function sendingOperations(parts: OperationParts) {
  const view = (video: VideoRecord): Video => parts.options.view(video);
  return {
    upload_put: async (session, { params, query }, context) =>
      view(await receivePut(parts, session, { filename: params.filename, draft: query.draft }, context)),
    upload_multipart: async (session, _input, context) => view(await receiveForm(parts, session, context)),
    upload_path: async (session, { body }) => view(await takeInPlace(parts, session, body.path, body.draft ?? {})),
    upload_url: async (session, { body }, { signal }) => {
      const upload = await parts.fetching.begin(session, body.url, body.draft ?? {}, signal);
      return toUpload(upload, parts.live, parts.options.publicUrl);
    },
  } satisfies Partial<UploadOperations>;
}

function bookOperations(parts: OperationParts) {
  const { options, live, book, completion } = parts;
  const find = async (uploadId: string): Promise<UploadRecord> => {
    const record = await book.get(uploadId);
    if (record !== undefined) return record;
    throw new WeirError('not_found', `There is no upload ${uploadId}`, { facts: { resource: 'upload', id: uploadId } });
  };
  return {
    list_uploads: async (_session, { query }) => {
      const { items, next_cursor } = await options.store.uploads.list(query);
      return { items: items.map((item) => toUpload(item, live, options.publicUrl)), next_cursor };
    },
    get_upload: async (_session, { params }) => toUpload(await find(params.upload_id), live, options.publicUrl),
    delete_upload: async (session, { params }) => {
      const upload = await find(params.upload_id);
      const reason = new WeirError('cancelled', `Cancelled by ${session.username}`);
      await completion.abort(upload.upload_id, reason);
      if (await book.end(upload, 'cancelled', reason)) return undefined;
      const { state } = await find(params.upload_id);
      throw new WeirError('failed_precondition', `The upload is ${state}; only an unfinished one can be cancelled`, {
        facts: { resource: 'upload', id: upload.upload_id, state, allowed_states: ['receiving', 'paused', 'checking'] },
      });
    },
  } satisfies Partial<UploadOperations>;
}

function contentOperations(parts: OperationParts) {
  const { options, room } = parts;
  const { store, settings } = options;
  return {
    check_upload: async (session, { body }) => {
      let reason: string | null = null;
      try {
        await room.checkStart(body.size_bytes, session, store);
      } catch (thrown) {
        const error = WeirError.from(thrown);
        if (error.code === 'internal') throw thrown;
        reason = error.message;
      }
      const found = body.sha256 === undefined ? [] : await store.videos.withContent(body.sha256, body.size_bytes);
      return {
        allowed: reason === null,
        reason,
        max_bytes: settings.max_upload_bytes,
        quota_left_bytes: await room.quotaLeft(session.username, store),
        existing: found.filter((video) => maySee(session, video)).map((video) => options.view(video)),
      };
    },
    reuse_upload: async (session, { body }) => options.view(await reuse(parts, session, body.sha256, body.size_bytes, body.draft ?? {})),
  } satisfies Partial<UploadOperations>;
}

/** Private videos are seen by their owner and by operators, which is whoever may upload at all. */
function maySee(session: Session, video: VideoRecord): boolean {
  return session.role !== 'viewer' || video.owner === session.username || video.visibility === 'public';
}

/** A video of content that is here: it refers to the same file, which stays until the last video lets go of it. */
async function reuse(
  { options, book }: OperationParts,
  session: Session,
  sha256: string,
  sizeBytes: number,
  draft: VideoDraft,
): Promise<VideoRecord> {
  checkTimes(draft);
  options.checkDraft?.(draft);
  const like = (await options.store.videos.withContent(sha256, sizeBytes)).find((video) => maySee(session, video));
  if (like?.source == null) {
    throw new WeirError('not_found', 'This content is not here, or no longer: send it', { field: 'sha256', received: sha256 });
  }
  const { source, facts } = like;
  return options.store.transaction(async (tx) => {
    const videoId = draft.replaces ?? randomUUID();
    const present = draft.replaces === undefined ? undefined : await tx.videos.get(draft.replaces);
    if (draft.replaces !== undefined && (present === undefined || present.deleted_at !== null)) {
      throw new WeirError('not_found', `There is no video ${draft.replaces}`, { field: 'draft.replaces', received: draft.replaces });
    }
    if (present === undefined) {
      await tx.videos.insert({
        video_id: videoId,
        title: draft.title ?? like.title,
        description: draft.description ?? '',
        tags: draft.tags ?? [],
        visibility: draft.visibility ?? 'private',
        owner: session.username,
        state: 'uploaded',
      });
    }
    await tx.videos.attachSource(videoId, source.source_id, cleanFileName(source.name));
    const kept = await tx.videos.update(videoId, { facts, state: present?.output == null ? 'uploaded' : present.state, error: null });
    await book.tell(tx, kept);
    if (draft.process !== false) await options.enqueue(requestFor(kept, source.path, draft), { origin: 'upload', owner: kept.owner, tx });
    return (await tx.videos.get(videoId)) ?? kept;
  });
}
