/** Real fragments with a readable counter, and the reading of it from files. Tests only. */
import type { StoredFragment } from '../../../bus/index.js';
import { muxArgs } from '../../../media/ffmpeg/output-args.js';
import { testPictureGraph } from '../../../media/ffmpeg/picture-graph.js';
import { createFragmentCutter, type Fragment, readFrameCounter } from '../../../media/index.js';
import { runTool } from '../../../testkit/ffmpeg-capture.js';

export const frameRate = 10;
export const frameMs = 1000 / frameRate;
const [width, height] = [320, 180];

export interface Footage {
  readonly init: Uint8Array;
  /** One picture each, a keyframe every second; the counter of the first is 0. */
  readonly fragments: readonly Fragment[];
}

/** As the spoke's FFmpeg makes it, but as fast as the machine can. */
export async function makeFootage(seconds: number, options: { readonly hasAudio?: boolean } = {}): Promise<Footage> {
  const { hasAudio = false } = options;
  const graph = testPictureGraph({ width, height, frameRate, hasAudio }, { fontFile: undefined });
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', String(frameRate), '-pix_fmt', 'yuv420p'];
  const sound = hasAudio ? ['-c:a', 'aac'] : [];
  const input = ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', graph, '-t', String(seconds), '-map', '0', ...encode, ...sound];
  const bytes = await runTool('ffmpeg', [...input, ...muxArgs({ output: undefined, isHeaderLate: true })]);
  let init: Uint8Array | undefined;
  const fragments: Fragment[] = [];
  createFragmentCutter({
    onInit: (segment) => {
      init = segment.bytes;
    },
    onFragment: (fragment) => fragments.push(fragment),
  }).push(bytes);
  if (init === undefined) throw new Error('FFmpeg made no init segment');
  return { init, fragments };
}

/** Counters of all pictures of a file, as a player shows them; a picture whose counter cannot be read is -1. */
export async function readFrames(file: string): Promise<number[]> {
  const pixels = await runTool('ffmpeg', [
    '-v',
    'error',
    '-i',
    file,
    '-vsync',
    'passthrough',
    '-vf',
    `scale=${width}:${height}`,
    '-pix_fmt',
    'gray',
    '-f',
    'rawvideo',
    '-',
  ]);
  const size = width * height;
  return Array.from(
    { length: pixels.length / size },
    (_, index) => readFrameCounter(pixels.subarray(index * size, (index + 1) * size), width, height) ?? -1,
  );
}

export function stored(fragment: Fragment, epoch: string, sequence: number, publishedAt: number): StoredFragment {
  const { bytes, isKey, timeMs, durationMs } = fragment;
  return { kind: isKey ? 'key' : 'delta', data: bytes, timeMs, durationMs, epoch, sequence, publishedAt };
}
