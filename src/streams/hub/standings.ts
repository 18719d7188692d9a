/** Joins what the nouns of the hub know into the state of each stream, and speaks for streams whose spoke cannot. */
import type { Stream, StreamStatus } from '../../contracts/index.js';
import type { StreamRecord } from '../../store/index.js';
import type { AlertBook } from './alert-book.js';
import type { Definitions } from './definitions.js';
import type { ForeignStreams } from './foreign-streams.js';
import type { LocalEventBus } from './local-events.js';
import type { Observations } from './observations.js';
import { isWanted, type Reconciler } from './reconciler.js';
import type { Roster } from './roster.js';
import { composeStream, type Standing, shownStatus, spokenByHub } from './view.js';
import type { Watching } from './watching.js';

export interface StandingsOptions {
  readonly definitions: Definitions;
  readonly observations: Observations;
  readonly watching: Watching;
  /** Whether it runs for a recording, whoever watches. */
  readonly isRecorded: (streamId: string) => boolean;
  readonly reconciler: Reconciler;
  readonly roster: Roster;
  readonly foreign: ForeignStreams;
  readonly events: LocalEventBus;
  readonly alerts: AlertBook;
}

/** Owns nothing but what it has said last. */
export class Standings {
  readonly #nouns: StandingsOptions;
  readonly #said = new Map<string, string>();

  constructor(nouns: StandingsOptions) {
    this.#nouns = nouns;
  }

  /** The stream as it is shown. */
  show(record: StreamRecord): Stream {
    return composeStream(record, this.#standing(record));
  }

  /** Its state as it is shown; null before the first report. */
  status(streamId: string): StreamStatus | null {
    const record = this.#nouns.definitions.get(streamId);
    return record === undefined ? null : shownStatus(record, this.#standing(record));
  }

  /** Publishes states that only the hub can know, each once, and raises or clears what people must know of lost spokes. */
  async speak(): Promise<void> {
    const records = this.#nouns.definitions.all();
    for (const record of records) this.#speakOf(record);
    const known = new Set(records.map((record) => record.stream_id));
    for (const streamId of this.#said.keys()) if (!known.has(streamId)) this.#said.delete(streamId);
    for (const spokeId of this.#nouns.roster.ids()) await this.#alertOf(spokeId);
  }

  #speakOf(record: StreamRecord): void {
    const status = spokenByHub(record, this.#standing(record));
    const said = this.#said.get(record.stream_id);
    if (status === undefined) {
      this.#said.delete(record.stream_id);
      return;
    }
    const key = `${status.state} ${status.reason ?? ''}`;
    if (key === said) return;
    this.#said.set(record.stream_id, key);
    this.#nouns.events.emit('status', status);
  }

  async #alertOf(spokeId: string): Promise<void> {
    const { roster, reconciler, definitions, alerts } = this.#nouns;
    const since = roster.lostSince(spokeId, reconciler.isSettled);
    const kind = `spoke_lost.${spokeId}`.slice(0, 64);
    const missed = since === undefined ? [] : reconciler.streamsOf(spokeId).filter((streamId) => this.#isMissed(definitions.get(streamId)));
    if (missed.length === 0) await alerts.clear(kind);
    else {
      const message = `Spoke ${spokeId} is not heard any more; it served ${missed.length === 1 ? missed[0] : `${missed.length} streams`}`;
      await alerts.raise({ severity: 'error', kind, message, hint: 'See whether its machine and process still run' });
    }
  }

  #standing(record: StreamRecord): Standing {
    const { observations, watching, reconciler, roster, foreign } = this.#nouns;
    const streamId = record.stream_id;
    const observed = observations.get(streamId);
    const spokeId = record.managed ? reconciler.spokeOf(streamId) : observed?.status?.spoke_id;
    const isKnown = spokeId !== undefined && roster.has(spokeId);
    return {
      observed,
      viewers: watching.viewers(streamId),
      isIdle: record.on_demand && !watching.isWatched(streamId) && !this.#nouns.isRecorded(streamId),
      spokeId,
      lostSinceMs: isKnown ? roster.lostSince(spokeId, reconciler.isSettled) : record.managed ? undefined : foreign.lostSince(streamId),
      isHomeless: record.managed && spokeId === undefined && reconciler.isSettled,
      refusal: reconciler.refusalOf(streamId),
      nowMs: Date.now(),
    };
  }

  #isMissed(record: StreamRecord | undefined): boolean {
    const { watching, isRecorded } = this.#nouns;
    return record !== undefined && (isRecorded(record.stream_id) || isWanted(record, (streamId) => watching.isWatched(streamId)));
  }
}
