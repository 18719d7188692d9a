/** A library on a real database and a real folder, with a queue that only notes what it is asked. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { builtinProfiles, type Session, type VideoOutput, type VideoProcessRequest, WeirError } from '../../../contracts/index.js';
import { openStore, type Store } from '../../../store/index.js';
import { makeTempFolder, removeFolder } from '../../../testkit/index.js';
import { createQueueVideos, createVideoView, type Library, startLibrary } from '../index.js';
import type { LibraryOptions, LibrarySettings, LibraryTiming } from '../needs.js';
import type { QueueVideos } from '../queue-videos.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export const session = (role: Session['role'], username: string, more: Partial<Session> = {}): Session => ({
  user_id: `u-${username}`,
  username,
  role,
  streams: null,
  expires_at: null,
  ...more,
});

/** Calls an operation as a door does. */
export function call<I, A>(
  operation: (session: Session, input: I, context: { signal: AbortSignal }) => Promise<A>,
  by: Session,
  input: Partial<I>,
): Promise<A> {
  return operation(by, { params: undefined, query: {}, body: undefined, ...input } as I, { signal: new AbortController().signal });
}

export const output = (revision: number, more: Partial<VideoOutput> = {}): VideoOutput => ({
  revision,
  profile: 'default',
  master: 'master.m3u8',
  dash: null,
  thumbnail: 'thumbnail.jpg',
  posters: [{ file: 'poster_1.jpg', at_s: 0 }],
  storyboard: null,
  renditions: [],
  audio: [],
  subtitles: [],
  duration_s: 10,
  size_bytes: 1000,
  is_encrypted: false,
  published_at: new Date().toISOString(),
  ...more,
});

export interface LibraryBench {
  readonly store: Store;
  readonly library: Library;
  readonly queueVideos: QueueVideos;
  /** That of the library. */
  readonly videos: string;
  /** That of uploads. */
  readonly uploads: string;
  readonly enqueued: VideoProcessRequest[];
  readonly cancelled: string[];
  /** A published video of anna with its files and a source of ours; returns where they lie. */
  publish(videoId: string, visibility?: 'private' | 'link' | 'public'): Promise<{ folder: string; source: string }>;
}

export interface WithLibrary extends Pick<LibraryOptions, 'ffmpeg' | 'freeBytes'> {
  readonly timing?: Partial<LibraryTiming>;
  readonly settings?: Partial<LibrarySettings>;
}

/** Runs `body` with an empty library and clears up. */
export async function withLibrary(
  body: (bench: LibraryBench) => Promise<void>,
  { timing = {}, settings = {}, ...more }: WithLibrary = {},
): Promise<void> {
  const folder = await makeTempFolder('library');
  const store = await openStore({ path: join(folder, 'weir.db') });
  const [videos, uploads] = [join(folder, 'videos'), join(folder, 'uploads')];
  const enqueued: VideoProcessRequest[] = [];
  const cancelled: string[] = [];
  const view = createVideoView({});
  const options = {
    store,
    log: silent,
    settings: { profile: 'default', trash_keep_s: 3600, replaced_keep_s: 3600, min_free_bytes: 0, link_expires_s: 3600, ...settings },
    folder: videos,
    profiles: new Map(builtinProfiles.map((profile) => [profile.name, profile])),
    queue: {
      async enqueue(request: VideoProcessRequest): Promise<never> {
        enqueued.push(request);
        throw new WeirError('unavailable', 'noted');
      },
      async cancelVideo(videoId: string) {
        cancelled.push(videoId);
      },
      progressOf: () => undefined,
    },
    exportSpan: () => Promise.reject(new WeirError('unavailable', 'no recordings')),
    addRecording: () => Promise.reject(new WeirError('unavailable', 'no recordings')),
    linkSecret: 'a secret that is longer than it needs to be',
    timing,
    ...more,
  };
  const library = await startLibrary(options, view);
  const publish: LibraryBench['publish'] = async (videoId, visibility = 'private') => {
    const [made, source] = [join(videos, videoId, 'r1'), join(uploads, videoId, 'source')];
    // The rows first: what lies in the library without one is swept away.
    await store.videos.insert({ video_id: videoId, title: videoId, owner: 'anna', state: 'ready', visibility });
    await store.videos.addSource({ source_id: `s-${videoId}`, path: source, size_bytes: 6, sha256: null, owned: true });
    await store.videos.attachSource(videoId, `s-${videoId}`, 'holiday.mp4');
    const result = output(1);
    await store.videos.update(videoId, { output: result, output_path: made, published_at: result.published_at });
    await Promise.all([mkdir(made, { recursive: true }), mkdir(join(uploads, videoId), { recursive: true })]);
    await Promise.all([
      writeFile(source, 'source'),
      writeFile(join(made, 'master.m3u8'), '#EXTM3U\n'),
      writeFile(join(made, '360p_000.ts'), 'segment'),
      writeFile(join(made, 'thumbnail.jpg'), 'old picture'),
      writeFile(join(made, 'poster_1.jpg'), 'new picture'),
      writeFile(join(made, 'notes.txt'), 'not for others'),
    ]);
    return { folder: made, source };
  };
  try {
    await body({ store, library, queueVideos: createQueueVideos({ ...options, uploads }, view), videos, uploads, enqueued, cancelled, publish });
  } finally {
    await library.stop();
    await store.stop();
    await removeFolder(folder);
  }
}
