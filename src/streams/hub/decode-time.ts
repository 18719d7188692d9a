/** Moves fragments in time, so that a new encoder run continues the timeline of the one before in an endless MP4. */

/** Offset by track id, in units of the track's timescale. */
export type TrackOffsets = ReadonlyMap<number, bigint>;

/**
 * A copy of the fragment with `tfdt` of each track moved by its offset; other tracks stay. Returns undefined when a moved time
 * does not fit into the fragment's own field (a 32-bit `tfdt`), or the boxes are broken.
 */
export function moveFragment(fragment: Uint8Array, offsets: TrackOffsets): Uint8Array | undefined {
  // Not `slice`: of a Buffer that would be the same memory.
  const moved = new Uint8Array(fragment);
  const view = new DataView(moved.buffer, moved.byteOffset, moved.byteLength);
  for (const moof of boxes(view, 0, view.byteLength, 'moof')) {
    for (const traf of boxes(view, moof.start, moof.end, 'traf')) {
      if (!moveTrack(view, traf, offsets)) return undefined;
    }
  }
  return moved;
}

interface Box {
  /** Offset of the contents. */
  readonly start: number;
  readonly end: number;
}

function* boxes(view: DataView, from: number, to: number, type: string): Generator<Box> {
  let at = from;
  while (at + 8 <= to) {
    const size = view.getUint32(at);
    // Fragments of live media have neither 64-bit nor open-ended boxes; anything else is not ours to touch.
    if (size < 8 || at + size > to) return;
    const name = String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5), view.getUint8(at + 6), view.getUint8(at + 7));
    if (name === type) yield { start: at + 8, end: at + size };
    at += size;
  }
}

function moveTrack(view: DataView, traf: Box, offsets: TrackOffsets): boolean {
  const header = boxes(view, traf.start, traf.end, 'tfhd').next().value;
  const time = boxes(view, traf.start, traf.end, 'tfdt').next().value;
  if (header === undefined || time === undefined) return false;
  const offset = offsets.get(view.getUint32(header.start + 4));
  if (offset === undefined) return true;
  if (view.getUint8(time.start) === 1) {
    const next = view.getBigUint64(time.start + 4) + offset;
    if (next < 0n) return false;
    view.setBigUint64(time.start + 4, next);
    return true;
  }
  const next = BigInt(view.getUint32(time.start + 4)) + offset;
  if (next < 0n || next > 0xffff_ffffn) return false;
  view.setUint32(time.start + 4, Number(next));
  return true;
}
