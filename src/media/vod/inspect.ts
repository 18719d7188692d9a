/** Finds out what an uploaded file really is, without trusting a word of it. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceFacts } from '../../contracts/video.js';
import type { SandboxTools } from './sandbox.js';

export interface SourceLimits {
  readonly maxDurationS: number;
  readonly maxPixels: number;
  readonly maxStreams: number;
  /** Of the whole look. Default 15 s; a file of many gigabytes whose packets cannot all be read in time is measured by its ends. */
  readonly timeoutMs?: number;
  /** Address space of ffprobe. Default 2 GiB. */
  readonly maxMemoryBytes?: number;
}

export interface InspectOptions {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly limits: SourceLimits;
  /** Default: what {@link findSandbox} gives. */
  readonly sandbox?: SandboxTools;
  readonly signal?: AbortSignal;
}

/**
 * Throws `unsupported` with `facts.reason` (one of `sourceFaults`) for a file that is not taken, `not_found` when there is none,
 * `cancelled` when `signal` aborts, `unavailable` when ffprobe cannot be started.
 */
export async function inspectSource(path: string, options: InspectOptions): Promise<SourceFacts> {
  throw new WeirError('unavailable', `${options.ffprobe} did not look at ${path}`);
}
