/** Wall clock for recordings: goes on evenly while the system's clock is set, and tells of it. */

/** A smaller difference is drift, which is followed slowly. */
const stepMs = 1000;
/** Set back by no more than so much, the clock of the recordings waits for the system's instead of going back. */
const longestLeadMs = 60_000;
/** Share of the passing time by which a lead is given up. */
const leadDecay = 0.1;
const driftShare = 0.05;

export interface WallClock {
  /** Milliseconds since 1970. Never goes back, but for a jump that `check` told. */
  now(): number;
  /** Looks whether the system's clock was set; the jump of `now` that this made, in milliseconds, or 0. Call it a few times a second. */
  check(): number;
}

/** Both in milliseconds. */
export interface ClockSource {
  /** Since 1970; people set it. */
  system(): number;
  /** Since whenever; goes on evenly. */
  even(): number;
}

export const systemClock: ClockSource = { system: () => Date.now(), even: () => performance.now() };

export function createWallClock({ system, even }: ClockSource = systemClock): WallClock {
  let offset = system() - even();
  let lead = { ms: 0, atMs: 0 };
  const leadAt = (atMs: number) => Math.max(0, lead.ms - (atMs - lead.atMs) * leadDecay);
  const now = () => {
    const at = even();
    return at + offset + leadAt(at);
  };
  return {
    now,
    check() {
      const at = even();
      const difference = system() - (at + offset);
      if (Math.abs(difference) < stepMs) {
        offset += difference * driftShare;
        return 0;
      }
      const before = now();
      const wanted = leadAt(at) - difference;
      offset += difference;
      // A larger error was none of a moment: better an honest jump than hours of wrong times.
      lead = { ms: wanted > longestLeadMs ? 0 : Math.max(0, wanted), atMs: at };
      const jump = at + offset + lead.ms - before;
      return Math.abs(jump) < 1 ? 0 : jump;
    },
  };
}

/** Wall clock of the pictures of one epoch: their own times, held to the clock by their arrival. */
export class EpochClock {
  #offset: number | undefined;

  /** A picture that ends at `endMs` of the media arrived at `wallMs`. */
  observe(endMs: number, wallMs: number): void {
    const seen = wallMs - endMs;
    // Nothing arrives before its time, so earlier is nearer to the truth than later.
    this.#offset = this.#offset === undefined ? seen : this.#offset + (seen - this.#offset) * (seen < this.#offset ? 0.1 : 0.01);
  }

  wallOf(timeMs: number): number {
    return timeMs + (this.#offset ?? 0);
  }

  jump(ms: number): void {
    if (this.#offset !== undefined) this.#offset += ms;
  }
}
