/** What becomes of a job: a pure function of the job and what happens to it. Whoever comes with another revision changes nothing. */
import type { JobCost, JobEvent, JobFailure, JobReportReply, JobState } from '../../contracts/index.js';
import type { JobChanges, JobRecord } from '../../store/index.js';

/** The part of a job that decides. */
export type JobFacts = Pick<
  JobRecord,
  'state' | 'attempt' | 'max_attempts' | 'revision' | 'worker_id' | 'instance' | 'ticket_seq' | 'ticket_delivery' | 'due_ms' | 'commands'
>;

/** Who holds it, as far as a report says. */
interface Holder {
  readonly worker_id: string;
  readonly revision: number;
}

export type JobInput =
  | { readonly kind: 'claim'; readonly worker_id: string; readonly instance: string; readonly revision: number; readonly delivery: number }
  | (Holder & { readonly kind: 'renew' | 'playable' | 'publish' | 'cancelled' })
  | (Holder & { readonly kind: 'facts'; readonly duration_s: number })
  | (Holder & { readonly kind: 'command'; readonly command: string })
  | (Holder & { readonly kind: 'done'; readonly cost: JobCost; readonly detail: string })
  | (Holder & { readonly kind: 'failed'; readonly failure: JobFailure; readonly cost: JobCost | null })
  | (Holder & { readonly kind: 'returned'; readonly detail: string })
  /** The lease ran out, or the worker is gone. */
  | { readonly kind: 'lost'; readonly detail: string }
  | { readonly kind: 'cancel'; readonly by: string }
  | { readonly kind: 'retry'; readonly by: string };

export interface JobRules {
  readonly nowMs: number;
  readonly leaseMs: number;
  /** Pause before the second attempt; doubled for each further one. */
  readonly retryMs: number;
  /** The broker gives a ticket out so often; later ones need a new ticket. */
  readonly maxDeliver: number;
}

export interface JobStep {
  /** Undefined: nothing changes. */
  readonly changes?: JobChanges;
  readonly events: readonly Pick<JobEvent, 'kind' | 'detail'>[];
  /** An attempt failed so; counted. */
  readonly failure?: JobFailure;
  /** What the worker is told; undefined for what no worker asked. */
  readonly reply?: JobReportReply;
  /** Not possible in this state: why. */
  readonly refusal?: string;
}

/** A pause never grows beyond this. */
const maxPauseMs = 6 * 3600_000;
const maxCommands = 200;
const isWaiting = (state: JobState) => state === 'queued' || state === 'retrying';
const isHeld = (state: JobState) => state === 'running' || state === 'publishing';

/** The next step of a job. Never throws. */
export function nextStep(job: JobFacts, input: JobInput, rules: JobRules): JobStep {
  switch (input.kind) {
    case 'claim':
      return claim(job, input, rules);
    case 'lost':
      return isHeld(job.state) ? lose(job, input.detail, rules) : nothing();
    case 'cancel':
      return cancel(job, input.by, rules);
    case 'retry':
      return retry(job, input.by, rules);
    default:
      return report(job, input, rules);
  }
}

/** Pause before the next attempt, after so many have failed. */
export function retryPauseMs(attempt: number, retryMs: number): number {
  return Math.min(maxPauseMs, retryMs * 2 ** Math.max(0, attempt - 1));
}

function nothing(): JobStep {
  return { events: [] };
}

function claim(job: JobFacts, input: Extract<JobInput, { kind: 'claim' }>, { nowMs, leaseMs }: JobRules): JobStep {
  if (!isWaiting(job.state)) return { events: [], refusal: `a job that is ${job.state} cannot be claimed` };
  if (job.due_ms > nowMs) return { events: [], refusal: 'it waits for its next attempt' };
  return {
    changes: {
      state: 'running',
      attempt: job.attempt + 1,
      revision: input.revision,
      worker_id: input.worker_id,
      instance: input.instance,
      ticket_delivery: input.delivery,
      lease_ms: nowMs + leaseMs,
      started_ms: nowMs,
      ended_ms: null,
      due_ms: 0,
      progress: null,
      cost: null,
    },
    events: [{ kind: 'claimed', detail: null }],
  };
}

type Report = Exclude<JobInput, { kind: 'claim' | 'lost' | 'cancel' | 'retry' }>;

function report(job: JobFacts, input: Report, rules: JobRules): JobStep {
  if (!isHeld(job.state) || job.revision !== input.revision || job.worker_id !== input.worker_id) return late(job, input, rules);
  const goOn: JobReportReply = { verdict: 'go_on' };
  switch (input.kind) {
    case 'renew':
      return { changes: { lease_ms: rules.nowMs + rules.leaseMs }, events: [], reply: goOn };
    case 'facts':
      return { changes: { duration_s: input.duration_s }, events: [], reply: goOn };
    case 'command':
      return { changes: { commands: [...job.commands, input.command].slice(-maxCommands) }, events: [], reply: goOn };
    case 'playable':
      return { changes: {}, events: [{ kind: 'first_playable', detail: null }], reply: goOn };
    case 'publish':
      return { changes: { state: 'publishing', lease_ms: rules.nowMs + rules.leaseMs }, events: [], reply: goOn };
    case 'done':
      return finish(job, input, rules);
    case 'failed':
      return fail(job, input.failure, input.cost, rules);
    case 'returned':
      return giveBack(job, input.detail, rules);
    case 'cancelled':
      // Nobody has cancelled it here: the worker dropped it.
      return giveBack(job, 'the worker dropped it', rules);
  }
}

/** A report that comes again is answered as the first time; one of an older revision is told to stop. */
function late(job: JobFacts, input: Report, rules: JobRules): JobStep {
  const isLast = job.revision === input.revision;
  if (input.kind === 'cancelled') return { events: [], reply: { verdict: 'go_on' } };
  if (isLast && input.kind === 'done' && job.state === 'done') return { events: [], reply: { verdict: 'go_on' } };
  if (isLast && input.kind === 'returned' && isWaiting(job.state)) return { events: [], reply: pauseOf(job, rules) };
  if (isLast && input.kind === 'failed' && job.state === 'dead') return { events: [], reply: { verdict: 'go_on', final: true } };
  if (isLast && input.kind === 'failed' && isWaiting(job.state)) return { events: [], reply: pauseOf(job, rules) };
  const reason = job.state === 'cancelled' ? 'the job was cancelled' : isLast ? `the job is ${job.state}` : 'the job is another worker’s';
  return { events: [], reply: { verdict: 'stop', reason } };
}

function pauseOf(job: JobFacts, { nowMs }: JobRules): JobReportReply {
  const reply: JobReportReply = { verdict: 'go_on', final: false };
  return job.ticket_seq === null ? reply : { ...reply, retry_in_ms: Math.max(0, job.due_ms - nowMs) };
}

function finish(job: JobFacts, input: Extract<JobInput, { kind: 'done' }>, { nowMs }: JobRules): JobStep {
  if (job.state !== 'publishing') return { events: [], reply: { verdict: 'stop', reason: 'ask for leave to publish first' } };
  return {
    changes: { ...released, state: 'done', ended_ms: nowMs, error: null, cost: input.cost, ticket_seq: null },
    events: [
      { kind: 'published', detail: input.detail },
      { kind: 'done', detail: `${input.cost.wall_s.toFixed(1)} s, ${input.cost.cpu_s.toFixed(1)} s of CPU` },
    ],
    reply: { verdict: 'go_on', final: true },
  };
}

const released = { worker_id: null, instance: null, lease_ms: null, progress: null } as const;

function fail(job: JobFacts, failure: JobFailure, cost: JobCost | null, rules: JobRules): JobStep {
  const detail = `${failure.reason}: ${failure.detail}`.slice(0, 2000);
  if (failure.permanent || job.attempt >= job.max_attempts) {
    return {
      changes: { ...released, state: 'dead', ended_ms: rules.nowMs, error: failure, cost, ticket_seq: null },
      events: [
        { kind: 'failed', detail },
        { kind: 'dead', detail: failure.permanent ? 'another attempt would fail as well' : `${job.attempt} attempts have failed` },
      ],
      failure,
      reply: { verdict: 'go_on', final: true },
    };
  }
  const pauseMs = retryPauseMs(job.attempt, rules.retryMs);
  const ticket = keepsTicket(job, rules) ? {} : { ticket_seq: null, ticket_ms: 0 };
  return {
    changes: { ...released, ...ticket, state: 'retrying', due_ms: rules.nowMs + pauseMs, error: failure, cost },
    events: [
      { kind: 'failed', detail },
      { kind: 'retry', detail: `in ${Math.round(pauseMs / 1000)} s` },
    ],
    failure,
    reply: { verdict: 'go_on', final: false, ...(keepsTicket(job, rules) ? { retry_in_ms: pauseMs } : {}) },
  };
}

/** The ticket in the worker's hands can be given back and comes again. */
function keepsTicket(job: JobFacts, { maxDeliver }: JobRules): boolean {
  return job.ticket_seq !== null && job.ticket_delivery < maxDeliver;
}

/** The attempt does not count, and the next one may begin at once. */
function giveBack(job: JobFacts, detail: string, rules: JobRules): JobStep {
  const ticket = keepsTicket(job, rules) ? {} : { ticket_seq: null, ticket_ms: 0 };
  return {
    changes: { ...released, ...ticket, state: 'queued', attempt: Math.max(0, job.attempt - 1), due_ms: rules.nowMs },
    events: [{ kind: 'queued', detail }],
    reply: { verdict: 'go_on', final: false, ...(keepsTicket(job, rules) ? { retry_in_ms: 0 } : {}) },
  };
}

function lose(job: JobFacts, detail: string, rules: JobRules): JobStep {
  const failure: JobFailure = { code: 'unavailable', reason: 'worker_lost', detail, permanent: false, stderr: [], command: null };
  if (job.attempt >= job.max_attempts) {
    return {
      changes: { ...released, state: 'dead', ended_ms: rules.nowMs, error: failure, ticket_seq: null },
      events: [
        { kind: 'worker_lost', detail },
        { kind: 'dead', detail: `${job.attempt} attempts have failed` },
      ],
      failure,
    };
  }
  // The loss of a worker is mostly not the fault of its job; only one that comes again is given time.
  const pauseMs = job.attempt <= 1 ? 0 : retryPauseMs(job.attempt - 1, rules.retryMs);
  return {
    // The old ticket is still in the hands of the lost worker, so it must not be waited for.
    changes: {
      ...released,
      state: pauseMs === 0 ? 'queued' : 'retrying',
      due_ms: rules.nowMs + pauseMs,
      error: failure,
      ticket_seq: null,
      ticket_ms: 0,
    },
    events: [
      { kind: 'worker_lost', detail },
      { kind: 'retry', detail: pauseMs === 0 ? 'at once' : `in ${Math.round(pauseMs / 1000)} s` },
    ],
    failure,
  };
}

function cancel(job: JobFacts, by: string, { nowMs }: JobRules): JobStep {
  if (job.state === 'publishing') return { events: [], refusal: 'it is finished and is being put in place' };
  if (!isWaiting(job.state) && job.state !== 'running') return { events: [], refusal: `it is ${job.state} already` };
  return {
    changes: { ...released, state: 'cancelled', ended_ms: nowMs, ticket_seq: null },
    events: [{ kind: 'cancelled', detail: `by ${by}` }],
  };
}

function retry(job: JobFacts, by: string, { nowMs }: JobRules): JobStep {
  if (job.state !== 'dead' && job.state !== 'cancelled') return { events: [], refusal: `it is ${job.state}` };
  return {
    changes: { ...released, state: 'queued', attempt: 0, ended_ms: null, queued_ms: nowMs, due_ms: nowMs, ticket_seq: null, ticket_ms: 0 },
    events: [{ kind: 'replayed', detail: `by ${by}` }],
  };
}
