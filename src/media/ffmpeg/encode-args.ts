/** Encoder arguments, one form per encoder. */
import { type MachineFacts, type VideoEncoder, versionAtLeast } from './facts.js';

export interface EncodeSettings {
  readonly encoder: VideoEncoder;
  readonly bitrateKbps: number;
  readonly keyframeIntervalS: number;
  /** Undefined when the source's rate is not known; keyframes are then placed by time alone. */
  readonly frameRate: number | undefined;
  /** Pixels per frame, to choose the number of threads. */
  readonly pixels: number;
  /** x264's trade of time for size. Default `veryfast`. */
  readonly preset?: string;
}

/** Arguments that must stand before the first input. */
export function hardwareInitArgs(encoder: VideoEncoder, facts: Pick<MachineFacts, 'renderNode'>): string[] {
  const node = facts.renderNode ?? '/dev/dri/renderD128';
  if (encoder === 'h264_vaapi') return ['-vaapi_device', node];
  if (encoder === 'h264_qsv') return ['-init_hw_device', `vaapi=va:${node}`, '-init_hw_device', 'qsv=hw@va', '-filter_hw_device', 'hw'];
  return [];
}

/** Filters that bring frames into the form the encoder takes. */
export function uploadFilters(encoder: VideoEncoder): string[] {
  if (encoder === 'h264_vaapi') return ['format=nv12', 'hwupload'];
  if (encoder === 'h264_qsv') return ['format=nv12'];
  return [];
}

/** The video encoder's output arguments: no B-frames, keyframes by time, bounded bitrate. */
export function videoEncodeArgs(settings: EncodeSettings): string[] {
  const { bitrateKbps, keyframeIntervalS, frameRate, encoder } = settings;
  const rate = ['-b:v', `${bitrateKbps}k`, '-maxrate', `${bitrateKbps}k`, '-bufsize', `${bitrateKbps}k`];
  const gop = frameRate === undefined ? [] : ['-g', String(Math.max(1, Math.round(frameRate * keyframeIntervalS)))];
  const force = ['-force_key_frames', `expr:gte(t,n_forced*${keyframeIntervalS})`];
  return ['-c:v', encoder, ...encoderArgs(settings, gop), '-bf', '0', ...gop, ...force, ...rate];
}

function encoderArgs(settings: EncodeSettings, gop: readonly string[]): string[] {
  switch (settings.encoder) {
    case 'libx264': {
      const [, frames] = gop;
      const minimum = frames === undefined ? [] : ['-keyint_min', frames];
      return [
        ...['-preset', settings.preset ?? 'veryfast', '-tune', 'zerolatency', ...minimum, '-sc_threshold', '0'],
        ...['-forced-idr', '1', '-pix_fmt', 'yuv420p', '-threads', String(encoderThreads(settings))],
      ];
    }
    case 'h264_nvenc':
      return ['-preset', 'p4', '-tune', 'ull', '-zerolatency', '1', '-rc', 'cbr', '-delay', '0', '-forced-idr', '1', '-pix_fmt', 'yuv420p'];
    case 'h264_qsv':
      return ['-preset', 'veryfast', '-async_depth', '1', '-look_ahead', '0', '-forced_idr', '1'];
    case 'h264_vaapi':
      return ['-async_depth', '1', '-idr_interval', '0'];
    case 'h264_v4l2m2m':
      return ['-pix_fmt', 'yuv420p', '-num_capture_buffers', '16'];
  }
}

/** Slices cost bits, so a second thread comes only when one would be busy: about 720p at 60 frames per second each, at most 4. */
function encoderThreads({ pixels, frameRate }: EncodeSettings): number {
  return Math.min(4, Math.max(1, Math.ceil((pixels * (frameRate ?? 30)) / (1280 * 720 * 60))));
}

/** AAC that survives gaps in the source's sound. */
export const audioEncodeArgs = ['-c:a', 'aac', '-b:a', '128k', '-ar', '48000', '-ac', '2', '-af', 'aresample=async=1000'] as const;

/** Frames keep the source's times: none is repeated to fill a gap. Older programs know only the former name of the option. */
export function variableRateArgs(facts: Pick<MachineFacts, 'version'>): string[] {
  return [versionAtLeast(facts.version, 5, 1) ? '-fps_mode' : '-vsync', 'vfr'];
}

/** kbit/s that look decent with a fast preset: by size, half as much again above 30 frames per second. */
export function defaultBitrateKbps(width: number, height: number, frameRate: number | undefined): number {
  const steps: readonly (readonly [number, number])[] = [
    [320 * 240, 400],
    [640 * 360, 900],
    [854 * 480, 1500],
    [1280 * 720, 2500],
    [1920 * 1080, 5000],
    [2560 * 1440, 9000],
  ];
  const base = steps.find(([pixels]) => width * height <= pixels)?.[1] ?? 16_000;
  return (frameRate ?? 30) > 35 ? Math.round(base * 1.5) : base;
}
