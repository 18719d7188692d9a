/** The journals that history, event feed and picture need: made at start and after every reconnect of the broker. */
import { deleteJournal, ensureJournal, ensureMediaJournal, type MediaJournalLimits } from '../../bus/index.js';
import { type ChannelName, journals, mediaJournalName, subscribeSubject, WeirError } from '../../contracts/index.js';
import type { Definitions } from './definitions.js';
import type { HubParts } from './needs.js';

const defaultMediaBytes = 64 * 1024 ** 2;
/** Pauses between attempts when a journal cannot be made. */
const retryMs = 1000;

/** Owns the existence of the journals, not their contents. */
export class Journals {
  readonly #parts: HubParts;
  readonly #definitions: Definitions;
  readonly #limits: MediaJournalLimits;
  readonly #media = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #offReconnect: (() => void) | undefined;

  constructor(parts: HubParts, definitions: Definitions, limits: MediaJournalLimits) {
    this.#parts = parts;
    this.#definitions = definitions;
    this.#limits = limits;
  }

  /** Makes them all; throws when the broker has no JetStream. From then on they are made again after each reconnect. */
  async start(): Promise<void> {
    await this.#ensureAll();
    // Media journals live in memory: a restarted broker has lost them, and spokes wait for them with their pre-roll.
    this.#offReconnect = this.#parts.bus.onReconnect(() => this.#again(0));
  }

  /** The media journal of a stream exists when it resolves. */
  async ensureMedia(streamId: string): Promise<void> {
    if (this.#media.has(streamId)) return;
    const { bus, roots, signal } = this.#parts;
    await this.#withinReserve(streamId, this.#limits.maxBytes ?? defaultMediaBytes, (maxBytes) =>
      ensureMediaJournal(bus.connection, streamId, { ...this.#limits, maxBytes }, roots, signal),
    );
    this.#media.add(streamId);
  }

  async removeMedia(streamId: string): Promise<void> {
    this.#media.delete(streamId);
    await deleteJournal(this.#parts.bus.connection, mediaJournalName(streamId), this.#parts.signal);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#offReconnect?.();
  }

  async #ensureAll(): Promise<void> {
    this.#media.clear();
    const { bus, roots, signal, log } = this.#parts;
    // The picture first: a second without history is less than a second without picture.
    for (const record of this.#definitions.all()) await this.ensureMedia(record.stream_id);
    // Small ones first, so that the largest does not take all the room there is.
    for (const spec of Object.values(journals).sort((a, b) => a.maxBytes - b.maxBytes)) {
      const journal = {
        name: spec.name,
        subjects: spec.channels.map((channel: ChannelName) => subscribeSubject(channel, {}, roots)),
        storage: 'file',
        maxAgeMs: spec.maxAgeS * 1000,
      } as const;
      const ensured = await this.#withinReserve(spec.name, spec.maxBytes, (maxBytes) =>
        ensureJournal(bus.connection, { ...journal, maxBytes }, signal),
      );
      for (const warning of ensured.warnings) log.warn({ journal: spec.name, warning }, 'the broker keeps the journal differently');
    }
  }

  /**
   * The broker sets the bytes of every journal aside in advance. Where it has less to give, a smaller journal (down to a sixteenth)
   * is better than none.
   */
  async #withinReserve<T>(name: string, maxBytes: number, make: (maxBytes: number) => Promise<T>): Promise<T> {
    for (let share = 1; ; share *= 2) {
      try {
        const made = await make(Math.floor(maxBytes / share));
        if (share > 1)
          this.#parts.log.warn({ journal: name, max_bytes: Math.floor(maxBytes / share) }, 'the broker has room for a smaller journal only');
        return made;
      } catch (error) {
        if (WeirError.from(error).code !== 'resource_exhausted' || share >= 16) throw error;
      }
    }
  }

  #again(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#ensureAll().catch((error: unknown) => {
        if (this.#parts.signal.aborted) return;
        this.#parts.log.warn({ err: error }, 'journals could not be made; trying again');
        this.#again(retryMs);
      });
    }, delayMs);
    this.#timer.unref();
  }
}
