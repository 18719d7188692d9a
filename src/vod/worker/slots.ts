/** How many jobs a worker takes at once: as told, or as the machine bears. */
import { availableParallelism, cpus, freemem } from 'node:os';

const lookMs = 5000;
/** Idle share of the processors from which one more job pays. */
const idleShare = 0.4;
/** What one job may need beside those that run. */
const memoryPerJob = 1024 ** 3;

export interface Slots {
  /** Jobs and pieces that may run at once. */
  readonly limit: number;
  stop(): void;
}

/** `fixed` > 0 is obeyed; 0 begins with one and goes by the load, never beyond one per processor. `busy` is how many run now. */
export function measureSlots(fixed: number, busy: () => number, onChange: () => void): Slots {
  if (fixed > 0) return { limit: fixed, stop: () => undefined };
  const most = Math.max(1, availableParallelism());
  let limit = 1;
  let before = processorTimes();
  const timer = setInterval(() => {
    const now = processorTimes();
    const idle = (now.idle - before.idle) / Math.max(1, now.all - before.all);
    before = now;
    const wanted = wantedSlots({ limit, busy: busy(), idle, freeBytes: freemem(), most });
    if (wanted === limit) return;
    limit = wanted;
    onChange();
  }, lookMs);
  timer.unref();
  return {
    get limit() {
      return limit;
    },
    stop: () => clearInterval(timer),
  };
}

/** One more while all are busy and the processors are not; one less when they are and more than one job shares them. */
export function wantedSlots(seen: { limit: number; busy: number; idle: number; freeBytes: number; most: number }): number {
  const { limit, busy, idle, freeBytes, most } = seen;
  if (busy >= limit && idle > idleShare && freeBytes > memoryPerJob) return Math.min(most, limit + 1);
  if (limit > 1 && (idle < 0.02 || freeBytes < memoryPerJob / 2)) return limit - 1;
  return limit;
}

function processorTimes(): { idle: number; all: number } {
  let idle = 0;
  let all = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { idle, all };
}
