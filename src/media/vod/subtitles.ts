/** Text subtitles of a source as WebVTT. */
import { join } from 'node:path';
import type { VideoPlan } from './plan.js';

/**
 * Output arguments that write every planned text track as one WebVTT file `<name>.vtt` into the folder, where packaging finds it; to be
 * put behind the input of a run of their own or of the encode. Empty when there are none. Times are cut at the end of the video.
 */
export function subtitleArgs(plan: Pick<VideoPlan, 'subtitles' | 'durationS'>, folder: string): string[] {
  return plan.subtitles.flatMap(({ name, index }) => [
    ...['-map', `0:${index}`, '-c:s', 'webvtt', '-map_metadata', '-1', '-map_chapters', '-1'],
    ...['-t', plan.durationS.toFixed(6), '-f', 'webvtt', `file:${join(folder, `${name}.vtt`)}`],
  ]);
}
