/** The JetStream streams and consumers of the queue, literally as the wire contract says: made at start and after each reconnect. */
import { ensureJournal, ensureWorkPlace, findJournal, findWorkPlace, type JournalFacts, type WorkPlaceFacts } from '../../bus/index.js';
import { publishSubject, subscribeSubject, videoQueues } from '../../contracts/index.js';
import type { QueueParts } from './parts.js';

const retryMs = 1000;

export class BusSide {
  readonly #parts: QueueParts;
  #timer: NodeJS.Timeout | undefined;
  #ends: (() => void)[] = [];
  #isReady = false;
  #warnings: string[] = [];

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** False while the connection is away, or the streams could not be made again. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Settings that the broker keeps differently. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Throws when the broker has no JetStream, or another stream has the subjects. `onReady` is called after each time they were made again. */
  async start(onReady: () => void): Promise<void> {
    const { bus } = this.#parts;
    await this.#ensure();
    this.#ends = [bus.onDisconnect(() => this.#lost()), bus.onReconnect(() => this.#again(0, onReady))];
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const end of this.#ends) end();
  }

  /** Facts of VIDEO_PROCESSING; undefined when it is not there. */
  journal(): Promise<JournalFacts | undefined> {
    return findJournal(this.#parts.bus.connection, videoQueues.processing.name, this.#parts.signal);
  }

  /** How far the workers are with it. */
  consumer(): Promise<WorkPlaceFacts | undefined> {
    const { name, durable } = videoQueues.processing;
    return findWorkPlace(this.#parts.bus.connection, name, durable, this.#parts.signal);
  }

  async #ensure(): Promise<void> {
    const { bus, signal, log } = this.#parts;
    const { roots, connection } = bus;
    const { processing, dead, chunks } = videoQueues;
    const subject = (name: 'video_upload' | 'video_process' | 'video_dead') => publishSubject(name, {}, roots);
    const warnings: string[] = [];
    const made = [
      await ensureJournal(
        connection,
        {
          name: processing.name,
          subjects: [subject('video_upload'), subject('video_process')],
          storage: 'file',
          retention: 'limits',
          maxAgeMs: processing.maxAgeS * 1000,
          maxMessageBytes: processing.maxMessageBytes,
          discard: 'old',
        },
        signal,
      ),
      await ensureWorkPlace(
        connection,
        {
          journal: processing.name,
          durable: processing.durable,
          filter: subject('video_process'),
          ackWaitMs: processing.ackWaitMs,
          maxDeliver: processing.maxDeliver,
        },
        signal,
      ),
      await ensureJournal(connection, { name: dead.name, subjects: [subject('video_dead')], storage: 'file', maxAgeMs: dead.maxAgeS * 1000 }, signal),
      await ensureJournal(
        connection,
        {
          name: chunks.name,
          subjects: [subscribeSubject('video_chunk', {}, roots)],
          storage: 'file',
          retention: 'work_queue',
          maxAgeMs: chunks.maxAgeS * 1000,
        },
        signal,
      ),
      await ensureWorkPlace(
        connection,
        { journal: chunks.name, durable: chunks.durable, ackWaitMs: chunks.ackWaitMs, maxDeliver: chunks.maxDeliver },
        signal,
      ),
    ];
    for (const { warnings: more } of made) warnings.push(...more);
    for (const warning of warnings) log.warn({ warning }, 'the broker keeps the queue of videos differently');
    this.#warnings = warnings;
    this.#isReady = true;
  }

  #lost(): void {
    this.#isReady = false;
    clearTimeout(this.#timer);
  }

  #again(delayMs: number, onReady: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#ensure().then(onReady, (error: unknown) => {
        if (this.#parts.signal.aborted) return;
        this.#parts.log.warn({ err: error }, 'the streams of the queue of videos could not be made; trying again');
        this.#again(retryMs, onReady);
      });
    }, delayMs);
    this.#timer.unref();
  }
}
