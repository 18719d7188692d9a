/** Loudness after EBU R128 in two runs: the first measures, the second moves the level without pumping. */
import { type FfmpegCommand, runArgs } from './ffmpeg-command.js';
import type { VideoPlan } from './plan.js';
import { sourceInputArgs } from './source-input.js';

/** Speech and music at -16 LUFS, with true peaks below -1.5 dB. */
export const loudnessTarget = 'I=-16:TP=-1.5:LRA=11';

/** What the first run found; LUFS, LU and dBTP. */
export interface LoudnessFacts {
  readonly integrated: number;
  readonly range: number;
  readonly truePeak: number;
  readonly threshold: number;
  readonly offset: number;
}

/** Measures the track with this number; the answer stands in the last lines of standard error. Throws nothing for an unknown number: FFmpeg fails then. */
export function loudnessCommand(plan: VideoPlan, options: { readonly input: string; readonly index: number }): FfmpegCommand {
  const track = plan.audio.find((each) => each.index === options.index);
  const layout = track?.channels === 1 ? 'mono' : 'stereo';
  const graph = `[0:${options.index}]aformat=channel_layouts=${layout},loudnorm=${loudnessTarget}:print_format=json[out]`;
  const run = runArgs.map((arg) => (arg === 'level+warning' ? 'level+info' : arg));
  return { args: [...run, '-vn', '-sn', '-dn', ...sourceInputArgs(options.input), '-filter_complex', graph, '-map', '[out]', '-f', 'null', '-'] };
}

interface LoudnormReport {
  readonly input_i?: string;
  readonly input_lra?: string;
  readonly input_tp?: string;
  readonly input_thresh?: string;
  readonly target_offset?: string;
}

/** Undefined when the track is silent or too short to be measured: it is then left as it is. */
export function parseLoudness(stderr: string): LoudnessFacts | undefined {
  const [text] = /\{[^{}]*"target_offset"[^{}]*\}/.exec(stderr) ?? [];
  if (text === undefined) return undefined;
  const report = JSON.parse(text.replaceAll(/^\[[^\]]*\]\s?/gm, '')) as LoudnormReport;
  const facts: LoudnessFacts = {
    integrated: Number(report.input_i),
    range: Number(report.input_lra),
    truePeak: Number(report.input_tp),
    threshold: Number(report.input_thresh),
    offset: Number(report.target_offset),
  };
  // Silence is measured as minus infinity.
  return Object.values(facts).every((value) => Number.isFinite(value)) && facts.integrated > -70 ? facts : undefined;
}
