/** Holding the live edge: what to do with the playing position, decided from numbers alone. Pure. */

export interface EdgeInput {
  /** Seconds of the player's clock. */
  position: number;
  /** Buffered spans, in order. */
  ranges: readonly (readonly [start: number, end: number])[];
  /** Seconds to stay behind the newest frame. */
  target: number;
  /** True until the position was brought to the edge once; catching up by speed alone would take long then. */
  joining: boolean;
}

export interface EdgeDecision {
  rate: number;
  /** Where to jump; undefined to go on. */
  seek: number | undefined;
  /** Seconds behind the newest frame. */
  lag: number;
}

export const edgeLimits = {
  jumpBehindS: 2,
  joinBehindS: 0.45,
  tooFarS: 0.6,
  fastest: 1.1,
  slowest: 0.95,
  leastTargetS: 0.14,
  mostTargetS: 0.8,
} as const;

/** Nudges the speed within 0.95 to 1.1; jumps over holes, when more than 2 s behind, and once at the start. */
export function decideEdge({ position, ranges, target, joining }: EdgeInput): EdgeDecision {
  const last = ranges[ranges.length - 1];
  if (last === undefined) return { rate: 1, seek: undefined, lag: 0 };
  const [start, end] = last;
  const lag = end - position;
  const edge = Math.max(start, end - target);
  const isInLast = position >= start - 0.02 && position <= end + 0.5;
  if (!isInLast) {
    const current = ranges.find(([from, to]) => position >= from && position < to - 0.04);
    // What still stands before the hole is shown to its end, unless that is too long ago.
    if (current === undefined || lag > edgeLimits.jumpBehindS) return { rate: 1, seek: edge, lag };
    return { rate: edgeLimits.fastest, seek: undefined, lag };
  }
  const joinBehind = Math.max(edgeLimits.joinBehindS, target + 0.3);
  if (lag > edgeLimits.jumpBehindS || (joining && lag > joinBehind)) return { rate: 1, seek: edge, lag };
  return { rate: rateFor(lag, target), seek: undefined, lag };
}

function rateFor(lag: number, target: number): number {
  const above = lag - target;
  if (above > 0.05) return Math.min(edgeLimits.fastest, 1 + above * 0.4);
  if (lag < target * 0.5) return edgeLimits.slowest;
  return 1;
}

/** The distance to keep: grows by half with each stall, shrinks slowly while all is well; never less than two and a half frames. */
export function nextTarget(target: number, event: 'stall' | 'calm', frameS: number): number {
  const wanted = event === 'stall' ? target * 1.5 : target * 0.97;
  const least = Math.min(edgeLimits.mostTargetS, Math.max(edgeLimits.leastTargetS, frameS * 2.5));
  return Math.min(edgeLimits.mostTargetS, Math.max(least, wanted));
}
