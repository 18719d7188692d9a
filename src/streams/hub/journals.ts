/** The journals that history, event feed and picture need: made at start and after every reconnect of the broker. */
import { deleteJournal, ensureJournal, ensureMediaJournal, type MediaJournalLimits } from '../../bus/index.js';
import { type ChannelName, journals, mediaJournalName, subscribeSubject } from '../../contracts/index.js';
import type { Definitions } from './definitions.js';
import type { HubParts } from './needs.js';

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
    await ensureMediaJournal(bus.connection, streamId, this.#limits, roots, signal);
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
    for (const spec of Object.values(journals)) {
      const ensured = await ensureJournal(
        bus.connection,
        {
          name: spec.name,
          subjects: spec.channels.map((channel: ChannelName) => subscribeSubject(channel, {}, roots)),
          storage: 'file',
          maxAgeMs: spec.maxAgeS * 1000,
          maxBytes: spec.maxBytes,
        },
        signal,
      );
      for (const warning of ensured.warnings) log.warn({ journal: spec.name, warning }, 'the broker keeps the journal differently');
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
