/** What this machine's FFmpeg can do for videos: every encoder was tried with a real encode. */
import { WeirError } from '../../contracts/errors.js';
import type { VideoCodec } from '../../contracts/video-profile.js';

/** In order of preference within a codec. */
export const ladderEncoders = {
  h264: ['h264_nvenc', 'h264_qsv', 'h264_vaapi', 'libx264'],
  h265: ['hevc_nvenc', 'hevc_qsv', 'hevc_vaapi', 'libx265'],
  av1: ['av1_nvenc', 'av1_qsv', 'av1_vaapi', 'libsvtav1', 'libaom-av1'],
} as const satisfies Record<VideoCodec, readonly string[]>;
export type LadderEncoder = (typeof ladderEncoders)[VideoCodec][number];

export interface LadderEncoderReport {
  readonly encoder: LadderEncoder;
  readonly codec: VideoCodec;
  readonly isHardware: boolean;
  readonly works: boolean;
  /** Why it does not work, in words; undefined when it does. */
  readonly reason: string | undefined;
}

export interface EncodingMachine {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** As FFmpeg prints it, for example `5.1.9-0+deb12u1`. */
  readonly version: string;
  readonly encoders: readonly LadderEncoderReport[];
  /** DRM render node for VAAPI and QSV. */
  readonly renderNode: string | undefined;
  /** Filters that are compiled in, of those that plans choose between. */
  readonly filters: ReadonlySet<string>;
}

export interface FindEncodingOptions {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** Try hardware encoders too. Default true. */
  readonly hardware?: boolean;
  readonly signal?: AbortSignal;
}

/** Throws `unavailable` when FFmpeg or ffprobe cannot be run, `unsupported` when libx264 does not work. */
export async function findEncodingMachine(options: FindEncodingOptions): Promise<EncodingMachine> {
  throw new WeirError('unavailable', `${options.ffmpeg} was not tried yet`);
}
