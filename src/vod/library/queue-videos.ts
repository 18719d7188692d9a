/** What jobs do to videos, kept in the transaction of the job's own change. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Session, SourceFacts, Video, VideoOutput } from '../../contracts/index.js';
import type { Transaction, VideoChanges, VideoRecord } from '../../store/index.js';
import { type AskedVideo, checkMessage, checkNotInTrash, isOfHub, type OwnFolders } from './messages.js';
import type { LibraryOptions } from './needs.js';
import { type PosterParts, repeatPoster } from './poster.js';
import { maySee } from './rights.js';
import { tell } from './tell.js';
import { deleteOwnedSource } from './upkeep.js';

/** A video as a request on the bus names it. */
export interface NamedVideo {
  readonly video_id: string;
  readonly owner: string;
  /** Absolute, inside an allowed folder. */
  readonly source_path: string;
  readonly metadata: Record<string, unknown>;
  readonly size_bytes?: number | undefined;
  readonly sha256?: string | undefined;
}

/** What became of a video through a job. */
export type JobChange =
  | { readonly kind: 'queued' | 'started' | 'cancelled'; readonly job_id: string }
  | { readonly kind: 'facts'; readonly job_id: string; readonly facts: SourceFacts }
  | { readonly kind: 'playable'; readonly job_id: string; readonly output: VideoOutput; readonly folder: string }
  | { readonly kind: 'published'; readonly job_id: string; readonly output: VideoOutput; readonly folder: string; readonly source_deleted: boolean }
  | { readonly kind: 'failed'; readonly job_id: string; readonly error: string };

/** Fits what the queue asks for. */
export interface QueueVideos {
  checkMessage(tx: Transaction, asked: AskedVideo): Promise<void>;
  checkNotInTrash(tx: Transaction, videoId: string): Promise<void>;
  isOfHub(tx: Transaction, videoId: string): Promise<boolean>;
  register(tx: Transaction, video: NamedVideo): Promise<void>;
  apply(tx: Transaction, videoId: string, change: JobChange): Promise<void>;
  thumbnailTime(tx: Transaction, videoId: string): Promise<string | null>;
  visible(session: Session, videoIds: readonly string[]): Promise<ReadonlySet<string>>;
}

const maxTitle = 300;

export type QueueVideosOptions = Pick<LibraryOptions, 'store' | 'log' | 'folder' | 'ffmpeg'> & {
  /** That of uploads, absolute. */
  readonly uploads: string;
};

/** Over the rows of videos; each change is told as `video_changed`. */
export function createQueueVideos(options: QueueVideosOptions, view: (record: VideoRecord) => Video): QueueVideos {
  const { store } = options;
  const own: OwnFolders = { library: options.folder, uploads: options.uploads };
  return {
    checkMessage: (tx, asked) => checkMessage(tx, asked, own),
    checkNotInTrash: async (tx, videoId) => checkNotInTrash(await tx.videos.get(videoId)),
    isOfHub,
    async register(tx, video) {
      const known = await tx.videos.get(video.video_id);
      if (known === undefined) {
        await tx.videos.insert({
          video_id: video.video_id,
          title: titleOf(video),
          owner: video.owner,
          state: 'uploaded',
          origin: 'bus',
          metadata: video.metadata,
        });
      }
      if (known?.source?.kept !== true) await attach(tx, video);
      await tell(tx, video.video_id, view);
    },
    async apply(tx, videoId, change) {
      const video = await tx.videos.get(videoId);
      if (video === undefined) return;
      await tx.videos.update(videoId, changesOf(video, change));
      if (change.kind === 'published' && change.source_deleted && video.source?.kept === true) {
        await tx.videos.releaseSource(videoId);
        deleteLater(options, videoId, video.source.path);
      }
      if (change.kind === 'published' && (await isChosenSince(tx, video, change.job_id))) showLater({ options, view }, videoId);
      await tell(tx, videoId, view);
    },
    async thumbnailTime(tx, videoId) {
      const at = (await tx.videos.get(videoId))?.poster?.at_s;
      return at === undefined ? null : at.toFixed(3);
    },
    async visible(session, videoIds) {
      const seen = new Set<string>();
      for (const videoId of new Set(videoIds)) {
        const video = await store.videos.get(videoId);
        if (video !== undefined && maySee(session, video)) seen.add(videoId);
      }
      return seen;
    },
  };
}

/** By then the transaction has ended. */
const afterCommitMs = 2000;

/** When the transaction failed, or another video keeps the file, the file stays. */
function deleteLater({ store, log }: Pick<LibraryOptions, 'store' | 'log'>, videoId: string, path: string): void {
  const remove = async () => {
    const video = await store.videos.get(videoId);
    if (video?.source?.kept !== false || (await store.videos.sourceAt(path)) !== undefined) return;
    await (video.source.owned ? deleteOwnedSource(path) : rm(path, { force: true }));
  };
  setTimeout(() => {
    remove().catch((error: unknown) => log.warn({ err: error, file: path }, 'a source that was to be deleted is still there'));
  }, afterCommitMs).unref();
}

/** True when the picture was chosen after the job was given its orders. */
async function isChosenSince(tx: Transaction, { poster }: VideoRecord, jobId: string): Promise<boolean> {
  if (poster === null) return false;
  const startedMs = (await tx.jobs.get(jobId))?.started_ms ?? null;
  return startedMs !== null && Date.parse(poster.chosen_at) >= startedMs;
}

const pictureTimeoutMs = 60_000;

function showLater(parts: PosterParts & { options: QueueVideosOptions }, videoId: string): void {
  setTimeout(() => {
    repeatPoster(parts, videoId, AbortSignal.timeout(pictureTimeoutMs)).catch((error: unknown) =>
      parts.options.log.warn({ err: error, video_id: videoId }, 'the chosen picture is not shown with the new result'),
    );
  }, afterCommitMs).unref();
}

/** A video that was published stays playable whatever a later job does. */
function changesOf(video: VideoRecord, change: JobChange): VideoChanges {
  const isPublished = video.published_at !== null;
  const withoutStaged: VideoChanges = isPublished ? {} : { output: null, output_path: null };
  switch (change.kind) {
    case 'queued':
      return { job_id: change.job_id, progress: 0, error: null, ...(isPublished ? {} : { state: 'queued' }) };
    case 'started':
      return { job_id: change.job_id, ...(isPublished ? {} : { state: 'processing' }), ...withoutStaged };
    case 'facts':
      return { facts: change.facts };
    case 'playable':
      return isPublished ? {} : { output: change.output, output_path: change.folder };
    case 'published':
      return {
        output: change.output,
        output_path: change.folder,
        state: 'ready',
        progress: null,
        error: null,
        published_at: change.output.published_at,
      };
    case 'failed':
      return { progress: null, error: change.error, state: isPublished ? 'ready' : 'failed', ...withoutStaged };
    case 'cancelled':
      return { progress: null, state: isPublished ? 'ready' : 'uploaded', ...withoutStaged };
  }
}

async function attach(tx: Transaction, video: NamedVideo): Promise<void> {
  const known = await tx.videos.sourceAt(video.source_path);
  const sourceId = known?.source_id ?? randomUUID();
  if (known === undefined) {
    await tx.videos.addSource({
      source_id: sourceId,
      path: video.source_path,
      size_bytes: video.size_bytes ?? 0,
      sha256: video.sha256 ?? null,
      owned: false,
    });
  }
  await tx.videos.attachSource(video.video_id, sourceId, basename(video.source_path));
}

function titleOf({ metadata, source_path, video_id }: NamedVideo): string {
  const given = metadata.title;
  const text = typeof given === 'string' && given.trim() !== '' ? given.trim() : basename(source_path).replace(/\.[^.]*$/, '');
  return (text === '' ? video_id : text).slice(0, maxTitle);
}
