/** What uploads are given; `apps` passes the big objects. */
import type { Config, Job, SourceFacts, Video, VideoDraft, VideoProcessRequest } from '../../contracts/index.js';
import type { Store, Transaction, VideoRecord } from '../../store/index.js';

/** The part of the store that uploads use. */
export type UploadsStore = Pick<Store, 'transaction' | 'videos' | 'uploads'>;

/** Structured log; pino fits. */
export interface UploadsLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type UploadsSettings = Pick<
  Config['vod'],
  'source_folders' | 'max_upload_bytes' | 'upload_expire_s' | 'user_quota_bytes' | 'min_free_bytes' | 'keep_jobs_days'
>;

/** How a job is asked for: that of the queue fits. Joins the transaction. */
export type Enqueue = (
  request: VideoProcessRequest,
  options: { readonly origin: 'upload' | 'recording'; readonly owner: string; readonly tx: Transaction },
) => Promise<Job>;

/** An answer to a guarded request. */
export interface FetchedBody {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

/** GET of an address that a user chose; never into the network unless its owner names the host. Does not follow redirects. */
export type FetchSource = (
  url: string,
  options: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
) => Promise<FetchedBody>;

/** Times that only tests shorten. */
export interface UploadsTiming {
  /** Expired uploads are looked for, and checks that could not be made are tried again, this often. */
  readonly sweepMs: number;
  /** An upload without a byte for so long is shown as paused, and lets another connection go on with it. */
  readonly quietMs: number;
  /** A connection that is asked to give its upload to another one is waited for so long. */
  readonly handOverMs: number;
  /** How far an upload has come is written to the database this often. */
  readonly noteMs: number;
  /** Pause before a broken fetch goes on; doubled up to a minute. */
  readonly fetchRetryMs: number;
}

export const defaultTiming: UploadsTiming = { sweepMs: 30_000, quietMs: 2000, handOverMs: 5000, noteMs: 2000, fetchRetryMs: 2000 };

export interface UploadsOptions {
  readonly store: UploadsStore;
  readonly log: UploadsLog;
  readonly settings: UploadsSettings;
  /** Absolute; made when missing. Each upload has a folder in it that is named by its id. */
  readonly folder: string;
  /** Measures what a file is; throws `unsupported` with `facts.reason` for what is no video. */
  readonly inspect: (path: string, signal: AbortSignal) => Promise<SourceFacts>;
  readonly enqueue: Enqueue;
  readonly fetch: FetchSource;
  /** A video as others see it, with addresses. */
  readonly view: (video: VideoRecord) => Video;
  /** Throws for a profile, a quality or a callback that jobs would refuse, so that it is known before the first byte. Default: nothing is refused. */
  readonly checkDraft?: (draft: VideoDraft) => void;
  /** `http.public_url`; without it addresses are relative, which is right behind any proxy. */
  readonly publicUrl?: string | undefined;
  /** Bytes that this user can have on the disk of a folder; default: asks the system. */
  readonly freeBytes?: (folder: string) => Promise<number>;
  readonly timing?: Partial<UploadsTiming>;
}
