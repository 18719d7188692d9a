/** The arguments of the FFmpeg that captures a source: a pure function from plan and facts to an argument array. */
import type { SourceProbe, StreamConfig } from '../../contracts/stream.js';
import type { MachineFacts, VideoEncoder } from './facts.js';
import type { Output, Source } from './source.js';

export type VideoPlan =
  | { readonly mode: 'copy' }
  | {
      readonly mode: 'encode';
      readonly encoder: VideoEncoder;
      /** Undefined: as the source. */
      readonly size: { readonly width: number; readonly height: number } | undefined;
      /** Undefined: as the source. */
      readonly frameRate: number | undefined;
      readonly bitrateKbps: number;
      readonly keyframeIntervalS: number;
    };

export interface CapturePlan {
  readonly source: Source;
  readonly video: VideoPlan;
  readonly audio: 'none' | 'copy' | 'encode';
  readonly output: Output | undefined;
  readonly rtspTransport: 'tcp' | 'udp';
  /** V4L2 pixel or codec format to ask the device for; undefined: FFmpeg chooses. */
  readonly inputFormat: string | undefined;
  /** Why it is copied or encoded, in words. */
  readonly why: string;
}

/**
 * Decides how a source is captured. `probe` is what was found at it; undefined for the test picture and where probing is not
 * possible, and then the source is encoded. Throws `unsupported` when the source has no video and `failed_precondition` when the
 * encoder asked for does not work here.
 */
export function planCapture(_config: StreamConfig, _source: Source, _probe: SourceProbe | undefined, _facts: MachineFacts): CapturePlan {
  throw new Error('being written');
}

/** Fragmented MP4 on stdout (one fragment per frame), progress on descriptor 3, log on stderr. */
export function captureArgs(_plan: CapturePlan, _facts: MachineFacts): string[] {
  throw new Error('being written');
}
