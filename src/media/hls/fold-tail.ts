/** The sound's last segment, where FFmpeg leaves a fiftieth of a second over: it is joined to the one before it. */
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { boxesIn, viewOf } from '../fmp4/boxes.js';
import type { TrackMeter } from './measure.js';
import { decryptSegment, encryptSegment, type SegmentKey } from './segment-key.js';
import type { TrackFiles } from './track-files.js';
import { writeWhole } from './write-file.js';

/** Shorter than this a last segment of sound is none of its own; seconds. */
const leastS = 0.5;

/**
 * Gives the names that are left. Sound lasts a few frames longer than the picture, as encoders fill up their last frame, and would have a
 * segment more than the picture has.
 */
export async function foldTail(folder: string, track: TrackFiles, names: readonly string[], meter: TrackMeter, key?: SegmentKey): Promise<string[]> {
  const [before, last] = [names.at(-2), names.at(-1)];
  if (track.kind !== 'audio' || before === undefined || last === undefined) return [...names];
  const { startS, endS } = await meter.segment(last, names.length - 1);
  if (endS - startS >= leastS) return [...names];
  const open = async (file: string, sequence: number): Promise<Uint8Array> => {
    const bytes = await readFile(join(folder, file));
    return key === undefined ? bytes : decryptSegment(bytes, key, sequence);
  };
  const tail = await open(last, names.length - 1);
  const whole = Buffer.concat([await open(before, names.length - 2), track.init === undefined ? tail : fragmentsOf(tail)]);
  await writeWhole(folder, before, key === undefined ? whole : encryptSegment(whole, key, names.length - 2));
  await unlink(join(folder, last));
  meter.forget(before);
  return names.slice(0, -1);
}

/** Without the type and the index that stand before the first `moof`. */
function fragmentsOf(bytes: Uint8Array): Uint8Array {
  for (const box of boxesIn(viewOf(bytes), 0, bytes.byteLength)) if (box.type === 'moof') return bytes.subarray(box.start);
  return new Uint8Array();
}
