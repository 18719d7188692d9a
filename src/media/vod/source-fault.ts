/** The error for a file that is not taken as a video. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceFault } from '../../contracts/video.js';

const hints: Readonly<Record<SourceFault, string>> = {
  empty: 'Upload the file again',
  unreadable: 'Check that the file is there and may be read',
  not_a_video: 'Upload a video or audio file, such as MP4, MOV, MKV, WebM, AVI or MPEG-TS',
  container_not_allowed: 'Taken are MP4, MOV, MKV, WebM, MPEG-TS, MPEG-PS, AVI, FLV, WMV (ASF), Ogg, MXF, and sound as WAV, MP3, AAC, FLAC or AIFF',
  truncated: 'The end of the file is missing: upload it again',
  encrypted: 'Upload it without copy protection',
  no_video_or_audio: 'Upload a file with a picture or sound',
  too_many_streams: 'Remove tracks, or raise `vod.max_streams`',
  too_many_pixels: 'Scale it down, or raise `vod.max_pixels`',
  too_small: 'Send the file in its full size; what is smaller is no video',
  too_long: 'Cut it, or raise `vod.max_duration_s`',
  duration_unknown: 'Remux it, so that its frames have times',
  too_large: 'Upload a smaller file',
  decode_failed: 'Check that the file plays, and convert it to H.264 or H.265',
  probe_timeout: 'Remux the file: it takes too long to find out what is in it',
};

/** `facts.reason` carries the fault. */
export function sourceFault(fault: SourceFault, message: string, received?: unknown, cause?: unknown): WeirError {
  return new WeirError('unsupported', message, {
    hint: hints[fault],
    field: 'source',
    received: received ?? null,
    facts: { reason: fault },
    cause,
  });
}
