/** Arguments of the video encoders, one form per encoder. */
import { type FrameRate, perSecond } from './frame-rate.js';
import type { LadderEncoder } from './ladder-encoders.js';

export interface EncoderSettings {
  readonly encoder: LadderEncoder;
  readonly videoKbps: number;
  readonly maxKbps: number;
  readonly bufferKbits: number;
  readonly crf: number | null;
  /** In libx264's words. */
  readonly preset: string;
  readonly frameRate: FrameRate;
  readonly gopFrames: number;
  readonly profile: string | null;
  readonly level: string | null;
}

/** Devices, named before the first input. */
export function hardwareArgs(encoders: readonly (LadderEncoder | 'copy')[], machine: { readonly renderNode: string | undefined }): string[] {
  const node = machine.renderNode ?? '/dev/dri/renderD128';
  if (encoders.some((encoder) => encoder.endsWith('_qsv'))) {
    return ['-init_hw_device', `vaapi=va:${node}`, '-init_hw_device', 'qsv=hw@va', '-filter_hw_device', 'hw'];
  }
  if (encoders.some((encoder) => encoder.endsWith('_vaapi'))) return ['-init_hw_device', `vaapi=va:${node}`, '-filter_hw_device', 'va'];
  return [];
}

/** Filters that bring pictures to the encoder's device. */
export function hardwareFilters(encoder: LadderEncoder): string[] {
  if (encoder.endsWith('_vaapi')) return ['format=nv12', 'hwupload'];
  return encoder.endsWith('_qsv') ? ['format=nv12'] : [];
}

/** Encoder, rate, keyframes at every `gopFrames`-th frame and nowhere else. */
export function encoderArgs(settings: EncoderSettings, options: { readonly threads: number | undefined }): string[] {
  const { encoder, gopFrames, profile, level } = settings;
  const threads = options.threads === undefined ? [] : ['-threads', String(options.threads)];
  const fit = [...(profile === null ? [] : ['-profile:v', profile]), ...(level === null || encoder === 'libx265' ? [] : ['-level:v', level])];
  const keys = ['-g', String(gopFrames), '-force_key_frames', `expr:not(mod(n,${gopFrames}))`];
  return ['-c:v', encoder, ...kindArgs(settings), ...fit, ...rateArgs(settings), ...keys, ...threads];
}

function kindArgs(settings: EncoderSettings): string[] {
  const { encoder, frameRate, gopFrames, preset, level } = settings;
  switch (encoder) {
    case 'libx264':
      // libx264 and libx265 place IDR frames by themselves; other places are forbidden to them.
      return ['-preset', preset, '-keyint_min', String(gopFrames), '-sc_threshold', '0', '-forced-idr', '1', ...orderArgs(frameRate)];
    case 'libx265': {
      const limits = level === null ? '' : `:level-idc=${level.replace('.', '')}:high-tier=0`;
      const keys = `keyint=${gopFrames}:min-keyint=${gopFrames}:scenecut=0:open-gop=0:repeat-headers=0`;
      return ['-preset', preset, '-forced-idr', '1', '-tag:v', 'hvc1', '-x265-params', `${keys}${limits}:log-level=error`];
    }
    case 'libsvtav1':
      return ['-preset', String(svtPresets[preset] ?? 8), '-sc_threshold', '0'];
    case 'libaom-av1':
      return ['-cpu-used', String(Math.min(8, svtPresets[preset] ?? 8)), '-row-mt', '1', '-usage', 'good'];
    case 'h264_nvenc':
    case 'hevc_nvenc':
    case 'av1_nvenc':
      return ['-preset', nvencPresets[preset] ?? 'p4', '-forced-idr', '1', '-no-scenecut', '1', ...tag(encoder)];
    case 'h264_qsv':
    case 'hevc_qsv':
    case 'av1_qsv':
      return ['-preset', /^(?:ultra|super)fast$/.test(preset) ? 'veryfast' : preset, '-forced_idr', '1', ...tag(encoder)];
    case 'h264_vaapi':
    case 'hevc_vaapi':
    case 'av1_vaapi':
      return ['-idr_interval', '0', ...tag(encoder)];
  }
}

/**
 * Pictures that are decoded in another order are shown up to two frames after they are decoded. Players in browsers let a video begin
 * with its first decoding time, and take more than a tenth of a second without a picture for a hole.
 */
function orderArgs(frameRate: FrameRate): string[] {
  const withinLimit = Math.floor(perSecond(frameRate) * 0.1);
  if (withinLimit >= 2) return [];
  return withinLimit === 1 ? ['-b-pyramid', 'none'] : ['-bf', '0'];
}

/** Apple's players take H.265 only with its parameter sets in the sample description. */
function tag(encoder: LadderEncoder): string[] {
  return encoder.startsWith('hevc') ? ['-tag:v', 'hvc1'] : [];
}

function rateArgs({ encoder, videoKbps, maxKbps, bufferKbits, crf }: EncoderSettings): string[] {
  const cap = ['-maxrate', `${maxKbps}k`, '-bufsize', `${bufferKbits}k`];
  if (crf === null) {
    // The AV1 encoders in software know no cap beside an average.
    return encoder === 'libsvtav1' ? ['-b:v', `${videoKbps}k`] : ['-b:v', `${videoKbps}k`, ...cap];
  }
  const level = String(crf);
  if (encoder === 'libsvtav1') return ['-crf', level];
  if (encoder === 'libaom-av1') return ['-crf', level, '-b:v', `${maxKbps}k`];
  if (encoder.endsWith('_nvenc')) return ['-rc', 'vbr', '-cq', level, '-b:v', '0', ...cap];
  if (encoder.endsWith('_qsv')) return ['-global_quality', level, '-look_ahead', '0', ...cap];
  if (encoder.endsWith('_vaapi')) return ['-rc_mode', 'QVBR', '-global_quality', level, '-b:v', `${maxKbps}k`, ...cap];
  return ['-crf', level, ...cap];
}

const svtPresets: Readonly<Record<string, number>> = {
  ultrafast: 12,
  superfast: 11,
  veryfast: 10,
  faster: 9,
  fast: 8,
  medium: 7,
  slow: 5,
  slower: 4,
  veryslow: 3,
  placebo: 2,
};
const nvencPresets: Readonly<Record<string, string>> = {
  ultrafast: 'p1',
  superfast: 'p1',
  veryfast: 'p2',
  faster: 'p3',
  fast: 'p4',
  medium: 'p5',
  slow: 'p6',
  slower: 'p7',
  veryslow: 'p7',
  placebo: 'p7',
};
