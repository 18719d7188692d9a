/** How a source is captured. */
import type { VideoEncoder } from './facts.js';
import type { Output } from './output.js';
import type { Source } from './source.js';

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

export interface CopyPlan {
  readonly mode: 'copy';
  readonly codec: string | undefined;
  /** What a capture device is to encode in; undefined: as it stands. Other sources deliver what they deliver. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
  readonly frameRate?: number | undefined;
}

export type VideoPlan = CopyPlan | EncodePlan;

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
