/** Reads ffprobe's JSON: what the source is, and whether a browser can play it without encoding. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceProbe } from '../../contracts/stream.js';
import type { Source } from './source.js';

export interface FfprobeStream {
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly profile?: string;
  readonly width?: number;
  readonly height?: number;
  readonly pix_fmt?: string;
  readonly has_b_frames?: number;
  readonly field_order?: string;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly sample_rate?: string;
  readonly channels?: number;
  readonly disposition?: { readonly attached_pic?: number };
}

export interface FfprobeReport {
  readonly streams?: readonly FfprobeStream[];
  readonly format?: { readonly format_name?: string };
}

/** The wire form of a report. `error` is set when there is no picture or its size is unknown. */
export function toProbe(source: Source, report: FfprobeReport, tookMs: number): SourceProbe {
  const video = report.streams?.find((stream) => stream.codec_type === 'video' && stream.disposition?.attached_pic !== 1);
  const audio = report.streams?.find((stream) => stream.codec_type === 'audio');
  const container = report.format?.format_name;
  const base = {
    device: source.display,
    reachable: true,
    ...(container === undefined ? {} : { container }),
    ...(audio === undefined ? {} : { audio: audioFacts(audio) }),
    took_ms: Math.round(tookMs),
  };
  if (video === undefined) {
    return { ...base, error: new WeirError('unsupported', 'The source carries no picture', { hint: 'Name a source with a picture' }).toProblem() };
  }
  const { width, height, codec_name: codec } = video;
  if (codec === undefined || width === undefined || height === undefined || width === 0 || height === 0) {
    const hint = 'Check that the source sends H.264, H.265 or another codec that FFmpeg knows';
    return { ...base, error: new WeirError('unsupported', 'The codec of the source is not known', { hint }).toProblem() };
  }
  const frameRate = rate(video.avg_frame_rate) ?? rate(video.r_frame_rate);
  const facts = {
    codec,
    width,
    height,
    ...(frameRate === undefined ? {} : { frame_rate: frameRate }),
    ...(video.has_b_frames === undefined ? {} : { b_frames: video.has_b_frames > 0 }),
  };
  const obstacle = copyObstacle(video, container ?? '');
  return {
    ...base,
    video: video.profile === undefined || video.profile === 'unknown' ? facts : { ...facts, profile: video.profile },
    plan: obstacle === undefined ? 'copy' : 'encode',
    why: obstacle === undefined ? 'copied, as browsers play it as it is' : `encoded, as ${obstacle}`,
  };
}

const playableProfiles: ReadonlySet<string> = new Set(['Constrained Baseline', 'Baseline', 'Main', 'High', 'Progressive High', 'Constrained High']);

/** Why browsers cannot be given the source as it is; undefined when they can. */
function copyObstacle(video: FfprobeStream, container: string): string | undefined {
  if (video.codec_name !== 'h264') return `browsers do not reliably play ${video.codec_name}`;
  if (video.pix_fmt !== undefined && !/^yuvj?420p$/.test(video.pix_fmt)) return `browsers do not play the pixel format ${video.pix_fmt}`;
  if (video.profile !== undefined && !playableProfiles.has(video.profile)) return `browsers do not play the profile ${video.profile}`;
  if (video.field_order !== undefined && /^(tt|bb|tb|bt)$/.test(video.field_order)) return 'the picture is interlaced';
  // RTP carries presentation times only, from which decoding times of reordered pictures cannot be told.
  if (container === 'rtsp' && (video.has_b_frames ?? 0) > 0) return 'it has B-frames, whose times RTSP does not carry';
  return undefined;
}

function audioFacts(audio: FfprobeStream): NonNullable<SourceProbe['audio']> {
  const sampleRate = Number(audio.sample_rate);
  return {
    codec: audio.codec_name ?? 'unknown',
    ...(sampleRate > 0 ? { sample_rate: sampleRate } : {}),
    ...(audio.channels === undefined ? {} : { channels: audio.channels }),
  };
}

function rate(text: string | undefined): number | undefined {
  const [, numerator, denominator] = (/^(\d+)\/(\d+)$/.exec(text ?? '') ?? []).map(Number);
  if (numerator === undefined || denominator === undefined || denominator === 0 || numerator === 0) return undefined;
  const value = numerator / denominator;
  // Containers without a rate give their time base.
  return value > 240 ? undefined : Math.round(value * 1000) / 1000;
}
