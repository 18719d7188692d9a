/** Decodes a finished output, as FFmpeg's exit code alone proves nothing. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceFacts, VideoOutput } from '../../contracts/video.js';
import type { RunMedia } from './run-media.js';

export interface DecodeCheckOptions {
  readonly ffmpeg: string;
  readonly signal?: AbortSignal | undefined;
  /** `keyframes` decodes keyframes only, about a twentieth of the work; default `keyframes`. */
  readonly mode?: 'keyframes' | 'full';
  /** Default: plain runs of `ffmpeg`. */
  readonly run?: RunMedia;
}

/**
 * Resolves when the output is sound: it decodes without errors, lasts as long as its source, holds the frames that were measured, audio
 * and picture are within 40 ms, borders of segments are the same in all renditions, timestamps grow. Else throws `internal` with
 * `facts.reason` = `decode_failed` | `duration_mismatch` | `frames_missing` | `out_of_sync` | `misaligned` | `not_monotonic`, and the rendition.
 */
export async function checkDecode(_folder: string, _output: VideoOutput, _facts: SourceFacts, _options: DecodeCheckOptions): Promise<void> {
  throw new WeirError('unavailable', 'Not written yet');
}
