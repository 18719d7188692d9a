/** Metrics of the queue of videos: gauges are looked at when somebody reads, the rest is counted as jobs change. */
import type { Job, SourceFacts } from '../contracts/index.js';
import type { Metrics } from '../telemetry/index.js';
import type { VideoQueueHub } from '../vod/queue/index.js';

export interface VideoMetricsSources {
  readonly queue: Pick<VideoQueueHub, 'queue' | 'onJobChange' | 'callbackCounters'>;
  /** Seconds of a video's source; undefined: not known, so its speed is not counted. */
  readonly durationOf?: (videoId: string) => Promise<Pick<SourceFacts, 'duration_s'>['duration_s'] | undefined>;
}

/** Counts from now on. Returns the way to end that. */
export function collectVideoMetrics(metrics: Metrics, { queue, durationOf }: VideoMetricsSources): () => void {
  /** State and attempt of jobs that have not ended, so that each step is counted once. */
  const seen = new Map<string, { state: Job['state']; attempt: number }>();
  const ends = [
    metrics.onCollect(() => collectQueue(metrics, queue)),
    queue.onJobChange((job) => {
      const before = seen.get(job.job_id);
      if (before?.state === job.state && before.attempt === job.attempt) return;
      if (isEnded(job.state)) seen.delete(job.job_id);
      else seen.set(job.job_id, { state: job.state, attempt: job.attempt });
      countStep(metrics, job);
      if (job.state === 'done' && durationOf !== undefined) void countSpeed(metrics, job, durationOf);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function isEnded(state: Job['state']): boolean {
  return state === 'done' || state === 'dead' || state === 'cancelled';
}

async function collectQueue(metrics: Metrics, queue: VideoMetricsSources['queue']): Promise<void> {
  const now = await queue.queue();
  for (const state of ['queued', 'retrying', 'running'] as const) metrics.set('weir_video_jobs', now[state], { state });
  metrics.set('weir_video_queue_paused', now.state === 'paused' ? 1 : 0);
  if (now.oldest_wait_s === null) metrics.remove('weir_video_queue_oldest_seconds');
  else metrics.set('weir_video_queue_oldest_seconds', now.oldest_wait_s);
  metrics.set('weir_video_dead_letters', now.dead_letters);
  for (const state of ['online', 'paused', 'draining', 'lost'] as const) {
    metrics.set('weir_video_workers', now.workers.filter((worker) => worker.state === state).length, { state });
  }
  const { delivered, failed } = queue.callbackCounters();
  metrics.setTotal('weir_video_callbacks_total', delivered, { outcome: 'delivered' });
  metrics.setTotal('weir_video_callbacks_total', failed, { outcome: 'failed' });
}

function countStep(metrics: Metrics, job: Job): void {
  const seconds = (from: string | null, to: string | null) =>
    from === null || to === null ? undefined : Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
  const failed = job.state === 'retrying' || job.state === 'dead' || (job.state === 'queued' && job.attempt > 0);
  if (failed && job.error !== null) metrics.add('weir_video_failures_total', 1, { reason: job.error.reason });
  const wait = seconds(job.queued_at, job.started_at);
  if (job.state === 'running' && job.attempt === 1 && wait !== undefined) metrics.observe('weir_video_wait_seconds', wait);
  if (!isEnded(job.state)) return;
  metrics.add('weir_video_jobs_ended_total', 1, { state: job.state });
  const run = seconds(job.started_at, job.ended_at);
  if (job.state === 'done' && run !== undefined) metrics.observe('weir_video_run_seconds', run);
  if (job.cost === null) return;
  metrics.add('weir_video_cpu_seconds_total', job.cost.cpu_s);
  metrics.add('weir_video_written_bytes_total', job.cost.written_bytes);
  metrics.observe('weir_video_cpu_seconds', job.cost.cpu_s);
  metrics.observe('weir_video_written_bytes', job.cost.written_bytes);
}

async function countSpeed(metrics: Metrics, job: Job, durationOf: NonNullable<VideoMetricsSources['durationOf']>): Promise<void> {
  const duration = await durationOf(job.video_id).catch(() => undefined);
  const wall = job.cost?.wall_s ?? 0;
  if (duration !== undefined && wall > 0) metrics.observe('weir_video_speed', duration / wall);
}
