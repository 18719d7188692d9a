/** A spoke's recorders on a clock of the test's own, with a source that plays footage. Tests only. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { PreRoll, StoredFragment } from '../../../bus/index.js';
import type { GapEntry, RecordingEntry, RecordingOrder, RecordingStatus, SegmentEntry } from '../../../contracts/index.js';
import { waitFor } from '../../../testkit/index.js';
import { type OpenedRecorder, openRecorders, type Recorders, type RecordersOptions } from '../index.js';
import { type Footage, frameMs, frameRate, stored } from './footage.js';

export const startMs = Date.parse('2026-03-01T12:00:00.000Z');
export const at = (seconds: number) => new Date(startMs + seconds * 1000).toISOString();

export class BenchTop {
  readonly folder: string;
  readonly entries: RecordingEntry[] = [];
  readonly statuses: RecordingStatus[] = [];
  readonly log: string[] = [];
  recorders!: Recorders;
  recorder!: OpenedRecorder;
  /** Milliseconds since the begin, and by how much the system's clock was set. */
  readonly time = { ms: 0, setMs: 0 };
  readonly #footage: Footage;
  #roll: (PreRoll & { fragments: StoredFragment[] }) | undefined;
  #epoch = 0;
  #next = 0;

  private constructor(folder: string, footage: Footage) {
    this.folder = folder;
    this.#footage = footage;
  }

  static async open(folder: string, footage: Footage, options: Partial<RecordersOptions> = {}): Promise<BenchTop> {
    const top = new BenchTop(folder, footage);
    await top.reopen(options);
    return top;
  }

  /** As a new process would, after `recorders.stop()`. */
  async reopen(options: Partial<RecordersOptions> = {}): Promise<void> {
    const note = (fields: object, message: string) => this.log.push(`${message} ${JSON.stringify(fields)}`);
    this.recorders = await openRecorders({
      folder: this.folder,
      spokeId: 'spoke1',
      publish: (news) => {
        if (news.kind === 'entry') this.entries.push(news.entry);
        else this.statuses.push(news.status);
      },
      storage: { blockPercent: 100, minFreeBytes: 0, checkMs: 50 },
      clock: { system: () => startMs + this.time.ms + this.time.setMs, even: () => this.time.ms },
      log: { info: note, warn: note, error: note },
      ...options,
    });
    this.#roll = undefined;
    this.recorder = this.recorders.open('cam', {
      preRoll: () => (this.#roll === undefined ? [] : [{ ...this.#roll, fragments: [...this.#roll.fragments] }]),
    });
  }

  order(...orders: readonly Partial<RecordingOrder>[]): void {
    this.recorders.assign([{ stream_id: 'cam', recordings: orders.map(orderOf) }]);
  }

  begin(): void {
    this.#epoch += 1;
    const epoch = `e${this.#epoch}`;
    this.#roll = { epoch, init: this.#footage.init, codecs: '', picture: 'source', fragments: [] };
    this.recorder.begin(epoch, this.#footage.init);
  }

  /** So many pictures of the footage, from where it stands; time goes on with them. A loss of the source needs another `begin`. */
  async play(frames: number): Promise<void> {
    for (let count = 0; count < frames; ) {
      const fragment = this.#footage.fragments[this.#next];
      const roll = this.#roll;
      if (fragment === undefined || roll === undefined) throw new Error('There is no more footage');
      this.#next += 1;
      if (fragment.hasVideo) {
        this.time.ms += frameMs;
        count += 1;
      }
      const one = stored(fragment, roll.epoch, roll.fragments.length, startMs + this.time.ms + this.time.setMs);
      roll.fragments.push(one);
      void this.recorder.push(one);
      await yieldToOthers();
    }
  }

  /** Plays groups of pictures until it is so; gives the number of pictures played. */
  async playUntil(isSo: RecordingStatus['state'] | (() => boolean), what = String(isSo)): Promise<number> {
    const isAsked = typeof isSo === 'function' ? isSo : () => this.statuses.at(-1)?.state === isSo;
    // The footage is finite: a group is played when the one before is dealt with, so that a slow machine needs no more of it than a quick one.
    const round = async () => {
      await this.play(frameRate);
      await this.isIdle();
      return isAsked();
    };
    await waitFor(round, { what, everyMs: 50 });
    return this.#next;
  }

  /** Waits until all that was played is dealt with. */
  async isIdle(): Promise<void> {
    await waitFor(() => this.recorders.counters.queueBytes === 0, { what: 'an empty queue' });
  }

  /** Time without pictures. */
  pass(seconds: number): void {
    this.time.ms += seconds * 1000;
  }

  has(matches: (entry: RecordingEntry) => boolean, what = 'the entry'): Promise<RecordingEntry> {
    const seen = () => `${what}; seen: ${JSON.stringify(this.entries.map(({ kind, ...rest }) => [kind, 'cause' in rest ? rest.cause : '']))}`;
    return waitFor(() => this.entries.find(matches), { what: seen() });
  }

  is(state: RecordingStatus['state'], recordingId = 'r1'): Promise<RecordingStatus> {
    const last = () => this.statuses.findLast((status) => status.recording_id === recordingId);
    return waitFor(() => (last()?.state === state ? last() : undefined), { what: `${recordingId} ${state}` });
  }

  segments(recordingId?: string): SegmentEntry[] {
    return this.entries
      .filter((entry) => entry.kind === 'segment')
      .filter((entry) => recordingId === undefined || entry.recording_id === recordingId);
  }

  gaps(): GapEntry[] {
    return this.entries.filter((entry) => entry.kind === 'gap');
  }

  fileOf(segment: SegmentEntry): string {
    return join(this.folder, segment.path);
  }

  /** Names of all files below the folder. */
  async files(): Promise<string[]> {
    const all = await readdir(this.folder, { recursive: true, withFileTypes: true });
    return all.filter((entry) => entry.isFile()).map((entry) => entry.name);
  }
}

function orderOf(order: Partial<RecordingOrder>): RecordingOrder {
  const whole = {
    recording_id: 'r1',
    origin: 'always',
    format: 'fmp4',
    from: at(-3600),
    until: null,
    segment_s: 600,
    segment_bytes: 2 ** 30,
    pre_roll_s: 0,
  };
  return { ...whole, ...order } as RecordingOrder;
}

/** Spans of the test's time (seconds) that no segment and no gap covers, longer than a picture. */
export function uncovered(entries: readonly RecordingEntry[], from: number, to: number): string[] {
  return holes(entries, startMs + from * 1000, startMs + to * 1000, frameMs * 1.5);
}

/** Spans between two times that no segment and no gap covers, longer than `toleranceMs`. */
export function holes(entries: readonly RecordingEntry[], fromMs: number, toMs: number, toleranceMs: number): string[] {
  const spans = entries
    .filter((entry) => entry.kind === 'segment' || entry.kind === 'gap')
    .map((entry) => [Date.parse(entry.from), Date.parse(entry.to)] as const)
    .sort(([a], [b]) => a - b);
  const found: string[] = [];
  let covered = fromMs;
  for (const [begin, end] of [...spans, [toMs, toMs] as const]) {
    if (begin - covered > toleranceMs) found.push(`${new Date(covered).toISOString()} to ${new Date(begin).toISOString()}`);
    covered = Math.max(covered, end);
  }
  return found;
}

/** Pairs of segments or gaps that cover the same time, by more than a millisecond. */
export function overlaps(entries: readonly RecordingEntry[]): string[] {
  const spans = entries.filter((entry) => entry.kind === 'segment' || entry.kind === 'gap').sort((a, b) => Date.parse(a.from) - Date.parse(b.from));
  return spans.flatMap((entry, index) => {
    const before = spans[index - 1];
    return before !== undefined && Date.parse(before.to) - Date.parse(entry.from) > 1
      ? [`${before.kind} ${before.to} > ${entry.kind} ${entry.from}`]
      : [];
  });
}
