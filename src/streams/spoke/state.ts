/**
 * The state machine of one stream: what is, plus what happened, gives what is next and what has to be done.
 * Pure: time and chance come with the event, effects are data. `runner.ts` carries them out.
 *
 * Every start of FFmpeg for the source is a *run* with its own number, so that news of an earlier run can be told apart
 * from news of the present one and dropped.
 */
import type { Failure } from './failure.js';

/** What viewers see while the source is not (yet) delivering. */
export type Shown = { readonly is: 'nothing' } | { readonly is: 'slate' } | { readonly is: 'old_run'; readonly run: number };

export interface Tally {
  /** Number of the newest run; never goes back, so runs are told apart for as long as the spoke lives. */
  readonly run: number;
  /** FFmpeg starts for the source since somebody last asked for one, by a start or another configuration. */
  readonly starts: number;
  /** FFmpeg starts that nobody asked for, since the stream was last told to start. */
  readonly restarts: number;
  /** Failures since the stream was last healthy; sets the backoff. */
  readonly failures: number;
  /** Those of them, in a row, for which the source is not to blame. */
  readonly crashes: number;
  /** When the source was last seen to return. */
  readonly backAtMs?: number;
}

export type StreamPhase =
  | { readonly is: 'stopped'; readonly tally: Tally }
  | { readonly is: 'probing'; readonly tally: Tally; readonly shown: Shown; readonly failure: Failure | undefined; readonly sinceMs: number }
  | { readonly is: 'starting'; readonly tally: Tally; readonly shown: Shown; readonly failure: Failure | undefined; readonly sinceMs: number }
  | { readonly is: 'running'; readonly tally: Tally; readonly sinceMs: number }
  | { readonly is: 'no_signal'; readonly tally: Tally; readonly failure: Failure; readonly retryAtMs: number }
  | { readonly is: 'crash_loop'; readonly tally: Tally; readonly failure: Failure; readonly retryAtMs: number }
  | { readonly is: 'stopping'; readonly tally: Tally; readonly afterwards: 'stop' | 'start' };

export type StreamEvent =
  /** `probe`: the plan for this source is not known yet. `retry_due` carries it too, as what is known may have been dropped. */
  | { readonly type: 'start'; readonly atMs: number; readonly probe: boolean }
  /** `keepOld`: the source can be opened twice, so the old picture may stay until the new one is there. */
  | { readonly type: 'configure'; readonly atMs: number; readonly probe: boolean; readonly keepOld: boolean }
  /** The source changed its picture by itself; done as `configure` is, only that nobody asked for it. */
  | { readonly type: 'source_changed'; readonly atMs: number; readonly probe: boolean; readonly keepOld: boolean }
  | { readonly type: 'stop' }
  | { readonly type: 'probed'; readonly run: number; readonly atMs: number }
  | { readonly type: 'first_fragment'; readonly run: number; readonly atMs: number }
  | { readonly type: 'healthy'; readonly run: number }
  /** `chance` in [0, 1) is the jitter. */
  | {
      readonly type: 'failed';
      readonly run: number;
      readonly failure: Failure;
      readonly atMs: number;
      readonly chance: number;
      readonly probe: boolean;
    }
  | { readonly type: 'retry_due'; readonly atMs: number; readonly probe: boolean }
  | { readonly type: 'source_back'; readonly atMs: number; readonly probe: boolean }
  | { readonly type: 'all_gone'; readonly atMs: number; readonly probe: boolean };

export type StreamEffect =
  | { readonly do: 'probe'; readonly run: number }
  | { readonly do: 'start_run'; readonly run: number }
  | { readonly do: 'stop_run'; readonly run: number }
  /** The run's fragments are the picture from now on; end whatever was shown before. */
  | { readonly do: 'show_run'; readonly run: number }
  | { readonly do: 'show_slate'; readonly failure: Failure | undefined }
  | { readonly do: 'wait'; readonly untilMs: number; readonly sense: boolean }
  | { readonly do: 'stop_waiting' }
  | { readonly do: 'raise'; readonly failure: Failure; readonly crashLoop: boolean }
  | { readonly do: 'clear' }
  /** Ends every process of the stream and answers with `all_gone`. */
  | { readonly do: 'stop_all' };

export interface RetryPolicy {
  /** Wait before the first retry of a stream that was healthy. */
  readonly firstDelayMs: number;
  /** Wait before the second; doubles from there. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** Share of a wait that chance takes off, 0 to 1. */
  readonly jitter: number;
  /** Crashes in a row, without a healthy time between them, that make a crash loop. */
  readonly crashLimit: number;
  readonly crashDelayMs: number;
  /** An attempt at least this old is begun anew when the source is seen to return. */
  readonly staleAttemptMs: number;
  /** A source that was seen to return may need so long until it delivers: its port answers before its stream exists. */
  readonly returningMs: number;
  /** Longest wait between two attempts in that time. */
  readonly returningDelayMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  firstDelayMs: 100,
  baseDelayMs: 500,
  maxDelayMs: 30_000,
  jitter: 0.3,
  crashLimit: 5,
  crashDelayMs: 60_000,
  staleAttemptMs: 1000,
  returningMs: 60_000,
  returningDelayMs: 500,
};

export interface Decision {
  readonly phase: StreamPhase;
  readonly effects: readonly StreamEffect[];
}

const nothingShown: Shown = { is: 'nothing' };

/** A stream that was never started. */
export function initialPhase(): StreamPhase {
  return { is: 'stopped', tally: { run: 0, starts: 0, restarts: 0, failures: 0, crashes: 0 } };
}

/** FFmpeg restarts for the source that nobody asked for (crash, stall, source lost), since the stream was last told to start. */
export function restartsOf(phase: StreamPhase): number {
  return phase.tally.restarts;
}

/** Total and pure: an event that means nothing in this phase leaves it as it is. */
export function next(phase: StreamPhase, event: StreamEvent, policy: RetryPolicy = defaultRetryPolicy): Decision {
  switch (event.type) {
    case 'start':
      return onStart(phase, event);
    case 'configure':
      return onConfigure(phase, { ...phase.tally, starts: 0 }, event);
    case 'source_changed':
      return onConfigure(phase, phase.tally, event);
    case 'stop':
      return onStop(phase);
    case 'probed':
      return phase.is === 'probing' && event.run === phase.tally.run ? launch(phase.tally, phase.shown, phase.failure, event.atMs) : stay(phase);
    case 'first_fragment':
      return onFirstFragment(phase, event);
    case 'healthy':
      return onHealthy(phase, event);
    case 'failed':
      return onFailed(phase, event, policy);
    case 'retry_due':
      return phase.is === 'no_signal' || phase.is === 'crash_loop' ? retry(phase, event) : stay(phase);
    case 'source_back':
      return onSourceBack(phase, event, policy);
    case 'all_gone':
      return onAllGone(phase, event);
  }
}

/** Wait before attempt number `failures + 1`, in milliseconds. */
export function retryDelayMs(failures: number, chance: number, policy: RetryPolicy = defaultRetryPolicy): number {
  if (failures <= 1) return policy.firstDelayMs;
  const full = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** Math.min(failures - 2, 30));
  return Math.round(full * (1 - policy.jitter * chance));
}

function stay(phase: StreamPhase): Decision {
  return { phase, effects: [] };
}

function onStart(phase: StreamPhase, event: { atMs: number; probe: boolean }): Decision {
  if (phase.is === 'stopping') return { phase: { ...phase, afterwards: 'start' }, effects: [] };
  if (phase.is !== 'stopped') return stay(phase);
  const tally = { run: phase.tally.run + 1, starts: 0, restarts: 0, failures: 0, crashes: 0 };
  return attempt(tally, nothingShown, undefined, event);
}

function onConfigure(phase: StreamPhase, before: Tally, event: { atMs: number; probe: boolean; keepOld: boolean }): Decision {
  if (phase.is === 'stopped' || phase.is === 'stopping') return stay(phase);
  const tally = { ...before, run: before.run + 1, failures: 0, crashes: 0 };
  if (phase.is === 'running') {
    if (event.keepOld) return attempt(tally, { is: 'old_run', run: phase.tally.run }, undefined, event);
    return prepend([{ do: 'stop_run', run: phase.tally.run }, slate(undefined)], attempt(tally, { is: 'slate' }, undefined, event));
  }
  if (phase.is === 'no_signal' || phase.is === 'crash_loop') {
    return prepend([{ do: 'stop_waiting' }], attempt(tally, { is: 'slate' }, phase.failure, event));
  }
  const unfinished: StreamEffect[] = [{ do: 'stop_run', run: phase.tally.run }];
  if (phase.shown.is === 'old_run' && !event.keepOld) {
    return prepend(
      [...unfinished, { do: 'stop_run', run: phase.shown.run }, slate(undefined)],
      attempt(tally, { is: 'slate' }, phase.failure, event),
    );
  }
  return prepend(unfinished, attempt(tally, phase.shown, phase.failure, event));
}

function onStop(phase: StreamPhase): Decision {
  if (phase.is === 'stopped') return stay(phase);
  if (phase.is === 'stopping') return { phase: { ...phase, afterwards: 'stop' }, effects: [] };
  return {
    phase: { is: 'stopping', tally: phase.tally, afterwards: 'stop' },
    effects: [{ do: 'stop_waiting' }, { do: 'clear' }, { do: 'stop_all' }],
  };
}

function onAllGone(phase: StreamPhase, event: { atMs: number; probe: boolean }): Decision {
  if (phase.is !== 'stopping') return stay(phase);
  const stopped: StreamPhase = { is: 'stopped', tally: phase.tally };
  return phase.afterwards === 'start' ? onStart(stopped, event) : { phase: stopped, effects: [] };
}

function onFirstFragment(phase: StreamPhase, event: { run: number; atMs: number }): Decision {
  if (phase.is !== 'starting' || event.run !== phase.tally.run) return stay(phase);
  return {
    phase: { is: 'running', tally: phase.tally, sinceMs: event.atMs },
    effects: [{ do: 'stop_waiting' }, { do: 'show_run', run: event.run }],
  };
}

function onHealthy(phase: StreamPhase, event: { run: number }): Decision {
  if (phase.is !== 'running' || event.run !== phase.tally.run) return stay(phase);
  return { phase: { ...phase, tally: { ...phase.tally, failures: 0, crashes: 0 } }, effects: [{ do: 'clear' }] };
}

type FailedEvent = Extract<StreamEvent, { type: 'failed' }>;

function onFailed(phase: StreamPhase, event: FailedEvent, policy: RetryPolicy): Decision {
  if (phase.is !== 'probing' && phase.is !== 'starting' && phase.is !== 'running') return stay(phase);
  if (phase.is !== 'running' && phase.shown.is === 'old_run' && event.run === phase.shown.run) {
    // The picture that was to bridge the change has gone; the attempt itself goes on.
    return { phase: { ...phase, shown: { is: 'slate' } }, effects: [{ do: 'stop_run', run: event.run }, slate(event.failure)] };
  }
  if (event.run !== phase.tally.run) return stay(phase);
  const shown: Shown = phase.is === 'running' ? nothingShown : phase.shown;
  const cleanUp: StreamEffect[] = [{ do: 'stop_run', run: event.run }];
  if (event.failure.kind === 'switch') {
    const standing = phase.is === 'running' ? undefined : phase.failure;
    return prepend(cleanUp, attempt({ ...phase.tally, run: phase.tally.run + 1 }, shown, standing, event));
  }
  if (shown.is === 'old_run') cleanUp.push({ do: 'stop_run', run: shown.run });
  return prepend(cleanUp, giveUp(phase.tally, event, policy));
}

/** Shows the slate and waits, longer with each failure. */
function giveUp(before: Tally, event: FailedEvent, policy: RetryPolicy): Decision {
  const { failure } = event;
  const tally = { ...before, failures: before.failures + 1, crashes: failure.kind === 'crash' ? before.crashes + 1 : 0 };
  const crashLoop = tally.crashes >= policy.crashLimit;
  const isSlow = crashLoop || failure.kind === 'permanent';
  const isReturning = failure.kind === 'away' && tally.backAtMs !== undefined && event.atMs - tally.backAtMs < policy.returningMs;
  const backoffMs = retryDelayMs(tally.failures, event.chance, policy);
  const delayMs = isSlow ? policy.crashDelayMs : Math.min(backoffMs, isReturning ? policy.returningDelayMs : backoffMs);
  const retryAtMs = event.atMs + delayMs;
  return {
    phase: { is: crashLoop ? 'crash_loop' : 'no_signal', tally, failure, retryAtMs },
    effects: [
      slate(failure),
      { do: 'raise', failure, crashLoop },
      // Here the source may be there all along; its presence must not undo the longer wait.
      { do: 'wait', untilMs: retryAtMs, sense: !isSlow },
    ],
  };
}

function onSourceBack(phase: StreamPhase, event: { atMs: number; probe: boolean }, policy: RetryPolicy): Decision {
  const tally = { ...phase.tally, backAtMs: event.atMs };
  if (phase.is === 'no_signal') return retry({ ...phase, tally }, event);
  if ((phase.is !== 'probing' && phase.is !== 'starting') || phase.failure === undefined) return stay(phase);
  if (event.atMs - phase.sinceMs < policy.staleAttemptMs) return stay({ ...phase, tally });
  // A connection attempt that began while the source was away may sleep for seconds more; a new one connects at once.
  const again = attempt({ ...tally, run: tally.run + 1 }, phase.shown, phase.failure, event);
  return prepend([{ do: 'stop_run', run: phase.tally.run }], again);
}

function retry(phase: Extract<StreamPhase, { failure: Failure; retryAtMs: number }>, event: { atMs: number; probe: boolean }): Decision {
  const tally = { ...phase.tally, run: phase.tally.run + 1 };
  return attempt(tally, { is: 'slate' }, phase.failure, event);
}

function attempt(tally: Tally, shown: Shown, failure: Failure | undefined, event: { atMs: number; probe: boolean }): Decision {
  if (!event.probe) return launch(tally, shown, failure, event.atMs);
  return { phase: { is: 'probing', tally, shown, failure, sinceMs: event.atMs }, effects: [{ do: 'probe', run: tally.run }] };
}

function launch(before: Tally, shown: Shown, failure: Failure | undefined, atMs: number): Decision {
  const tally = { ...before, starts: before.starts + 1, restarts: before.starts === 0 ? before.restarts : before.restarts + 1 };
  return { phase: { is: 'starting', tally, shown, failure, sinceMs: atMs }, effects: [{ do: 'start_run', run: tally.run }] };
}

function slate(failure: Failure | undefined): StreamEffect {
  return { do: 'show_slate', failure };
}

function prepend(effects: readonly StreamEffect[], decision: Decision): Decision {
  return { phase: decision.phase, effects: [...effects, ...decision.effects] };
}
