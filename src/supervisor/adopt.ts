/** Watching a process that is not our child: one that an earlier process of ours started. */
import { describeProcess, isSameProcess, type ProcessIdentity } from './identity.js';
import type { ExitReport, RunningProcess } from './process.js';
import { climb, defaultStopLadder, signalGroup } from './stop-ladder.js';

/** What can be known and done about a process that is not our child as well. */
export type WatchedProcess = Pick<RunningProcess, 'pid' | 'identity' | 'exited' | 'kill' | 'stop'>;

/**
 * Watches a living process that leads its own group, by looking every `everyMs` (default 100).
 * Its exit code stays unknown: the report has neither code nor signal, and no last lines. Undefined when it is gone already.
 */
export function adoptProcess(identity: ProcessIdentity, everyMs = 100): (WatchedProcess & { release(): void }) | undefined {
  if (!isSameProcess(identity)) return undefined;
  const { pid } = identity;
  const adoptedAt = performance.now();
  const command = [describeProcess(pid) ?? `process ${pid}`];
  let stoppedByUs: string | null = null;
  let killed = false;

  let look: () => void = () => undefined;
  let timer = setInterval(() => look(), everyMs).unref();
  const exited = new Promise<ExitReport>((resolve) => {
    look = () => {
      if (isSameProcess(identity)) return;
      clearInterval(timer);
      const durationMs = performance.now() - adoptedAt;
      resolve({ pid, command, exitCode: null, signal: null, timedOut: false, stoppedByUs, killed, durationMs, tail: [], suppressedLines: 0 });
    };
  });

  // Looked at again before each signal: the number may belong to somebody else by now.
  const kill = (signal: NodeJS.Signals) => isSameProcess(identity) && signalGroup(pid, signal);
  let stopping: Promise<ExitReport> | undefined;
  return {
    pid,
    identity,
    exited,
    kill,
    release: () => clearInterval(timer),
    stop(options = {}) {
      stopping ??= (() => {
        stoppedByUs = options.reason ?? 'stopped';
        // Somebody waits now.
        clearInterval(timer);
        timer = setInterval(() => look(), 5);
        return climb(options.ladder ?? defaultStopLadder, exited, command[0] ?? '', (signal) => {
          killed = signal === 'SIGKILL';
          kill(signal);
          if (signal !== 'SIGKILL') kill('SIGCONT');
        });
      })();
      return stopping;
    },
  };
}
