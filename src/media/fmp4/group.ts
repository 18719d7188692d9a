/** Joins fragments to segments that start with a keyframe, as HLS and `live.mp4` need them. Bytes are joined, never rewritten. */

/** The part of a fragment that grouping looks at; a media message of the bus has the same facts in its headers. */
export interface GroupInput {
  readonly bytes: Uint8Array;
  readonly isKey: boolean;
  readonly timeMs: number;
  readonly durationMs: number;
}

export interface Segment {
  readonly parts: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly timeMs: number;
  readonly durationMs: number;
  readonly fragments: number;
}

export interface SegmentAssembler {
  /** Fragments before the first key are left out. */
  push(fragment: GroupInput): void;
  /** Gives out what is held as a last segment. */
  flush(): void;
}

/** Cuts at the first key fragment at or after `targetMs` (0: at every key), and before `maxBytes` would be passed (default 64 MiB). */
export function createSegmentAssembler(_options: {
  readonly targetMs: number;
  readonly maxBytes?: number;
  onSegment(segment: Segment): void;
}): SegmentAssembler {
  throw new Error('being written');
}

/** One array out of many; the same array when there is only one. */
export function concatBytes(_parts: readonly Uint8Array[]): Uint8Array {
  throw new Error('being written');
}
