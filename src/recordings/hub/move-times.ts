/** Puts fragments of a file, whose times begin at zero, on the one timeline of all files: that of the wall clock. */
import type { TrackFacts } from '../../media/index.js';

/** Offset by track id, in units of the track's timescale. */
export type TrackOffsets = ReadonlyMap<number, bigint>;

/** Offsets that move the begin of a file to a time, milliseconds since 1970. */
export function offsetsOf(facts: TrackFacts, startedMs: number): TrackOffsets {
  const tracks = [facts.video, facts.audio].filter((track) => track !== undefined);
  return new Map(tracks.map((track) => [track.id, (BigInt(Math.round(startedMs)) * BigInt(track.timescale)) / 1000n]));
}

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** Moves `tfdt` of every fragment, in place. Times that do not fit into their field, and bytes that are no boxes, stay. */
export function moveTimes(bytes: Uint8Array, offsets: TrackOffsets): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const moof of boxes(view, 0, view.byteLength)) {
    if (moof.type !== 'moof') continue;
    for (const traf of boxes(view, moof.start, moof.end)) if (traf.type === 'traf') moveTrack(view, traf, offsets);
  }
}

function moveTrack(view: DataView, traf: Box, offsets: TrackOffsets): void {
  let offset: bigint | undefined;
  for (const box of boxes(view, traf.start, traf.end)) {
    if (box.type === 'tfhd') offset = offsets.get(view.getUint32(box.start + 4));
    // Writers of fragments as long as ours use the 64-bit form; the short one could not hold such a time.
    if (box.type !== 'tfdt' || offset === undefined || view.getUint8(box.start) !== 1) continue;
    view.setBigUint64(box.start + 4, view.getBigUint64(box.start + 4) + offset);
  }
}

function* boxes(view: DataView, from: number, to: number): Generator<Box> {
  let at = from;
  while (at + 8 <= to) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > to) return;
    const type = String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5), view.getUint8(at + 6), view.getUint8(at + 7));
    yield { type, start: at + 8, end: at + size };
    at += size;
  }
}
