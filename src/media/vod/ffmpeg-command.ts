/** What every run of FFmpeg for a video is made of. */

/** Segments of one rendition or audio track, and the playlist that FFmpeg keeps while it writes. */
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

/** What every run begins with. */
export const runArgs = [
  ...['-nostdin', '-hide_banner', '-y', '-loglevel', 'level+warning'],
  ...['-progress', 'pipe:1', '-nostats', '-stats_period', '0.5'],
] as const;
