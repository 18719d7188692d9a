/** Runs a long-lived program: signals, phases of the stop, exit codes. */
import type { Logger } from '../telemetry/index.js';

/** What a long-lived program must be able to do. */
export interface Stoppable {
  stop(): Promise<void>;
  /** Ends this process only; what outlives it runs on. */
  detach?(): Promise<void>;
  /** Reads the configuration again. */
  reload?(): Promise<void>;
  /** Resolves when it has done all that it shall do: it is then stopped. */
  readonly finished?: Promise<void>;
}

/** Longest graceful stop before the process leaves anyway. */
const stopLimitMs = 15_000;

/** A terminal sends Ctrl-C to the whole group, and npm and set-up pass it on as well: what comes so soon is the same one. */
const sameSignalMs = 500;

/**
 * Starts, then waits for SIGTERM or SIGINT and stops gracefully; a second signal leaves at once with 130 or 143.
 * SIGUSR2 detaches. Resolves with the exit code: 0 after a stop that was asked for.
 */
export async function runUntilSignal(start: (signal: AbortSignal) => Promise<Stoppable>, log: () => Logger): Promise<number> {
  const abort = new AbortController();
  let asked: NodeJS.Signals | undefined;
  let askedAt = 0;
  let wake: (signal: NodeJS.Signals) => void = () => undefined;
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    wake = resolve;
  });
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked !== undefined) {
      if (performance.now() - askedAt < sameSignalMs) return;
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
    asked = signal;
    askedAt = performance.now();
    abort.abort(new Error(`stopped by ${signal}`));
    wake(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2'] as const) process.on(signal, onSignal);
  let program: Stoppable | undefined;
  let isReloadDue = false;
  // The terminal is gone, or somebody asks for a look at the configuration: the program goes on in any case.
  process.on('SIGHUP', () => {
    isReloadDue = program === undefined;
    if (isReloadDue) return;
    if (program?.reload === undefined) log().info('SIGHUP: the configuration is read at start only');
    else void program.reload();
  });

  try {
    program = await start(abort.signal);
  } catch (error) {
    if (asked !== undefined) return 0;
    throw error;
  }
  if (isReloadDue) void program.reload?.();
  const signal = await Promise.race([signalled, ...(program.finished === undefined ? [] : [program.finished])]);
  log().info({ signal }, signal === 'SIGUSR2' ? 'leaving; broker and spoke run on' : 'stopping');
  const limit = setTimeout(() => {
    log().error('the graceful stop took too long');
    process.exit(1);
  }, stopLimitMs);
  await (signal === 'SIGUSR2' && program.detach !== undefined ? program.detach() : program.stop());
  clearTimeout(limit);
  return 0;
}
