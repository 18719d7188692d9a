/** What a `moof` says about its samples. */
import { type Box, boxesIn, findBox, malformed, viewOf } from './boxes.js';
import type { SampleDefaults, TrackFacts } from './codecs.js';
import type { Fragment } from './fragment.js';

type FragmentFacts = Omit<Fragment, 'bytes'>;

interface Run {
  readonly trackId: number;
  /** In units of the track's timescale. */
  readonly time: number;
  readonly duration: number;
  readonly samples: number;
  readonly isSync: boolean;
}

/** Reads the facts of the fragment whose `moof` starts at `moofAt`. Throws `invalid_argument` when it is damaged. */
export function readFragment(bytes: Uint8Array, moofAt: number, facts: TrackFacts): FragmentFacts {
  const view = viewOf(bytes);
  try {
    const runs = readRuns(view, moofAt, facts);
    return describe(runs, facts);
  } catch (error) {
    if (error instanceof RangeError) throw malformed('moof is cut short');
    throw error;
  }
}

function readRuns(view: DataView, moofAt: number, facts: TrackFacts): Run[] {
  const moof: Box = { type: 'moof', start: moofAt, body: moofAt + headerOf(view, moofAt), end: moofAt + sizeOf(view, moofAt) };
  const runs: Run[] = [];
  for (const box of boxesIn(view, moof.body, moof.end)) {
    if (box.type !== 'traf') continue;
    const run = readTraf(view, box, facts.defaults);
    if (run !== undefined) runs.push(run);
  }
  return runs;
}

function headerOf(view: DataView, at: number): number {
  return view.getUint32(at) === 1 ? 16 : 8;
}

function sizeOf(view: DataView, at: number): number {
  return view.getUint32(at) === 1 ? Number(view.getBigUint64(at + 8)) : view.getUint32(at);
}

function describe(runs: readonly Run[], facts: TrackFacts): FragmentFacts {
  const video = runs.find((run) => run.trackId === facts.video?.id);
  const main = video ?? runs[0];
  const timescale = main === undefined ? 1 : main.trackId === facts.video?.id ? facts.video.timescale : (facts.audio?.timescale ?? 1);
  const scale = 1000 / Math.max(timescale, 1);
  return {
    isKey: facts.video === undefined ? true : (video?.isSync ?? false),
    timeMs: main === undefined ? 0 : main.time * scale,
    durationMs: main === undefined ? 0 : main.duration * scale,
    hasVideo: video !== undefined,
    hasAudio: runs.some((run) => run.trackId === facts.audio?.id),
    frames: video?.samples ?? 0,
  };
}

/** Flag bits of `tfhd` and `trun`. */
const tfhdBaseDataOffset = 0x01;
const tfhdDescription = 0x02;
const tfhdDuration = 0x08;
const tfhdSize = 0x10;
const tfhdFlags = 0x20;
const trunDataOffset = 0x01;
const trunFirstFlags = 0x04;
const trunDuration = 0x100;
const trunSize = 0x200;
const trunFlags = 0x400;
const trunComposition = 0x800;

const nonSyncFlag = 0x10000;

function readTraf(view: DataView, traf: Box, moovDefaults: ReadonlyMap<number, SampleDefaults>): Run | undefined {
  const tfhd = findBox(view, traf, 'tfhd');
  const tfdt = findBox(view, traf, 'tfdt');
  if (tfhd === undefined) throw malformed('traf without tfhd');
  needBody(tfhd, 8);
  const trackId = view.getUint32(tfhd.body + 4);
  const defaults = trackDefaults(view, tfhd, moovDefaults.get(trackId) ?? { duration: 0, flags: 0 });
  let run: Run | undefined;
  for (const box of boxesIn(view, traf.body, traf.end)) {
    if (box.type !== 'trun') continue;
    const next = readTrun(view, box, defaults);
    if (next.samples === 0) continue;
    const base = tfdt === undefined ? 0 : decodeTime(view, tfdt);
    run =
      run === undefined
        ? { trackId, time: base + next.offset, duration: next.duration, samples: next.samples, isSync: next.isSync }
        : { ...run, duration: run.duration + next.duration, samples: run.samples + next.samples };
  }
  return run;
}

/** Reading past a box would read its neighbour. */
function needBody(box: Box, bytes: number): void {
  if (box.end - box.body < bytes) throw malformed(`${box.type} is cut short`);
}

function decodeTime(view: DataView, tfdt: Box): number {
  needBody(tfdt, view.getUint8(tfdt.body) === 1 ? 12 : 8);
  return view.getUint8(tfdt.body) === 1 ? Number(view.getBigUint64(tfdt.body + 4)) : view.getUint32(tfdt.body + 4);
}

function trackDefaults(view: DataView, tfhd: Box, defaults: SampleDefaults): SampleDefaults {
  const flags = view.getUint32(tfhd.body) & 0xffffff;
  let at = tfhd.body + 8;
  let { duration, flags: sampleFlags } = defaults;
  if ((flags & tfhdBaseDataOffset) !== 0) at += 8;
  if ((flags & tfhdDescription) !== 0) at += 4;
  if ((flags & tfhdDuration) !== 0) {
    duration = view.getUint32(at);
    at += 4;
  }
  if ((flags & tfhdSize) !== 0) at += 4;
  if ((flags & tfhdFlags) !== 0) sampleFlags = view.getUint32(at);
  return { duration, flags: sampleFlags };
}

interface SampleRun {
  readonly samples: number;
  readonly duration: number;
  /** Composition offset of the first sample. */
  readonly offset: number;
  readonly isSync: boolean;
}

function readTrun(view: DataView, trun: Box, defaults: SampleDefaults): SampleRun {
  needBody(trun, 8);
  const version = view.getUint8(trun.body);
  const flags = view.getUint32(trun.body) & 0xffffff;
  const samples = view.getUint32(trun.body + 4);
  let at = trun.body + 8;
  if ((flags & trunDataOffset) !== 0) at += 4;
  let firstFlags: number | undefined;
  if ((flags & trunFirstFlags) !== 0) {
    firstFlags = view.getUint32(at);
    at += 4;
  }
  const has = (bit: number): number => ((flags & bit) !== 0 ? 4 : 0);
  const stride = has(trunDuration) + has(trunSize) + has(trunFlags) + has(trunComposition);
  if (samples * stride > trun.end - at) throw malformed('trun is cut short');
  if (samples === 0) return { samples, duration: 0, offset: 0, isSync: false };
  const flagsAt = at + has(trunDuration) + has(trunSize);
  const sampleFlags = firstFlags ?? (has(trunFlags) > 0 ? view.getUint32(flagsAt) : defaults.flags);
  const offsetAt = flagsAt + has(trunFlags);
  const offset = has(trunComposition) === 0 ? 0 : version === 0 ? view.getUint32(offsetAt) : view.getInt32(offsetAt);
  let duration = samples * defaults.duration;
  if (has(trunDuration) > 0) {
    duration = 0;
    for (let index = 0; index < samples; index += 1) duration += view.getUint32(at + index * stride);
  }
  // "sample_is_non_sync_sample"; sample_depends_on = 1 says the same for samples whose writer forgot that bit.
  const isSync = (sampleFlags & nonSyncFlag) === 0 && ((sampleFlags >>> 24) & 3) !== 1;
  return { samples, duration, offset, isSync };
}
