/** What the hub side of the queue of videos is given; `apps` passes the big objects. */
import type { Bus } from '../../bus/index.js';
import type { Config, Job, Operation, Session, SourceFacts, VideoOutput, VideoProfile } from '../../contracts/index.js';
import type { Store, Transaction } from '../../store/index.js';

/** The part of the store that the queue uses. */
export type QueueStore = Pick<Store, 'transaction' | 'jobs' | 'dead_letters' | 'callbacks' | 'settings'>;

/** Structured log; pino fits. */
export interface QueueLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A video as a request on the bus names it. */
export interface RegisteredVideo {
  readonly video_id: string;
  readonly owner: string;
  /** Absolute, inside an allowed folder. */
  readonly source_path: string;
  readonly metadata: Record<string, unknown>;
  readonly size_bytes?: number | undefined;
  readonly sha256?: string | undefined;
}

/** What became of a video through a job; each is applied in the transaction of the job's own change. */
export type VideoJobChange =
  | { readonly kind: 'queued'; readonly job_id: string }
  /** An attempt began, for the first time or again. */
  | { readonly kind: 'started'; readonly job_id: string }
  | { readonly kind: 'facts'; readonly job_id: string; readonly facts: SourceFacts }
  /** A first rendition can be played from `folder`, which is a staging folder. */
  | { readonly kind: 'playable'; readonly job_id: string; readonly output: VideoOutput; readonly folder: string }
  /** In place: `folder` is what readers get from now on. */
  | {
      readonly kind: 'published';
      readonly job_id: string;
      readonly output: VideoOutput;
      readonly folder: string;
      /** The worker was told to delete the source. */
      readonly source_deleted: boolean;
    }
  | { readonly kind: 'failed'; readonly job_id: string; readonly error: string }
  | { readonly kind: 'cancelled'; readonly job_id: string };

/** A request by a message, as far as it touches what others have. */
export interface AskedVideo {
  readonly video_id: string;
  /** `user_id` of the message. */
  readonly owner: string;
  /** Absolute, inside an allowed folder. */
  readonly source_path: string;
  /** Null: the library. */
  readonly output_path: string | null;
  readonly delete_source: boolean;
}

/** What the queue needs of the videos; implemented over `store/videos`. */
export interface QueueVideos {
  /**
   * May a message ask for that? The broker does not tell who sent it. Throws `permission_denied` for what belongs to others, with
   * `facts.reason` `not_yours`, and as `checkNotInTrash` does.
   */
  checkMessage(tx: Transaction, asked: AskedVideo): Promise<void>;
  /** Throws `failed_precondition` for a video in the trash. */
  checkNotInTrash(tx: Transaction, videoId: string): Promise<void>;
  /** True for a video that did not come by a message, also when it is gone meanwhile: the hub tells of it, and a message adds nothing. */
  isOfHub(tx: Transaction, videoId: string): Promise<boolean>;
  /** Makes the video unless there is one of this id; one that is there keeps its title, owner and output, and gets the source when it has none. */
  register(tx: Transaction, video: RegisteredVideo): Promise<void>;
  /** Keeps what a job has done to a video and tells it (`video_changed`). Nothing when the video is gone; must not throw for one in the trash. */
  apply(tx: Transaction, videoId: string, change: VideoJobChange): Promise<void>;
  /** Time of the picture that a person chose, as `thumbnail_time`; null: none was chosen. */
  thumbnailTime(tx: Transaction, videoId: string): Promise<string | null>;
  /** Those of the ids that this session may see. */
  visible(session: Session, videoIds: readonly string[]): Promise<ReadonlySet<string>>;
}

export type QueueSettings = Pick<
  Config['vod'],
  | 'folder'
  | 'upload_folder'
  | 'source_folders'
  | 'output_folders'
  | 'profile'
  | 'max_attempts'
  | 'retry_s'
  | 'lease_s'
  | 'chunk_min_s'
  | 'min_free_bytes'
  | 'fetch_hosts'
  | 'max_duration_s'
  | 'max_pixels'
  | 'max_streams'
  | 'max_output_bytes'
  | 'max_wall_s'
  | 'max_memory_bytes'
  | 'stall_s'
  | 'callback_attempts'
  | 'keep_jobs_days'
> & {
  /** The library: `<folder>/<video_id>/r<revision>`; absolute. */
  readonly folder: string;
  /** Absolute; its files may be sources. */
  readonly upload_folder: string;
};

/** Times that only tests shorten. */
export interface QueueTiming {
  /** Leases, tickets and retries are looked at this often; what is due earlier is done when it is due. */
  readonly tickMs: number;
  /** A job that may start and was not opened by its ticket for so long gets a new one. */
  readonly reticketMs: number;
  /** Streams, consumers and tickets are compared with the database this often. */
  readonly reconcileMs: number;
  /** A worker that is silent for so long is lost. */
  readonly workerLostMs: number;
  /** Waiting so long raises a job by one step of priority. */
  readonly ageingMs: number;
  /** Pauses between the attempts of a callback; the last one repeats. */
  readonly callbackDelaysMs: readonly number[];
  /** One attempt of a callback. */
  readonly callbackTimeoutMs: number;
}

export interface VideoQueueOptions {
  /** Connected with the rights of the hub; remains the caller's to close. */
  readonly bus: Bus;
  readonly store: QueueStore;
  readonly log: QueueLog;
  readonly settings: QueueSettings;
  /** Every profile by name: the built-in ones and those of the configuration. */
  readonly profiles: ReadonlyMap<string, VideoProfile>;
  readonly videos: QueueVideos;
  /** Callbacks are signed with it: base64, with or without `whsec_`, 24 to 64 bytes. */
  readonly callbackSecret: string;
  /** Free bytes of the disk a folder lies on; default: asks the system. */
  readonly freeBytes?: (folder: string) => Promise<number>;
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: () => number;
  readonly timing?: Partial<QueueTiming>;
}

/** Every operation on jobs, named as its route. All of them throw `WeirError`. */
export interface JobOperations {
  readonly list_jobs: Operation<'list_jobs'>;
  readonly get_job: Operation<'get_job'>;
  readonly job_log: Operation<'job_log'>;
  readonly cancel_job: Operation<'cancel_job'>;
  readonly retry_job: Operation<'retry_job'>;
  readonly update_job: Operation<'update_job'>;
  readonly get_queue: Operation<'get_queue'>;
  readonly pause_queue: Operation<'pause_queue'>;
  readonly resume_queue: Operation<'resume_queue'>;
  readonly list_dead_letters: Operation<'list_dead_letters'>;
  readonly replay_dead_letter: Operation<'replay_dead_letter'>;
  readonly delete_dead_letter: Operation<'delete_dead_letter', undefined>;
  readonly list_callbacks: Operation<'list_callbacks'>;
  readonly replay_callback: Operation<'replay_callback'>;
  readonly callback_secret: Operation<'callback_secret'>;
}

/** Who asks for a job, and how it came here. */
export interface EnqueueOptions {
  readonly origin: Job['origin'];
  /** Name of the user whose share of the workers it takes. */
  readonly owner: string;
  /** Joins this transaction: the job is queued when, and only when, it commits. */
  readonly tx?: Transaction;
}
