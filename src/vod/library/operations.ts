/** Operations on videos, one per route. */
import { looksAfterAll } from '../../access/index.js';
import { type Operation, type Redirect, type RouteInput, type Session, type StoredFile, type Video, WeirError } from '../../contracts/index.js';
import { validateOutput } from '../../media/index.js';
import type { VideoChanges, VideoFilter, VideoRecord } from '../../store/index.js';
import { type Links, sharedFacts } from './links.js';
import { checkNotInTrash } from './messages.js';
import type { LibraryOptions } from './needs.js';
import { setPoster } from './poster.js';
import { mayChange, maySee, noVideo } from './rights.js';
import { tell } from './tell.js';
import { deleteForever } from './upkeep.js';
import { type Delivered, openCurrentFile, openRevisionFile, openSource } from './video-files.js';

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
  readonly shared_video: Operation<'shared_video'>;
  readonly linked_video: Operation<'linked_video'>;
  readonly video_file: Operation<'video_file', StoredFile | Redirect>;
  readonly linked_video_file: Operation<'linked_video_file', StoredFile | Redirect>;
  readonly video_revision_file: Operation<'video_revision_file', StoredFile>;
  readonly linked_video_revision_file: Operation<'linked_video_revision_file', StoredFile>;
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
  /** Who only watches is told that it failed and of what kind that was, not which files and commands. */
  const shownTo = (session: Session, record: VideoRecord): Video => {
    const shown = view(record);
    return shown.error === null || mayChange(session, record) ? shown : { ...shown, error: shown.error.replace(/:.*$/s, '') };
  };
  return {
    async list_videos(session, { query }) {
      const { trash, cursor, ...given } = query;
      const filter: VideoFilter = { ...given, trash: trash === 'true', ...(looksAfterAll(session) ? {} : { seenBy: session.username }) };
      const [page, tags] = await Promise.all([
        store.videos.list({ ...filter, sort: query.sort, limit: query.limit, ...(cursor === undefined ? {} : { cursor }) }),
        store.videos.tags(filter),
      ]);
      return { items: page.items.map((video) => shownTo(session, video)), next_cursor: page.next_cursor, total: page.total, tags };
    },
    get_video: async (session, { params }) => shownTo(session, await need(parts, session, params.video_id, 'see')),
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
      checkNotInTrash(video);
      const path = sourcePath(video);
      const { quality, profile, priority, callback_url, thumbnail_time, delete_source } = body ?? {};
      const request = {
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
      };
      const asked = { origin: 'api', owner: session.username } as const;
      if (thumbnail_time === undefined) return await options.queue.enqueue(request, asked);
      // A time that is named now takes the place of the picture that was chosen before.
      return await options.store.transaction(async (tx) => {
        await tx.videos.update(video.video_id, { poster: { at_s: secondsOf(thumbnail_time), chosen_at: new Date().toISOString() } });
        return await options.queue.enqueue(request, { ...asked, tx });
      });
    },
    async set_poster(session, { params, body }, { signal }) {
      const video = await need(parts, session, params.video_id, 'change');
      checkNotInTrash(video);
      return view(await setPoster(parts, video, body, signal));
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
      checkNotInTrash(video);
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
  const library = options.folder;
  const seen = async (session: Session, videoId: string): Promise<Delivered> => {
    const video = await need(parts, session, videoId, 'see');
    return { video, library, isPublic: video.visibility === 'public' };
  };
  const linked = async (token: string): Promise<Delivered> => {
    const video = await options.store.videos.get(await links.open(token));
    if (video === undefined || video.deleted_at !== null || video.visibility === 'private') {
      throw new WeirError('not_found', 'This video is not shown any more', { facts: { resource: 'video' } });
    }
    return { video, library, isPublic: false };
  };
  return {
    shared_video: async (session, { params }) => sharedFacts((await seen(session, params.video_id)).video),
    linked_video: async (_session, { params }) => sharedFacts((await linked(params.link_token)).video),
    video_file: async (session, { params }: RouteInput<'video_file'>) => openCurrentFile(await seen(session, params.video_id), params.filename),
    linked_video_file: async (_session, { params }: RouteInput<'linked_video_file'>) =>
      openCurrentFile(await linked(params.link_token), params.filename),
    video_revision_file: async (session, { params }: RouteInput<'video_revision_file'>) =>
      openRevisionFile(await seen(session, params.video_id), params.revision, params.filename),
    linked_video_revision_file: async (_session, { params }: RouteInput<'linked_video_revision_file'>) =>
      openRevisionFile(await linked(params.link_token), params.revision, params.filename),
    async video_source(session, { params }: RouteInput<'video_source'>) {
      return await openSource(await need(parts, session, params.video_id, 'change'));
    },
  } satisfies Partial<LibraryOperations>;
}

/** Of seconds, or `hh:mm:ss`. */
function secondsOf(time: string): number {
  return time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

function sourcePath(video: VideoRecord): string {
  if (video.source?.kept === true) return video.source.path;
  throw new WeirError('failed_precondition', 'The source of this video is not kept any more', {
    facts: { state: 'source_deleted' },
    hint: 'Upload it again with `replaces`',
  });
}
