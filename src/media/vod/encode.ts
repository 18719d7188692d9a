/** FFmpeg's arguments for a plan: one decode, every rendition. */
import type { LoudnessFacts } from './loudness.js';
import type { VideoPlan } from './plan.js';

/** A file name pattern and the playlist that FFmpeg keeps while it writes. */
export interface EncodeOutput {
  readonly name: string;
  readonly kind: 'video' | 'audio';
  /**
   * Path of the playlist. It appears by rename when the first segment is complete and grows by one line per segment (EVENT), so that
   * a rendition can be played as soon as this file is there; all renditions of a run advance together.
   */
  readonly playlist: string;
  /** Path with FFmpeg's `%03d`. */
  readonly segments: string;
  /** Initialisation segment of CMAF; null in MPEG-TS. */
  readonly init: string | null;
}

export interface FfmpegCommand {
  /** For FFmpeg; progress goes to `pipe:1`, messages with their level to standard error. */
  readonly args: readonly string[];
}

export interface EncodeCommand extends FfmpegCommand {
  readonly outputs: readonly EncodeOutput[];
  /** Frames of each encoded rendition when it runs to the end; null: nothing is encoded. */
  readonly frames: number | null;
  readonly durationS: number;
}

export interface EncodeOptions {
  /** Absolute path of the source. */
  readonly input: string;
  /** Absolute path of a folder that is there; `{folder}` for a command that another machine completes. */
  readonly folder: string;
  /** File for `-hls_key_info_file`: address of the key, path of the key, initialisation vector in hex. Needed with AES-128. */
  readonly keyInfoFile?: string;
  /** By number of the stream; tracks that are not in it are left as loud as they are. */
  readonly loudness?: ReadonlyMap<number, LoudnessFacts>;
  /** Processor threads of each software encoder; default: as many as the encoder likes. */
  readonly threads?: number;
}

/** The one run that makes everything: all renditions with their sound, as segments with playlists. */
export function encodeCommand(plan: VideoPlan, options: EncodeOptions): EncodeCommand {
  throw new Error(`not written: ${plan.profile} ${options.input}`);
}
