/** Ending a process group for certain: gentle signals first. */
import { WeirError } from '../contracts/errors.js';

/** Signals in order, each with the time the process has to end before the next. The last one should be SIGKILL. */
export type StopLadder = readonly { signal: NodeJS.Signals; waitMs: number }[];

/** SIGINT 2 s, SIGTERM 1 s, SIGKILL: FFmpeg finishes its files on the first. */
export const defaultStopLadder: StopLadder = [
  { signal: 'SIGINT', waitMs: 2000 },
  { signal: 'SIGTERM', waitMs: 1000 },
  { signal: 'SIGKILL', waitMs: 5000 },
];

/** Sends a signal to a process group; false when no such group is left (or it is not ours). */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  // -1 and 0 would mean everybody.
  if (pid <= 1) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Sends each signal of the ladder until `ended` resolves in its time. */
export async function climb<T>(ladder: StopLadder, ended: Promise<T>, name: string, send: (signal: NodeJS.Signals) => void): Promise<T> {
  for (const { signal, waitMs } of ladder) {
    send(signal);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), waitMs);
    });
    const result = await Promise.race([ended.then((value) => ({ value })), late]);
    clearTimeout(timer);
    if (result !== undefined) return result.value;
  }
  throw new WeirError('deadline_exceeded', `${name} did not end, not even by ${ladder.at(-1)?.signal ?? 'no signal'}`, {
    hint: 'It hangs in the kernel, most likely on a device or a network disk',
  });
}
