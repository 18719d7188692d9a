/** Checks of credentials, a few at a time per address: who sends many waits for his own, and for nobody else's. */
import { tooOften } from './refusals.js';

/** Under way for one address, and waiting for their turn. */
const atOnce = 8;
const mostWaiting = 256;
const tryAgainMs = 1000;

export interface LoginChecks {
  /** Runs the check in its turn. Throws `resource_exhausted` when too many of the address wait. */
  run<T>(address: string, check: () => Promise<T> | T): Promise<T>;
}

interface Queue {
  running: number;
  readonly waiting: (() => void)[];
}

export function createLoginChecks(): LoginChecks {
  const queues = new Map<string, Queue>();
  const turn = async (queue: Queue): Promise<void> => {
    if (queue.running < atOnce) {
      queue.running += 1;
      return;
    }
    if (queue.waiting.length >= mostWaiting) throw tooOften(tryAgainMs);
    // Whoever ends hands his place on.
    await new Promise<void>((resolve) => queue.waiting.push(resolve));
  };
  return {
    async run(address, check) {
      const queue = queues.get(address) ?? { running: 0, waiting: [] };
      queues.set(address, queue);
      await turn(queue);
      try {
        return await check();
      } finally {
        const next = queue.waiting.shift();
        if (next !== undefined) next();
        else {
          queue.running -= 1;
          if (queue.running === 0) queues.delete(address);
        }
      }
    },
  };
}
