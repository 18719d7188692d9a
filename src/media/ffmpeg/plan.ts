/** Decides how a source is captured: copied or encoded, by which encoder, with which sound. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceProbe, StreamConfig } from '../../contracts/stream.js';
import type { CapturePlan, CopyPlan, EncodePlan, VideoPlan } from './capture-plan.js';
import { defaultBitrateKbps } from './encode-args.js';
import type { MachineFacts, VideoEncoder } from './facts.js';
import { parseOutput } from './parse-output.js';
import type { Source } from './source.js';

/** What cameras encode in, of what everybody plays. */
const deviceCodec = 'h264';

/**
 * Decides how a source is captured. `probe` is what was found at it; undefined for the test picture and where probing is not
 * possible, and then the source is encoded (unless `codec` says `copy`). Throws `unsupported` when the source has no video, and
 * `failed_precondition` when the encoder asked for does not work here.
 */
export function planCapture(config: StreamConfig, source: Source, probe: SourceProbe | undefined, facts: MachineFacts): CapturePlan {
  if (probe?.reachable === true && probe.video === undefined) {
    throw new WeirError('unsupported', 'The source carries sound only', { hint: 'Name a source with a picture' });
  }
  const { isCopy, why } = decideCopy(config, source, probe);
  const video: VideoPlan = isCopy ? copyPlan(config, source, probe) : encodePlan(config, source, probe, facts);
  return {
    source,
    video,
    audio: decideAudio(config, source, probe),
    output: config.output_url === undefined ? undefined : parseOutput(config.output_url),
    rtspTransport: config.rtsp_transport ?? 'tcp',
    inputFormat: source.kind === 'v4l2' ? v4l2Format(isCopy, probe) : undefined,
    isPaced: source.kind === 'http' && isPaced(source.url, probe),
    isTransportStream: source.kind === 'srt' || (source.kind === 'http' && probe?.container === 'mpegts'),
    why,
  };
}

function decideCopy(config: StreamConfig, source: Source, probe: SourceProbe | undefined): { isCopy: boolean; why: string } {
  if (source.kind === 'test') return { isCopy: false, why: 'the test picture is drawn here' };
  if (config.codec === 'copy') return { isCopy: true, why: 'copied as configured' };
  if (config.codec === 'h264') return { isCopy: false, why: 'encoded as configured' };
  if (probe?.plan !== 'copy') return { isCopy: false, why: probe?.why ?? 'encoded, as the source was not looked at' };
  const change = requestedChange(config, probe);
  return change === undefined ? { isCopy: true, why: probe.why ?? 'copied' } : { isCopy: false, why: `encoded, as ${change}` };
}

/** What the configuration asks for that a copy cannot give. */
function requestedChange(config: StreamConfig, probe: SourceProbe): string | undefined {
  const { video } = probe;
  if (config.resolution !== undefined && config.resolution !== `${video?.width}x${video?.height}`) return `the size is to be ${config.resolution}`;
  const rate = video?.frame_rate;
  if (config.framerate !== undefined && (rate === undefined || Math.abs(rate - config.framerate) > 0.5)) {
    return `the frame rate is to be ${config.framerate}`;
  }
  if (config.bitrate !== undefined) return `the bitrate is to be ${config.bitrate} kbit/s`;
  if (config.encoder !== undefined && config.encoder !== 'auto') return `the encoder ${config.encoder} is asked for`;
  return config.keyframe_interval_s === undefined ? undefined : `keyframes are to come every ${config.keyframe_interval_s} s`;
}

/** A camera encodes in the size and at the rate that it is asked for; what was seen of another of its formats says nothing of H.264. */
function copyPlan(config: StreamConfig, source: Source, probe: SourceProbe | undefined): CopyPlan {
  const seen = probe?.video;
  if (source.kind !== 'v4l2') return { mode: 'copy', codec: seen?.codec };
  const known = seen?.codec === deviceCodec ? seen : undefined;
  const size = parseSize(config.resolution) ?? (known === undefined ? undefined : { width: known.width, height: known.height });
  return { mode: 'copy', codec: deviceCodec, size, frameRate: config.framerate ?? known?.frame_rate };
}

function encodePlan(config: StreamConfig, source: Source, probe: SourceProbe | undefined, facts: MachineFacts): EncodePlan {
  const seen = probe?.video;
  const sourceSize =
    source.kind === 'test' ? even(source.width, source.height) : seen === undefined ? undefined : { width: seen.width, height: seen.height };
  const size = parseSize(config.resolution) ?? (source.kind === 'test' ? sourceSize : undefined);
  const sourceFrameRate = source.kind === 'test' ? source.frameRate : seen?.frame_rate;
  const frameRate = config.framerate;
  const { width, height } = size ?? sourceSize ?? { width: 1280, height: 720 };
  return {
    mode: 'encode',
    encoder: chooseEncoder(config, facts),
    size,
    frameRate,
    sourceSize,
    sourceFrameRate,
    bitrateKbps: config.bitrate ?? defaultBitrateKbps(width, height, frameRate ?? sourceFrameRate),
    keyframeIntervalS: config.keyframe_interval_s ?? 1,
  };
}

function even(width: number, height: number): { width: number; height: number } {
  return { width: width - (width % 2), height: height - (height % 2) };
}

function parseSize(resolution: string | undefined): { width: number; height: number } | undefined {
  const [width, height] = (resolution?.split('x') ?? []).map(Number);
  return width === undefined || height === undefined ? undefined : even(width, height);
}

function chooseEncoder(config: StreamConfig, facts: MachineFacts): VideoEncoder {
  const wanted = config.encoder ?? 'auto';
  if (wanted === 'auto') return facts.encoders.find((report) => report.works)?.encoder ?? 'libx264';
  const report = facts.encoders.find((entry) => entry.encoder === wanted);
  if (report?.works === true) return wanted;
  throw new WeirError('failed_precondition', `The encoder ${wanted} does not work on this machine: ${report?.reason ?? 'it was not tried'}`, {
    field: 'encoder',
    received: wanted,
    hint: 'Choose the encoder "auto"',
  });
}

/** AAC can be copied where the container gives its parameters in a header; MPEG-TS (and HLS made of it) does not. */
function decideAudio(config: StreamConfig, source: Source, probe: SourceProbe | undefined): CapturePlan['audio'] {
  if (config.audio === 'none' || source.kind === 'v4l2') return 'none';
  if (source.kind === 'test') return source.hasAudio ? 'encode' : 'none';
  if (probe !== undefined && probe.audio === undefined) return 'none';
  const hasHeader = /^(rtsp|flv|mov|matroska)/.test(probe?.container ?? '');
  return probe?.audio?.codec === 'aac' && hasHeader ? 'copy' : 'encode';
}

/** A camera is copied only in the form it encodes itself. */
function v4l2Format(isCopy: boolean, probe: SourceProbe | undefined): string | undefined {
  return isCopy ? deviceCodec : probe?.video?.codec;
}

/** Live transports pace themselves; recordings and playlists over HTTP do not. */
function isPaced(url: string, probe: SourceProbe | undefined): boolean {
  if (probe?.container !== undefined) return !/^(mpegts|flv|mpjpeg|mjpeg)/.test(probe.container);
  return /\.(m3u8|mp4|m4v|mov|mkv|webm|avi)$/i.test(new URL(url).pathname);
}
