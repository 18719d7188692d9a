/** A bound on costly work: so much at once, so much waiting, and the rest is refused. */
import { WeirError } from '../contracts/index.js';

/** Runs the work when its turn comes; throws `resource_exhausted` when too many wait already. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** Makes a gate; first come, first served. */
export function createGate({ atOnce, waiting: maxWaiting }: { atOnce: number; waiting: number }): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running < atOnce) running++;
    else if (waiting.length < maxWaiting) await new Promise<void>((resolve) => waiting.push(resolve));
    else throw new WeirError('resource_exhausted', 'Too many sign-ins at once', { retryAfterS: 2 });
    try {
      return await work();
    } finally {
      // The place goes to the next one waiting, or becomes free.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
