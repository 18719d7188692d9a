/** Cuts a stream of fragmented MP4 into its initialisation segment and fragments, whatever the borders of the chunks. */
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

export interface CutterOptions {
  onInit(init: InitSegment): void;
  onFragment(fragment: Fragment): void;
  /** A larger box, or init segment or fragment, is refused. Default 16 MiB. */
  readonly maxBoxBytes?: number;
}

export interface FragmentCutter {
  /**
   * Takes the next bytes. Fragments may refer to `chunk` without a copy, so the caller must not reuse its memory.
   * Throws `invalid_argument` when this is no fragmented MP4 (within the first 16 bytes of the faulty box),
   * `payload_too_large` beyond `maxBoxBytes`; after that every call throws the same error.
   */
  push(chunk: Uint8Array): void;
  /** Bytes held of a fragment that is not complete yet. */
  readonly pendingBytes: number;
  /** Bytes of trailing index boxes (`mfra`) that were left out. */
  readonly skippedBytes: number;
}

export function createFragmentCutter(_options: CutterOptions): FragmentCutter {
  throw new Error('being written');
}
