/** Subtitle tracks as segments with playlists, cut where the picture's segments begin. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlannedSubtitle } from '../vod/plan.js';
import { bandwidthOf, type MeasuredTrack } from './measured-track.js';
import { formatMediaPlaylist, targetDurationOf } from './media-playlist.js';
import type { SubtitleRendition } from './multivariant.js';
import { cutVtt, formatVtt, parseVtt, timestampMap } from './webvtt.js';
import { writeWhole } from './write-file.js';

export interface WrittenSubtitle extends SubtitleRendition {
  readonly name: string;
  /** The whole text in one file. */
  readonly vtt: string;
  readonly peak: number;
  readonly average: number;
}

/** A segment of text is small, so it lasts longer than one of the picture; seconds. */
const wantedS = 60;

/** Undefined when the file is missing or says nothing: such a track is no choice for a viewer. */
export async function writeSubtitle(folder: string, subtitle: PlannedSubtitle, main: MeasuredTrack): Promise<WrittenSubtitle | undefined> {
  const vtt = `${subtitle.name}.vtt`;
  const text = await readFile(join(folder, vtt), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const file = parseVtt(text ?? '');
  if (file.cues.length === 0) return undefined;
  const starts = segmentStarts(main);
  const parts = cutVtt(file, starts, main.durationS).map((part) => Buffer.from(formatVtt(part, timestampMap(main.startS))));
  const segments = parts.map((part, index) => ({
    file: `${subtitle.name}_${String(index).padStart(3, '0')}.vtt`,
    sizeBytes: part.byteLength,
    durationS: (starts[index + 1] ?? main.durationS) - (starts[index] ?? 0),
  }));
  for (const [index, segment] of segments.entries()) await writeWhole(folder, segment.file, parts[index] ?? '');
  const targetDurationS = targetDurationOf(segments);
  const playlist = `${subtitle.name}.m3u8`;
  await writeWhole(folder, playlist, formatMediaPlaylist({ segments, targetDurationS, isIndependent: false }));
  const { name, language, title, isForced } = subtitle;
  // "SDH" is how titles mark text for the deaf and hard of hearing.
  const isSdh = /\bSDH\b|hearing impaired/i.test(title);
  return { name, vtt, playlist, language, title, isDefault: false, isForced, isSdh, ...bandwidthOf(segments, targetDurationS) };
}

function segmentStarts(main: MeasuredTrack): number[] {
  const starts: number[] = [];
  for (const segment of main.segments) {
    const at = segment.startS - main.startS;
    const last = starts.at(-1);
    if (last === undefined || at - last >= wantedS - 0.5) starts.push(at);
  }
  return starts;
}
