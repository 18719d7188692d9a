/** Looks again and again: at a steady pace while all is well, with growing pauses while it is not, at once when asked. */

export interface WatchOptions {
  /** One look; false when it failed. Must end when the signal aborts. */
  readonly look: (signal: AbortSignal) => Promise<boolean>;
  /** Pause between two looks while all is well, and the longest pause while it is not. */
  readonly everyMs: () => number;
  /** No look before so long from now. */
  readonly notBeforeMs: () => number;
  readonly random?: () => number;
}

export interface Watch {
  /** A look at once; resolves with its outcome. */
  now(signal?: AbortSignal): Promise<boolean>;
  /** A look within a moment; asking often makes one. A second one follows shortly after, for what takes its time. */
  soon(): void;
  stop(): Promise<void>;
}

const firstPauseMs = 50;
const soonMs = 30;
const echoMs = 400;

export function createWatch(options: WatchOptions): Watch {
  const { everyMs, notBeforeMs, random = Math.random } = options;
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let pauseMs = firstPauseMs;
  let running: Promise<boolean> | undefined;
  let echo = false;

  const schedule = (inMs: number) => {
    if (ended.signal.aborted) return;
    const at = performance.now() + inMs;
    if (at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => void run(), inMs).unref();
  };

  const nextPause = (isWell: boolean): number => {
    if (!isWell) {
      const pause = Math.max(notBeforeMs(), pauseMs);
      pauseMs = Math.min(everyMs(), pauseMs * 2);
      return pause * (1 + 0.1 * random());
    }
    pauseMs = firstPauseMs;
    if (echo) {
      echo = false;
      return Math.min(echoMs, everyMs());
    }
    // Within a tenth of each other, so that many hubs do not ask one server at once.
    return everyMs() * (0.95 + 0.1 * random());
  };

  const run = (): Promise<boolean> => {
    clearTimeout(timer);
    dueAt = Number.POSITIVE_INFINITY;
    running ??= options
      .look(ended.signal)
      .catch(() => false)
      .then((isWell) => {
        running = undefined;
        schedule(nextPause(isWell));
        return isWell;
      });
    return running;
  };

  return {
    now(signal) {
      if (ended.signal.aborted || signal?.aborted === true) return Promise.resolve(false);
      return run();
    },
    soon() {
      echo = true;
      schedule(soonMs);
    },
    async stop() {
      ended.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
