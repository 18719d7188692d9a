/** Attempts per key within a sliding window. */

export interface RateLimit {
  /** Counts one attempt. Refused attempts are not counted, so waiting always helps. */
  take(key: string): RateVerdict;
  /** What `take` would say, without counting. */
  peek(key: string): RateVerdict;
  /** Forgets the attempts of a key. */
  reset(key: string): void;
  /** Keys remembered right now. */
  readonly size: number;
}

export interface RateVerdict {
  readonly allowed: boolean;
  /** Whole seconds until the next attempt is allowed; 0 when allowed. */
  readonly retryAfterS: number;
}

export interface RateLimitOptions {
  /** Attempts within the window. */
  readonly limit: number;
  readonly windowMs: number;
  /** Keys remembered at most; the one unused for longest goes first. Default 10,000. */
  readonly maxKeys?: number | undefined;
  readonly now?: (() => number) | undefined;
}

/** Makes a limit that remembers nothing yet. Costs memory for `maxKeys` × `limit` times at most. */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { limit, windowMs, maxKeys = 10_000, now = Date.now } = options;
  // A Map keeps the order of insertion; each use moves its key to the end.
  const attempts = new Map<string, number[]>();

  function recent(key: string): number[] {
    const from = now() - windowMs;
    return (attempts.get(key) ?? []).filter((time) => time > from);
  }

  function verdict(times: readonly number[]): RateVerdict {
    const oldest = times[0];
    if (times.length < limit || oldest === undefined) return { allowed: true, retryAfterS: 0 };
    return { allowed: false, retryAfterS: Math.max(1, Math.ceil((oldest + windowMs - now()) / 1000)) };
  }

  return {
    take(key) {
      const times = recent(key);
      const answer = verdict(times);
      if (answer.allowed) times.push(now());
      attempts.delete(key);
      attempts.set(key, times);
      for (const stale of attempts.keys()) {
        if (attempts.size <= maxKeys) break;
        attempts.delete(stale);
      }
      return answer;
    },
    peek: (key) => verdict(recent(key)),
    reset: (key) => void attempts.delete(key),
    get size() {
      return attempts.size;
    },
  };
}

/** The address that attempts are counted under: an IPv6 client owns its whole /64. */
export function toAddressKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').toLowerCase();
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
