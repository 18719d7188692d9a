/** Every sample that a `moof` lists: for whoever needs more than the facts of a fragment. */
import { type Box, boxesIn, findBox, findPath, malformed, viewOf } from './boxes.js';
import type { TrackFacts } from './codecs.js';

export interface FragmentSample {
  /** In units of the track's timescale. */
  readonly duration: number;
  readonly sizeBytes: number;
  readonly compositionOffset: number;
  readonly isSync: boolean;
}

export interface TrackFragment {
  readonly trackId: number;
  /** `tfdt`: decoding time of the first sample. */
  readonly decodeTime: number;
  readonly samples: readonly FragmentSample[];
  /** Byte of the `moof`. */
  readonly start: number;
  /** Byte of the first sample. */
  readonly dataStart: number;
}

const tfhdFields = { baseDataOffset: 0x01, description: 0x02, duration: 0x08, size: 0x10, flags: 0x20 };
const trunFields = { dataOffset: 0x01, firstFlags: 0x04, duration: 0x100, size: 0x200, flags: 0x400, composition: 0x800 };
const nonSyncFlag = 0x10000;

interface Defaults {
  duration: number;
  size: number;
  flags: number;
}

/** The fragments of a media segment, in order, one per track and `moof`. Throws `invalid_argument` when it is damaged. */
export function readTrackFragments(bytes: Uint8Array, facts: TrackFacts): TrackFragment[] {
  const view = viewOf(bytes);
  const fragments: TrackFragment[] = [];
  try {
    for (const box of boxesIn(view, 0, bytes.byteLength)) {
      if (box.type !== 'moof') continue;
      for (const traf of boxesIn(view, box.body, box.end)) if (traf.type === 'traf') fragments.push(readTraf(view, box, traf, facts));
    }
  } catch (error) {
    if (error instanceof RangeError) throw malformed('moof is cut short');
    throw error;
  }
  return fragments;
}

function readTraf(view: DataView, moof: Box, traf: Box, facts: TrackFacts): TrackFragment {
  const tfhd = findBox(view, traf, 'tfhd');
  const tfdt = findBox(view, traf, 'tfdt');
  if (tfhd === undefined || tfdt === undefined) throw malformed('traf without tfhd or tfdt');
  const trackId = view.getUint32(tfhd.body + 4);
  const fallback = facts.defaults.get(trackId);
  const defaults = readDefaults(view, tfhd, { duration: fallback?.duration ?? 0, size: 0, flags: fallback?.flags ?? 0 });
  const samples: FragmentSample[] = [];
  let dataStart = -1;
  for (const box of boxesIn(view, traf.body, traf.end)) {
    if (box.type !== 'trun') continue;
    const offset = readTrun(view, box, defaults, samples);
    if (dataStart < 0) dataStart = moof.start + offset;
  }
  const isLong = view.getUint8(tfdt.body) === 1;
  const decodeTime = isLong ? Number(view.getBigUint64(tfdt.body + 4)) : view.getUint32(tfdt.body + 4);
  return { trackId, decodeTime, samples, start: moof.start, dataStart };
}

function readDefaults(view: DataView, tfhd: Box, defaults: Defaults): Defaults {
  const flags = view.getUint32(tfhd.body) & 0xffffff;
  let at = tfhd.body + 8;
  if ((flags & tfhdFields.baseDataOffset) !== 0) at += 8;
  if ((flags & tfhdFields.description) !== 0) at += 4;
  const next = (field: number, value: number): number => {
    if ((flags & field) === 0) return value;
    at += 4;
    return view.getUint32(at - 4);
  };
  return {
    duration: next(tfhdFields.duration, defaults.duration),
    size: next(tfhdFields.size, defaults.size),
    flags: next(tfhdFields.flags, defaults.flags),
  };
}

/** Adds the samples of one run; gives its data offset from the start of the `moof`. */
function readTrun(view: DataView, trun: Box, defaults: Defaults, into: FragmentSample[]): number {
  const isSigned = view.getUint8(trun.body) === 1;
  const flags = view.getUint32(trun.body) & 0xffffff;
  const count = view.getUint32(trun.body + 4);
  let at = trun.body + 8;
  const next = (field: number, value: number): number => {
    if ((flags & field) === 0) return value;
    at += 4;
    return view.getUint32(at - 4);
  };
  const offset = next(trunFields.dataOffset, 0);
  const firstFlags = next(trunFields.firstFlags, -1);
  // Each sample names at least one field or the run would be unbounded by its own size.
  if (count > (trun.end - trun.body) * 64) throw malformed('trun with too many samples');
  for (let index = 0; index < count; index += 1) {
    const duration = next(trunFields.duration, defaults.duration);
    const sizeBytes = next(trunFields.size, defaults.size);
    const own = next(trunFields.flags, defaults.flags);
    const sampleFlags = index === 0 && firstFlags >= 0 ? firstFlags : own;
    const composition = next(trunFields.composition, 0);
    into.push({
      duration,
      sizeBytes,
      compositionOffset: isSigned ? composition | 0 : composition,
      isSync: (sampleFlags & nonSyncFlag) === 0 && ((sampleFlags >>> 24) & 3) !== 1,
    });
  }
  if (at > trun.end) throw malformed('trun is cut short');
  return offset;
}

/** Media time at which the edit list of a track begins, in its timescale: what is taken off every timestamp. 0 without one. */
export function editStart(init: Uint8Array, trackId: number): number {
  const view = viewOf(init);
  const moov = findBox(view, { body: 0, end: init.byteLength }, 'moov');
  if (moov === undefined) throw malformed('no moov');
  for (const trak of boxesIn(view, moov.body, moov.end)) {
    if (trak.type !== 'trak') continue;
    const tkhd = findBox(view, trak, 'tkhd');
    const elst = findPath(view, trak, ['edts', 'elst']);
    if (tkhd === undefined || view.getUint32(tkhd.body + (view.getUint8(tkhd.body) === 1 ? 20 : 12)) !== trackId) continue;
    return elst === undefined ? 0 : firstEdit(view, elst);
  }
  return 0;
}

function firstEdit(view: DataView, elst: Box): number {
  const isLong = view.getUint8(elst.body) === 1;
  const entries = view.getUint32(elst.body + 4);
  for (let index = 0; index < entries; index += 1) {
    const at = elst.body + 8 + index * (isLong ? 20 : 12);
    const time = isLong ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4);
    // -1 is an empty edit, which delays the track; the next entry says where its media begin.
    if (time >= 0) return time;
  }
  return 0;
}
