/** Operations on jobs, dead letters and callbacks, one for each route. */
import { looksAfterAll, owns } from '../../access/index.js';
import { type Job, type JobEvent, type Session, WeirError } from '../../contracts/index.js';
import type { JobRecord } from '../../store/index.js';
import type { Callbacks } from './callbacks.js';
import { queueFigures } from './figures.js';
import type { Gate } from './gate.js';
import type { JobBook } from './job-book.js';
import type { JobInput } from './machine.js';
import type { JobOperations } from './needs.js';
import type { Observations } from './observations.js';
import { changeQueue, type QueueParts } from './parts.js';
import type { Positions } from './positions.js';
import { parsePayload, readRequest } from './request.js';
import type { Roster } from './roster.js';
import { eventWithoutMachine, toCallback, toJob, withoutMachine } from './view.js';

export interface JobOperationParts extends QueueParts {
  readonly book: JobBook;
  readonly gate: Gate;
  readonly roster: Roster;
  readonly callbacks: Callbacks;
  readonly observations: Observations;
  readonly positions: Positions;
  /** Jobs may start again, or wait for a ticket. */
  readonly wake: () => void;
}

/** Pages that a list looks through for somebody who may see few of them. */
const maxPages = 20;

/** Of a request, for everybody who may see its video. */
const openFields = ['video_id', 'user_id', 'quality', 'profile', 'priority', 'thumbnail_time', 'metadata'];

export function createJobOperations(parts: JobOperationParts): JobOperations {
  const { store, gate, roster, callbacks, observations } = parts;
  const queue = async () => queueFigures(parts, await workersOf(parts));
  return {
    list_jobs: (session, { query }) => (query.active === 'true' ? listActive(parts, session, query) : listJobs(parts, session, query)),
    async get_job(session, { params }) {
      const job = await needJob(parts, session, params.job_id);
      const events: JobEvent[] = await store.jobs.events(job.job_id);
      // Paths, commands and addresses are the business of those who run the place.
      const mayAll = looksAfterAll(session);
      const answer = { ...(await shown(parts, job)), events, commands: job.commands, request: job.request };
      if (mayAll) return answer;
      const request = Object.fromEntries(Object.entries(job.request).filter(([name]) => openFields.includes(name)));
      return { ...withoutMachine(answer), events: events.map(eventWithoutMachine), commands: [], request };
    },
    async job_log(session, { params, query }) {
      const job = await needJob(parts, session, params.job_id);
      needAll(session);
      return { items: await observations.lines(job.job_id, query.limit) };
    },
    async cancel_job(session, { params }) {
      await needOwnJob(parts, session, params.job_id);
      return shown(parts, await cancelJob(parts, params.job_id, session.username));
    },
    async retry_job(session, { params }) {
      await needOwnJob(parts, session, params.job_id);
      const job = await stepJob(parts, params.job_id, { kind: 'retry', by: session.username }, 'queued again');
      await store.dead_letters.markReplayedOfJob(job.job_id, new Date(parts.now()).toISOString());
      parts.wake();
      return shown(parts, job);
    },
    async update_job(session, { params, body }) {
      await needOwnJob(parts, session, params.job_id);
      const job = await changeQueue(store, async (change) => {
        const record = await change.tx.jobs.get(params.job_id);
        if (record === undefined) throw noJob(params.job_id);
        return parts.book.setPriority(change, record, body.priority);
      });
      return shown(parts, job);
    },
    get_queue: queue,
    async pause_queue(session) {
      needAll(session);
      await gate.setPaused(true);
      roster.tellAll({ action: 'pause' });
      return queue();
    },
    async resume_queue(session) {
      needAll(session);
      await gate.setPaused(false);
      roster.tellAll({ action: 'resume' });
      parts.wake();
      return queue();
    },
    async list_dead_letters(session, { query }) {
      needAll(session);
      return store.dead_letters.list(query);
    },
    async replay_dead_letter(session, { params }) {
      needAll(session);
      return replayDeadLetter(parts, params.dead_letter_id, session.username);
    },
    async delete_dead_letter(session, { params }) {
      needAll(session);
      if (!(await store.dead_letters.delete(params.dead_letter_id))) throw noLetter(params.dead_letter_id);
      return undefined;
    },
    async list_callbacks(session, { query }) {
      needAll(session);
      const { items, next_cursor } = await store.callbacks.list(query);
      return { items: items.map(toCallback), next_cursor };
    },
    async replay_callback(session, { params }) {
      needAll(session);
      return toCallback(await callbacks.replay(params.callback_id));
    },
    callback_secret: async () => ({ secret: callbacks.secret }),
  };
}

/** Cancels it and tells its worker. Throws `not_found`, `failed_precondition`. */
export async function cancelJob(parts: JobOperationParts, jobId: string, by: string): Promise<JobRecord> {
  const before = await parts.store.jobs.get(jobId);
  const job = await stepJob(parts, jobId, { kind: 'cancel', by }, 'cancelled');
  const holder = before?.revision === job.revision ? before.worker_id : null;
  if (holder !== null) parts.roster.tell(holder, { action: 'cancel', job_id: jobId, revision: job.revision });
  return job;
}

export async function workersOf({ gate, roster, observations }: JobOperationParts) {
  const isPaused = await gate.isPaused();
  return { isPaused, workers: roster.list(isPaused, (workerId) => observations.jobsOf(workerId)) };
}

/** A job with its place in the queue and how it goes now. */
export async function shown({ positions, observations }: JobOperationParts, job: JobRecord): Promise<Job> {
  const isWaiting = job.state === 'queued' || job.state === 'retrying';
  const position = isWaiting ? ((await positions.order()).get(job.job_id) ?? null) : null;
  return toJob(job, position, observations.progress(job.job_id) ?? job.progress);
}

async function shownTo(session: Session, parts: JobOperationParts, job: JobRecord): Promise<Job> {
  const all = await shown(parts, job);
  return looksAfterAll(session) ? all : withoutMachine(all);
}

/** Throws `not_found`, also for a job whose video the session may not see. */
async function needJob(parts: JobOperationParts, session: Session, jobId: string): Promise<JobRecord> {
  const job = await parts.store.jobs.get(jobId);
  if (job === undefined || (await visible(parts, session, [job])).length === 0) throw noJob(jobId);
  return job;
}

/** Who is bound to streams changes the jobs of his own videos only. Throws `not_found`, `permission_denied`. */
async function needOwnJob(parts: JobOperationParts, session: Session, jobId: string): Promise<void> {
  const job = await needJob(parts, session, jobId);
  if (looksAfterAll(session) || owns(session, job.owner)) return;
  throw new WeirError('permission_denied', `Job ${jobId} is another user's`);
}

/** Throws `permission_denied` for who is bound to streams: the queue, its letters and its callbacks are everybody's. */
function needAll(session: Session): void {
  if (!looksAfterAll(session)) throw new WeirError('permission_denied', 'Only operators who are not bound to streams look after the queue');
}

async function visible(parts: JobOperationParts, session: Session, jobs: readonly JobRecord[]): Promise<readonly JobRecord[]> {
  if (looksAfterAll(session)) return jobs;
  if (jobs.length === 0) return jobs;
  const seen = await parts.videos.visible(session, [...new Set(jobs.map((job) => job.video_id))]);
  return jobs.filter((job) => seen.has(job.video_id));
}

type ListQuery = Parameters<JobOperations['list_jobs']>[1]['query'];

async function listJobs(parts: JobOperationParts, session: Session, { limit, cursor, state, video_id }: ListQuery) {
  const items: Job[] = [];
  let next: string | null | undefined = cursor;
  for (let page = 0; page < maxPages; page += 1) {
    // Never more than fits: the cursor of a page stands behind all of its rows.
    const found = await parts.store.jobs.list({ limit: limit - items.length, cursor: next ?? undefined, state, video_id });
    for (const job of await visible(parts, session, found.items)) items.push(await shownTo(session, parts, job));
    next = found.next_cursor;
    if (next === null || items.length >= limit) break;
  }
  return { items, next_cursor: next ?? null };
}

/** Those that run, then those that wait in the order they will start, then those that are not due. */
async function listActive(parts: JobOperationParts, session: Session, { limit, cursor, state, video_id }: ListQuery) {
  const { store, positions } = parts;
  const [running, order, waiting] = await Promise.all([store.jobs.running(), positions.order(), store.jobs.waiting(2000)]);
  const later = waiting.map((job) => job.job_id).filter((jobId) => !order.has(jobId));
  const ids = [...running.map((job) => job.job_id), ...order.keys(), ...later];
  let at = cursor === undefined ? 0 : parseOffset(cursor);
  const items: Job[] = [];
  for (; at < ids.length && items.length < limit; at += 1) {
    const job = await store.jobs.get(ids[at] ?? '');
    if (job === undefined || (state !== undefined && job.state !== state) || (video_id !== undefined && job.video_id !== video_id)) continue;
    if ((await visible(parts, session, [job])).length > 0) items.push(await shownTo(session, parts, job));
  }
  return { items, next_cursor: at < ids.length ? Buffer.from(`at ${at}`).toString('base64url') : null };
}

function parseOffset(cursor: string): number {
  const at = /^at (\d{1,6})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'))?.[1];
  if (at !== undefined) return Number(at);
  throw new WeirError('invalid_argument', 'cursor is not one that a page gave out', { field: 'cursor', received: cursor.slice(0, 120) });
}

async function stepJob(parts: JobOperationParts, jobId: string, input: JobInput, what: string): Promise<JobRecord> {
  return changeQueue(parts.store, async (change) => {
    const before = await change.tx.jobs.get(jobId);
    if (before === undefined) throw noJob(jobId);
    if (input.kind === 'retry') await parts.videos.checkNotInTrash(change.tx, before.video_id);
    const { step, job } = await parts.book.step(change, before, input);
    if (step.refusal === undefined) return job;
    const facts = { resource: 'job', id: jobId, state: before.state };
    throw new WeirError('failed_precondition', `Job ${jobId} cannot be ${what}: ${step.refusal}`, { facts });
  });
}

/** Makes a new job of what was given up. Throws what the request is refused for, as it is now. */
async function replayDeadLetter(parts: JobOperationParts, id: string, by: string): Promise<Job> {
  const { store, settings, profiles, videos, book, gate } = parts;
  const letter = await store.dead_letters.get(id);
  if (letter === undefined) throw noLetter(id);
  if (letter.subject.endsWith('.upload')) {
    throw new WeirError('failed_precondition', 'It tells of an upload and asks for no job', { hint: 'publish it again when its cause is gone' });
  }
  const input = parsePayload(letter.payload) as { job_id?: unknown };
  const { job_id: _ours, ...rest } = input;
  const draft = await readRequest(rest, { settings, profiles });
  const later = await gate.isPaused();
  const job = await changeQueue(store, async (change) => {
    const at = new Date(parts.now()).toISOString();
    if (!(await change.tx.dead_letters.markReplayed(id, at))) {
      throw new WeirError('failed_precondition', 'It was replayed before', {
        facts: { resource: 'dead_letter', id, replayed_at: letter.replayed_at },
      });
    }
    const { video_id, source_path, metadata, user_id: owner } = draft;
    await videos.checkNotInTrash(change.tx, video_id);
    await videos.register(change.tx, { video_id, owner, source_path, metadata });
    const before = letter.job_id === null ? undefined : await change.tx.jobs.get(letter.job_id);
    const made = await book.add(change, draft, { origin: 'replay', owner: before?.owner ?? owner, later });
    if (before !== undefined) {
      const { attempt, revision } = before;
      await change.tx.jobs.addEvent(before.job_id, {
        at,
        kind: 'replayed',
        attempt,
        revision,
        worker_id: null,
        detail: `by ${by}, as ${made.job_id}`,
      });
    }
    return made;
  });
  return shown(parts, job);
}

function noJob(jobId: string): WeirError {
  return new WeirError('not_found', `There is no job ${jobId}`, { facts: { resource: 'job', id: jobId } });
}

function noLetter(id: string): WeirError {
  return new WeirError('not_found', `There is no dead letter ${id}`, { facts: { resource: 'dead_letter', id } });
}
