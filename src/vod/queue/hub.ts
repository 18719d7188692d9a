/** The hub side of the queue of videos. */
import type { ComponentHealth, Job, JobProgress, Operation, VideoProcessRequest, VideoQueue } from '../../contracts/index.js';
import type { Transaction } from '../../store/index.js';

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

/** The running hub side of the queue. */
export interface VideoQueueHub {
  /** One operation per route of jobs. */
  readonly operations: JobOperations;
  /**
   * Queues a job. `source_path` must lie in an allowed folder, `quality` and `profile` must exist; throws `invalid_argument` or
   * `permission_denied` with the field otherwise. Without `output_path` the result goes to the library.
   */
  enqueue(request: VideoProcessRequest, options: EnqueueOptions): Promise<Job>;
  /** A job as it is now; undefined when there is none. */
  job(jobId: string): Promise<Job | undefined>;
  /** Cancels all jobs of a video that have not ended, for example because it is deleted for good; resolves when they are. */
  cancelVideo(videoId: string): Promise<void>;
  /** How the running job of a video goes; undefined when none runs. */
  progressOf(videoId: string): JobProgress | undefined;
  /** Told of each state, and about once a second how a running job goes. Returns the way to unsubscribe. */
  onJobChange(listener: (job: Job) => void): () => void;
  /** Depth, age, speed, cost and workers as they are now. */
  queue(): Promise<VideoQueue>;
  /** Component `video_queue` for the health of the whole. */
  health(): ComponentHealth;
  /** Ends intake, then what runs. Workers go on without the hub and are heard again by the next one. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
