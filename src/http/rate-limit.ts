/** Limits attempts by address: a bucket that fills up again over a minute. Bounded in memory whatever the number of addresses. */

const maxBuckets = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

export interface RateLimit {
  /** Takes one attempt; returns 0, or the seconds until the next one is free. */
  take(key: string, perMinute: number): number;
}

/** Makes a limit; `now` is in milliseconds. When there are too many addresses the one unused for longest is forgotten. */
export function createRateLimit(now: () => number = Date.now): RateLimit {
  const buckets = new Map<string, Bucket>();
  return {
    take(key, perMinute) {
      const at = now();
      const bucket = buckets.get(key) ?? { tokens: perMinute, at };
      bucket.tokens = Math.min(perMinute, bucket.tokens + ((at - bucket.at) / 60_000) * perMinute);
      bucket.at = at;
      // Deleted and set again, so that the map stays in order of last use.
      buckets.delete(key);
      buckets.set(key, bucket);
      if (buckets.size > maxBuckets) {
        const oldest = buckets.keys().next().value;
        if (oldest !== undefined) buckets.delete(oldest);
      }
      if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perMinute) * 60);
      bucket.tokens -= 1;
      return 0;
    },
  };
}

/** One customer is one IPv4 address or one IPv6 /64. */
export function limitKey(address: string): string {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (!plain.includes(':')) return plain;
  const [head = '', tail = ''] = plain.split('::');
  const groups = head.split(':').filter((part) => part !== '');
  if (plain.includes('::')) {
    const after = tail.split(':').filter((part) => part !== '');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
