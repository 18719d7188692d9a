/** Tells when the picture has not changed for a while, by decoding now and then a keyframe to a thumbnail of gray values. */
import { setTimeout as delay } from 'node:timers/promises';
import { spawnProcess } from '../../supervisor/index.js';

export interface FrozenWatchOptions {
  readonly ffmpeg: string;
  /** The picture must stay the same for so long. */
  readonly frozenAfterS: number;
  /** Init segment and newest key fragment; undefined when there is none now. */
  latestKey(): { readonly init: Uint8Array; readonly key: Uint8Array } | undefined;
  onChange(isFrozen: boolean): void;
  readonly signal: AbortSignal;
}

const side = 32;
/** Encoders render the same picture slightly differently each time; a difference of one gray value is none. */
const toleratedDifference = 1;

/** Looks about four times per `frozenAfterS`, at most every second, until the signal aborts. */
export function startFrozenWatch(options: FrozenWatchOptions): void {
  // Nothing in the loop throws: a keyframe that cannot be decoded proves nothing and is skipped.
  void watch(options);
}

async function watch(options: FrozenWatchOptions): Promise<void> {
  const { signal, frozenAfterS } = options;
  const everyMs = Math.max(1000, (frozenAfterS * 1000) / 4);
  let reference: Uint8Array | undefined;
  let sameSinceMs = performance.now();
  let isFrozen = false;
  while (!signal.aborted) {
    await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    const latest = signal.aborted ? undefined : options.latestKey();
    const picture =
      latest === undefined ? undefined : await decodeThumbnail(options.ffmpeg, [latest.init, latest.key], signal).catch(() => undefined);
    if (picture === undefined || signal.aborted) continue;
    const isSame = reference !== undefined && largestDifference(reference, picture) <= toleratedDifference;
    if (!isSame) {
      reference = picture;
      sameSinceMs = performance.now();
    }
    const nowFrozen = isSame && performance.now() - sameSinceMs >= frozenAfterS * 1000;
    if (nowFrozen !== isFrozen) {
      isFrozen = nowFrozen;
      options.onChange(isFrozen);
    }
  }
}

export function largestDifference(a: Uint8Array, b: Uint8Array): number {
  let largest = a.length === b.length ? 0 : 255;
  for (const [index, value] of a.entries()) largest = Math.max(largest, Math.abs(value - (b[index] ?? 0)));
  return largest;
}

/** 32x32 gray values of the first picture; undefined when there is none in it. Takes a short FFmpeg with one thread. */
export async function decodeThumbnail(ffmpeg: string, parts: readonly Uint8Array[], signal: AbortSignal): Promise<Uint8Array | undefined> {
  // biome-ignore format: pairs of option and value
  const child = await spawnProcess({
    command: ffmpeg,
    args: [
      '-hide_banner', '-v', 'quiet', '-threads', '1', '-f', 'mp4', '-i', 'pipe:0', '-frames:v', '1',
      '-vf', `scale=${side}:${side}:flags=area,format=gray`, '-f', 'rawvideo', 'pipe:1',
    ],
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
    timeoutMs: 5000,
    signal,
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = child.stdout === null ? Promise.resolve() : new Promise<void>((resolve) => child.stdout?.once('close', () => resolve()));
  for (const part of parts) child.stdin?.write(part);
  child.stdin?.end();
  await Promise.all([child.exited, ended]);
  const picture = Buffer.concat(chunks);
  return picture.length === side * side ? picture : undefined;
}
