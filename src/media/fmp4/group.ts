/** Joins fragments to segments that start with a keyframe, as HLS and `live.mp4` need them. Bytes are joined, never rewritten. */

/** The part of a fragment that grouping looks at; a media message of the bus has the same facts in its headers. */
export interface GroupInput {
  readonly bytes: Uint8Array;
  readonly isKey: boolean;
  readonly timeMs: number;
  readonly durationMs: number;
  /** False for a fragment of sound between pictures: its duration runs beside theirs. Default true. */
  readonly hasVideo?: boolean;
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
export function createSegmentAssembler(options: {
  readonly targetMs: number;
  readonly maxBytes?: number;
  onSegment(segment: Segment): void;
}): SegmentAssembler {
  const maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  let held: GroupInput[] = [];
  let sizeBytes = 0;
  let durationMs = 0;

  const flush = (): void => {
    const [first] = held;
    if (first === undefined) return;
    const segment = { parts: held.map((fragment) => fragment.bytes), sizeBytes, timeMs: first.timeMs, durationMs, fragments: held.length };
    held = [];
    sizeBytes = 0;
    durationMs = 0;
    options.onSegment(segment);
  };

  return {
    push(fragment) {
      const isFull = sizeBytes + fragment.bytes.length > maxBytes;
      if (isFull || (fragment.isKey && durationMs >= options.targetMs)) flush();
      // After a cut that was forced by size the rest of the group cannot be decoded by itself.
      if (held.length === 0 && !fragment.isKey) return;
      held.push(fragment);
      sizeBytes += fragment.bytes.length;
      if (fragment.hasVideo !== false) durationMs += fragment.durationMs;
    },
    flush,
  };
}

/** One array out of many; the same array when there is only one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
