/** The operations on uploads, one per route. */
import { type Video, WeirError } from '../../contracts/index.js';
import type { UploadRecord, VideoRecord } from '../../store/index.js';
import type { Fetching } from './fetch.js';
import { type InPlaceParts, takeInPlace } from './in-place.js';
import type { UploadsOptions } from './needs.js';
import { type OneBodyParts, receiveForm, receivePut } from './one-body.js';
import { maySee, reuseContent } from './reuse.js';
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
    reuse_upload: async (session, { body }) => options.view(await reuseContent(parts, session, body.sha256, body.size_bytes, body.draft ?? {})),
  } satisfies Partial<UploadOperations>;
}
