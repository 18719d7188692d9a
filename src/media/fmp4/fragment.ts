/** What fragmented MP4 is cut into. */
import type { TrackFacts } from './codecs.js';

/** `ftyp` + `moov`: what a player needs before any fragment. */
export interface InitSegment {
  readonly bytes: Uint8Array;
  readonly facts: TrackFacts;
}

/** `moof` + `mdat`, with the small boxes that precede them. */
export interface Fragment {
  readonly bytes: Uint8Array;
  /** True when the first video sample can be decoded by itself; for media without video: always true. */
  readonly isKey: boolean;
  /** Presentation time of the first sample: of the video track where it has one, else of the first track. */
  readonly timeMs: number;
  /** Of the same track as `timeMs`. */
  readonly durationMs: number;
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
  /** Samples of the video track. */
  readonly frames: number;
}
