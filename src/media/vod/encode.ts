/** FFmpeg's arguments for a plan: one decode, every rendition. */
import { variableRateArgs } from '../ffmpeg/encode-args.js';
import { encoderArgs, hardwareArgs } from './encoder-args.js';
import { type EncodeOutput, type FfmpegCommand, runArgs } from './ffmpeg-command.js';
import { audioGraph, videoGraph } from './graph.js';
import { hlsArgs, outputFiles } from './hls-args.js';
import type { LoudnessFacts } from './loudness.js';
import type { PlannedAudio, PlannedRendition, VideoPlan } from './plan.js';
import { sourceGuardArgs, sourceInputArgs } from './source-input.js';

export interface EncodeCommand extends FfmpegCommand {
  readonly outputs: readonly EncodeOutput[];
  /** Frames of the fastest rendition when it runs to the end; null: there is no picture. */
  readonly frames: number | null;
  readonly durationS: number;
}

export interface EncodeOptions {
  /** Absolute path of the source. */
  readonly input: string;
  /** Absolute path of a folder that is there; `{folder}` for a command that another machine completes. */
  readonly folder: string;
  /** File for `-hls_key_info_file`: address of the key, path of the key, initialisation vector in hex. Needed with AES-128. */
  readonly keyInfoFile?: string | undefined;
  /** By number of the stream; tracks that are not in it are left as loud as they are. */
  readonly loudness?: ReadonlyMap<number, LoudnessFacts> | undefined;
  /** Processor threads of each software encoder; default: as many as the encoder likes. */
  readonly threads?: number | undefined;
  /** A larger picture is not decoded. Default 35,389,440. */
  readonly maxPixels?: number | undefined;
}

/** Pictures of another size in mid-stream go through the same filters, whose times must not begin anew. */
export const steadyFilters = ['-reinit_filter:v', '0'] as const;

/**
 * In MPEG-TS FFmpeg counts from the first track that is used, so that a run for the sound alone would begin elsewhere than one for the
 * pictures; any offset at all keeps it from that.
 */
export const sameZero = ['-itsoffset', '0.000001'] as const;

/** The one run that makes everything: all renditions with their sound, as segments with playlists. */
export function encodeCommand(plan: VideoPlan, options: EncodeOptions): EncodeCommand {
  const video = videoGraph(plan);
  const copies = plan.renditions.filter((rendition) => rendition.encoder === 'copy');
  const sounds = soundOutputs(plan);
  const graphs = [...(video === undefined ? [] : [video.graph]), ...sounds.graphs(options.loudness)];
  const args = [
    ...runArgs,
    ...hardwareArgs(
      plan.renditions.map((rendition) => rendition.encoder),
      plan.machine,
    ),
    ...(plan.picture === null ? [] : steadyFilters),
    ...sameZero,
    ...sourceInputArgs(options.input, options),
    ...(copies.length === 0 ? [] : copyInput(plan, options)),
    ...graphs.flatMap((graph) => ['-filter_complex', graph]),
  ];
  const outputs: EncodeOutput[] = [];
  for (const rendition of plan.renditions) {
    const files = outputFiles(plan, rendition.name, 'video', options.folder);
    const pad = video?.outputs.find((output) => output.rendition === rendition)?.pad;
    outputs.push(files);
    args.push(...(pad === undefined ? ['-map', `1:${plan.picture?.index ?? 0}`, '-c:v', 'copy'] : ['-map', `[${pad}]`]));
    if (pad !== undefined) args.push(...renditionArgs(plan, rendition, options.threads));
    args.push(...sounds.muxedArgs(rendition), ...hlsArgs(plan, files, options.keyInfoFile));
  }
  for (const track of plan.audioLayout === 'group' ? plan.audio : []) {
    const files = outputFiles(plan, track.name, 'audio', options.folder);
    outputs.push(files);
    args.push('-map', `[${track.name}]`, ...aacArgs(track.kbps), ...hlsArgs(plan, files, options.keyInfoFile));
  }
  return { args, outputs, frames: plan.picture?.frames ?? null, durationS: plan.durationS };
}

/** Encoder and times of one rendition. */
export function renditionArgs(plan: VideoPlan, rendition: PlannedRendition, threads: number | undefined): string[] {
  if (rendition.encoder === 'copy') return ['-c:v', 'copy'];
  return [...encoderArgs({ ...rendition, encoder: rendition.encoder }, { threads }), ...variableRateArgs(plan.machine)];
}

/** The same file once more: copied packets do not pass the filters that move the pictures to zero. */
export function copyInput(plan: VideoPlan, options: Pick<EncodeOptions, 'input'>): string[] {
  const shift = Math.abs(plan.zeroS) > 1e-6 ? ['-itsoffset', (-plan.zeroS).toFixed(6)] : sameZero;
  return [...shift, ...sourceGuardArgs(), '-i', `file:${options.input}`];
}

/** AAC-LC, which every player takes. */
export function aacArgs(kbps: number): string[] {
  return ['-c:a', 'aac', '-b:a', `${kbps}k`];
}

interface SoundOutputs {
  graphs(loudness: ReadonlyMap<number, LoudnessFacts> | undefined): string[];
  muxedArgs(rendition: PlannedRendition): string[];
}

function soundOutputs(plan: VideoPlan): SoundOutputs {
  const [first] = plan.audio;
  const isMuxed = plan.audioLayout === 'muxed' && first !== undefined;
  const padOf = (rendition: PlannedRendition): string => `a${plan.renditions.indexOf(rendition)}`;
  return {
    graphs: (loudness) => {
      if (isMuxed) return [audioGraph(plan, first, plan.renditions.map(padOf), loudness?.get(first.index))];
      return plan.audio.map((track) => audioGraph(plan, track, [track.name], loudness?.get(track.index)));
    },
    muxedArgs: (rendition) => (isMuxed ? ['-map', `[${padOf(rendition)}]`, ...aacArgs(muxedKbps(rendition, first))] : []),
  };
}

/** One channel needs less. */
export function muxedKbps(rendition: PlannedRendition, track: PlannedAudio): number {
  return track.channels === 1 ? Math.max(48, Math.round(rendition.audioKbps * 0.6)) : rendition.audioKbps;
}
