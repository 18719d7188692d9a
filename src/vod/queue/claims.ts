/** Which job a ticket opens: the best that may start now. The two swap their tickets when it is not the one the message was published for. */
import { join } from 'node:path';
import type { JobClaim, JobClaimReply, JobFailure, JobOrder, VideoProfile } from '../../contracts/index.js';
import { videoQueues } from '../../contracts/index.js';
import type { JobRecord, StartFilter, Transaction } from '../../store/index.js';
import type { Gate } from './gate.js';
import type { Intake } from './intake.js';
import type { JobBook } from './job-book.js';
import { nextGroup } from './order.js';
import { changeQueue, type QueueChange, type QueueListener, type QueueParts } from './parts.js';
import { stagingPath } from './paths.js';

const recentStarts = 500;
const busyAgainMs = 1000;
/** Jobs whose profile is gone are set aside one after the other, at most so many with one claim. */
const maxRefused = 20;

export class Claims {
  readonly #parts: QueueParts;
  readonly #book: JobBook;
  readonly #gate: Gate;
  readonly #intake: Intake;
  readonly #listener: QueueListener;

  constructor(parts: QueueParts, nouns: { book: JobBook; gate: Gate; intake: Intake; listener: QueueListener }) {
    this.#parts = parts;
    this.#book = nouns.book;
    this.#gate = nouns.gate;
    this.#intake = nouns.intake;
    this.#listener = nouns.listener;
  }

  async claim(claim: JobClaim): Promise<JobClaimReply> {
    const { store } = this.#parts;
    const { ticket } = claim;
    const opened = ticket === null ? undefined : await this.#intake.resolve(ticket);
    if (opened !== undefined && 'dead' in opened) return { outcome: 'dead', detail: opened.dead };
    const closed = await this.#gate.closed();
    return changeQueue(store, async (change) => {
      const { tx } = change;
      const own = opened === undefined ? undefined : await tx.jobs.get(opened.job_id);
      if (ticket !== null) {
        if (own === undefined) return { outcome: 'nothing' };
        const again = await this.#sameAgain(tx, own, claim);
        if (again !== undefined) return again;
        if (!isAlive(own, ticket.sequence)) return await this.#spent(change, own, ticket.sequence);
      }
      const best = closed === undefined ? await this.#best(change) : undefined;
      if (best === undefined) return await this.#notNow(change, own, claim);
      return await this.#grant(change, claim, own, best);
    });
  }

  /** The answer to this very delivery got lost: it is given once more. */
  async #sameAgain(tx: Transaction, own: JobRecord, { worker_id, instance, ticket }: JobClaim): Promise<JobClaimReply | undefined> {
    const isSame =
      own.state === 'running' &&
      own.worker_id === worker_id &&
      own.instance === instance &&
      own.ticket_seq === ticket?.sequence &&
      own.ticket_delivery === ticket.delivery;
    const profile = this.#parts.profiles.get(own.profile);
    return isSame && profile !== undefined ? { outcome: 'granted', order: await this.#order(tx, own, profile) } : undefined;
  }

  /** A message that opens nothing (any more). That of a job which runs is acknowledged here, so it will not come when the job is tried again. */
  async #spent({ tx }: QueueChange, own: JobRecord, sequence: number): Promise<JobClaimReply> {
    if (own.ticket_seq === sequence) await tx.jobs.update(own.job_id, { ticket_seq: null, ticket_ms: 0 });
    return { outcome: 'nothing' };
  }

  async #best(change: QueueChange): Promise<JobRecord | undefined> {
    const { timing, now } = this.#parts;
    const { tx } = change;
    for (let tries = 0; tries < maxRefused; tries += 1) {
      const running = await tx.jobs.running();
      const filter: StartFilter = { nowMs: now(), busyVideos: running.map((job) => job.video_id), busyPlaces: running.map((job) => job.place) };
      const byOwner = new Map<string, number>();
      for (const { owner } of running) byOwner.set(owner, (byOwner.get(owner) ?? 0) + 1);
      const groups = await tx.jobs.groups(filter);
      const lastStarts = groups.length > 1 ? await tx.jobs.lastStarts(recentStarts) : new Map<string, number>();
      const group = nextGroup(groups, { nowMs: filter.nowMs, ageingMs: timing.ageingMs, running: byOwner, lastStarts });
      const best = group === undefined ? undefined : await tx.jobs.oldest(group, filter);
      if (best === undefined || this.#parts.profiles.has(best.profile)) return best;
      await this.#refuse(change, best);
    }
    return undefined;
  }

  /** Its profile was taken out of the configuration after it was queued. */
  async #refuse(change: QueueChange, job: JobRecord): Promise<void> {
    const revision = await change.tx.jobs.nextRevision(job.video_id);
    const claimed = await this.#book.step(change, job, { kind: 'claim', worker_id: 'hub', instance: '', revision, delivery: 0 });
    const failure: JobFailure = {
      code: 'invalid_argument',
      reason: 'unknown_profile',
      detail: `There is no profile ${job.profile} any more`,
      permanent: true,
      stderr: [],
      command: null,
    };
    await this.#book.step(change, claimed.job, { kind: 'failed', worker_id: 'hub', revision, failure, cost: null });
  }

  async #grant(change: QueueChange, claim: JobClaim, own: JobRecord | undefined, best: JobRecord): Promise<JobClaimReply> {
    const { profiles } = this.#parts;
    const { tx } = change;
    const sequence = claim.ticket?.sequence ?? null;
    if (own !== undefined && own.job_id !== best.job_id) {
      // The other message opens this one's job from now on; without one it gets a new one.
      await tx.jobs.update(own.job_id, { ticket_seq: best.ticket_seq, ticket_ms: best.ticket_seq === null ? 0 : best.ticket_ms });
      if (best.ticket_seq !== null) await tx.jobs.moveTicket(this.#intake.journal, best.ticket_seq, own.job_id);
      if (sequence !== null) await tx.jobs.moveTicket(this.#intake.journal, sequence, best.job_id);
      if (best.ticket_seq === null) change.after(() => this.#listener.wake());
    }
    const revision = await tx.jobs.nextRevision(best.video_id);
    const ready = await tx.jobs.update(best.job_id, { ticket_seq: sequence });
    const { step, job } = await this.#book.step(change, ready, {
      kind: 'claim',
      worker_id: claim.worker_id,
      instance: claim.instance,
      revision,
      delivery: claim.ticket?.delivery ?? 0,
    });
    const profile = profiles.get(job.profile);
    if (step.changes === undefined || profile === undefined) return { outcome: 'later', retry_in_ms: busyAgainMs };
    return { outcome: 'granted', order: await this.#order(tx, job, profile) };
  }

  /** Nothing may start. A message is given out three times only, so it is not sent to and fro: its job gets another one when it may start. */
  async #notNow({ tx }: QueueChange, own: JobRecord | undefined, { ticket }: JobClaim): Promise<JobClaimReply> {
    if (own === undefined || ticket === null) return { outcome: 'nothing' };
    const waitMs = own.due_ms - this.#parts.now();
    if (waitMs > 0 && ticket.delivery < videoQueues.processing.maxDeliver) return { outcome: 'later', retry_in_ms: waitMs };
    await tx.jobs.update(own.job_id, { ticket_seq: null, ticket_ms: 0 });
    return { outcome: 'nothing' };
  }

  async #order(tx: Transaction, job: JobRecord, profile: VideoProfile): Promise<JobOrder> {
    const { settings, videos } = this.#parts;
    const output_path = outputPath(settings.folder, job);
    const { thumbnail_time } = job.request;
    const chosen = await videos.thumbnailTime(tx, job.video_id);
    return {
      job_id: job.job_id,
      video_id: job.video_id,
      revision: job.revision,
      attempt: job.attempt,
      source_path: job.source_path,
      output_path,
      staging_path: stagingPath(output_path, job.revision),
      profile,
      quality: job.quality,
      thumbnail_time: chosen ?? (typeof thumbnail_time === 'string' ? thumbnail_time : null),
      delete_source: job.request.delete_source === true,
      limits: {
        max_duration_s: settings.max_duration_s,
        max_pixels: settings.max_pixels,
        max_streams: settings.max_streams,
        max_output_bytes: settings.max_output_bytes,
        max_wall_s: settings.max_wall_s,
        max_memory_bytes: settings.max_memory_bytes,
        stall_s: settings.stall_s,
      },
      lease_s: settings.lease_s,
      chunk_min_s: settings.chunk_min_s,
    };
  }
}

/** A message opens a job that waits and has no newer message. */
function isAlive(job: JobRecord, sequence: number): boolean {
  return (job.state === 'queued' || job.state === 'retrying') && (job.ticket_seq === sequence || job.ticket_seq === null);
}

/** Folder of the result of this attempt. */
export function outputPath(libraryFolder: string, job: Pick<JobRecord, 'output_path' | 'video_id' | 'revision'>): string {
  return job.output_path ?? join(libraryFolder, job.video_id, `r${job.revision}`);
}
