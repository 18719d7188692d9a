/** How short runs of FFmpeg are made: whoever calls decides on sandbox, limits and accounting. */
import { WeirError } from '../../contracts/errors.js';
import { type ProgramResult, runProgram } from '../ffmpeg/run-program.js';

/** Runs FFmpeg with these arguments to its end, whatever that is. Throws only when it cannot be started or is cancelled. */
export type RunMedia = (args: readonly string[], options?: { readonly stdin?: Uint8Array; readonly maxBytes?: number }) => Promise<ProgramResult>;

export interface RunMediaOptions {
  /** Path of the program. */
  readonly ffmpeg: string;
  readonly signal?: AbortSignal | undefined;
  /** Per run; default 600,000. */
  readonly timeoutMs?: number;
}

/** Plain runs without a sandbox: fit for files that we wrote ourselves. */
export function plainRuns(options: RunMediaOptions): RunMedia {
  return async (args, more = {}) => {
    if (more.stdin !== undefined) throw new WeirError('invalid_argument', 'Plain runs take no input');
    const limits = more.maxBytes === undefined ? {} : { maxBytes: more.maxBytes };
    return await runProgram(options.ffmpeg, args, { timeoutMs: options.timeoutMs ?? 600_000, signal: options.signal, ...limits });
  };
}
