/** Streams that foreign spokes bring along: plain programs that speak the wire contract and know nothing of assignments. */
import { type StreamStatus, WeirError } from '../../contracts/index.js';
import type { AlertBook } from './alert-book.js';
import { type Definitions, maxForeignStreams } from './definitions.js';
import type { HubParts } from './needs.js';
import type { Observations, Observed } from './observations.js';
import type { Roster } from './roster.js';

export interface ForeignStreamsOptions extends HubParts {
  readonly definitions: Definitions;
  readonly observations: Observations;
  readonly roster: Roster;
  readonly alerts: AlertBook;
  readonly isSettled: () => boolean;
}

const askMs = 1000;
/** A full house is told once and looked at again after so long. */
const refusedPauseMs = 30_000;

/** Owns who is taken on, and whether a foreign spoke is still there. */
export class ForeignStreams {
  readonly #options: ForeignStreamsOptions;
  readonly #considering = new Set<string>();
  readonly #lostSince = new Map<string, number>();
  #refusedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: ForeignStreamsOptions) {
    this.#options = options;
  }

  /** Since when a foreign stream's spoke is silent; undefined while it is there. */
  lostSince(streamId: string): number | undefined {
    return this.#lostSince.get(streamId);
  }

  /** A stream nobody defined reports itself. */
  consider(streamId: string, observed: Observed): void {
    if (this.#considering.has(streamId) || performance.now() < this.#refusedUntil) return;
    this.#considering.add(streamId);
    this.#adopt(streamId, observed)
      .catch((error: unknown) => this.#options.log.warn({ err: error, stream_id: streamId }, 'a foreign stream could not be taken on'))
      .finally(() => this.#considering.delete(streamId));
  }

  /** A known foreign stream was heard. */
  async heard(streamId: string): Promise<void> {
    if (this.#lostSince.delete(streamId)) await this.#options.alerts.clear('spoke_lost', streamId);
  }

  /** Asks the spokes of silent foreign streams whether they are still there. */
  async check(): Promise<void> {
    const { definitions, observations, timing } = this.#options;
    const silent = definitions.all().filter((record) => {
      if (record.managed || this.#lostSince.has(record.stream_id)) return false;
      return performance.now() - (observations.get(record.stream_id)?.lastSeenAt ?? Number.NEGATIVE_INFINITY) > timing.foreignSilenceMs;
    });
    for (const { stream_id: streamId, desired } of silent) {
      const status = await this.ask(streamId, askMs);
      if (status !== undefined) observations.take(status);
      else await this.#lose(streamId, desired === 'running' || observations.get(streamId)?.status?.state === 'running');
    }
  }

  /** The state as its spoke tells it now; undefined when nobody answers. */
  async ask(streamId: string, timeoutMs: number): Promise<StreamStatus | undefined> {
    const { bus, signal } = this.#options;
    try {
      return await bus.request('stream_status_get', { stream_id: streamId }, undefined, { timeoutMs, signal });
    } catch {
      return undefined;
    }
  }

  forget(streamId: string): void {
    this.#lostSince.delete(streamId);
  }

  async #adopt(streamId: string, observed: Observed): Promise<void> {
    const { observations, definitions, alerts } = this.#options;
    if (observed.status === undefined) {
      const status = await this.ask(streamId, askMs);
      if (status?.stream_id === streamId) observations.take(status);
    }
    if (definitions.get(streamId) !== undefined || definitions.isJustDeleted(streamId) || !this.#isForeign(streamId, observed)) return;
    try {
      await definitions.adopt(streamId, (observed.status?.state ?? 'running') !== 'stopped');
      await alerts.clear('foreign_streams_refused');
    } catch (error) {
      const known = WeirError.from(error);
      // Another hub on the same database was quicker.
      if (known.code === 'already_exists') await definitions.load();
      else if (known.code === 'resource_exhausted') await this.#refuse(known.message);
      else throw known;
    }
  }

  /** A spoke of ours that still runs what was taken from it hears so with its next assignment. */
  #isForeign(streamId: string, observed: Observed): boolean {
    const spokeId = observed.status?.spoke_id;
    if (spokeId === undefined) return true;
    if (this.#options.roster.has(spokeId)) return this.#options.roster.isFixed(spokeId, streamId);
    return this.#options.isSettled();
  }

  async #refuse(message: string): Promise<void> {
    this.#refusedUntil = performance.now() + refusedPauseMs;
    const hint = `Delete foreign streams that are not needed; the hub shows at most ${maxForeignStreams}`;
    await this.#options.alerts.raise({ severity: 'warning', kind: 'foreign_streams_refused', message, hint });
  }

  async #lose(streamId: string, wasRunning: boolean): Promise<void> {
    this.#lostSince.set(streamId, Date.now());
    if (!wasRunning) return;
    await this.#options.alerts.raise({
      severity: 'error',
      kind: 'spoke_lost',
      message: `The spoke of ${streamId} is not heard any more`,
      stream_id: streamId,
    });
  }
}
