/** Which files in an output folder belong to a track. */
import { basename } from 'node:path';
import { WeirError } from '../../contracts/errors.js';

/** What one output of FFmpeg's run wrote, as the encode command tells it. */
export interface WrittenOutput {
  readonly name: string;
  readonly kind: 'video' | 'audio';
  /** Path of the playlist that FFmpeg kept while it wrote. */
  readonly playlist: string;
  /** Path of the segments with a number in it: `…/720p_%03d.ts`. */
  readonly segments: string;
  /** Path of the init segment; null in MPEG-TS. */
  readonly init: string | null;
}

/** The same by names below the folder. */
export interface TrackFiles {
  readonly name: string;
  readonly kind: 'video' | 'audio';
  readonly playlist: string;
  readonly segments: string;
  readonly init: string | undefined;
}

const numberPattern = /%0?(\d*)d/;

export function trackFilesOf(output: WrittenOutput): TrackFiles {
  const { name, kind, init } = output;
  return {
    ...{ name, kind, playlist: basename(output.playlist), segments: basename(output.segments) },
    init: init === null ? undefined : basename(init),
  };
}

/** `720p_007.ts`. */
export function segmentFile(track: Pick<TrackFiles, 'segments'>, number: number): string {
  return track.segments.replace(numberPattern, (_all, digits: string) => String(number).padStart(Number(digits || '0'), '0'));
}

/** The names as a template of DASH: `720p_$Number%03d$.m4s`. */
export function dashTemplate(track: Pick<TrackFiles, 'segments'>): string {
  return track.segments.replace(numberPattern, (all) => `$Number${all}$`);
}

/** The segments of a track among the names of a folder, in order. Throws `internal` when there are none, or one is missing in between. */
export function segmentsAmong(track: TrackFiles, names: ReadonlySet<string>): string[] {
  const files: string[] = [];
  while (names.has(segmentFile(track, files.length))) files.push(segmentFile(track, files.length));
  const [head = '', tail = ''] = track.segments.split(numberPattern).filter((_part, index) => index !== 1);
  const all = [...names].filter(
    (name) => name.startsWith(head) && name.endsWith(tail) && /^\d+$/.test(name.slice(head.length, name.length - tail.length)),
  );
  if (files.length === 0 || files.length !== all.length) {
    const missing = segmentFile(track, files.length);
    throw new WeirError('internal', `Segment ${missing} is missing`, { facts: { reason: 'segment_missing', rendition: track.name, file: missing } });
  }
  return files;
}
