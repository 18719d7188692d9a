/**
 * Flushing to the disk may hold a thread for seconds, and Node has four threads for all files of the process. At most two flushes run
 * at once, so that writes, which only reach the memory of the system, never wait behind them.
 */
const mostFlushes = 2;
let running = 0;
const waiting: (() => void)[] = [];

/** Runs a flush in its turn. */
export async function flushInTurn<T>(flush: () => Promise<T>): Promise<T> {
  if (running >= mostFlushes) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await flush();
  } finally {
    const next = waiting.shift();
    // The place is handed on.
    if (next === undefined) running -= 1;
    else next();
  }
}
