/** Jobs as they are shown, and as their events tell them. */
import type { Callback, Job, JobEvent, JobProgress } from '../../contracts/index.js';
import type { CallbackRecord, JobRecord } from '../../store/index.js';

export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A record as clients see it. `position` is its place among those that wait; `progress` what its worker told last. */
export function toJob(record: JobRecord, position: number | null = null, progress: JobProgress | null = record.progress): Job {
  return {
    job_id: record.job_id,
    video_id: record.video_id,
    state: record.state,
    profile: record.profile,
    quality: record.quality,
    priority: record.priority,
    owner: record.owner,
    origin: record.origin,
    attempt: record.attempt,
    max_attempts: record.max_attempts,
    revision: record.revision,
    worker_id: record.worker_id,
    position,
    progress,
    error: record.error,
    cost: record.cost,
    queued_at: formatTime(record.queued_ms),
    started_at: record.started_ms === null ? null : formatTime(record.started_ms),
    ended_at: record.ended_ms === null ? null : formatTime(record.ended_ms),
    not_before: record.state === 'retrying' ? formatTime(record.due_ms) : null,
  };
}

/**
 * A job as it is shown to who does not run the place: why it failed and how it goes, without what tells of the machine (commands, paths,
 * last lines of FFmpeg, addresses).
 */
export function withoutMachine<J extends Job>(job: J): J {
  const { error } = job;
  if (error === null) return job;
  return { ...job, error: { ...error, detail: error.reason, stderr: [], command: null } };
}

/** Free text in the history comes from programs; what failed stays to be seen. */
export function eventWithoutMachine(event: JobEvent): JobEvent {
  if (event.detail === null || plainEvents.includes(event.kind)) return event;
  return { ...event, detail: event.kind === 'failed' ? (/^[a-z0-9_]+(?=:)/.exec(event.detail)?.[0] ?? null) : null };
}

/** Their words are ours, or names of users. */
const plainEvents: readonly JobEvent['kind'][] = ['queued', 'retry', 'published', 'done', 'dead', 'cancelled', 'priority', 'replayed'];

export function toCallback({ body: _body, next_ms: _next, ...callback }: CallbackRecord): Callback {
  return callback;
}
