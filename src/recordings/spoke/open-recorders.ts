/** The recorders of all streams of a spoke: one clock, one eye on the disk, one door for commands. */
import { mkdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { PreRoll } from '../../bus/index.js';
import { isToken, type RecordingStatus, WeirError } from '../../contracts/index.js';
import { createWallClock, systemClock, type WallClock } from './clock.js';
import { deleteSegments } from './delete-segments.js';
import { EntryList } from './entry-list.js';
import { Ledger } from './ledger.js';
import { listPath, notePath } from './names.js';
import { type Note, NoteFile } from './note.js';
import type { OpenedRecorder, RecorderCommand, RecorderCounters, Recorders, RecordersOptions, RecordingNews } from './recorders.js';
import { openSegmentFile } from './segment-file.js';
import { type StorageGuard, startStorageGuard } from './storage-guard.js';
import { StreamTape } from './stream-tape.js';

const tickMs = 250;
const firstLookMs = 2000;
const tellMs = 1000;
/** The end of a spoke waits so long for its files; what is not finished then is finished by the next one. */
const endMs = 15_000;

/**
 * Looks at the disk and takes over what an earlier process left: files are recovered beside what is recorded from now on.
 * Never fails for a folder that cannot be used: recordings are then `blocked`, and begin when it can.
 */
export async function openRecorders(options: RecordersOptions): Promise<Recorders> {
  const recorders = new SpokeRecorders(options);
  await recorders.takeOver();
  return recorders;
}

class SpokeRecorders implements Recorders {
  readonly #options: RecordersOptions;
  readonly #tapes = new Map<string, StreamTape>();
  readonly #ledgers = new Map<string, Ledger>();
  readonly #clock: WallClock;
  readonly #guard: StorageGuard;
  readonly #bootId: string;
  readonly #ticker: NodeJS.Timeout;
  readonly #counted = { fragments: 0, bytes: 0, writes: 0, writeMs: 0, longestWriteMs: 0, overflowed: 0 };
  #toldAtMs = 0;
  #stopping: Promise<void> | undefined;

  constructor(options: RecordersOptions) {
    this.#options = options;
    this.#clock = createWallClock(options.clock);
    this.#bootId = options.bootId ?? kernelBootId();
    this.#guard = startStorageGuard(options.folder, options.storage, () => {
      for (const tape of this.#tapes.values()) {
        tape.check();
        tape.tick();
      }
    });
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  async takeOver(): Promise<void> {
    const { folder, spokeId, log } = this.#options;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o750 });
    } catch (error) {
      log?.error({ err: error, folder }, 'the folder of the recordings cannot be made');
    }
    // A disk that hangs must not keep the streams from starting.
    await within(this.#guard.check(), firstLookMs);
    for (const streamId of await readdir(folder).catch(() => [])) {
      if (!isToken(streamId)) continue;
      const file = notePath(folder, streamId, spokeId);
      const before = await new NoteFile(file).read().catch((error: unknown) => {
        log?.error({ err: error, file }, 'the note of what was being recorded cannot be read; its last file is not recovered');
        return undefined;
      });
      if (before === undefined) continue;
      if (before.note.parts.length > 0) log?.warn({ stream_id: streamId, files: before.note.parts.length }, 'recovering what was being recorded');
      this.#tape(streamId, before);
    }
  }

  get counters(): RecorderCounters {
    const tapes = [...this.#tapes.values()];
    return {
      ...this.#counted,
      queueBytes: tapes.reduce((sum, tape) => sum + tape.queuedBytes, 0),
      highestQueueBytes: Math.max(0, ...tapes.map((tape) => tape.highestBytes)),
    };
  }

  open(streamId: string, source: { preRoll(): readonly PreRoll[] }): OpenedRecorder {
    const tape = this.#tape(streamId);
    tape.open(() => source.preRoll());
    return {
      begin: (epoch, init) => tape.begin(epoch, init),
      push: (fragment) => {
        this.#counted.fragments += 1;
        this.#counted.bytes += fragment.data.length;
        return tape.push(fragment);
      },
      lost: (reason, message) => tape.lost(reason, message),
      close: async () => {
        tape.lost('draining');
        tape.open(() => []);
        await within(tape.settled(), endMs);
      },
    };
  }

  assign(streams: Parameters<Recorders['assign']>[0]): void {
    const wanted = new Map(streams.map((one) => [one.stream_id, one.recordings ?? []]));
    for (const [streamId, tape] of this.#tapes) if (!wanted.has(streamId)) tape.order([]);
    for (const [streamId, orders] of wanted) {
      if (orders.length > 0 || this.#tapes.has(streamId)) this.#tape(streamId).order(orders);
    }
  }

  limits({ block_percent, min_free_bytes, check_s }: Parameters<Recorders['limits']>[0]): void {
    this.#guard.configure({ blockPercent: block_percent, minFreeBytes: min_free_bytes, checkMs: check_s * 1000 });
  }

  async obey(command: RecorderCommand): Promise<unknown> {
    const { folder } = this.#options;
    const { stream_id: streamId } = command;
    if (command.action === 'delete_segments') return deleteSegments(folder, streamId, command.paths);
    if (!isToken(streamId)) throw new WeirError('invalid_argument', 'stream_id is no id', { field: 'stream_id', received: streamId });
    return this.#ledger(streamId).read(command.after, command.limit);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<void> {
    clearInterval(this.#ticker);
    this.#guard.stop();
    await within(Promise.all([...this.#tapes.values()].map((tape) => tape.end())), endMs);
  }

  #tick(): void {
    const jumpMs = this.#clock.check();
    if (jumpMs !== 0) this.#options.log?.warn({ by_ms: Math.round(jumpMs) }, 'the clock was set');
    const isToldNow = performance.now() - this.#toldAtMs >= tellMs;
    if (isToldNow) this.#toldAtMs = performance.now();
    for (const tape of this.#tapes.values()) {
      if (jumpMs !== 0) tape.jump(jumpMs);
      tape.tick();
      if (isToldNow) tape.tell();
    }
  }

  #tape(streamId: string, before?: { readonly note: Note; readonly aliveMs: number }): StreamTape {
    const known = this.#tapes.get(streamId);
    if (known !== undefined) return known;
    const { folder, spokeId, ffmpeg = 'ffmpeg', limits = {}, log, openFile = openSegmentFile } = this.#options;
    const tape = new StreamTape(
      {
        root: folder,
        streamId,
        spokeId,
        bootId: this.#bootId,
        ffmpeg,
        openFile,
        ledger: this.#ledger(streamId),
        noteFile: new NoteFile(notePath(folder, streamId, spokeId)),
        queueBytes: limits.queueBytes ?? 16 * 1024 * 1024,
        now: () => this.#clock.now(),
        systemNow: () => (this.#options.clock ?? systemClock).system(),
        blocked: () => this.#guard.blocked,
        onStatus: (status: RecordingStatus) => this.#publish({ kind: 'status', status }),
        onWrite: (waitedMs) => {
          this.#counted.writes += 1;
          this.#counted.writeMs += waitedMs;
          this.#counted.longestWriteMs = Math.max(this.#counted.longestWriteMs, waitedMs);
        },
        onOverflow: () => {
          this.#counted.overflowed += 1;
        },
        onTrouble: (message, fields) => log?.warn({ stream_id: streamId, ...fields }, message),
      },
      before,
    );
    this.#tapes.set(streamId, tape);
    return tape;
  }

  #ledger(streamId: string): Ledger {
    const known = this.#ledgers.get(streamId);
    if (known !== undefined) return known;
    const { folder, spokeId, limits = {}, log } = this.#options;
    const ledger = new Ledger(
      () => EntryList.open(listPath(folder, streamId, spokeId), limits.listBytes ?? 32 * 1024 * 1024),
      (entry) => this.#publish({ kind: 'entry', entry }),
      (error) => log?.warn({ stream_id: streamId, err: error }, 'the list of what was recorded cannot be written; it is tried again'),
    );
    this.#ledgers.set(streamId, ledger);
    return ledger;
  }

  #publish(news: RecordingNews): void {
    try {
      this.#options.publish(news);
    } catch (error) {
      // The list has it; whoever missed it asks.
      this.#options.log?.warn({ err: error }, 'news of a recording could not be published');
    }
  }
}

function kernelBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}
