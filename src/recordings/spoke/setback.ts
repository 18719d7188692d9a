/** A disk that refused: why, and how long it is left alone. Pure. */
import type { GapCause } from '../../contracts/index.js';

const firstRetryMs = 5000;
const longestRetryMs = 60_000;

export interface Hindrance {
  readonly cause: GapCause;
  readonly detail: string;
}

export class Setback {
  #last: (Hindrance & { readonly untilMs: number }) | undefined;
  #retryMs = firstRetryMs;

  /** Why nothing may be tried at this time. */
  at(nowMs: number): Hindrance | undefined {
    return this.#last !== undefined && nowMs < this.#last.untilMs ? this.#last : undefined;
  }

  /** It refused with this; gives when to try again, later each time. */
  add(error: unknown, nowMs: number): Hindrance & { readonly afterMs: number } {
    const afterMs = this.#retryMs;
    const hindrance = { cause: gapCauseOf(error), detail: messageOf(error) };
    this.#last = { ...hindrance, untilMs: nowMs + afterMs };
    this.#retryMs = Math.min(longestRetryMs, afterMs * 2);
    return { ...hindrance, afterMs };
  }

  /** A file went well to its end. */
  clear(): void {
    this.#last = undefined;
    this.#retryMs = firstRetryMs;
  }
}

/** A failed write in the words of gaps. */
export function gapCauseOf(error: unknown): GapCause {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'disk_full' : 'write_failed';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
