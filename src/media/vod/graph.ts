/** Filter graphs: one decode, split and scaled for every rendition. */

import { hardwareFilters } from './encoder-args.js';
import { formatRate } from './frame-rate.js';
import { type LoudnessFacts, loudnessTarget } from './loudness.js';
import type { PicturePlan, PlannedAudio, PlannedRendition, VideoPlan } from './plan.js';

/** A part of the output: frames of the plan's rate. */
export interface FrameSpan {
  readonly firstFrame: number;
  readonly frames: number;
  /** Whole seconds of the source that were skipped before the first decoded picture. */
  readonly skippedS: number;
}

/** Encoded renditions, each with the pad of the graph that carries its pictures. */
export interface GraphOutput {
  readonly rendition: PlannedRendition;
  readonly pad: string;
}

/** Undefined when nothing is encoded. */
export function videoGraph(plan: VideoPlan, span?: FrameSpan): { graph: string; outputs: GraphOutput[] } | undefined {
  const { picture } = plan;
  const renditions = plan.renditions.filter((rendition) => rendition.encoder !== 'copy');
  if (picture === null || renditions.length === 0) return undefined;
  const outputs = renditions.map((rendition, position) => ({ rendition, pad: `v${position}` }));
  const [only] = outputs;
  const head = `[0:${picture.index}]${[...timeFilters(plan, picture, span), ...lightFilters(plan, picture)].join(',')}`;
  if (outputs.length === 1 && only !== undefined) {
    return { graph: `${head},${sizeFilters(plan, only.rendition, picture).join(',')}[${only.pad}]`, outputs };
  }
  const split = `${head},split=${outputs.length}${outputs.map(({ pad }) => `[s${pad}]`).join('')}`;
  const branches = outputs.map(({ rendition, pad }) => `[s${pad}]${sizeFilters(plan, rendition, picture).join(',')}[${pad}]`);
  return { graph: [split, ...branches].join(';'), outputs };
}

/** Times first: pictures get even times from zero, whatever the source did; then exactly the frames that are wanted. */
function timeFilters(plan: VideoPlan, picture: PicturePlan, span: FrameSpan | undefined): string[] {
  const shift = (span?.skippedS ?? 0) - plan.zeroS;
  const filters: string[] = [];
  if (Math.abs(shift) > 1e-9) filters.push(`setpts=round(PTS+(${shift.toFixed(9)})/TB)`);
  if (picture.deinterlace !== 'none') filters.push(`${picture.deinterlace}=mode=send_frame`);
  const fromZero = span === undefined || span.skippedS === 0;
  // Away from the beginning there is a picture before the first wanted one, so that none must be made up.
  filters.push(`fps=${formatRate(picture.sourceRate)}${fromZero ? ':start_time=0' : ''}`);
  if (picture.divisor > 1) filters.push(`framestep=${picture.divisor}`);
  const from = span?.firstFrame ?? 0;
  const to = from + (span?.frames ?? picture.frames);
  // One more than needed: the times of a varying source may leave the last frame to be repeated.
  if (to >= picture.frames) filters.push(`tpad=stop=${picture.repeated + 1}:stop_mode=clone`);
  filters.push(from === 0 ? `trim=end_frame=${to}` : `trim=start_pts=${from * picture.divisor}:end_pts=${to * picture.divisor}`);
  if (from > 0) filters.push('setpts=PTS-STARTPTS');
  return filters;
}

/** Brightness and colours, once for all; at the size of the largest rendition, as each pixel costs much. */
function lightFilters(plan: VideoPlan, picture: PicturePlan): string[] {
  const [top] = plan.renditions;
  if (picture.toneMap === 'none' || top === undefined) return [];
  const size = `${top.width}:${top.height}`;
  if (picture.toneMap === 'plain') return [`scale=${size}:in_color_matrix=bt2020:out_color_matrix=bt709`, 'format=yuv420p'];
  return [
    `scale=${size}`,
    'zscale=t=linear:npl=100',
    'format=gbrpf32le',
    'zscale=p=bt709',
    'tonemap=tonemap=hable:desat=0',
    'zscale=t=bt709:m=bt709:r=tv',
    'format=yuv420p',
  ];
}

/** Size, square pixels, eight bits, and the encoder's device. */
function sizeFilters(plan: VideoPlan, rendition: PlannedRendition, picture: PicturePlan): string[] {
  const { num, den } = plan.frameRate ?? rendition.frameRate;
  const step = Math.round((num * rendition.frameRate.den) / (den * rendition.frameRate.num));
  const matrix = picture.isRgb ? ':out_color_matrix=bt709' : '';
  const upload = rendition.encoder === 'copy' ? [] : hardwareFilters(rendition.encoder);
  return [
    ...(step > 1 ? [`framestep=${step}`] : []),
    `scale=${rendition.width}:${rendition.height}:flags=bicubic:out_range=tv${matrix}`,
    'setsar=1',
    'format=yuv420p',
    ...upload,
  ];
}

/** One pad per output. Gaps become silence, and every track is exactly as long as the video. */
export function audioGraph(plan: VideoPlan, track: PlannedAudio, pads: readonly string[], loudness: LoudnessFacts | undefined): string {
  const { delayS } = track;
  const filters = [`aresample=${track.sampleRate}:async=1${delayS > 1e-3 ? ':first_pts=0' : ''}`];
  if (Math.abs(plan.zeroS) > 1e-9) filters.unshift(`asetpts=round(PTS-(${plan.zeroS.toFixed(9)})/TB)`);
  if (delayS < -1e-3) filters.push('atrim=start=0');
  const layout = `aformat=sample_fmts=fltp:channel_layouts=${track.channels === 1 ? 'mono' : 'stereo'}`;
  filters.push(layout);
  // It works at 192 kHz when it must compress, and forgets the layout of one channel.
  if (loudness !== undefined) filters.push(loudnessFilter(loudness), `aresample=${track.sampleRate}`, layout);
  const samples = Math.round(plan.durationS * track.sampleRate);
  filters.push(`apad=whole_len=${samples}`, `atrim=end_sample=${samples}`);
  const split = pads.length > 1 ? [`asplit=${pads.length}`] : [];
  return `[0:${track.index}]${[...filters, ...split].join(',')}${pads.map((pad) => `[${pad}]`).join('')}`;
}

function loudnessFilter(facts: LoudnessFacts): string {
  const measured = [
    `measured_I=${facts.integrated}`,
    `measured_LRA=${facts.range}`,
    `measured_TP=${facts.truePeak}`,
    `measured_thresh=${facts.threshold}`,
    `offset=${facts.offset}`,
  ].join(':');
  return `loudnorm=${loudnessTarget}:${measured}:linear=true`;
}
