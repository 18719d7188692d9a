/** A disk that refused: why, and how long it is left alone. Pure. */
import type { GapCause } from '../../contracts/index.js';

/** Room comes back at any moment, by retention or by hand; another fault of a disk seldom goes by itself. */
const waits = {
  disk_full: { firstMs: 2000, longestMs: 4000 },
  write_failed: { firstMs: 5000, longestMs: 60_000 },
} as const;

export interface Hindrance {
  readonly cause: GapCause;
  readonly detail: string;
}

export class Setback {
  #last: (Hindrance & { readonly untilMs: number; readonly afterMs: number }) | undefined;

  /** Why nothing may be tried at this time. */
  at(nowMs: number): Hindrance | undefined {
    return this.#last !== undefined && nowMs < this.#last.untilMs ? this.#last : undefined;
  }

  /** It refused with this; gives when to try again, later each time that it refuses for the same cause. */
  add(error: unknown, nowMs: number): Hindrance & { readonly afterMs: number } {
    const cause = gapCauseOf(error);
    const { firstMs, longestMs } = waits[cause];
    const afterMs = this.#last?.cause === cause ? Math.min(longestMs, this.#last.afterMs * 2) : firstMs;
    this.#last = { cause, detail: messageOf(error), untilMs: nowMs + afterMs, afterMs };
    return this.#last;
  }

  /** Somebody watches the room on the disk and sees that there is too little: for room there is no other wait. */
  hasRoomWatched(): void {
    if (this.#last?.cause === 'disk_full') this.#last = undefined;
  }

  /** A file went well to its end. */
  clear(): void {
    this.#last = undefined;
  }
}

/** A failed write in the words of gaps. */
export function gapCauseOf(error: unknown): 'disk_full' | 'write_failed' {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'disk_full' : 'write_failed';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
