/** When to start a process again after it ended: a pure state machine, so that time and chance come from outside. */

export interface RestartOptions {
  /** Delay before the first delayed restart. Default 500 ms. */
  initialMs?: number;
  /** Longest delay. Default 30 000 ms. */
  maxMs?: number;
  /** Growth per failure. Default 2. */
  factor?: number;
  /** Share of the delay that chance may take away, 0 to 1, so that many do not come back at once. Default 0.2. */
  jitter?: number;
  /** So many restarts come without any delay. Default 0. */
  immediate?: number;
  /** A run of this length was a success: the count of failures starts anew. Default 30 000 ms. */
  stableAfterMs?: number;
  /** This many ends within this time are a crash loop. Default 5 within 60 000 ms. */
  crashLoop?: { count: number; withinMs: number };
}

export interface RestartState {
  /** Failures in a row. */
  readonly failures: number;
  /** Times of the last ends, oldest first; never longer than `crashLoop.count`. */
  readonly ends: readonly number[];
  readonly startedAtMs: number | null;
}

export type RestartEvent = { kind: 'started'; atMs: number } | { kind: 'ended'; atMs: number } | { kind: 'reset' };

export interface RestartDecision {
  /** Wait so long before the next start. Never above `maxMs`. */
  delayMs: number;
  /** Failures in a row, this one included. */
  attempt: number;
  /** It ended too often in too short a time; the delay is then the longest one. */
  crashLoop: boolean;
}

export const initialRestartState: RestartState = { failures: 0, ends: [], startedAtMs: null };

type Settled = Required<RestartOptions>;

function settle(options: RestartOptions): Settled {
  return {
    initialMs: options.initialMs ?? 500,
    maxMs: options.maxMs ?? 30_000,
    factor: options.factor ?? 2,
    jitter: options.jitter ?? 0.2,
    immediate: options.immediate ?? 0,
    stableAfterMs: options.stableAfterMs ?? 30_000,
    crashLoop: options.crashLoop ?? { count: 5, withinMs: 60_000 },
  };
}

/** The next state, and after an end also the decision. `random` is in [0, 1). */
export function nextRestart(
  options: RestartOptions,
  state: RestartState,
  event: RestartEvent,
  random: number,
): { state: RestartState; decision: RestartDecision | undefined } {
  switch (event.kind) {
    case 'started':
      return { state: { ...state, startedAtMs: event.atMs }, decision: undefined };
    case 'reset':
      return { state: { ...initialRestartState, startedAtMs: state.startedAtMs }, decision: undefined };
    case 'ended':
      return afterEnd(settle(options), state, event.atMs, random);
  }
}

function afterEnd(options: Settled, state: RestartState, atMs: number, random: number): { state: RestartState; decision: RestartDecision } {
  const wasStable = state.startedAtMs !== null && atMs - state.startedAtMs >= options.stableAfterMs;
  const attempt = wasStable ? 1 : state.failures + 1;
  const earlier = wasStable ? [] : state.ends.filter((end) => atMs - end < options.crashLoop.withinMs);
  const ends = [...earlier, atMs].slice(-options.crashLoop.count);
  const crashLoop = ends.length >= options.crashLoop.count;
  const delayed = attempt - options.immediate;
  let delayMs = 0;
  if (crashLoop) delayMs = options.maxMs;
  else if (delayed > 0) delayMs = Math.min(options.maxMs, options.initialMs * options.factor ** (delayed - 1));
  return {
    state: { failures: attempt, ends, startedAtMs: null },
    decision: { delayMs: delayMs * (1 - options.jitter * random), attempt, crashLoop },
  };
}

/** The state machine with its state kept, for those who only tell it what happened. */
export interface RestartPolicy {
  started(atMs: number): void;
  ended(atMs: number): RestartDecision;
  /** Forgets all failures, as when a person asks for a start or the source is seen to be back. */
  reset(): void;
  readonly state: RestartState;
}

/** A restart policy with its own state. Times are of one monotonic clock of the caller's choice, in ms. */
export function createRestartPolicy(options: RestartOptions = {}, random: () => number = Math.random): RestartPolicy {
  let state = initialRestartState;
  return {
    get state() {
      return state;
    },
    started(atMs) {
      state = nextRestart(options, state, { kind: 'started', atMs }, 0).state;
    },
    ended(atMs) {
      const next = afterEnd(settle(options), state, atMs, random());
      state = next.state;
      return next.decision;
    },
    reset() {
      state = nextRestart(options, state, { kind: 'reset' }, 0).state;
    },
  };
}
