/** Text subtitles of a source as WebVTT. */

import { WeirError } from '../../contracts/errors.js';
import type { SourceFacts } from '../../contracts/video.js';
import type { SubtitleFile } from '../hls/layout.js';

/** The text tracks of a source and the files they become: `sub_1.vtt`, ... Picture subtitles are left out. */
export function planSubtitles(_facts: SourceFacts): (SubtitleFile & { readonly index: number })[] {
  throw new WeirError('unavailable', 'Not written yet');
}

/**
 * Output arguments that write every text track as one WebVTT file below `folder`, to be put behind the input of a run of their own or of
 * the encode. Empty without text tracks.
 */
export function subtitleArgs(_files: readonly (SubtitleFile & { readonly index: number })[], _folder: string): string[] {
  throw new WeirError('unavailable', 'Not written yet');
}
