/** Operations on videos, one per route. */
import { type MediaFile, type Operation, type RouteInput, type Session, type StoredFile, type Video, WeirError } from '../../contracts/index.js';
import { validateOutput } from '../../media/index.js';
import type { VideoChanges, VideoFilter, VideoRecord } from '../../store/index.js';
import { type Links, linkedFacts } from './links.js';
import type { LibraryOptions } from './needs.js';
import { putPoster } from './poster.js';
import { tell } from './queue-videos.js';
import { mayChange, maySee, noVideo, seesAll } from './rights.js';
import { deleteForever } from './upkeep.js';
import { openSource, openVideoFile } from './video-files.js';

/** Every operation on the library, named as its route. All of them throw `WeirError`. */
export interface LibraryOperations {
  readonly list_videos: Operation<'list_videos'>;
  readonly get_video: Operation<'get_video'>;
  readonly update_video: Operation<'update_video'>;
  readonly delete_video: Operation<'delete_video'>;
  readonly restore_video: Operation<'restore_video'>;
  readonly process_video: Operation<'process_video'>;
  readonly set_poster: Operation<'set_poster'>;
  readonly video_report: Operation<'video_report'>;
  readonly video_from_recording: Operation<'video_from_recording'>;
  readonly list_video_links: Operation<'list_video_links'>;
  readonly create_video_link: Operation<'create_video_link'>;
  readonly delete_video_link: Operation<'delete_video_link', undefined>;
  readonly list_profiles: Operation<'list_profiles'>;
  readonly video_file: Operation<'video_file', StoredFile | MediaFile>;
  readonly linked_video_file: Operation<'linked_video_file', StoredFile | MediaFile>;
  readonly video_source: Operation<'video_source', StoredFile>;
}

export interface OperationParts {
  readonly options: LibraryOptions;
  readonly links: Links;
  readonly view: (record: VideoRecord) => Video;
}

export function createOperations(parts: OperationParts): LibraryOperations {
  return { ...catalogue(parts), ...making(parts), ...linking(parts), ...files(parts) };
}

/** A record that this session may see, or may change. Throws `not_found` else, and `permission_denied` for one that it only may see. */
async function need({ options }: OperationParts, session: Session, videoId: string, to: 'see' | 'change'): Promise<VideoRecord> {
  const video = await options.store.videos.get(videoId);
  if (video === undefined || !maySee(session, video)) throw noVideo(videoId);
  if (to === 'change' && !mayChange(session, video)) {
    throw new WeirError('permission_denied', 'Only its owner and operators may change a video', { facts: { resource: 'video', id: videoId } });
  }
  return video;
}

/** Changes a video and tells of it, in one transaction. */
function change({ options, view }: OperationParts, videoId: string, changes: VideoChanges): Promise<VideoRecord> {
  return options.store.transaction(async (tx) => {
    const changed = await tx.videos.update(videoId, changes);
    await tell(tx, videoId, view);
    return changed;
  });
}

function catalogue(parts: OperationParts) {
  const { options, view } = parts;
  const { store, settings } = options;
  return {
    async list_videos(session, { query }) {
      const { trash, cursor, ...given } = query;
      const filter: VideoFilter = { ...given, trash: trash === 'true', ...(seesAll(session) ? {} : { seenBy: session.username }) };
      const [page, tags] = await Promise.all([
        store.videos.list({ ...filter, sort: query.sort, limit: query.limit, ...(cursor === undefined ? {} : { cursor }) }),
        store.videos.tags(filter),
      ]);
      return { items: page.items.map(view), next_cursor: page.next_cursor, total: page.total, tags };
    },
    get_video: async (session, { params }) => view(await need(parts, session, params.video_id, 'see')),
    async update_video(session, { params, body }) {
      await need(parts, session, params.video_id, 'change');
      const { title, description, tags, visibility } = body;
      const changes = {
        ...(title === undefined ? {} : { title }),
        ...(description === undefined ? {} : { description }),
        ...(tags === undefined ? {} : { tags }),
        ...(visibility === undefined ? {} : { visibility }),
      };
      return view(await change(parts, params.video_id, changes));
    },
    async delete_video(session, { params, query }) {
      const video = await need(parts, session, params.video_id, 'change');
      if (query.forever === 'true') {
        await deleteForever(options, video);
        return { video_id: video.video_id, deleted: 'forever' as const, until: null };
      }
      const deletedAt = video.deleted_at ?? new Date().toISOString();
      await change(parts, video.video_id, { deleted_at: deletedAt });
      const until = new Date(Date.parse(deletedAt) + settings.trash_keep_s * 1000).toISOString();
      return { video_id: video.video_id, deleted: 'trash' as const, until };
    },
    async restore_video(session, { params }) {
      await need(parts, session, params.video_id, 'change');
      return view(await change(parts, params.video_id, { deleted_at: null }));
    },
    list_profiles: async () => ({ items: [...options.profiles.values()], default: settings.profile }),
  } satisfies Partial<LibraryOperations>;
}

function making(parts: OperationParts) {
  const { options, view } = parts;
  return {
    async process_video(session, { params, body }) {
      const video = await need(parts, session, params.video_id, 'change');
      const path = sourcePath(video);
      const { quality, profile, priority, callback_url, thumbnail_time, delete_source } = body ?? {};
      return await options.queue.enqueue(
        {
          video_id: video.video_id,
          source_path: path,
          user_id: session.username,
          metadata: video.metadata,
          ...(quality === undefined ? {} : { quality }),
          ...(profile === undefined ? {} : { profile }),
          ...(priority === undefined ? {} : { priority }),
          ...(callback_url === undefined ? {} : { callback_url }),
          ...(thumbnail_time === undefined ? {} : { thumbnail_time }),
          ...(delete_source === undefined ? {} : { delete_source }),
        },
        { origin: 'api', owner: session.username },
      );
    },
    async set_poster(session, { params, body }, { signal }) {
      const video = await need(parts, session, params.video_id, 'change');
      const thumbnail = await putPoster(video, body, options, signal);
      const { output } = video;
      return view(await change(parts, video.video_id, output === null ? {} : { output: { ...output, thumbnail } }));
    },
    async video_report(session, { params }, { signal }) {
      const video = await need(parts, session, params.video_id, 'see');
      const { output, output_path: folder } = video;
      if (output === null || folder === null || video.published_at === null) {
        throw new WeirError('failed_precondition', 'There is nothing to report on until the video is ready', {
          facts: { state: video.state, allowed_states: ['ready'] },
        });
      }
      const rules = await validateOutput(folder, output, { signal });
      const passed = rules.every((rule) => rule.level !== 'must' || rule.result !== 'failed');
      return { video_id: video.video_id, revision: output.revision, checked_at: new Date().toISOString(), passed, rules };
    },
    async video_from_recording(session, { body }, { signal }) {
      const { draft = {}, ...span } = body;
      const file = await options.exportSpan(span, session, signal);
      return await options.addRecording({ ...file, draft, signal }, session);
    },
  } satisfies Partial<LibraryOperations>;
}

function linking(parts: OperationParts) {
  const { links } = parts;
  return {
    async list_video_links(session, { params }) {
      await need(parts, session, params.video_id, 'change');
      return { items: await links.list(params.video_id) };
    },
    async create_video_link(session, { params, body }) {
      const video = await need(parts, session, params.video_id, 'change');
      if (video.visibility === 'private') {
        throw new WeirError('failed_precondition', 'A private video has no links', {
          hint: 'Set its visibility to `link` first',
          facts: { state: video.visibility, allowed_states: ['link', 'public'] },
        });
      }
      return await links.create(video.video_id, body ?? {}, session.username);
    },
    async delete_video_link(session, { params }) {
      await need(parts, session, params.video_id, 'change');
      await links.revoke(params.video_id, params.link_id);
      return undefined;
    },
  } satisfies Partial<LibraryOperations>;
}

function files(parts: OperationParts) {
  const { options, links } = parts;
  return {
    async video_file(session, { params }: RouteInput<'video_file'>) {
      const video = await need(parts, session, params.video_id, 'see');
      if (params.filename === factsFile) return factsOf(video);
      return await openVideoFile(video, params.filename, video.visibility === 'public');
    },
    async linked_video_file(_session, { params }: RouteInput<'linked_video_file'>) {
      const video = await options.store.videos.get(await links.open(params.link_token));
      if (video === undefined || video.deleted_at !== null || video.visibility === 'private') {
        throw new WeirError('not_found', 'This video is not shown any more', { facts: { resource: 'video' } });
      }
      if (params.filename === factsFile) return factsOf(video);
      return await openVideoFile(video, params.filename, false);
    },
    async video_source(session, { params }: RouteInput<'video_source'>) {
      return await openSource(await need(parts, session, params.video_id, 'change'));
    },
  } satisfies Partial<LibraryOperations>;
}

/** What a page without login asks for first. */
const factsFile = 'video.json';

function factsOf(video: VideoRecord): MediaFile {
  return { contentType: 'application/json', body: JSON.stringify(linkedFacts(video)), maxAgeS: 0 };
}

function sourcePath(video: VideoRecord): string {
  if (video.source?.kept === true) return video.source.path;
  throw new WeirError('failed_precondition', 'The source of this video is not kept any more', {
    facts: { state: 'source_deleted' },
    hint: 'Upload it again with `replaces`',
  });
}
