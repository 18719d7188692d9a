/** The jobs: each change of one with its history, its events on the bus and what follows from it, in one transaction. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type DeadLetter,
  type JobFailure,
  type MessageInput,
  publishSubject,
  type VideoOutput,
  videoProcessRequestSchema,
  videoQueues,
  WeirError,
} from '../../contracts/index.js';
import type { JobRecord } from '../../store/index.js';
import { type JobInput, type JobRules, type JobStep, nextStep } from './machine.js';
import type { EnqueueOptions } from './needs.js';
import type { QueueChange, QueueListener, QueueParts } from './parts.js';
import type { JobDraft } from './request.js';
import { formatTime, toJob } from './view.js';

/** Longer texts of clients are kept in the database but not sent on: a message that the broker refuses would hold up all others. */
const maxSentBytes = 256 * 1024;

export class JobBook {
  readonly #parts: QueueParts;
  readonly #listener: QueueListener;

  constructor(parts: QueueParts, listener: QueueListener) {
    this.#parts = parts;
    this.#listener = listener;
  }

  rules(): JobRules {
    const { settings, now } = this.#parts;
    return { nowMs: now(), leaseMs: settings.lease_s * 1000, retryMs: settings.retry_s * 1000, maxDeliver: videoQueues.processing.maxDeliver };
  }

  /** A new job. `ticketSeq`: the message that opens it; null: it gets one of its own, now or (`later`) when the queue goes on. */
  async add(change: QueueChange, draft: JobDraft, options: Omit<EnqueueOptions, 'tx'> & { ticketSeq?: number; later?: boolean }): Promise<JobRecord> {
    const { settings, now, videos } = this.#parts;
    const nowMs = now();
    const job = await change.tx.jobs.insert({
      job_id: randomUUID(),
      video_id: draft.video_id,
      state: 'queued',
      profile: draft.profile,
      quality: draft.quality,
      priority: draft.priority,
      owner: options.owner,
      origin: options.origin,
      request: draft.request,
      source_path: draft.source_path,
      output_path: draft.output_path,
      place: draft.place,
      attempt: 0,
      max_attempts: settings.max_attempts,
      revision: 0,
      worker_id: null,
      instance: null,
      ticket_seq: options.ticketSeq ?? null,
      ticket_delivery: 0,
      ticket_ms: options.later === true ? 0 : nowMs,
      progress: null,
      error: null,
      cost: null,
      commands: [],
      duration_s: null,
      queued_ms: nowMs,
      started_ms: null,
      ended_ms: null,
      due_ms: 0,
      lease_ms: null,
    });
    await this.#note(change, job, [{ kind: 'queued', detail: options.origin }]);
    await videos.apply(change.tx, job.video_id, { kind: 'queued', job_id: job.job_id });
    if (options.ticketSeq === undefined && options.later !== true) await this.sendTicket(change, job);
    await this.#tell(change, job);
    return job;
  }

  /** Makes the step that an input leads to, with all that follows from it. The record is that after the step. */
  async step(change: QueueChange, job: JobRecord, input: JobInput): Promise<{ step: JobStep; job: JobRecord }> {
    const step = nextStep(job, input, this.rules());
    if (step.changes === undefined) return { step, job };
    const next = Object.keys(step.changes).length === 0 ? job : await change.tx.jobs.update(job.job_id, step.changes);
    await this.#note(change, next, step.events, job.worker_id);
    if (step.failure !== undefined) {
      await change.tx.jobs.addFailure({ job_id: job.job_id, at_ms: this.#parts.now(), reason: step.failure.reason });
    }
    if (next.state !== job.state) await this.#follow(change, next);
    return { step, job: next };
  }

  /** Another place in the queue. Throws `failed_precondition` for one that does not wait. */
  async setPriority(change: QueueChange, job: JobRecord, priority: number): Promise<JobRecord> {
    if (job.state !== 'queued' && job.state !== 'retrying') {
      const facts = { resource: 'job', id: job.job_id, state: job.state, allowed_states: ['queued', 'retrying'] };
      throw new WeirError('failed_precondition', `The priority of a job that is ${job.state} cannot be changed`, { facts });
    }
    const next = await change.tx.jobs.update(job.job_id, { priority });
    await this.#note(change, next, [{ kind: 'priority', detail: `${job.priority} to ${priority}` }]);
    await this.#tell(change, next);
    return next;
  }

  /** Publishes the message that opens this job, once the change is kept. */
  async sendTicket({ tx }: QueueChange, job: JobRecord): Promise<void> {
    await tx.outbox.add({
      // Never the same twice: the broker drops an id that it has seen, also after the message is gone.
      event_id: `${job.video_id}:${job.revision}:${job.attempt}:${randomUUID().slice(0, 8)}`,
      name: 'video_process',
      params: {},
      message: ticketMessage(job),
    });
  }

  /** A result is in place. */
  async published(change: QueueChange, job: JobRecord, output: VideoOutput, folder: string): Promise<void> {
    const source_deleted = job.request.delete_source === true;
    await this.#parts.videos.apply(change.tx, job.video_id, { kind: 'published', job_id: job.job_id, output, folder, source_deleted });
    const message: MessageInput<'video_processed'> = {
      video_id: job.video_id,
      job_id: job.job_id,
      status: 'done',
      user_id: job.owner,
      source_path: job.source_path,
      output_path: folder,
      hls_path: join(folder, output.master),
      thumbnail_path: output.thumbnail === null ? null : join(folder, output.thumbnail),
      quality: output.renditions.map((rendition) => rendition.name),
      duration: output.duration_s,
      size_bytes: output.size_bytes,
      metadata: sentMetadata(job),
      timestamp: formatTime(this.#parts.now()),
    };
    await change.tx.outbox.add({ event_id: randomUUID(), name: 'video_processed', params: {}, message });
    await this.#callBack(change, receiverOf(job), 'video.processed', message);
  }

  /** Keeps what could not be read or was given up, and tells it. */
  async bury(
    change: QueueChange,
    letter: Pick<DeadLetter, 'subject' | 'payload' | 'code' | 'reason' | 'detail'> &
      Partial<Pick<DeadLetter, 'job_id' | 'video_id' | 'stderr' | 'attempts'>>,
  ): Promise<DeadLetter> {
    const full: DeadLetter = {
      dead_letter_id: randomUUID(),
      job_id: null,
      stderr: [],
      attempts: 0,
      ...letter,
      // Not every database takes a NUL in a text.
      video_id: letter.video_id?.replaceAll('\0', '\ufffd') ?? null,
      payload: letter.payload.replaceAll('\0', '\ufffd'),
      detail: letter.detail.replaceAll('\0', '\ufffd'),
      at: formatTime(this.#parts.now()),
      replayed_at: null,
    };
    await change.tx.dead_letters.insert(full);
    const message = { ...full, payload: full.payload.slice(0, maxSentBytes), stderr: full.stderr.slice(-50) };
    await change.tx.outbox.add({ event_id: full.dead_letter_id, name: 'video_dead', params: {}, message });
    return full;
  }

  /** Tells whoever published a request that it was not taken: on the bus where it named a video, at its address where it gave one. */
  async refused(change: QueueChange, letter: DeadLetter): Promise<void> {
    const { video_id, code, reason, detail: error, at: timestamp } = letter;
    const { callback_url, ...sender } = senderIn(letter.payload);
    const facts = { job_id: null, status: 'failed' as const, ...sender, error, code, reason, attempts: 0, timestamp };
    if (video_id !== null) {
      const message: MessageInput<'video_failed'> = { video_id, ...facts };
      await change.tx.outbox.add({ event_id: randomUUID(), name: 'video_failed', params: {}, message });
    }
    await this.#callBack(change, { video_id, job_id: null, url: callback_url }, 'video.failed', { video_id, ...facts });
  }

  async #follow(change: QueueChange, job: JobRecord): Promise<void> {
    const { videos } = this.#parts;
    const { tx } = change;
    if (job.state === 'running') await videos.apply(tx, job.video_id, { kind: 'started', job_id: job.job_id });
    if (job.state === 'queued' || job.state === 'retrying') await videos.apply(tx, job.video_id, { kind: 'queued', job_id: job.job_id });
    if (job.state === 'cancelled') await videos.apply(tx, job.video_id, { kind: 'cancelled', job_id: job.job_id });
    if (job.state === 'dead' && job.error !== null) await this.#giveUp(change, job, job.error);
    await this.#tell(change, job);
    change.after(() => this.#listener.wake());
  }

  async #giveUp(change: QueueChange, job: JobRecord, failure: JobFailure): Promise<void> {
    await this.#parts.videos.apply(change.tx, job.video_id, { kind: 'failed', job_id: job.job_id, error: `${failure.reason}: ${failure.detail}` });
    await this.bury(change, {
      job_id: job.job_id,
      video_id: job.video_id,
      subject: publishSubject('video_process', {}, this.#parts.bus.roots),
      payload: JSON.stringify(job.request),
      code: failure.code,
      reason: failure.reason,
      detail: failure.detail,
      stderr: failure.stderr,
      attempts: job.attempt,
    });
    const message: MessageInput<'video_failed'> = {
      video_id: job.video_id,
      job_id: job.job_id,
      status: 'failed',
      user_id: job.owner,
      error: failure.detail,
      code: failure.code,
      reason: failure.reason,
      attempts: job.attempt,
      metadata: sentMetadata(job),
      timestamp: formatTime(this.#parts.now()),
    };
    await change.tx.outbox.add({ event_id: randomUUID(), name: 'video_failed', params: {}, message });
    await this.#callBack(change, receiverOf(job), 'video.failed', message);
  }

  async #callBack(change: QueueChange, to: Receiver, event: 'video.processed' | 'video.failed', data: object): Promise<void> {
    const { job_id, video_id, url } = to;
    if (url === undefined) return;
    const nowMs = this.#parts.now();
    await change.tx.callbacks.insert({
      callback_id: `msg_${randomUUID()}`,
      job_id,
      video_id,
      url,
      event,
      state: 'waiting',
      attempts: 0,
      last_status: null,
      last_error: null,
      next_ms: nowMs,
      created_at: formatTime(nowMs),
      delivered_at: null,
      body: JSON.stringify({ type: event, timestamp: formatTime(nowMs), data }),
    });
    change.after(() => this.#listener.callbackAdded());
  }

  async #note({ tx }: QueueChange, job: JobRecord, events: JobStep['events'], workerBefore: string | null = null): Promise<void> {
    const at = formatTime(this.#parts.now());
    for (const event of events) {
      const { attempt, revision, worker_id } = job;
      await tx.jobs.addEvent(job.job_id, { at, ...event, attempt, revision, worker_id: worker_id ?? workerBefore });
    }
  }

  async #tell(change: QueueChange, job: JobRecord): Promise<void> {
    await change.tx.outbox.add({ event_id: randomUUID(), name: 'job_changed', params: { job_id: job.job_id }, message: toJob(job) });
    change.after(() => this.#listener.jobChanged(job));
  }
}

/** Whom to tell of an end; without address nobody. */
interface Receiver {
  readonly job_id: string | null;
  readonly video_id: string | null;
  readonly url: string | undefined;
}

function receiverOf({ job_id, video_id, request }: JobRecord): Receiver {
  return { job_id, video_id, url: typeof request.callback_url === 'string' ? request.callback_url : undefined };
}

/** The request with the id of its job. What a client added is left out when it is large: workers get it with the order, not with the ticket. */
function ticketMessage(job: JobRecord): MessageInput<'video_process'> {
  const { video_id, source_path } = job;
  const whole = { ...job.request, video_id, source_path, job_id: job.job_id };
  if (JSON.stringify(whole).length <= maxSentBytes) return whole as MessageInput<'video_process'>;
  return { video_id, source_path, user_id: job.owner, job_id: job.job_id };
}

function sentMetadata({ request }: Pick<JobRecord, 'request'>): Record<string, unknown> {
  const metadata = (request.metadata ?? {}) as Record<string, unknown>;
  return JSON.stringify(metadata).length <= maxSentBytes ? metadata : {};
}

/** By what a publisher knows its request again, as far as it could be read. */
const senderSchema = z.object({
  user_id: z.string().max(128).catch(''),
  metadata: z.record(z.string(), z.unknown()).catch({}),
  callback_url: videoProcessRequestSchema.shape.callback_url.catch(undefined),
});

function senderIn(payload: string): z.infer<typeof senderSchema> {
  try {
    const { metadata, ...sender } = senderSchema.parse(JSON.parse(payload));
    return { ...sender, metadata: sentMetadata({ request: { metadata } }) };
  } catch {
    return { user_id: '', metadata: {}, callback_url: undefined };
  }
}
