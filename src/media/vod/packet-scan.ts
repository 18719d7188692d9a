/** Measures the tracks of a file by its packets: what headers say is only a claim. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { childEnvironment } from '../../supervisor/index.js';

/** What was measured of one track. Times are seconds of the file. */
export interface TrackScan {
  readonly packets: number;
  readonly firstS: number;
  /** Begin of the last packet. */
  readonly lastS: number;
  readonly endS: number;
  readonly sizeBytes: number;
  /** Bit rate of each of up to 50 equal parts, of a second at least; empty for anything but pictures. */
  readonly kbpsOverTime: readonly number[];
  /** Longest distance of two keyframes; undefined with fewer than two. */
  readonly keyframeIntervalS: number | undefined;
  /** Packets between keyframes when that is always the same. */
  readonly gopFrames: number | undefined;
  readonly isOpenGop: boolean;
  /** Some pictures are in the file but never shown, or the first one shown is no keyframe. */
  readonly isCut: boolean;
  /** Usual distance of two frames. */
  readonly medianStepS: number | undefined;
  /** Share of the frames that are not at their place on an even grid. */
  readonly unevenShare: number;
  readonly longestStepS: number;
}

export interface PacketScan {
  /** By number of the stream. */
  readonly tracks: ReadonlyMap<number, TrackScan>;
  /** False: there was no time for all of it. */
  readonly isWhole: boolean;
}

export interface ScanOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** Streams whose frames are looked at one by one. */
  readonly videoIndex: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What ffprobe is asked for; one line per packet. */
export const packetEntries = ['-show_entries', 'packet=stream_index,pts_time,dts_time,duration_time,size,flags', '-of', 'compact=p=0'] as const;

/** Beyond so many frames (a day and a half at 60 a second) the rhythm is known. */
const mostTimes = 8_000_000;

/** Seconds that are told apart; what comes later counts to the last. */
const mostSeconds = 200_000;
const mostParts = 50;

/** Runs ffprobe and reads its lines as they come; ends it when time is up and tells what was seen until then. */
export async function scanPackets(options: ScanOptions): Promise<PacketScan> {
  const child = spawn(options.command, [...options.args], { stdio: ['ignore', 'pipe', 'ignore'], env: childEnvironment() });
  const tracks = new Map<number, TrackTally>();
  let isWhole = true;
  const stop = (): void => {
    isWhole = false;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(stop, options.timeoutMs);
  options.signal?.addEventListener('abort', stop, { once: true });
  const closed = once(child, 'close');
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY }))
      takeLine(line, tracks, options.videoIndex);
    await closed;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
  }
  return { tracks: new Map([...tracks].map(([index, tally]) => [index, tally.result()])), isWhole };
}

function takeLine(line: string, tracks: Map<number, TrackTally>, videoIndex: number | undefined): void {
  const fields = new Map<string, string>();
  for (const field of line.split('|')) {
    const at = field.indexOf('=');
    if (at > 0) fields.set(field.slice(0, at), field.slice(at + 1));
  }
  const index = Number(fields.get('stream_index') ?? Number.NaN);
  if (!Number.isInteger(index)) return;
  let tally = tracks.get(index);
  if (tally === undefined) {
    tally = new TrackTally(index === videoIndex);
    tracks.set(index, tally);
  }
  const dts = seconds(fields.get('dts_time'));
  tally.add({
    pts: seconds(fields.get('pts_time')) ?? dts,
    duration: seconds(fields.get('duration_time')) ?? 0,
    size: Number(fields.get('size') ?? 0),
    isKey: fields.get('flags')?.startsWith('K') === true,
    // Marked by edit lists: decoded, but never shown.
    isDropped: fields.get('flags')?.includes('D') === true,
  });
}

interface Packet {
  readonly pts: number | undefined;
  readonly duration: number;
  readonly size: number;
  readonly isKey: boolean;
  readonly isDropped: boolean;
}

class TrackTally {
  readonly #isVideo: boolean;
  readonly #times: number[] = [];
  readonly #bytesOfSecond: number[] = [];
  #packets = 0;
  #sizeBytes = 0;
  #first = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;
  #lastKey: { pts: number; packet: number } | undefined;
  #longestKey: number | undefined;
  #gops: { frames: number | undefined; isEven: boolean } = { frames: undefined, isEven: true };
  #isOpen = false;
  #isCut = false;

  constructor(isVideo: boolean) {
    this.#isVideo = isVideo;
  }

  add(packet: Packet): void {
    this.#sizeBytes += packet.size;
    if (packet.isDropped || (this.#packets === 0 && !packet.isKey)) this.#isCut = true;
    if (packet.pts === undefined || packet.isDropped) return;
    this.#packets += 1;
    this.#first = Math.min(this.#first, packet.pts);
    this.#end = Math.max(this.#end, packet.pts + packet.duration);
    if (!this.#isVideo) return;
    if (this.#times.length < mostTimes) this.#times.push(packet.pts);
    const second = Math.min(mostSeconds, Math.max(0, Math.floor(packet.pts - this.#first)));
    for (let empty = this.#bytesOfSecond.length; empty <= second; empty += 1) this.#bytesOfSecond.push(0);
    this.#bytesOfSecond[second] = (this.#bytesOfSecond[second] ?? 0) + packet.size;
    if (packet.isKey) this.#addKey(packet.pts);
    // Shown before the keyframe that it comes after: it needs the group before.
    else if (this.#lastKey !== undefined && packet.pts < this.#lastKey.pts) this.#isOpen = true;
  }

  #addKey(pts: number): void {
    if (this.#lastKey !== undefined) {
      const frames = this.#packets - this.#lastKey.packet;
      this.#longestKey = Math.max(this.#longestKey ?? 0, pts - this.#lastKey.pts);
      if (this.#gops.frames !== undefined && this.#gops.frames !== frames) this.#gops.isEven = false;
      this.#gops.frames ??= frames;
    }
    this.#lastKey = { pts, packet: this.#packets };
  }

  result(): TrackScan {
    const rhythm = rhythmOf(this.#times);
    const step = rhythm.median ?? 0;
    const lastS = rhythm.last ?? this.#first;
    // The length of the last frame is often left out or made up; where frames come evenly it is known.
    const isEven = rhythm.unevenShare < 0.02;
    const lastEnd = this.#isVideo && this.#times.length > 1 ? (isEven ? lastS + step : Math.max(this.#end, lastS + step)) : this.#end;
    const isLate = this.#gops.frames !== undefined && this.#packets - (this.#lastKey?.packet ?? 0) + 1 > this.#gops.frames;
    return {
      packets: this.#packets,
      firstS: this.#packets > 0 ? this.#first : 0,
      lastS: this.#packets > 0 ? lastS : 0,
      endS: this.#packets > 0 ? lastEnd : 0,
      sizeBytes: this.#sizeBytes,
      kbpsOverTime: ratesOf(this.#bytesOfSecond),
      keyframeIntervalS: this.#longestKey,
      gopFrames: this.#gops.isEven && !isLate ? this.#gops.frames : undefined,
      isOpenGop: this.#isOpen,
      isCut: this.#isCut,
      medianStepS: rhythm.median,
      unevenShare: rhythm.unevenShare,
      longestStepS: rhythm.longest,
    };
  }
}

function ratesOf(bytesOfSecond: readonly number[]): number[] {
  // The last second is hardly ever a whole one.
  const whole = bytesOfSecond.length > 1 ? bytesOfSecond.slice(0, -1) : bytesOfSecond;
  const parts = Math.min(mostParts, whole.length);
  return Array.from({ length: parts }, (_, part) => {
    const seconds = whole.slice(Math.floor((part * whole.length) / parts), Math.floor(((part + 1) * whole.length) / parts));
    return (seconds.reduce((sum, bytes) => sum + bytes, 0) * 8) / 1000 / seconds.length;
  });
}

interface Rhythm {
  readonly median: number | undefined;
  readonly last: number | undefined;
  readonly unevenShare: number;
  readonly longest: number;
}

function rhythmOf(times: readonly number[]): Rhythm {
  const sorted = Float64Array.from(times).sort();
  const last = sorted.at(-1);
  if (sorted.length < 2) return { median: undefined, last, unevenShare: 0, longest: 0 };
  const steps = new Float64Array(sorted.length - 1);
  for (let index = 0; index < steps.length; index += 1) steps[index] = (sorted[index + 1] ?? 0) - (sorted[index] ?? 0);
  const ordered = Float64Array.from(steps).sort();
  const middle = ordered[Math.floor(ordered.length / 2)] ?? 0;
  // Clocks of a millisecond give 33 and 34 for 29.97; the mean of the steps near the middle is the true one.
  const near = ordered.filter((step) => Math.abs(step - middle) <= 1.1e-3 + middle * 0.02);
  const median = near.reduce((sum, step) => sum + step, 0) / Math.max(1, near.length);
  const uneven = steps.reduce((count, step) => count + (Math.abs(step - median) > 1.1e-3 + median * 0.1 ? 1 : 0), 0);
  return { median: median > 0 ? median : undefined, last, unevenShare: uneven / steps.length, longest: ordered.at(-1) ?? 0 };
}

function seconds(text: string | undefined): number | undefined {
  const value = Number.parseFloat(text ?? '');
  return Number.isFinite(value) ? value : undefined;
}
