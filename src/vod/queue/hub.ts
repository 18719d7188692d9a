/** The hub side of the queue of videos. */
import { setMaxListeners } from 'node:events';
import type { BusServer } from '../../bus/index.js';
import { type ComponentHealth, type Job, type JobProgress, type VideoProcessRequest, type VideoQueue, WeirError } from '../../contracts/index.js';
import type { JobRecord } from '../../store/index.js';
import { Beat } from './beat.js';
import { BusSide } from './bus-side.js';
import { Callbacks } from './callbacks.js';
import { Claims } from './claims.js';
import { queueFigures } from './figures.js';
import { Gate } from './gate.js';
import { Intake } from './intake.js';
import { JobBook } from './job-book.js';
import { cancelJob, createJobOperations, type JobOperationParts, shown, workersOf } from './job-operations.js';
import type { EnqueueOptions, JobOperations, VideoQueueOptions } from './needs.js';
import { Observations } from './observations.js';
import { changeQueue, defaultTiming, type QueueChange, type QueueListener, type QueueParts } from './parts.js';
import { Positions } from './positions.js';
import { Reports } from './reports.js';
import { readRequest } from './request.js';
import { Roster } from './roster.js';
import { Tickets } from './tickets.js';
import { toJob } from './view.js';

/** The running hub side of the queue. */
export interface VideoQueueHub {
  /** One operation per route of jobs. */
  readonly operations: JobOperations;
  /**
   * Queues a job. `source_path` must lie in an allowed folder, `quality` and `profile` must exist; throws `invalid_argument` or
   * `permission_denied` with the field otherwise, `failed_precondition` for a video in the trash. Without `output_path` the result goes to the library.
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
  /** Since the start of this hub: attempts to deliver callbacks. */
  callbackCounters(): { readonly delivered: number; readonly failed: number };
  /** Component `video_queue` for the health of the whole. */
  health(): ComponentHealth;
  /** Ends intake, then what runs. Workers go on without the hub and are heard again by the next one. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A worker that lost its job may still write for a moment; what it leaves is looked for again. */
const sweepAgainMs = 5000;
const queueGroup = 'video-queue';

/**
 * Makes the streams on the bus, then takes in messages, answers workers and looks after leases. Resolves when claims are answered. Fails with
 * `failed_precondition` when the broker has the streams with other settings that cannot be changed, `unavailable` without JetStream.
 */
export async function startVideoQueue(options: VideoQueueOptions): Promise<VideoQueueHub> {
  const hub = new QueueNouns(options);
  try {
    await hub.start();
  } catch (error) {
    await hub.stop();
    throw WeirError.from(error);
  }
  return hub;
}

class QueueNouns implements VideoQueueHub, QueueListener {
  readonly operations: JobOperations;
  readonly #parts: QueueParts;
  readonly #shared: JobOperationParts;
  readonly #abort = new AbortController();
  readonly #busSide: BusSide;
  readonly #book: JobBook;
  readonly #gate: Gate;
  readonly #intake: Intake;
  readonly #claims: Claims;
  readonly #reports: Reports;
  readonly #beat: Beat;
  readonly #roster: Roster;
  readonly #observations: Observations;
  readonly #callbacks: Callbacks;
  readonly #positions: Positions;
  readonly #listeners = new Set<(job: Job) => void>();
  readonly #sweeps = new Set<NodeJS.Timeout>();
  #servers: BusServer[] = [];
  #stopping: Promise<void> | undefined;

  constructor(options: VideoQueueOptions) {
    const { bus, store, log, settings, profiles, videos } = options;
    setMaxListeners(0, this.#abort.signal);
    const timing = { ...defaultTiming, ...options.timing };
    const parts: QueueParts = { bus, store, log, settings, profiles, videos, timing, now: options.now ?? Date.now, signal: this.#abort.signal };
    this.#parts = parts;
    this.#busSide = new BusSide(parts);
    this.#book = new JobBook(parts, this);
    this.#gate = new Gate(parts, options.freeBytes);
    this.#intake = new Intake(parts, this.#book, this.#busSide);
    this.#claims = new Claims(parts, { book: this.#book, gate: this.#gate, intake: this.#intake, listener: this });
    this.#reports = new Reports(parts, this.#book);
    const tickets = new Tickets(parts, this.#book, this.#gate, this.#busSide);
    this.#beat = new Beat(parts, { book: this.#book, tickets, busSide: this.#busSide });
    this.#positions = new Positions(parts);
    this.#observations = new Observations(parts, (job) => this.#emit(job));
    this.#callbacks = new Callbacks(parts, options.callbackSecret);
    this.#roster = new Roster(parts, { gone: (workerId, instance) => this.#gone(workerId, instance), came: (workerId) => this.#came(workerId) });
    this.#shared = {
      ...parts,
      book: this.#book,
      gate: this.#gate,
      roster: this.#roster,
      callbacks: this.#callbacks,
      observations: this.#observations,
      positions: this.#positions,
      wake: () => this.wake(),
    };
    this.operations = createJobOperations(this.#shared);
  }

  async start(): Promise<void> {
    const { bus } = this.#parts;
    await this.#busSide.start(() => this.#busIsBack());
    await this.#observations.start();
    await this.#roster.start();
    await this.#intake.start();
    this.#servers = [
      bus.serve(
        'job_claim',
        {},
        (claim, meta) => {
          speaksForItself(claim.worker_id, meta.params.worker_id);
          return this.#claims.claim(claim);
        },
        { queue: queueGroup },
      ),
      bus.serve(
        'job_report',
        {},
        (report, meta) => {
          speaksForItself(report.worker_id, meta.params.worker_id);
          return this.#reports.take(report);
        },
        { queue: queueGroup },
      ),
    ];
    await Promise.all(this.#servers.map((server) => server.ready));
    await this.#beat.start();
    this.#callbacks.kick();
  }

  async enqueue(request: VideoProcessRequest, { origin, owner, tx }: EnqueueOptions): Promise<Job> {
    const { store, settings, profiles, videos } = this.#parts;
    const draft = await readRequest(request, { settings, profiles });
    const later = await this.#gate.isPaused(tx?.settings);
    const add = async (change: QueueChange) => {
      await videos.checkNotInTrash(change.tx, draft.video_id);
      return this.#book.add(change, draft, { origin, owner, later });
    };
    if (tx === undefined) return shown(this.#shared, await changeQueue(store, add));
    await tx.lock('video_queue');
    // Whether the change is kept is not known here; who listens on the bus hears of it when it is.
    return toJob(await add({ tx, after: () => undefined }));
  }

  async job(jobId: string): Promise<Job | undefined> {
    const record = await this.#parts.store.jobs.get(jobId);
    return record === undefined ? undefined : shown(this.#shared, record);
  }

  async cancelVideo(videoId: string): Promise<void> {
    for (const job of await this.#parts.store.jobs.activeOf(videoId)) {
      await cancelJob(this.#shared, job.job_id, 'the end of its video').catch((error: unknown) => {
        // It has ended in the meantime, or is being put in place and ends by itself.
        if (WeirError.from(error).code !== 'failed_precondition') throw error;
      });
    }
  }

  progressOf(videoId: string): JobProgress | undefined {
    return this.#observations.progressOfVideo(videoId);
  }

  onJobChange(listener: (job: Job) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async queue(): Promise<VideoQueue> {
    return queueFigures(this.#parts, await workersOf(this.#shared));
  }

  callbackCounters(): { readonly delivered: number; readonly failed: number } {
    return this.#callbacks.counters;
  }

  health(): ComponentHealth {
    const { online } = this.#roster;
    const details = { workers: online, log_lines_dropped: this.#observations.counters.dropped };
    if (!this.#busSide.isReady) return { name: 'video_queue', status: 'unhealthy', message: 'The bus is away', details };
    if (this.#gate.isDiskLow) {
      return { name: 'video_queue', status: 'degraded', message: 'No video is processed: the disk has too little room', details };
    }
    const message = this.#busSide.warnings[0];
    return { name: 'video_queue', status: 'healthy', ...(message === undefined ? {} : { message }), details };
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  jobChanged(record: JobRecord): void {
    this.#observations.note(record);
    this.#positions.forget();
    this.#emit(toJob(record, null, this.#observations.progress(record.job_id)));
    if (record.state !== 'done' && record.state !== 'dead' && record.state !== 'cancelled') return;
    this.#reports.sweep(record);
    if (record.state === 'done') return;
    const timer = setTimeout(() => {
      this.#sweeps.delete(timer);
      this.#reports.sweep(record);
    }, sweepAgainMs);
    timer.unref();
    this.#sweeps.add(timer);
  }

  wake(): void {
    this.#positions.forget();
    this.#beat.kick();
  }

  callbackAdded(): void {
    this.#callbacks.kick();
  }

  #emit(job: Job): void {
    for (const listener of this.#listeners) {
      try {
        listener(job);
      } catch (error) {
        this.#parts.log.warn({ err: error, job_id: job.job_id }, 'a listener of a job failed');
      }
    }
  }

  /** A worker is lost, or was started anew: its jobs go to others at once, without waiting for their leases. */
  #gone(workerId: string, instance: string | undefined): void {
    const detail = instance === undefined ? `worker ${workerId} is gone` : `worker ${workerId} was started anew`;
    changeQueue(this.#parts.store, async (change) => {
      for (const job of await change.tx.jobs.running()) {
        if (job.worker_id !== workerId || job.instance === instance) continue;
        await this.#book.step(change, job, { kind: 'lost', detail });
      }
    }).catch((error: unknown) => this.#parts.log.warn({ err: error, worker_id: workerId }, 'jobs of a lost worker wait for the end of their leases'));
  }

  #came(workerId: string): void {
    this.#gate.isPaused().then(
      (isPaused) => this.#roster.tell(workerId, { action: isPaused ? 'pause' : 'resume' }),
      (error: unknown) => this.#parts.log.warn({ err: error, worker_id: workerId }, 'whether the queue is paused is not known'),
    );
    this.#beat.kick();
  }

  #busIsBack(): void {
    this.#beat
      .extendLeases()
      .then(() => this.#gate.isPaused())
      .then((isPaused) => {
        this.#roster.tellAll({ action: isPaused ? 'pause' : 'resume' });
        this.#beat.reconcileSoon();
      })
      .catch((error: unknown) => this.#parts.log.warn({ err: error }, 'the queue of videos could not be looked after'));
  }

  async #end(): Promise<void> {
    for (const timer of this.#sweeps) clearTimeout(timer);
    await Promise.all(this.#servers.map((server) => server.stop()));
    this.#busSide.stop();
    this.#roster.stop();
    await this.#beat.stop();
    this.#abort.abort();
    await this.#intake.stop();
    await this.#observations.stop();
    await this.#callbacks.stop();
  }
}

/** The subject, which its rights are bound to, decides who a worker is. */
function speaksForItself(workerId: string, subjectId: string): void {
  if (workerId !== subjectId)
    throw new WeirError('permission_denied', `${subjectId} cannot speak for ${workerId}`, { field: 'worker_id', received: workerId });
}
