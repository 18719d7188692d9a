/** The index grows here: entries of spokes are taken over exactly once, as they come or when they are asked for. */
import type { BusSubscription } from '../../bus/index.js';
import { type RecordingEntry, recordingEntriesSchema, type Segment, type SegmentEntry, WeirError } from '../../contracts/index.js';
import type { SegmentRecord, Transaction } from '../../store/index.js';
import type { RecordingsParts } from './needs.js';
import { showSegment } from './recording-view.js';

/** Entries of one answer; with their keyframes they stay far below what a message may carry. */
const pageEntries = 200;
const askMs = 5000;
/** Pages of one round: no list is longer, and a spoke that counts nonsense is not followed for ever. */
const maxPages = 10_000;

export interface IntakeOptions extends RecordingsParts {
  /** Streams that a spoke may have recorded. */
  readonly streamsOf: (spokeId: string) => Promise<readonly string[]>;
  readonly onSegment: (segment: Segment) => void;
  /** After the transaction that took it over. */
  readonly onEntry: (entry: RecordingEntry) => Promise<void>;
}

export interface IntakeCounters {
  taken: number;
  repeated: number;
  caughtUp: number;
}

/** Owns the way from the lists of the spokes into the index. Entries of one list are taken over in their order. */
export class Intake {
  readonly counters: IntakeCounters = { taken: 0, repeated: 0, caughtUp: 0 };
  readonly #options: IntakeOptions;
  /** Work per list: one at a time, in order. */
  readonly #lists = new Map<string, Promise<void>>();
  readonly #asked = new Set<string>();
  #subscription: BusSubscription | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { bus, signal } = this.#options;
    this.#subscription = bus.subscribe('recording_entry', {}, (entry) => void this.#hear(entry), { limit: 4096, signal });
    await this.#subscription.ready;
  }

  /** Asks a spoke for what was missed of every stream it may have recorded. */
  async catchUp(spokeId: string): Promise<void> {
    const streams = await this.#options.streamsOf(spokeId);
    for (let at = 0; at < streams.length; at += 8)
      await Promise.all(streams.slice(at, at + 8).map((streamId) => this.catchUpStream(spokeId, streamId)));
  }

  /** Asks for what was missed of one stream; what cannot be had now is asked for again when the spoke tells of itself. */
  catchUpStream(spokeId: string, streamId: string): Promise<void> {
    const key = `${spokeId} ${streamId}`;
    // A second question before the first was put would have the same answer.
    if (this.#asked.has(key)) return this.#lists.get(key) ?? Promise.resolve();
    this.#asked.add(key);
    return this.#inOrder(key, async () => {
      this.#asked.delete(key);
      await this.#ask(spokeId, streamId);
    });
  }

  async stop(): Promise<void> {
    this.#subscription?.stop();
    await Promise.all(this.#lists.values());
  }

  #hear(entry: RecordingEntry): Promise<void> {
    return this.#inOrder(`${entry.spoke_id} ${entry.stream_id}`, async () => {
      const next = (await this.#options.store.recordings.cursor(entry.spoke_id, entry.stream_id)) + 1;
      if (entry.sequence === next) await this.#take([entry]);
      else if (entry.sequence > next) await this.#ask(entry.spoke_id, entry.stream_id);
      // A list that begins anew begins with one; the spoke tells where it stands.
      else if (entry.sequence === 1) await this.#ask(entry.spoke_id, entry.stream_id);
      else this.counters.repeated += 1;
    });
  }

  async #ask(spokeId: string, streamId: string): Promise<void> {
    const { bus, store, signal } = this.#options;
    for (let page = 0; page < maxPages; page += 1) {
      const after = await store.recordings.cursor(spokeId, streamId);
      const command = { action: 'recording_entries', stream_id: streamId, after, limit: pageEntries } as const;
      const reply = await bus.request('spoke_command', { spoke_id: spokeId }, command, { timeoutMs: askMs, signal });
      if (reply.error !== undefined) throw new WeirError(reply.error.code, reply.error.detail);
      const found = recordingEntriesSchema.parse(reply.result);
      if (found.last < after) {
        // Its list is shorter than what was read of it: the disk of the spoke is another one now.
        this.#options.log.warn({ spoke_id: spokeId, stream_id: streamId, after, last: found.last }, 'the list of a spoke begins anew');
        await store.recordings.setCursor(spokeId, streamId, 0);
        if (found.last === 0) return;
        continue;
      }
      this.counters.caughtUp += await this.#take(found.entries);
      if (!found.more || found.entries.length === 0) return;
    }
  }

  /** One transaction for all of them; the number taken over. */
  async #take(entries: readonly RecordingEntry[]): Promise<number> {
    const taken = await this.#options.store.transaction((tx) => takeOver(tx, entries));
    this.counters.taken += taken.length;
    this.counters.repeated += entries.length - taken.length;
    for (const { entry, segment } of taken) {
      if (segment !== undefined) this.#options.onSegment(showSegment(segment));
      await this.#options.onEntry(entry);
    }
    return taken.length;
  }

  #inOrder(key: string, work: () => Promise<void>): Promise<void> {
    const { log, signal } = this.#options;
    const run = (this.#lists.get(key) ?? Promise.resolve()).then(work).catch((error: unknown) => {
      // A spoke without such a list has nothing to tell.
      if (signal.aborted || (error instanceof WeirError && error.code === 'not_found')) return;
      log.warn({ err: error, list: key }, 'entries of a recording could not be taken over; asking again when the spoke tells of itself');
    });
    this.#lists.set(key, run);
    void run.then(() => {
      if (this.#lists.get(key) === run) this.#lists.delete(key);
    });
    return run;
  }
}

interface Taken {
  readonly entry: RecordingEntry;
  /** Set when the entry brought a new file. */
  readonly segment: SegmentRecord | undefined;
}

async function takeOver(tx: Transaction, entries: readonly RecordingEntry[]): Promise<Taken[]> {
  const first = entries[0];
  if (first === undefined) return [];
  await tx.lock(`recording_entries.${first.spoke_id}.${first.stream_id}`);
  let cursor = await tx.recordings.cursor(first.spoke_id, first.stream_id);
  const taken: Taken[] = [];
  for (const entry of entries) {
    if (entry.sequence <= cursor) continue;
    taken.push({ entry, segment: await takeOne(tx, entry) });
    cursor = entry.sequence;
  }
  await tx.recordings.setCursor(first.spoke_id, first.stream_id, cursor);
  return taken;
}

async function takeOne(tx: Transaction, entry: RecordingEntry): Promise<SegmentRecord | undefined> {
  switch (entry.kind) {
    case 'segment': {
      const record = toRecord(entry);
      return (await tx.recordings.addSegment(record, entry.keyframes)) ? record : undefined;
    }
    case 'gap':
      await tx.recordings.addGap({
        stream_id: entry.stream_id,
        spoke_id: entry.spoke_id,
        recording_id: entry.recording_id,
        from_ms: Date.parse(entry.from),
        to_ms: Date.parse(entry.to),
        cause: entry.cause,
        detail: entry.detail?.slice(0, 1024) ?? null,
      });
      return undefined;
    case 'began':
      await takeOrder(tx, entry);
      return undefined;
    case 'ended':
      return undefined;
  }
}

/** A spoke carries out an order that this database does not know: it was made before a backup was restored. */
async function takeOrder(
  tx: Transaction,
  { order, stream_id, recording_id, at }: Extract<RecordingEntry, { kind: 'began' | 'ended' }>,
): Promise<void> {
  if ((await tx.recordings.get(recording_id)) !== undefined) return;
  const beganMs = Date.parse(at);
  await tx.recordings.insert({
    recording_id,
    stream_id,
    origin: order.origin,
    format: order.format,
    segment_s: order.segment_s,
    segment_bytes: order.segment_bytes,
    pre_roll_s: order.pre_roll_s,
    from_ms: Date.parse(order.from),
    // Not wanted any more as far as this database knows; the next assignment tells the spoke.
    until_ms: Math.min(Date.now(), order.until === null ? Number.POSITIVE_INFINITY : Date.parse(order.until)),
    duration_ms: null,
    ended_ms: null,
    state: 'stopping',
    cause: null,
    error: null,
    filename: null,
    started_ms: null,
    stopped_ms: null,
    elapsed_ms: 0,
    size_bytes: 0,
    segments: 0,
    requested_by: 'unknown',
    requested_ms: beganMs,
  });
}

function toRecord(entry: SegmentEntry): SegmentRecord {
  const startedMs = Date.parse(entry.from);
  return {
    filename: entry.filename,
    recording_id: entry.recording_id,
    stream_id: entry.stream_id,
    spoke_id: entry.spoke_id,
    path: entry.path,
    format: entry.format,
    started_ms: startedMs,
    ended_ms: Math.max(startedMs, Date.parse(entry.to)),
    duration_ms: Math.round(entry.duration_ms),
    size_bytes: entry.size_bytes,
    frames: entry.frames,
    width: entry.width ?? null,
    height: entry.height ?? null,
    codecs: entry.codecs,
    init_bytes: entry.init_bytes,
    protected: false,
    recovered: entry.closed_by === 'recovered',
    lost_ms: null,
  };
}
