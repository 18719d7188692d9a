/** How running jobs go, and their log: heard on the bus, the newest progress in memory, the lines in the database. */
import type { BusSubscription } from '../../bus/index.js';
import type { Job, JobLog, JobProgress } from '../../contracts/index.js';
import type { JobRecord } from '../../store/index.js';
import type { QueueParts } from './parts.js';
import { toJob } from './view.js';

const flushMs = 1000;
/** Lines kept of each job. */
const keptLines = 2000;
/** Lines that may wait to be written; more are dropped and counted. */
const maxWaiting = 5000;
/** A job is trimmed after so many new lines. */
const trimEvery = 200;

export class Observations {
  readonly #parts: QueueParts;
  readonly #onProgress: (job: Job) => void;
  readonly #running = new Map<string, { record: JobRecord; progress: JobProgress | null }>();
  readonly #written = new Map<string, number>();
  #waiting: JobLog[] = [];
  #subscriptions: BusSubscription[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  readonly counters = { lines: 0, dropped: 0 };

  constructor(parts: QueueParts, onProgress: (job: Job) => void) {
    this.#parts = parts;
    this.#onProgress = onProgress;
  }

  async start(): Promise<void> {
    const { bus, store } = this.#parts;
    for (const record of await store.jobs.running()) this.#running.set(record.job_id, { record, progress: null });
    this.#subscriptions = [
      bus.subscribe('job_progress', {}, (message, meta) => this.#onReport(message, meta.params.job_id), { policy: 'merge_by_subject' }),
      // Of several hubs on one database one writes each line.
      bus.subscribe(
        'job_log',
        {},
        (line, meta) => {
          if (line.job_id === meta.params.job_id) this.#add(line);
        },
        { queue: 'video-queue-log' },
      ),
      bus.subscribe('job_changed', {}, (job) => this.#onChange(job)),
    ];
    await Promise.all(this.#subscriptions.map((subscription) => subscription.ready));
    this.#timer = setInterval(() => this.#flush(), flushMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#flush();
    await this.#writing;
  }

  /** The state of a job has changed. */
  note(record: JobRecord): void {
    if (record.state === 'running' || record.state === 'publishing') {
      const known = this.#running.get(record.job_id);
      this.#running.set(record.job_id, { record, progress: known?.record.revision === record.revision ? known.progress : null });
    } else {
      this.#running.delete(record.job_id);
      this.#written.delete(record.job_id);
    }
  }

  progress(jobId: string): JobProgress | null {
    return this.#running.get(jobId)?.progress ?? null;
  }

  progressOfVideo(videoId: string): JobProgress | undefined {
    for (const { record, progress } of this.#running.values()) if (record.video_id === videoId && progress !== null) return progress;
    return undefined;
  }

  jobsOf(workerId: string): string[] {
    return [...this.#running.values()].filter(({ record }) => record.worker_id === workerId).map(({ record }) => record.job_id);
  }

  /** Newest lines of a job, oldest of them first. */
  async lines(jobId: string, limit: number): Promise<JobLog[]> {
    this.#flush();
    await this.#writing;
    return this.#parts.store.jobs.logs(jobId, limit);
  }

  /** Only the holder of the job speaks for it; a worker that lost it may not know yet. */
  #onReport(progress: JobProgress, jobId: string): void {
    const known = this.#running.get(jobId);
    if (known === undefined || progress.job_id !== jobId || progress.revision !== known.record.revision) return;
    known.progress = progress;
    this.#onProgress(toJob(known.record, null, progress));
  }

  /** What another hub on the database has changed is heard on the bus only. */
  #onChange(job: Job): void {
    const known = this.#running.get(job.job_id)?.record;
    const isRunning = job.state === 'running' || job.state === 'publishing';
    if (isRunning ? known?.revision === job.revision : known === undefined || known.revision > job.revision) return;
    this.#parts.store.jobs.get(job.job_id).then(
      (record) => {
        if (record !== undefined) this.note(record);
      },
      (error: unknown) => this.#parts.log.warn({ err: error, job_id: job.job_id }, 'how a job goes is not known until its next change'),
    );
  }

  #add(line: JobLog): void {
    if (this.#waiting.length >= maxWaiting) {
      this.counters.dropped += 1;
      return;
    }
    this.counters.lines += 1;
    this.#waiting.push(line);
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    const lines = this.#waiting;
    this.#waiting = [];
    this.#writing = this.#writing
      .then(() => this.#write(lines))
      .catch((error: unknown) => this.#parts.log.warn({ err: error }, 'log lines of jobs could not be kept'));
  }

  async #write(lines: readonly JobLog[]): Promise<void> {
    const { jobs } = this.#parts.store;
    for (let at = 0; at < lines.length; at += 200) await jobs.addLogs(lines.slice(at, at + 200));
    for (const jobId of new Set(lines.map((line) => line.job_id))) {
      const written = (this.#written.get(jobId) ?? trimEvery) + lines.filter((line) => line.job_id === jobId).length;
      if (written >= trimEvery) await jobs.trimLogs(jobId, keptLines);
      this.#written.set(jobId, written >= trimEvery ? 0 : written);
    }
  }
}
