/** HLS from the media journal: which fragments form a segment, how segments are numbered, what the playlist says. Pure. */

/** A fragment as the journal's headers tell it; the bytes stay in the journal. */
export interface FragmentMark {
  /** Journal sequence. */
  readonly sequence: number;
  readonly kind: 'key' | 'delta';
  readonly epoch: string;
  readonly timeMs: number;
  readonly durationMs: number;
  readonly publishedMs: number;
}

/** One media segment: the fragments of the journal from `first` to `last`. */
export interface HlsSegment {
  readonly number: number;
  /** Number of discontinuities before it, on the scale of `EXT-X-DISCONTINUITY-SEQUENCE`. */
  readonly discontinuity: number;
  readonly first: number;
  readonly last: number;
  readonly epoch: string;
  readonly durationMs: number;
  readonly publishedMs: number;
}

/** Ties numbering to one key of the journal, so that every hub replica counts alike. */
export interface HlsAnchor {
  readonly sequence: number;
  readonly number: number;
  readonly discontinuity: number;
}

interface OpenSegment {
  number: number;
  discontinuity: number;
  first: number;
  last: number;
  epoch: string;
  startMs: number;
  endMs: number;
  publishedMs: number;
}

/** A shorter GOP is merged with the next. A little below a second, because encoders round. */
const minSegmentMs = 950;
/** More than a spoke repeats after an outage. */
const olderIsNewAfterKeys = 30;
const numberingStartMs = Date.UTC(2020, 0, 1);

/**
 * Number of the first segment ever listed that starts with this key. It grows with the wall clock by four a second, faster than
 * segments can come, so that numbers never repeat when the journal or the hub starts anew; below 2^31 until 2037.
 */
export function firstNumber(publishedMs: number): number {
  return Math.max(0, Math.floor((publishedMs - numberingStartMs) / 250));
}

/** Finished segments in order, at most `limit`; feed it every fragment of the journal in journal order. */
export class HlsIndex {
  readonly #segments: HlsSegment[] = [];
  readonly #limit: number;
  readonly #anchor: HlsAnchor | undefined;
  #open: OpenSegment | undefined;
  /** Keys of an older epoch since the last fragment of the present one. */
  #olderKeys = 0;
  #longestMs = 1000;

  constructor(options: { limit: number; anchor?: HlsAnchor | undefined }) {
    this.#limit = options.limit;
    this.#anchor = options.anchor;
  }

  get segments(): readonly HlsSegment[] {
    return this.#segments;
  }

  /** Longest segment seen, in whole seconds as `EXT-X-TARGETDURATION` wants it; never shrinks. */
  get targetDurationS(): number {
    return Math.max(1, Math.round(this.#longestMs / 1000));
  }

  /** Where another replica can take up the count: the oldest segment listed. */
  get anchor(): HlsAnchor | undefined {
    const oldest = this.#segments[0] ?? this.#open;
    return oldest === undefined ? undefined : { sequence: oldest.first, number: oldest.number, discontinuity: oldest.discontinuity };
  }

  /** Takes the next fragment; true when that finished a segment. */
  add(mark: FragmentMark): boolean {
    const open = this.#open;
    // Another encoder's last words after its successor began; or, when they do not end, a successor whose clock is behind.
    if (open !== undefined && mark.epoch < open.epoch) {
      if (mark.kind === 'key') this.#olderKeys += 1;
      if (this.#olderKeys < olderIsNewAfterKeys) return false;
    }
    this.#olderKeys = 0;
    if (open === undefined) {
      if (mark.kind === 'key' && mark.sequence >= (this.#anchor?.sequence ?? 0)) this.#begin(mark, this.#firstOf(mark));
      return false;
    }
    if (mark.epoch !== open.epoch) {
      if (mark.kind !== 'key') return false;
      this.#finish(open);
      this.#begin(mark, { number: open.number + 1, discontinuity: open.discontinuity + 1 });
      return true;
    }
    if (mark.kind === 'key' && mark.timeMs - open.startMs >= minSegmentMs) {
      open.endMs = mark.timeMs;
      this.#finish(open);
      this.#begin(mark, { number: open.number + 1, discontinuity: open.discontinuity });
      return true;
    }
    open.last = mark.sequence;
    open.endMs = Math.max(open.endMs, mark.timeMs + mark.durationMs);
    return false;
  }

  /** Forgets segments whose first fragment is older than `sequence`: the journal no longer has them. */
  forgetBefore(sequence: number): void {
    while (this.#segments[0] !== undefined && this.#segments[0].first < sequence) this.#segments.shift();
  }

  #firstOf(mark: FragmentMark): { number: number; discontinuity: number } {
    if (this.#anchor !== undefined && this.#anchor.sequence === mark.sequence) return this.#anchor;
    const number = firstNumber(mark.publishedMs);
    return { number, discontinuity: number };
  }

  #begin(mark: FragmentMark, at: { number: number; discontinuity: number }): void {
    this.#open = {
      number: at.number,
      discontinuity: at.discontinuity,
      first: mark.sequence,
      last: mark.sequence,
      epoch: mark.epoch,
      startMs: mark.timeMs,
      endMs: mark.timeMs + mark.durationMs,
      publishedMs: mark.publishedMs,
    };
  }

  #finish(open: OpenSegment): void {
    const { number, discontinuity, first, last, epoch, publishedMs } = open;
    const durationMs = Math.max(1, open.endMs - open.startMs);
    this.#segments.push({ number, discontinuity, first, last, epoch, durationMs, publishedMs });
    this.#longestMs = Math.max(this.#longestMs, durationMs);
    while (this.#segments.length > this.#limit) this.#segments.shift();
  }
}

/** The media playlist of these segments; they must be consecutive and not empty. */
export function formatPlaylist(segments: readonly HlsSegment[], targetDurationS: number): string {
  const first = segments[0];
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${targetDurationS}`];
  lines.push(
    `#EXT-X-MEDIA-SEQUENCE:${first?.number ?? 0}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first?.discontinuity ?? 0}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
  );
  let epoch: string | undefined;
  for (const segment of segments) {
    if (segment.epoch !== epoch) {
      if (epoch !== undefined) lines.push('#EXT-X-DISCONTINUITY');
      lines.push(`#EXT-X-MAP:URI="${initPartName(segment.epoch)}"`);
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.publishedMs).toISOString()}`);
      epoch = segment.epoch;
    }
    lines.push(`#EXTINF:${(segment.durationMs / 1000).toFixed(3)},`, segmentPartName(segment));
  }
  return `${lines.join('\n')}\n`;
}

/** What a part name stands for. */
export type HlsPart = { readonly kind: 'init' } | { readonly kind: 'segment'; readonly first: number; readonly last: number };

/** Part names are made of letters and digits only; what else an epoch holds is left out. */
export function initPartName(epoch: string): string {
  return `init-${epoch.replace(/[^A-Za-z0-9]/g, '')}.mp4`;
}

export function segmentPartName(segment: { first: number; last: number }): string {
  return `${segment.first}-${segment.last}.m4s`;
}

/** The part a name stands for, or undefined when it is none. */
export function parsePartName(name: string): HlsPart | undefined {
  if (/^init-[A-Za-z0-9]+\.mp4$/.test(name)) return { kind: 'init' };
  const range = /^(\d{1,15})-(\d{1,15})\.m4s$/.exec(name);
  if (range === null) return undefined;
  const first = Number(range[1]);
  const last = Number(range[2]);
  return first >= 1 && last >= first ? { kind: 'segment', first, last } : undefined;
}
