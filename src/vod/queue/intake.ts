/** Every message of VIDEO_PROCESSING becomes a job, a dead letter or a video, exactly once, also before any worker has seen it. */
import { createHash } from 'node:crypto';
import { followJournal, type JournalFollower, type JournalMessage } from '../../bus/index.js';
import { type ErrorCode, matchSubject, parseWith, publishSubject, videoQueues, videoUploadedSchema, WeirError } from '../../contracts/index.js';
import type { JobRecord, TicketKey, Transaction } from '../../store/index.js';
import type { BusSide } from './bus-side.js';
import type { JobBook } from './job-book.js';
import { changeQueue, type QueueChange, type QueueParts } from './parts.js';
import { allowedPath } from './paths.js';
import { type JobDraft, parsePayload, type Refusal, readRequest, refusalOf } from './request.js';

const cursorKey = 'video_queue.intake';
const retryMs = 500;
const unreadable = 'the message could not be read; it is in the dead letters';

/** What the queue knows of a message. */
export type Ticket = { readonly job_id: string } | { readonly dead: string };

/** A message as far as it counts. */
interface QueueMessage {
  readonly sequence: number;
  readonly payload: string;
  /** Id that the publisher gave it; only the follower sees it. */
  readonly messageId?: string | undefined;
  readonly seenBy: 'follower' | 'claim';
}

interface Reading {
  readonly draft?: JobDraft;
  readonly refusal?: Refusal;
  /** Job that the message says to open. */
  readonly jobId: string | undefined;
}

export class Intake {
  readonly #parts: QueueParts;
  readonly #book: JobBook;
  readonly #busSide: BusSide;
  readonly #waiters = new Set<{ sequence: number; resolve: () => void }>();
  #journal = '';
  #follower: JournalFollower | undefined;
  #loop: Promise<void> | undefined;
  #reached = 0;

  constructor(parts: QueueParts, book: JobBook, busSide: BusSide) {
    this.#parts = parts;
    this.#book = book;
    this.#busSide = busSide;
  }

  /** Changes when the broker has lost the stream and it was made anew. */
  get journal(): string {
    return this.#journal;
  }

  async start(): Promise<void> {
    await this.#findPlace();
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
    await this.#loop;
  }

  /** The job that a message opens; registers one that is not known. Waits a little for the follower, which sees more of the message than a worker passes on. */
  async resolve(ticket: { sequence: number; payload: string }): Promise<Ticket> {
    const key = this.#keyOf(ticket);
    const known = await this.#lookUp(key);
    if (known !== undefined) return known;
    await this.#untilReached(ticket.sequence, 1000);
    return (await this.#lookUp(key)) ?? (await this.#register({ ...ticket, seenBy: 'claim' }));
  }

  #keyOf({ sequence, payload }: { sequence: number; payload: string }): TicketKey {
    return { journal: this.#journal, sequence, digest: createHash('sha256').update(payload).digest('base64url').slice(0, 22) };
  }

  async #lookUp(key: TicketKey): Promise<Ticket | undefined> {
    const job_id = await this.#parts.store.jobs.ticket(key);
    if (job_id === undefined) return undefined;
    return job_id === null ? { dead: unreadable } : { job_id };
  }

  #untilReached(sequence: number, atMostMs: number): Promise<void> {
    if (this.#reached >= sequence) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter = {
        sequence,
        resolve: () => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      const timer = setTimeout(waiter.resolve, atMostMs);
      this.#waiters.add(waiter);
    });
  }

  async #run(): Promise<void> {
    const { bus, log, signal } = this.#parts;
    while (!signal.aborted) {
      const follower: JournalFollower = followJournal(bus.connection, videoQueues.processing.name, (message) => this.#take(message), {
        from: this.#reached,
        signal,
        onState: (state) => {
          if (state === 'reset') void follower.stop();
        },
      });
      this.#follower = follower;
      await follower.closed.catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, 'messages of videos could not be taken in; trying again');
      });
      if (signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
      await this.#findPlace().catch((error: unknown) => log.warn({ err: error }, 'the queue of videos does not answer'));
    }
  }

  /** Where to read on: behind the last message taken in; from the first of a stream that is another one than before, or has lost messages. */
  async #findPlace(): Promise<void> {
    const { store } = this.#parts;
    const facts = await this.#busSide.journal();
    if (facts === undefined) return;
    const cursor = (await store.settings.get(cursorKey)) as { journal: string; sequence: number } | undefined;
    const isSame = cursor?.journal === facts.journalId && cursor.sequence <= facts.lastSequence;
    this.#journal = facts.journalId;
    this.#reached = isSame ? cursor.sequence : 0;
    if (cursor !== undefined && !isSame) {
      await changeQueue(store, ({ tx }) => tx.jobs.forgetTickets(Number.MAX_SAFE_INTEGER));
    }
  }

  async #take(message: JournalMessage): Promise<void> {
    const payload = new TextDecoder().decode(message.data);
    const one: QueueMessage = { sequence: message.sequence, payload, messageId: message.header('Nats-Msg-Id'), seenBy: 'follower' };
    if (matchSubject('video_process', message.subject, this.#parts.bus.roots) !== undefined) await this.#register(one);
    else await this.#takeUpload(one);
    this.#reached = Math.max(this.#reached, message.sequence);
    for (const waiter of [...this.#waiters]) if (waiter.sequence <= this.#reached) waiter.resolve();
  }

  async #register(message: QueueMessage): Promise<Ticket> {
    const reading = await this.#read(message.payload);
    try {
      return await changeQueue(this.#parts.store, (change) => this.#keep(change, message, reading));
    } catch (error) {
      // One message that can never be kept must not hold up all that follow.
      if (isPassing(error)) throw error;
      return changeQueue(this.#parts.store, (change) => this.#keep(change, message, { refusal: refusalOf(error), jobId: reading.jobId }));
    }
  }

  async #read(payload: string): Promise<Reading> {
    const { settings, profiles } = this.#parts;
    let jobId: string | undefined;
    try {
      const { job_id, rest } = splitJobId(parsePayload(payload));
      jobId = job_id;
      return { draft: await readRequest(rest, { settings, profiles }), jobId };
    } catch (error) {
      return { refusal: refusalOf(error), jobId };
    }
  }

  async #keep(change: QueueChange, message: QueueMessage, { draft, refusal, jobId }: Reading): Promise<Ticket> {
    const { now, videos } = this.#parts;
    const { tx } = change;
    const key = this.#keyOf(message);
    if (message.seenBy === 'follower') await tx.settings.set(cursorKey, { journal: key.journal, sequence: key.sequence });
    const known = await tx.jobs.ticket(key);
    if (known !== undefined) return known === null ? { dead: unreadable } : { job_id: known };
    const claimed = jobId === undefined ? undefined : await tx.jobs.get(jobId);
    if (claimed !== undefined && isOurs(message, claimed)) {
      await tx.jobs.addTicket({ ...key, job_id: claimed.job_id, at_ms: now() });
      if (isWaiting(claimed) && (claimed.ticket_seq ?? 0) < key.sequence) {
        await tx.jobs.update(claimed.job_id, { ticket_seq: key.sequence, ticket_ms: now() });
      }
      return { job_id: claimed.job_id };
    }
    if (draft === undefined) return await this.#refuse(change, message, refusal);
    const { video_id, user_id: owner, source_path, output_path, metadata } = draft;
    await videos.checkMessage(tx, { video_id, owner, source_path, output_path, delete_source: draft.request.delete_source === true });
    await checkPlace(tx, draft);
    await videos.register(tx, { video_id, owner, source_path, metadata });
    const job = await this.#book.add(change, draft, { origin: 'bus', owner, ticketSeq: key.sequence });
    await tx.jobs.addTicket({ ...key, job_id: job.job_id, at_ms: now() });
    return { job_id: job.job_id };
  }

  async #refuse(change: QueueChange, message: QueueMessage, refusal: Refusal | undefined): Promise<Ticket> {
    const { now, log, bus } = this.#parts;
    const { code = 'invalid_argument', reason = 'invalid_request', detail = '' } = refusal ?? {};
    const subject = publishSubject('video_process', {}, bus.roots);
    const letter = { subject, payload: message.payload, code, reason, detail, video_id: videoIdIn(message.payload) };
    await this.#book.refused(change, await this.#book.bury(change, letter));
    await change.tx.jobs.addTicket({ ...this.#keyOf(message), job_id: null, at_ms: now() });
    change.after(() => log.warn({ sequence: message.sequence, reason, detail }, 'a request to process a video was not taken'));
    return { dead: detail };
  }

  /** A video that is known already stays as it is; the hub tells of its own uploads as well. */
  async #takeUpload(message: QueueMessage): Promise<void> {
    const { store, settings, log, videos, bus, now } = this.#parts;
    const key = this.#keyOf(message);
    const moveOn = ({ tx }: QueueChange) => tx.settings.set(cursorKey, { journal: key.journal, sequence: key.sequence });
    try {
      const upload = parseWith(videoUploadedSchema, parsePayload(message.payload));
      const folders = [settings.upload_folder, settings.folder, ...settings.source_folders];
      const source_path = await allowedPath('source_path', upload.source_path, { folders, setting: 'vod.source_folders' });
      const { video_id, user_id: owner, metadata = {}, size_bytes, sha256 } = upload;
      await changeQueue(store, async (change) => {
        const { tx } = change;
        if (await isTaken(tx, key)) return;
        await moveOn(change);
        if (await videos.isOfHub(tx, video_id)) return;
        await videos.checkMessage(tx, { video_id, owner, source_path, output_path: null, delete_source: false });
        await videos.register(tx, { video_id, owner, source_path, metadata, size_bytes, sha256 });
      });
    } catch (error) {
      const refusal = refusalOf(error);
      if (isPassing(error)) throw error;
      await changeQueue(store, async (change) => {
        await moveOn(change);
        if (!(await change.tx.jobs.addTicket({ ...key, job_id: null, at_ms: now() }))) return;
        const subject = publishSubject('video_upload', {}, bus.roots);
        await this.#book.bury(change, { subject, payload: message.payload, ...refusal, video_id: videoIdIn(message.payload) });
        change.after(() => log.warn({ sequence: key.sequence, ...refusal }, 'a message about an upload was not taken'));
      });
    }
  }
}

/** A ticket of the hub, not a copy of one that a client has published: that carries no such id. A worker passes on too little to tell. */
function isOurs({ messageId, seenBy, payload }: QueueMessage, job: JobRecord): boolean {
  if (videoIdIn(payload) !== job.video_id) return false;
  return seenBy === 'claim' || messageId?.startsWith(`${job.video_id}:`) === true;
}

const passing: readonly ErrorCode[] = ['unavailable', 'deadline_exceeded', 'cancelled', 'resource_exhausted'];

/** Of the database or the disk, not of the message: tried again until it is over. */
function isPassing(error: unknown): boolean {
  return passing.includes(WeirError.from(error).code);
}

/** By another hub on this database, or before a restart. */
async function isTaken(tx: Transaction, { journal, sequence }: TicketKey): Promise<boolean> {
  const cursor = (await tx.settings.get(cursorKey)) as { journal: string; sequence: number } | undefined;
  return cursor?.journal === journal && cursor.sequence >= sequence;
}

/** A result that is under way is as good as one that is there. */
async function checkPlace(tx: Transaction, { output_path, user_id }: JobDraft): Promise<void> {
  if (output_path === null) return;
  if ((await tx.jobs.activeAt(output_path)).every((job) => job.owner === user_id)) return;
  throw new WeirError('permission_denied', 'A job of somebody else puts its result there', {
    field: 'output_path',
    received: output_path.slice(0, 200),
    facts: { reason: 'not_yours' },
  });
}

function isWaiting({ state }: JobRecord): boolean {
  return state === 'queued' || state === 'retrying';
}

/** The id of the job, which our own tickets carry; in a request of others it means nothing. */
function splitJobId(input: unknown): { job_id: string | undefined; rest: unknown } {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return { job_id: undefined, rest: input };
  const { job_id, ...rest } = input as { job_id?: unknown };
  return { job_id: typeof job_id === 'string' ? job_id : undefined, rest };
}

/** What could be read of a message that was refused. */
function videoIdIn(payload: string): string | null {
  try {
    const { video_id } = JSON.parse(payload) as { video_id?: unknown };
    return typeof video_id === 'string' ? video_id.slice(0, 200) : null;
  } catch {
    return null;
  }
}
