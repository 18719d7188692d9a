/** How short runs of FFmpeg are made: whoever calls decides on sandbox, limits and accounting. */
import { type ProgramResult, runProgram } from '../ffmpeg/run-program.js';

export interface RunMediaLimits {
  /** Kept of standard output; default 1 MiB. */
  readonly maxBytes?: number;
}

/** Runs FFmpeg with these arguments to its end, whatever that is. Throws only when it cannot be started or is cancelled. */
export type RunMedia = (args: readonly string[], limits?: RunMediaLimits) => Promise<ProgramResult>;

export interface RunMediaOptions {
  /** Path of the program. */
  readonly ffmpeg: string;
  readonly signal?: AbortSignal | undefined;
  /** Per run; default 600,000. */
  readonly timeoutMs?: number;
}

/** Plain runs without a sandbox: fit for files that we wrote ourselves. */
export function plainRuns({ ffmpeg, signal, timeoutMs = 600_000 }: RunMediaOptions): RunMedia {
  return async (args, { maxBytes = 1_048_576 } = {}) => await runProgram(ffmpeg, args, { timeoutMs, signal, maxBytes });
}

/** Input arguments for a playlist of ours, encrypted or not. Nothing but local files is opened. */
export function playlistInputArgs(path: string): string[] {
  return ['-protocol_whitelist', 'file,crypto,data', '-allowed_extensions', 'ALL', '-f', 'hls', '-i', `file:${path}`];
}
