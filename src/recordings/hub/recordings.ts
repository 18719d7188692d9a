/** The hub side of recordings: makes the nouns, ties them together, starts and stops them in order. */

import { setMaxListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { type ComponentHealth, type Recording, type RecordingOrder, type StorageLimits, WeirError } from '../../contracts/index.js';
import { RecordingAlerts } from './alerts.js';
import { Changes, type RecordingListener } from './changes.js';
import { checkDisk, type DiskCheckResult } from './disk-check.js';
import { Exports } from './exports.js';
import { Intake } from './intake.js';
import { coverageWithin } from './ledger.js';
import { defaultTiming, type RecordingsOptions, type RecordingsParts, type RecordingsSettings } from './needs.js';
import type { RecordingsNouns } from './nouns.js';
import type { RecordingsOperations } from './operations.js';
import { createOrderOperations } from './order-operations.js';
import { Orders } from './orders.js';
import { createPictureOperations } from './picture-operations.js';
import type { PlaybackNouns } from './playback.js';
import { RecordingFiles } from './recording-files.js';
import { Remuxes } from './remuxes.js';
import { Retention } from './retention.js';
import { RunningFiles } from './running-file.js';
import { createSegmentOperations } from './segment-operations.js';
import { Snapshots } from './snapshots.js';
import { Spokes } from './spokes.js';
import { DiskStorage, usedPercent } from './storage.js';
import { Thumbnails } from './thumbnails.js';
import { Tracker } from './tracker.js';

/** A spoke finishes the file of a stream that is to be deleted within this time. */
const lastWordMs = 5000;

/** The running hub side of recordings. */
export interface Recordings {
  /** One operation per route; names and types are those of the route table. */
  readonly operations: RecordingsOperations;
  /** What a spoke shall record of a stream, now and in the next 24 hours: part of its assignment. */
  ordersOf(streamId: string): RecordingOrder[];
  /** True while (and shortly before) a stream is to be recorded, or a picture of it is awaited, so that it must run whoever watches. */
  isWanted(streamId: string): boolean;
  /** What is recorded of a stream right now; null when nothing is. */
  recordingOf(streamId: string): Recording | null;
  /** Components `storage` and `recordings` for the health of the whole. */
  health(): ComponentHealth[];
  /** Tells of each change; returns the way to unsubscribe. */
  onChange(listener: RecordingListener): () => void;
  /** When spokes may not record; they are told with their assignments. */
  limits(): StorageLimits;
  /** The configuration has changed: used from now on. */
  configure(settings: RecordingsSettings): void;
  /**
   * A stream is about to be deleted: nothing of it is wanted any more, its plan included. What was recorded of it stays. Resolves when its
   * spoke has told of the last file, after 5 seconds at most.
   */
  forgetStream(streamId: string): Promise<void>;
  /** Ends intake, then exports and the FFmpegs of thumbnails. Spokes record on without the hub. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Resolves when all orders are known, so that assignments may be made, and entries and reports of spokes are heard. Start it before
 * the streams: a first assignment without orders would end what is being recorded. Fails when a folder cannot be made.
 */
export async function startRecordings(options: RecordingsOptions): Promise<Recordings> {
  const recordings = new HubRecordings(options);
  try {
    await recordings.start();
    return recordings;
  } catch (error) {
    await recordings.stop();
    throw WeirError.from(error);
  }
}

class HubRecordings implements Recordings {
  readonly operations: RecordingsOperations;
  readonly #abort = new AbortController();
  readonly #nouns: RecordingsNouns;
  readonly #changes: Changes;
  readonly #alerts: RecordingAlerts;
  readonly #intake: Intake;
  readonly #remuxes: Remuxes;
  #settings: RecordingsSettings;
  #timer: NodeJS.Timeout | undefined;
  #looping: Promise<void> = Promise.resolve();
  #comparing: Promise<void> | undefined;
  /** What the last comparison of index and disk found. */
  #compared: DiskCheckResult = { missing: [], changed: [], orphans: [] };
  readonly #doneAt = { disk: 0, retention: 0, check: 0 };
  #stopping: Promise<void> | undefined;

  constructor(options: RecordingsOptions) {
    setMaxListeners(0, this.#abort.signal);
    this.#settings = options.settings;
    const { bus, store, log, folders, streams, facts } = options;
    const timing = { ...defaultTiming, ...options.timing };
    const parts: RecordingsParts = { bus, store, log, folders, streams, timing, settings: () => this.#settings, signal: this.#abort.signal };
    this.#changes = new Changes((error) => log.warn({ err: error }, 'a listener of a recording failed'));
    this.#alerts = new RecordingAlerts(parts);
    const orders = new Orders({ ...parts, timeZone: options.timeZone });
    const spokes = new Spokes({
      ...parts,
      onStatus: (status) => tracker.onStatus(status),
      onSpoke: (spokeId) => void this.#intake.catchUp(spokeId).catch((error: unknown) => log.warn({ err: error }, 'a spoke could not be asked')),
      onLost: (spokeId) => tracker.onLost(spokeId),
    });
    const tracker = new Tracker({ parts, orders, spokes, alerts: this.#alerts, changes: this.#changes });
    const files = new RecordingFiles(parts, spokes);
    const storage = new DiskStorage({
      parts,
      alerts: this.#alerts,
      onState: (state, percent) => this.#changes.emit({ kind: 'storage_state', state, usage_percentage: percent }),
    });
    this.#remuxes = new Remuxes(parts, files, facts?.ffmpeg);
    const running = new RunningFiles(folders.recordings);
    const playback: PlaybackNouns = { parts, files, remuxes: this.#remuxes, running, liveOf: (streamId) => spokes.ofStream(streamId) };
    const ledger = { parts, orders, spokes };
    this.#intake = new Intake({
      ...parts,
      streamsOf: (spokeId) => this.#streamsOf(spokeId),
      onSegment: (segment) => this.#changes.emit({ kind: 'segment_finished', segment }),
      onEntry: (entry) => tracker.onEntry(entry),
    });
    this.#nouns = {
      parts,
      orders,
      spokes,
      tracker,
      storage,
      files,
      retention: new Retention({ parts, orders, storage, files }),
      playback,
      thumbnails: new Thumbnails(playback, facts?.ffmpeg),
      exports: new Exports({
        parts,
        files,
        storage,
        ffmpeg: facts?.ffmpeg,
        playback,
        coverage: (streamId, fromMs, toMs) => coverageWithin(ledger, streamId, fromMs, toMs),
      }),
      snapshots: new Snapshots(parts, this.#changes),
    };
    this.operations = { ...createOrderOperations(this.#nouns), ...createSegmentOperations(this.#nouns), ...createPictureOperations(this.#nouns) };
  }

  async start(): Promise<void> {
    const { parts, orders, spokes, storage, exports, snapshots } = this.#nouns;
    for (const folder of Object.values(parts.folders)) await mkdir(folder, { recursive: true, mode: 0o700 });
    await orders.load();
    await this.#alerts.start();
    await Promise.all([this.#intake.start(), spokes.start(), snapshots.start(), this.#remuxes.start(), storage.start()]);
    await orders.tick();
    await exports.start();
    await parts.bus.flush(parts.signal);
    this.#schedule();
  }

  ordersOf(streamId: string): RecordingOrder[] {
    return this.#nouns.orders.ordersOf(streamId);
  }

  isWanted(streamId: string): boolean {
    return this.#nouns.orders.isWanted(streamId) || this.#nouns.snapshots.isAwaited(streamId);
  }

  recordingOf(streamId: string): Recording | null {
    const due = this.#nouns.orders.dueOf(streamId);
    return due === undefined ? null : this.#nouns.tracker.show(due);
  }

  health(): ComponentHealth[] {
    const { storage, orders, parts } = this.#nouns;
    const due = orders.dueStreams().map((streamId) => this.recordingOf(streamId));
    const failing = due.filter((recording) => recording !== null && recording.state !== 'recording' && recording.state !== 'starting').length;
    const percent = storage.room === undefined ? undefined : usedPercent(storage.room);
    return [
      {
        name: 'storage',
        status: storage.state === 'ok' ? 'healthy' : storage.state === 'warning' ? 'degraded' : 'unhealthy',
        ...(storage.state === 'ok'
          ? {}
          : { message: storage.state === 'blocked' ? 'too little room to record' : 'the disk of the recordings fills up' }),
        details: { state: storage.state, usage_percentage: percent, block_percent: parts.settings().storage.block_percent },
      },
      {
        name: 'recordings',
        status: failing === 0 ? 'healthy' : 'degraded',
        ...(failing === 0 ? {} : { message: `${failing} of ${due.length} recordings have a gap right now` }),
        details: {
          wanted: due.length,
          failing,
          files_missing: this.#compared.missing.length,
          files_changed: this.#compared.changed.length,
          files_unknown: this.#compared.orphans.length,
          ...this.#intake.counters,
        },
      },
    ];
  }

  onChange(listener: RecordingListener): () => void {
    return this.#changes.on(listener);
  }

  limits(): StorageLimits {
    const { block_percent, min_free_bytes, check_s } = this.#settings.storage;
    return { block_percent, min_free_bytes, check_s };
  }

  configure(settings: RecordingsSettings): void {
    this.#settings = settings;
    this.#doneAt.disk = 0;
    this.#doneAt.retention = 0;
  }

  async forgetStream(streamId: string): Promise<void> {
    await this.#nouns.orders.forget(streamId);
    await this.#untilClosed(streamId);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Waits for the last word of a spoke that is there to say it. */
  async #untilClosed(streamId: string): Promise<void> {
    const { orders, spokes, parts } = this.#nouns;
    const isOpen = () => orders.open().some((record) => record.stream_id === streamId && spokes.of(record.recording_id)?.isHeard === true);
    if (!isOpen()) return;
    await new Promise<void>((resolve) => {
      const deadline = AbortSignal.any([parts.signal, AbortSignal.timeout(lastWordMs)]);
      const look = () => {
        if (isOpen() && !deadline.aborted) return;
        unsubscribe();
        deadline.removeEventListener('abort', look);
        resolve();
      };
      const unsubscribe = this.#changes.on(look);
      deadline.addEventListener('abort', look);
      look();
    });
  }

  async #end(): Promise<void> {
    const { spokes, exports } = this.#nouns;
    clearTimeout(this.#timer);
    await exports.stop();
    this.#abort.abort(new WeirError('cancelled', 'The hub stops'));
    spokes.stop();
    await this.#intake.stop();
    await this.#looping;
    await this.#comparing;
  }

  #schedule(): void {
    if (this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#looping = this.#tick().finally(() => this.#schedule());
    }, this.#nouns.parts.timing.tickMs);
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    const { parts, orders, tracker, storage, retention } = this.#nouns;
    const { storage: limits } = this.#settings;
    await this.#quietly('plans could not be looked at', () => orders.tick());
    await this.#quietly('recordings could not be followed', () => tracker.tick());
    await this.#every('disk', limits.check_s * 1000, 'the disk could not be looked at', () => storage.look());
    await this.#every('retention', limits.cleanup_interval_s * 1000, 'old recordings could not be deleted', () => retention.tick());
    await this.#every('check', parts.timing.reconcileMs, 'index and disk could not be compared', async () => this.#compare());
  }

  /** Begins to compare index and disk, unless it is still at it: with many files that takes minutes, for which nothing else waits. */
  #compare(): void {
    const { parts, files } = this.#nouns;
    this.#comparing ??= this.#quietly('index and disk could not be compared', async () => {
      this.#compared = await checkDisk(parts, files);
    }).finally(() => {
      this.#comparing = undefined;
    });
  }

  async #every(what: 'disk' | 'retention' | 'check', everyMs: number, message: string, work: () => Promise<void>): Promise<void> {
    const nowMs = performance.now();
    if (this.#doneAt[what] !== 0 && nowMs - this.#doneAt[what] < everyMs) return;
    this.#doneAt[what] = nowMs;
    await this.#quietly(message, work);
  }

  async #quietly(message: string, work: () => Promise<void>): Promise<void> {
    if (this.#abort.signal.aborted) return;
    try {
      await work();
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#nouns.parts.log.warn({ err: error }, message);
    }
  }

  /** Streams that a spoke may have a list of: those it was read from before, and those that are recorded at all. */
  async #streamsOf(spokeId: string): Promise<string[]> {
    const cursors = await this.#nouns.parts.store.recordings.cursors();
    const read = cursors.filter((cursor) => cursor.spoke_id === spokeId).map((cursor) => cursor.stream_id);
    return [...new Set([...read, ...this.#nouns.orders.known()])];
  }
}
