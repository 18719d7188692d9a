/** Reads what FFmpeg writes to `-progress`: blocks of `key=value` lines, each closed by `progress=continue` or `progress=end`. */

/** One block. Numbers that FFmpeg gave as `N/A` or left out are 0. */
export interface ProgressReport {
  /** Frames since FFmpeg started. */
  readonly frame: number;
  readonly fps: number;
  readonly bitrateKbps: number;
  readonly totalSizeBytes: number;
  /** Media time written, microseconds; undefined before the first packet. */
  readonly outTimeUs: number | undefined;
  readonly droppedFrames: number;
  readonly duplicatedFrames: number;
  /** 1 is real time. */
  readonly speed: number;
  /** True for the last block of a run. */
  readonly isEnd: boolean;
}

export interface ProgressParser {
  /** Takes any piece of the text; reports are given while it runs. */
  push(chunk: Uint8Array | string): void;
  /** Bytes thrown away because a line had no end within 4 KiB. */
  readonly discardedBytes: number;
}

/** A parser for one run of FFmpeg. */
export function createProgressParser(_onReport: (report: ProgressReport) => void): ProgressParser {
  throw new Error('being written');
}
