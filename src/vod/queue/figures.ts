/** Depth, age, speed and cost of the queue. */
import type { VideoQueue, VideoWorker } from '../../contracts/index.js';
import type { JobFigures } from '../../store/index.js';
import type { QueueParts } from './parts.js';

const hourMs = 3600_000;
const dayMs = 86_400_000;
const maxJobs = 5000;

/** Jobs that ended or started lately, as numbers. Medians are of the last hour, sums of the last 24. */
export async function queueFigures(parts: QueueParts, state: { isPaused: boolean; workers: VideoWorker[] }): Promise<VideoQueue> {
  const { store, now } = parts;
  const nowMs = now();
  const [totals, recent, failures, dead_letters] = await Promise.all([
    store.jobs.totals(nowMs),
    store.jobs.figures(nowMs - dayMs, maxJobs),
    store.jobs.failures(nowMs - dayMs),
    store.dead_letters.count(),
  ]);
  const started = recent.filter((job) => job.started_ms !== null && job.started_ms >= nowMs - hourMs);
  const done = recent.filter((job) => job.state === 'done' && (job.ended_ms ?? 0) >= nowMs - hourMs);
  const { states, oldest_queued_ms } = totals;
  return {
    state: state.isPaused ? 'paused' : 'running',
    queued: states.queued,
    running: states.running + states.publishing,
    retrying: states.retrying,
    dead_letters,
    oldest_wait_s: oldest_queued_ms === null ? null : Math.max(0, (nowMs - oldest_queued_ms) / 1000),
    wait_p50_s: median(started.map((job) => ((job.started_ms ?? 0) - job.queued_ms) / 1000)),
    run_p50_s: median(done.map(runSeconds)),
    speed_p50: median(done.flatMap((job) => (job.duration_s === null || runSeconds(job) === 0 ? [] : [job.duration_s / runSeconds(job)]))),
    failures,
    cpu_s_24h: sum(recent.map((job) => job.cost?.cpu_s ?? 0)),
    bytes_24h: sum(recent.map((job) => job.cost?.written_bytes ?? 0)),
    workers: state.workers,
  };
}

function runSeconds(job: JobFigures): number {
  return Math.max(0, ((job.ended_ms ?? 0) - (job.started_ms ?? 0)) / 1000);
}

function median(values: readonly number[]): number | null {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
