/** The arguments of the FFmpeg that captures a source: a pure function from plan and facts to an argument array. */
import { audioEncodeArgs, hardwareInitArgs, uploadFilters, variableRateArgs, videoEncodeArgs } from './encode-args.js';
import type { MachineFacts, VideoEncoder } from './facts.js';
import { inputArgs } from './input-args.js';
import { globalArgs, muxArgs } from './output-args.js';
import type { Output, Source } from './source.js';

export interface EncodePlan {
  readonly mode: 'encode';
  readonly encoder: VideoEncoder;
  /** Even. Undefined: as the source. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** Undefined: as the source. */
  readonly frameRate: number | undefined;
  /** What the source has, as far as known: for the keyframe interval and the number of threads. */
  readonly sourceSize: { readonly width: number; readonly height: number } | undefined;
  readonly sourceFrameRate: number | undefined;
  readonly bitrateKbps: number;
  readonly keyframeIntervalS: number;
}

export type VideoPlan = { readonly mode: 'copy'; readonly codec: string | undefined } | EncodePlan;

/** Made by `planCapture`. */
export interface CapturePlan {
  readonly source: Source;
  readonly video: VideoPlan;
  readonly audio: 'none' | 'copy' | 'encode';
  readonly output: Output | undefined;
  readonly rtspTransport: 'tcp' | 'udp';
  /** V4L2 pixel or codec format to ask the device for; undefined: FFmpeg chooses. */
  readonly inputFormat: string | undefined;
  /** Read no faster than real time: recordings and segmented sources come as fast as the line allows. */
  readonly isPaced: boolean;
  /** MPEG-TS over a live transport. */
  readonly isTransportStream: boolean;
  /** Why it is copied or encoded, in words. */
  readonly why: string;
}

/** Fragmented MP4 on stdout (one fragment per frame), progress on descriptor 3, log on stderr. */
export function captureArgs(plan: CapturePlan, facts: MachineFacts): string[] {
  const { video, audio } = plan;
  const init = video.mode === 'encode' ? hardwareInitArgs(video.encoder, facts) : [];
  const isHeaderLate = video.mode === 'encode' && video.encoder === 'h264_v4l2m2m';
  return [
    ...globalArgs(plan.output),
    ...init,
    ...inputArgs(plan, facts),
    ...['-map', '0:v:0', ...(audio === 'none' ? [] : ['-map', '0:a:0?']), '-map_metadata', '-1', '-map_chapters', '-1'],
    ...(video.mode === 'copy' ? copyArgs(video.codec) : encodeArgs(plan, video, facts)),
    ...audioArgs(audio),
    ...muxArgs({ output: plan.output, isHeaderLate }),
  ];
}

function audioArgs(audio: CapturePlan['audio']): readonly string[] {
  if (audio === 'none') return ['-an'];
  return audio === 'copy' ? ['-c:a', 'copy'] : audioEncodeArgs;
}

/** Browsers want the parameter sets of HEVC in the header, which this tag promises. */
function copyArgs(codec: string | undefined): string[] {
  return codec === 'hevc' ? ['-c:v', 'copy', '-tag:v', 'hvc1'] : ['-c:v', 'copy'];
}

function encodeArgs(plan: CapturePlan, video: EncodePlan, facts: MachineFacts): string[] {
  const isTest = plan.source.kind === 'test';
  const filters = [...(isTest ? [] : pictureFilters(video)), ...uploadFilters(video.encoder)];
  const size = video.size ?? video.sourceSize ?? { width: 1280, height: 720 };
  return [
    ...(filters.length === 0 ? [] : ['-vf', filters.join(',')]),
    ...variableRateArgs(facts),
    ...videoEncodeArgs({
      encoder: video.encoder,
      bitrateKbps: video.bitrateKbps,
      keyframeIntervalS: video.keyframeIntervalS,
      frameRate: video.frameRate ?? video.sourceFrameRate,
      pixels: size.width * size.height,
      // The test picture shows that all works; it should not take a core to do so.
      ...(isTest ? { preset: 'ultrafast' } : {}),
    }),
  ];
}

/** Rate, then size: the whole picture with bars where the shape differs; without a size only odd edges are cut. */
function pictureFilters(video: EncodePlan): string[] {
  const filters = video.frameRate === undefined ? [] : [`fps=${video.frameRate}`];
  const { size, sourceSize } = video;
  if (size === undefined) {
    const isEven = sourceSize !== undefined && sourceSize.width % 2 === 0 && sourceSize.height % 2 === 0;
    return isEven ? filters : [...filters, 'crop=trunc(iw/2)*2:trunc(ih/2)*2'];
  }
  const isSame = sourceSize !== undefined && sourceSize.width === size.width && sourceSize.height === size.height;
  if (isSame) return filters;
  const target = `${size.width}:${size.height}`;
  return [...filters, `scale=${target}:force_original_aspect_ratio=decrease:force_divisible_by=2`, `pad=${target}:(ow-iw)/2:(oh-ih)/2`, 'setsar=1'];
}
