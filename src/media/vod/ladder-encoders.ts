/** Encoders that the steps of a ladder may be made with. */
import type { VideoCodec } from '../../contracts/video-profile.js';

/** In order of preference within a codec. */
export const ladderEncoders = {
  h264: ['h264_nvenc', 'h264_qsv', 'h264_vaapi', 'libx264'],
  h265: ['hevc_nvenc', 'hevc_qsv', 'hevc_vaapi', 'libx265'],
  av1: ['av1_nvenc', 'av1_qsv', 'av1_vaapi', 'libsvtav1', 'libaom-av1'],
} as const satisfies Record<VideoCodec, readonly string[]>;

/** FFmpeg's name of it. */
export type LadderEncoder = (typeof ladderEncoders)[VideoCodec][number];
