/** What the library is given; `apps` passes the big objects. */
import type { Config, Job, JobProgress, Session, Video, VideoDraft, VideoProcessRequest, VideoProfile } from '../../contracts/index.js';
import type { Store, Transaction } from '../../store/index.js';

/** The part of the store that the library uses. */
export type LibraryStore = Pick<Store, 'transaction' | 'videos' | 'outbox'>;

/** Structured log; pino fits. */
export interface LibraryLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type LibrarySettings = Pick<Config['vod'], 'profile' | 'trash_keep_s' | 'replaced_keep_s' | 'min_free_bytes' | 'link_expires_s'>;

/** What the library asks of the queue. */
export interface LibraryQueue {
  enqueue(request: VideoProcessRequest, options: { origin: Job['origin']; owner: string; tx?: Transaction }): Promise<Job>;
  cancelVideo(videoId: string): Promise<void>;
  progressOf(videoId: string): JobProgress | undefined;
}

/** A span of a recording as one file, made without encoding. Throws `not_found` when nothing was recorded then. */
export type ExportSpan = (
  span: { readonly stream_id: string; readonly from: string; readonly to: string },
  session: Session,
  signal: AbortSignal,
) => Promise<{ readonly path: string; readonly name: string }>;

/** Takes such a file as a video. */
export type AddRecording = (
  file: { readonly path: string; readonly name: string; readonly draft: VideoDraft; readonly signal: AbortSignal },
  session: Session,
) => Promise<Video>;

/** Times that only tests shorten. */
export interface LibraryTiming {
  /** Trash and replaced outputs are looked at this often. */
  readonly sweepMs: number;
  /** What is neither the present output nor one before it is left alone for so long: somebody may still write there. */
  readonly unknownKeepMs: number;
}

export const defaultTiming: LibraryTiming = { sweepMs: 60_000, unknownKeepMs: 10 * 60_000 };

export interface LibraryOptions {
  readonly store: LibraryStore;
  readonly log: LibraryLog;
  readonly settings: LibrarySettings;
  /** The library, absolute: `<folder>/<video_id>/r<revision>`. Made when missing. */
  readonly folder: string;
  /** Every profile by name. */
  readonly profiles: ReadonlyMap<string, VideoProfile>;
  readonly queue: LibraryQueue;
  readonly exportSpan: ExportSpan;
  readonly addRecording: AddRecording;
  /** Signs links; any text of at least 32 characters, kept over restarts. */
  readonly linkSecret: string;
  /** `http.public_url`; without it addresses are relative, which is right behind any proxy. */
  readonly publicUrl?: string | undefined;
  /** For posters; undefined or missing: they cannot be changed to another time. */
  readonly ffmpeg?: { readonly ffmpeg: string } | undefined;
  /** Free bytes of the disk a folder lies on; default: asks the system. */
  readonly freeBytes?: (folder: string) => Promise<number>;
  readonly timing?: Partial<LibraryTiming>;
}
