/** Limits of calls: a bucket per client and method that fills up again. Bounded in memory, whatever the number of clients. */
import type { CallLimit } from '../../contracts/rpc/index.js';

const maxBuckets = 20_000;

interface Bucket {
  tokens: number;
  at: number;
}

export interface CallLimits {
  /** Takes one call; returns 0, or the milliseconds until the next one is free. */
  take(key: string, limit: CallLimit): number;
}

/** Makes the limits; `now` is in milliseconds. When there are too many buckets, those unused for longest are forgotten. */
export function createCallLimits(now: () => number = performance.now.bind(performance)): CallLimits {
  // Two generations instead of an order of use: cheap, and a bucket outlives at least as many newer ones as the bound.
  let young = new Map<string, Bucket>();
  let old = new Map<string, Bucket>();
  const bucketOf = (key: string, limit: CallLimit, at: number): Bucket => {
    const known = young.get(key);
    if (known !== undefined) return known;
    const bucket = old.get(key) ?? { tokens: limit.burst, at };
    if (young.size >= maxBuckets / 2) {
      old = young;
      young = new Map();
    }
    young.set(key, bucket);
    return bucket;
  };
  return {
    take(key, limit) {
      const at = now();
      const bucket = bucketOf(key, limit, at);
      bucket.tokens = Math.min(limit.burst, bucket.tokens + ((at - bucket.at) / 1000) * limit.perSecond);
      bucket.at = at;
      if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / limit.perSecond) * 1000);
      bucket.tokens -= 1;
      return 0;
    },
  };
}
