/** Loudness after EBU R128 in two runs: the first measures, the second moves the level without pumping. */
import type { FfmpegCommand } from './encode.js';
import type { VideoPlan } from './plan.js';

/** What the first run found; LUFS, LU and dBTP. */
export interface LoudnessFacts {
  readonly integrated: number;
  readonly range: number;
  readonly truePeak: number;
  readonly threshold: number;
  readonly offset: number;
}

/** Measures one track; the answer stands in the last lines of standard error. */
export function loudnessCommand(plan: VideoPlan, options: { input: string; index: number }): FfmpegCommand {
  throw new Error(`not written: ${plan.profile} ${options.input}`);
}

/** Undefined when the track is silent or too short to be measured: it is then left as it is. */
export function parseLoudness(stderr: string): LoudnessFacts | undefined {
  throw new Error(stderr);
}
