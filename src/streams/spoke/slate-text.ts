/** What viewers read while there is no picture. */
import type { StreamReason } from '../../contracts/stream.js';
import type { Failure } from './failure.js';

const words: Partial<Record<StreamReason, string>> = {
  source_unreachable: 'The source cannot be reached',
  source_refused: 'The source refuses the connection',
  source_missing: 'The device or file is not there',
  source_ended: 'The source has ended',
  source_garbage: 'The source sends nothing that can be shown',
  source_silent: 'The source has stopped sending',
  keyframe_drought: 'The source sends no keyframes',
  clock_drift: 'The clock of the source has jumped',
  audio_only: 'The source sends sound without a picture',
  unsupported_codec: 'The format of the source is not supported',
  forbidden_source: 'This source is not allowed here',
  encoder_failed: 'The encoder has failed',
  ffmpeg_missing: 'FFmpeg is missing on this machine',
};

/** Never quotes the failure itself: viewers need not read addresses or paths. */
export function slateText(failure: Failure | undefined): string {
  if (failure === undefined) return 'Changing the settings';
  return words[failure.reason] ?? 'The picture is interrupted';
}
