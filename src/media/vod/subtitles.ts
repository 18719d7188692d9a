/** Text subtitles of a source as WebVTT. */
import { runArgs } from './ffmpeg-command.js';
import type { VideoPlan } from './plan.js';
import { sourceGuardArgs } from './source-input.js';

/**
 * A run of its own that writes every planned text track as one WebVTT file `<name>.vtt` into the folder, where packaging finds it. Undefined
 * without text tracks. Input and folder are absolute paths.
 */
export function subtitleArgs(
  plan: Pick<VideoPlan, 'subtitles' | 'durationS' | 'zeroS'>,
  options: { readonly input: string; readonly folder: string },
): string[] | undefined {
  if (plan.subtitles.length === 0) return undefined;
  const shift = Math.abs(plan.zeroS) > 1e-9 ? ['-itsoffset', (-plan.zeroS).toFixed(6)] : [];
  const files = plan.subtitles.flatMap(({ name, index }) => [
    ...['-map', `0:${index}`, '-c:s', 'webvtt', '-map_metadata', '-1', '-map_chapters', '-1'],
    ...['-t', plan.durationS.toFixed(6), '-f', 'webvtt', `file:${options.folder}/${name}.vtt`],
  ]);
  // Pictures and sound are not even taken out of their packets.
  return [...runArgs, ...sourceGuardArgs(), ...shift, '-discard:v', 'all', '-discard:a', 'all', '-i', `file:${options.input}`, ...files];
}
