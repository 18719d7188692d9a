/** A circuit breaker: after so many failures in a row nobody calls for a while, then one call tries. */
import { WeirError } from '../../contracts/index.js';

export interface BreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: () => number;
  /** How long it stays open before one call may try; doubled with each try that fails, up to eightfold. */
  readonly openMs: () => number;
  /** Monotonic milliseconds; default `performance.now`. */
  readonly now?: () => number;
  /** In [0, 1); so that several hubs do not try at once. Default `Math.random`. */
  readonly random?: () => number;
  readonly onChange?: (state: BreakerState) => void;
}

export type BreakerState = 'closed' | 'open' | 'half_open';

export interface Breaker {
  readonly state: BreakerState;
  /** Milliseconds until a call may try; 0 unless open. */
  readonly retryInMs: number;
  /** Why it opened; null while closed. */
  readonly reason: string | null;
  /**
   * Runs the call, or throws `unavailable` at once while open. `isFailure` says which errors speak against the other side; the others
   * (a refused argument, a caller that went away) do not count.
   */
  run<T>(call: () => Promise<T>, isFailure: (error: unknown) => boolean): Promise<T>;
  /** Whoever knows that the other side is new closes the circuit. */
  reset(): void;
}

const longestFactor = 8;

export function createBreaker(options: BreakerOptions): Breaker {
  const { failures: limit, openMs, now = () => performance.now(), random = Math.random, onChange = () => undefined } = options;
  let state: BreakerState = 'closed';
  let failures = 0;
  let factor = 1;
  let opensUntil = 0;
  let reason: string | null = null;

  const change = (next: BreakerState) => {
    if (state === next) return;
    state = next;
    onChange(next);
  };
  const close = () => {
    failures = 0;
    factor = 1;
    reason = null;
    change('closed');
  };
  const open = (error: unknown) => {
    reason = error instanceof Error ? error.message : String(error);
    // Up to a tenth earlier, never later than promised.
    opensUntil = now() + openMs() * factor * (1 - 0.1 * random());
    factor = Math.min(longestFactor, factor * 2);
    change('open');
  };
  const refusal = () =>
    new WeirError('unavailable', `MediaMTX does not answer (${reason ?? 'unknown'}); it is left alone for a while`, {
      retryAfterS: Math.max(1, Math.ceil((opensUntil - now()) / 1000)),
      facts: { dependency: 'mediamtx', circuit: state },
    });

  const judge = (error: unknown, isFailure: boolean, isTrial: boolean) => {
    if (isFailure) {
      failures++;
      if (isTrial || failures >= limit()) open(error);
    } else if (!(error instanceof WeirError && error.code === 'cancelled')) close();
    // The trial told nothing: the next caller tries.
    else if (isTrial) change('open');
  };

  return {
    get state() {
      return state;
    },
    get retryInMs() {
      return state === 'open' ? Math.max(0, opensUntil - now()) : 0;
    },
    get reason() {
      return reason;
    },
    async run(call, isFailure) {
      if (state === 'half_open' || (state === 'open' && now() < opensUntil)) throw refusal();
      const isTrial = state === 'open';
      if (isTrial) change('half_open');
      try {
        const value = await call();
        close();
        return value;
      } catch (error) {
        judge(error, isFailure(error), isTrial);
        throw error;
      }
    },
    reset: close,
  };
}
