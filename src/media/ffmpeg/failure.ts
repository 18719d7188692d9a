/** The translator from FFmpeg's failures to ours. */
import type { StreamReason } from '../../contracts/stream.js';

/** How the process ended. `stoppedByUs`: a signal of ours, so the exit itself proves nothing. */
export interface FfmpegExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stoppedByUs?: boolean;
}

export interface Failure {
  readonly reason: StreamReason;
  /** One sentence for people, without secrets. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** True when trying again cannot help before somebody changes the configuration. */
  readonly isPermanent: boolean;
}

/** One line of FFmpeg's stderr, taken apart. */
export interface FfmpegLine {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  /** Secrets masked, level tag removed. */
  readonly message: string;
}

/** What a line says about the push to `output_url`. */
export interface PushEvent {
  readonly state: 'failed' | 'recovered';
  readonly message: string;
}

/** Takes a line of `-loglevel level+…` output apart and masks it. */
export function parseFfmpegLine(_line: string, _secrets: readonly string[] = []): FfmpegLine {
  throw new Error('being written');
}

/** Reads a failure, or the recovery, of the push out of a stderr line; undefined for every other line. */
export function parsePushEvent(_line: string): PushEvent | undefined {
  throw new Error('being written');
}

/** Says in our words why a run of FFmpeg ended, from its last stderr lines and its exit. */
export function classifyFailure(_stderrTail: readonly string[], _exit: FfmpegExit): Failure {
  throw new Error('being written');
}
