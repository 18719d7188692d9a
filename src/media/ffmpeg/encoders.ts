/** Finds out what this machine's FFmpeg can really do. */
import type { MachineFacts } from './facts.js';

export interface FindOptions {
  /** Program names or paths. */
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** Try hardware encoders with a real encode. Default true. */
  readonly hardware?: boolean;
  readonly signal?: AbortSignal;
}

/** Throws `unavailable` when FFmpeg or ffprobe cannot be run, `unsupported` when libx264 is missing. */
export function findMachineFacts(_options: FindOptions): Promise<MachineFacts> {
  throw new Error('being written');
}
