/** Decodes files of any size and reads the frame counter of each picture. */
import { readFrameCounter } from '../media/frame-counter.js';
import { runTool } from '../testkit/ffmpeg-capture.js';

const [width, height] = [320, 180];

/** Counters of all pictures of a file or address, in the order a player shows them; -1 where none can be read. */
export async function readCounters(input: string, options: readonly string[] = []): Promise<number[]> {
  const pixels = await runTool('ffmpeg', [
    ...['-v', 'error', ...options, '-i', input, '-an', '-vsync', 'passthrough'],
    ...['-vf', `scale=${width}:${height}`, '-pix_fmt', 'gray', '-f', 'rawvideo', '-'],
  ]);
  const size = width * height;
  return Array.from(
    { length: Math.floor(pixels.length / size) },
    (_, index) => readFrameCounter(pixels.subarray(index * size, (index + 1) * size), width, height) ?? -1,
  );
}

/** Places where the counter does not go on by one; a fall to a lower number is a new run of the encoder and counts as none. */
export function breaksOf(counters: readonly number[]): string[] {
  return counters.flatMap((counter, index) => {
    const before = counters[index - 1];
    return before === undefined || counter === before + 1 || counter < before ? [] : [`${before} -> ${counter}`];
  });
}
