/** What happens to recordings, out of what spokes say and what they wrote down: tells changes once, and closes what is over. */
import type { Recording, RecordingEntry, RecordingStatus } from '../../contracts/index.js';
import type { RecordingRecord } from '../../store/index.js';
import type { RecordingAlerts } from './alerts.js';
import type { Changes } from './changes.js';
import { openGap } from './ledger.js';
import type { RecordingsParts } from './needs.js';
import type { Orders } from './orders.js';
import { outcomeOf } from './outcome.js';
import { endOf, iso, showRecording } from './recording-view.js';
import type { Spokes } from './spokes.js';

/** The clocks of hub and spoke may differ so much before an end counts as early. */
const skewMs = 1500;
/** Nobody says a last word about an order that is over: it is closed so long after its end. */
const silentMs = 15_000;

export interface TrackerNouns {
  readonly parts: RecordingsParts;
  readonly orders: Orders;
  readonly spokes: Spokes;
  readonly alerts: RecordingAlerts;
  readonly changes: Changes;
}

/** Owns what was told of each recording. */
export class Tracker {
  readonly #nouns: TrackerNouns;
  readonly #told = new Map<string, 'recording' | 'error'>();

  constructor(nouns: TrackerNouns) {
    this.#nouns = nouns;
  }

  show(record: RecordingRecord): Recording {
    const { spokes } = this.#nouns;
    return showRecording(record, spokes.of(record.recording_id), spokes.ofStream(record.stream_id), Date.now());
  }

  onStatus(status: RecordingStatus): void {
    const { orders, changes, parts } = this.#nouns;
    const record = orders.get(status.recording_id);
    if (record === undefined) return;
    if (status.state === 'recording') {
      if (status.started_at !== null)
        orders
          .began(record.recording_id, Date.parse(status.started_at))
          .catch((error: unknown) => parts.log.warn({ err: error }, 'an end could not be moved'));
      const isFirst = this.#told.get(record.recording_id) !== 'recording';
      this.#told.set(record.recording_id, 'recording');
      changes.emit({ kind: isFirst ? 'recording_started' : 'recording_progress', recording: this.show(record) });
      return;
    }
    const isBad = status.state === 'blocked' || status.state === 'failed' || (status.state === 'waiting' && status.cause !== 'starting');
    if (isBad) this.#tellError(record);
  }

  onLost(spokeId: string): void {
    const { orders, spokes } = this.#nouns;
    for (const record of orders.open()) if (spokes.of(record.recording_id)?.status.spoke_id === spokeId) this.#tellError(record);
  }

  /** The list of a spoke says that an order has ended: it is over when it was to be. */
  async onEntry(entry: RecordingEntry): Promise<void> {
    if (entry.kind !== 'ended') return;
    const record = await this.#nouns.parts.store.recordings.get(entry.recording_id);
    if (record === undefined) return;
    if (record.ended_ms !== null) {
      // It was closed before its spoke was heard of again, and got pictures after all.
      if (record.state === 'failed' && record.segments > 0)
        await this.#nouns.parts.store.recordings.update(record.recording_id, { state: 'stopped', cause: null, error: null });
      return;
    }
    const atMs = Date.parse(entry.at);
    // A stream that moves to another spoke ends at the first one, and goes on.
    if (endOf(record) > Date.now() + skewMs) return;
    await this.#close(record, atMs);
  }

  /** Closes orders that are over and of which no more will be heard; raises and clears alerts of gaps. */
  async tick(): Promise<void> {
    const { orders, spokes } = this.#nouns;
    const nowMs = Date.now();
    for (const record of orders.open()) {
      const endMs = endOf(record);
      if (endMs > nowMs) continue;
      const live = spokes.of(record.recording_id);
      const isSilent = live === undefined || !live.isHeard || nowMs - endMs > silentMs;
      if (isSilent && nowMs - endMs > skewMs) await this.#close(record, endMs);
    }
    this.#watchGaps(nowMs);
    const open = new Set(orders.open().map((record) => record.recording_id));
    spokes.forget((recordingId) => open.has(recordingId));
    for (const recordingId of this.#told.keys()) if (!open.has(recordingId)) this.#told.delete(recordingId);
  }

  async #close(record: RecordingRecord, atMs: number): Promise<void> {
    const { orders, spokes, changes, parts } = this.#nouns;
    const outcome = await outcomeOf(parts.store, record, spokes.of(record.recording_id));
    await orders.close(record.recording_id, { ended_ms: Math.min(endOf(record), atMs), ...outcome });
    const closed = await parts.store.recordings.get(record.recording_id);
    const kind = outcome.state === 'failed' ? 'recording_error' : 'recording_stopped';
    if (closed !== undefined) changes.emit({ kind, recording: this.show(closed) });
    spokes.wake();
  }

  #tellError(record: RecordingRecord): void {
    if (this.#told.get(record.recording_id) === 'error' || endOf(record) <= Date.now()) return;
    this.#told.set(record.recording_id, 'error');
    this.#nouns.changes.emit({ kind: 'recording_error', recording: this.show(record) });
  }

  #watchGaps(nowMs: number): void {
    const { orders, spokes, alerts, parts } = this.#nouns;
    const limitMs = parts.settings().recordings.gap_alert_s * 1000;
    const open = new Set<string>();
    for (const streamId of limitMs > 0 ? orders.dueStreams() : []) {
      const gap = openGap(orders.dueOf(streamId)?.from_ms, spokes.ofStream(streamId), nowMs);
      if (gap === undefined || nowMs - gap.from_ms < limitMs) {
        // A gap that has just begun anew does not end an alert.
        if (gap !== undefined && alerts.streamsOf('recording_gap').includes(streamId)) open.add(streamId);
        continue;
      }
      open.add(streamId);
      alerts.raise({
        severity: 'error',
        kind: 'recording_gap',
        stream_id: streamId,
        message:
          `${streamId} is to be recorded, but nothing is since ${iso(gap.from_ms)}: ${gap.cause}${gap.detail === undefined ? '' : ` (${gap.detail})`}`.slice(
            0,
            1024,
          ),
      });
    }
    for (const streamId of alerts.streamsOf('recording_gap')) if (!open.has(streamId)) alerts.clear('recording_gap', streamId);
  }
}
