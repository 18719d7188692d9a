/** The newest media of one stream in memory, bounded by time and by bytes, each fragment with its fate. */
import type { MediaEpoch, PreRoll, StoredFragment } from './media-publisher.js';

export interface RingEpoch extends MediaEpoch {
  epoch: string;
}

export interface RingEntry {
  readonly fragment: StoredFragment;
  readonly epoch: RingEpoch;
  /** `sent` waits for its acknowledgement. */
  state: 'waiting' | 'sent' | 'acked';
  /** How often it was sent. */
  sends: number;
  /** Monotonic milliseconds of the last time it was sent. */
  sentAt: number;
  /** Must not be sent yet, nor anything after it. */
  isHeld: boolean;
}

export interface MediaRing {
  /** Number of the oldest entry; entries are numbered without end. */
  readonly first: number;
  /** Number that the next entry will have. */
  readonly end: number;
  /** Bytes that are not acknowledged. */
  readonly openBytes: number;
  at(number: number): RingEntry | undefined;
  /** Adds an entry and returns those that had to leave. */
  push(fragment: StoredFragment, epoch: RingEpoch): RingEntry[];
  setState(entry: RingEntry, state: RingEntry['state']): void;
  /** Makes all entries from this number on wait again, for a journal that has none of them. */
  reopenFrom(number: number): void;
  /** Number of the first entry that is not acknowledged; `end` when there is none. */
  firstOpen(): number;
  /** Number of the newest keyframe at or before `number` that is at least `backMs` older than the entry there; else of the oldest one kept. */
  keyBefore(number: number, backMs: number): number;
  /** All media kept, from the first keyframe on, by epoch. */
  snapshot(): PreRoll[];
}

/** Keeps at most `maxMs` and `maxBytes`, but always the newest fragment. */
export function createMediaRing(maxMs: number, maxBytes: number): MediaRing {
  let entries: RingEntry[] = [];
  /** Entries before it have left; the array is cut when they are many. */
  let gone = 0;
  let first = 0;
  let bytes = 0;
  let openBytes = 0;
  let open = 0;

  function at(number: number): RingEntry | undefined {
    return number < first ? undefined : entries[number - first + gone];
  }

  function end(): number {
    return first + entries.length - gone;
  }

  function setState(entry: RingEntry, state: RingEntry['state']): void {
    if (entry.state !== 'acked') openBytes -= entry.fragment.data.length;
    if (state !== 'acked') openBytes += entry.fragment.data.length;
    entry.state = state;
  }

  function removeOldest(): RingEntry | undefined {
    const entry = entries[gone];
    if (entry === undefined) return undefined;
    gone += 1;
    first += 1;
    bytes -= entry.fragment.data.length;
    if (entry.state !== 'acked') openBytes -= entry.fragment.data.length;
    if (gone > 256 && gone * 2 > entries.length) {
      entries = entries.slice(gone);
      gone = 0;
    }
    return entry;
  }

  return {
    get first() {
      return first;
    },
    get end() {
      return end();
    },
    get openBytes() {
      return openBytes;
    },
    at,
    setState,
    push(fragment, epoch) {
      entries.push({ fragment, epoch, state: 'waiting', sends: 0, sentAt: 0, isHeld: false });
      bytes += fragment.data.length;
      openBytes += fragment.data.length;
      const left: RingEntry[] = [];
      const oldest = fragment.publishedAt - maxMs;
      for (let entry = at(first); entry !== undefined && end() - first > 1; entry = at(first)) {
        if (bytes <= maxBytes && entry.fragment.publishedAt >= oldest) break;
        removeOldest();
        left.push(entry);
      }
      return left;
    },
    reopenFrom(number) {
      open = Math.max(first, Math.min(open, number));
      for (let each = open; each < end(); each += 1) {
        const entry = at(each);
        if (entry !== undefined) setState(entry, 'waiting');
      }
    },
    firstOpen() {
      open = Math.max(open, first);
      while (open < end() && at(open)?.state === 'acked') open += 1;
      return open;
    },
    keyBefore(number, backMs) {
      const from = at(Math.min(number, end() - 1));
      if (from === undefined) return first;
      const latest = from.fragment.publishedAt - backMs;
      for (let candidate = Math.min(number, end() - 1); candidate >= first; candidate -= 1) {
        const entry = at(candidate);
        if (entry?.fragment.kind === 'key' && entry.fragment.publishedAt <= latest) return candidate;
      }
      for (let candidate = first; candidate < number; candidate += 1) if (at(candidate)?.fragment.kind === 'key') return candidate;
      return Math.min(number, end());
    },
    snapshot() {
      const rolls: PreRoll[] = [];
      for (let number = first; number < end(); number += 1) {
        const entry = at(number);
        if (entry === undefined) continue;
        const last = rolls.at(-1);
        if (last?.epoch === entry.epoch.epoch) last.fragments.push(entry.fragment);
        else if (entry.fragment.kind === 'key') rolls.push({ ...entry.epoch, fragments: [entry.fragment] });
      }
      return rolls;
    },
  };
}
