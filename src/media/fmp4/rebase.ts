/** A piece of live media as a file of its own: its times begin at zero, and its header tells how long it is. */
import { type Box, boxesIn, findBox, malformed, viewOf } from './boxes.js';
import { readTrackFacts, type TrackFacts } from './codecs.js';
import type { Fragment } from './fragment.js';
import { readFragment } from './fragment-facts.js';

export interface PlacedFragment extends Omit<Fragment, 'bytes'> {
  /** To be written one after the other; the media data is not copied. */
  readonly parts: readonly Uint8Array[];
  readonly sizeBytes: number;
}

export interface FileTimeline {
  readonly facts: TrackFacts;
  /**
   * The fragment with its decode times moved so that the earliest track of the first fragment placed begins at 0; tracks keep their
   * distance. `timeMs` stays as it was. Throws `invalid_argument` for a damaged fragment.
   */
  place(fragment: Uint8Array): PlacedFragment;
}

/** A timeline for one file that begins with this init segment. */
export function createFileTimeline(init: Uint8Array): FileTimeline {
  const facts = readTrackFacts(init);
  let base: ReadonlyMap<number, bigint> | undefined;
  return {
    facts,
    place(fragment) {
      const moof = findMoof(fragment);
      const described = readFragment(fragment, moof.start, facts);
      // Not `slice`: of a Buffer that would be the same memory.
      const head = new Uint8Array(fragment.subarray(0, moof.end));
      base ??= baseOf(head, moof, facts);
      moveTracks(head, moof, base);
      return { ...described, parts: [head, fragment.subarray(moof.end)], sizeBytes: fragment.length };
    },
  };
}

/** Where `mvhd` of an init segment keeps the duration, so that it can be filled in when the file is whole. */
export interface DurationField {
  readonly offset: number;
  /** Of the field: 4 or 8. */
  readonly bytes: number;
  readonly timescale: number;
}

/** Throws `invalid_argument` when there is no `mvhd`. */
export function findDurationField(init: Uint8Array): DurationField {
  const view = viewOf(init);
  const moov = findBox(view, { body: 0, end: init.length }, 'moov');
  const mvhd = moov === undefined ? undefined : findBox(view, moov, 'mvhd');
  if (mvhd === undefined) throw malformed('no mvhd');
  const isLong = view.getUint8(mvhd.body) === 1;
  return {
    offset: mvhd.body + (isLong ? 24 : 16),
    bytes: isLong ? 8 : 4,
    timescale: view.getUint32(mvhd.body + (isLong ? 20 : 12)),
  };
}

/** The bytes to be written at `field.offset`. */
export function encodeDuration(field: DurationField, durationMs: number): Uint8Array {
  const value = Math.round((durationMs * field.timescale) / 1000);
  const bytes = new Uint8Array(field.bytes);
  const view = viewOf(bytes);
  if (field.bytes === 8) view.setBigUint64(0, BigInt(value));
  // "If the duration cannot be determined then duration is set to all 1s."
  else view.setUint32(0, Math.min(value, 0xffff_ffff));
  return bytes;
}

function findMoof(fragment: Uint8Array): Box {
  for (const box of boxesIn(viewOf(fragment), 0, fragment.length)) if (box.type === 'moof') return box;
  throw malformed('no moof');
}

interface TrackTime {
  readonly trackId: number;
  /** Of the `tfdt` body. */
  readonly at: number;
  readonly isLong: boolean;
  readonly time: bigint;
}

function* trackTimes(view: DataView, moof: Box): Generator<TrackTime> {
  for (const traf of boxesIn(view, moof.body, moof.end)) {
    if (traf.type !== 'traf') continue;
    const tfhd = findBox(view, traf, 'tfhd');
    const tfdt = findBox(view, traf, 'tfdt');
    if (tfhd === undefined || tfdt === undefined) continue;
    const isLong = view.getUint8(tfdt.body) === 1;
    const time = isLong ? view.getBigUint64(tfdt.body + 4) : BigInt(view.getUint32(tfdt.body + 4));
    yield { trackId: view.getUint32(tfhd.body + 4), at: tfdt.body, isLong, time };
  }
}

/** For each track what is the beginning of the file in its own units. */
function baseOf(head: Uint8Array, moof: Box, facts: TrackFacts): ReadonlyMap<number, bigint> {
  const scales = new Map([facts.video, facts.audio].flatMap((track) => (track === undefined ? [] : [[track.id, track.timescale] as const])));
  const begins = [...trackTimes(viewOf(head), moof)].map(({ trackId, time }) => Number(time) / (scales.get(trackId) ?? 1));
  const earliest = begins.length === 0 ? 0 : Math.min(...begins);
  return new Map([...scales].map(([id, scale]) => [id, BigInt(Math.floor(earliest * scale))]));
}

function moveTracks(head: Uint8Array, moof: Box, base: ReadonlyMap<number, bigint>): void {
  const view = viewOf(head);
  for (const { trackId, at, isLong, time } of [...trackTimes(view, moof)]) {
    const moved = time - (base.get(trackId) ?? 0n);
    // Sound that comes late may begin a little before the first picture.
    const placed = moved < 0n ? 0n : moved;
    if (isLong) view.setBigUint64(at + 4, placed);
    else view.setUint32(at + 4, Number(placed));
  }
}
