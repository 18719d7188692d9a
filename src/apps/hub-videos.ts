/** Videos in the hub: uploads, queue, library, put together. They know each other only through what is passed here. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  builtinProfiles,
  type ComponentHealth,
  type Config,
  standardRenditions,
  type TusDoor,
  type VideoDraft,
  type VideoProfile,
  WeirError,
} from '../contracts/index.js';
import { inspectSource } from '../media/index.js';
import type { Recordings } from '../recordings/hub/index.js';
import { createQueueVideos, createVideoView, type ExportSpan, type LibraryOperations, startLibrary } from '../vod/library/index.js';
import { type JobOperations, startVideoQueue, type VideoQueueHub } from '../vod/queue/index.js';
import { startUploads, type UploadOperations, type Uploads } from '../vod/uploads/index.js';
import type { Closers } from './closers.js';
import type { DomainParts } from './hub-domains.js';
import { videoFolders } from './vod-worker-settings.js';

export interface HubVideos {
  readonly operations: UploadOperations & JobOperations & LibraryOperations;
  readonly tus: TusDoor;
  readonly queue: VideoQueueHub;
  readonly uploads: Uploads;
  /** Seconds of a video's source, as far as it is known. */
  durationOf(videoId: string): Promise<number | undefined>;
  health(): ComponentHealth[];
  /** Limits, times and quotas from now on; orders that workers hold keep those they were given. */
  configure(now: Config['vod']): void;
}

/** Starts all three; what is opened is closed with the hub. */
export async function startHubVideos(parts: DomainParts, recordings: Recordings, closers: Closers): Promise<HubVideos> {
  const { config, data, log, store, bus, facts } = parts;
  const folders = videoFolders(config);
  const profiles = profilesOf(config);
  // All parts look at this one, each time they need a value; so a change holds from the next look on.
  const settings = { ...config.vod, folder: folders.library, upload_folder: folders.uploads };
  let queue: VideoQueueHub | undefined;
  const view = createVideoView({ publicUrl: config.http.public_url, progressOf: (videoId) => queue?.progressOf(videoId) });
  const running = await startVideoQueue({
    bus,
    store,
    log: log.child({ component: 'video_queue' }),
    settings,
    profiles,
    videos: createQueueVideos(
      { store, log: log.child({ component: 'library' }), folder: folders.library, uploads: folders.uploads, ffmpeg: facts },
      view,
    ),
    callbackSecret: callbackSecret(data.secret('callback-key')),
  });
  queue = running;
  closers.push({ close: () => running.stop() });
  const uploads = await startUploads({
    store,
    log: log.child({ component: 'uploads' }),
    settings,
    folder: folders.uploads,
    inspect: (path, signal) => inspectUpload(parts, settings, path, signal),
    enqueue: (request, options) => running.enqueue(request, options),
    fetch: async (url, { headers, signal }) =>
      (await import('../vod/net/index.js'))
        .guardedRequest(url, { headers, signal, allowedHosts: settings.fetch_hosts })
        .then((answer) => ({ ...answer, headers: answer.headers })),
    view,
    checkDraft: (draft) => checkDraft(draft, profiles, config.vod.profile),
    publicUrl: config.http.public_url,
  });
  closers.push({ close: () => uploads.stop() });
  const library = await startLibrary(
    {
      store,
      log: log.child({ component: 'library' }),
      settings,
      folder: folders.library,
      profiles,
      queue: running,
      exportSpan: exportSpan(recordings, data.exportsFolder),
      addRecording: (file, session) => uploads.addRecording(file, session),
      linkSecret: data.secret('video-link-key'),
      publicUrl: config.http.public_url,
      ffmpeg: facts,
    },
    view,
  );
  closers.push({ close: () => library.stop() });
  return {
    operations: { ...uploads.operations, ...running.operations, ...library.operations },
    tus: uploads.tus,
    queue: running,
    uploads,
    durationOf: async (videoId) => (await store.videos.get(videoId))?.facts?.duration_s,
    health: () => [running.health(), uploads.health()],
    configure: (now) => void Object.assign(settings, now, { folder: folders.library, upload_folder: folders.uploads }),
  };
}

/** The built-in ones and those of the configuration, which may replace them. */
function profilesOf(config: Config): ReadonlyMap<string, VideoProfile> {
  const profiles = new Map([...builtinProfiles, ...config.vod.profiles].map((profile) => [profile.name, profile]));
  if (profiles.has(config.vod.profile)) return profiles;
  throw new WeirError('invalid_argument', `There is no profile ${config.vod.profile}`, {
    field: 'vod.profile',
    received: config.vod.profile,
    hint: `Use one of ${[...profiles.keys()].join(', ')}, or add it to vod.profiles`,
  });
}

/** What the queue would refuse later is known before the first byte. */
function checkDraft(draft: VideoDraft, profiles: ReadonlyMap<string, VideoProfile>, usual: string): void {
  const name = draft.profile ?? usual;
  const profile = profiles.get(name);
  if (profile === undefined) {
    throw new WeirError('invalid_argument', `There is no profile ${name}`, {
      field: 'profile',
      received: name,
      hint: `Use one of ${[...profiles.keys()].join(', ')}`,
    });
  }
  const known = new Set([...Object.keys(standardRenditions), ...profile.renditions.map((step) => step.name)]);
  const unknown = draft.quality?.find((quality) => !known.has(quality));
  if (unknown === undefined) return;
  throw new WeirError('invalid_argument', `There is no quality ${unknown}`, {
    field: 'quality',
    received: unknown,
    hint: `Use ${[...known].join(', ')}`,
  });
}

/** In the form that receivers of Standard Webhooks take. */
function callbackSecret(secret: string): string {
  return `whsec_${Buffer.from(secret, 'base64url').toString('base64')}`;
}

function inspectUpload({ facts }: DomainParts, settings: Config['vod'], path: string, signal: AbortSignal) {
  if (facts === undefined) throw new WeirError('unavailable', 'This hub has no FFmpeg to look at uploads with', { facts: { dependency: 'ffmpeg' } });
  const { max_duration_s, max_pixels, max_streams } = settings;
  return inspectSource(path, {
    ffprobe: facts.ffprobe,
    limits: { maxDurationS: max_duration_s, maxPixels: max_pixels, maxStreams: max_streams },
    signal,
  });
}

const lookMs = 200;
const none = { params: undefined, query: undefined, body: undefined };

/** By an export of recordings, which is forgotten once the file is ours. */
function exportSpan(recordings: Recordings, folder: string): ExportSpan {
  const { create_export, get_export, delete_export } = recordings.operations;
  return async (span, session, signal) => {
    const call = { signal };
    let made = await create_export(session, { ...none, body: span }, call);
    const params = { export_id: made.export_id };
    try {
      while (made.state === 'queued' || made.state === 'running') {
        await delay(lookMs, undefined, { signal });
        made = await get_export(session, { ...none, params }, call);
      }
    } catch (error) {
      await delete_export(session, { ...none, params }, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
      throw error;
    }
    if (made.state !== 'done' || made.filename === null) {
      throw new WeirError('internal', `The recording could not be exported: ${made.error ?? made.state}`);
    }
    return { path: join(folder, made.filename), name: made.filename };
  };
}
