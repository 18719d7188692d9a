/** What the processes of a running Weir cost, from /proc. */
import { readFileSync } from 'node:fs';
import type { Weir } from '../e2e/weir.js';

export const partNames = ['hub', 'broker', 'spoke'] as const;
export type PartName = (typeof partNames)[number];
export type PartPids = Record<PartName, number>;

/** Fails when one of them does not run. */
export function partsOf(weir: Weir): PartPids {
  const find = (program: RegExp) => {
    const found = weir.processes().find(({ command }) => program.test(command));
    if (found === undefined) throw new Error(`no process like ${program}`);
    return found.pid;
  };
  return { hub: weir.pid, broker: find(/nats-server/), spoke: find(/cli\.js spoke/) };
}

export interface Memory {
  readonly rssMb: number;
  /** Proportional share: pages that several processes map are divided among them. */
  readonly pssMb: number;
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) / 1024;
  return { rssMb: megabytes('Rss'), pssMb: megabytes('Pss') };
}

// Linux reports times to programs in hundredths of a second on every architecture.
const ticksPerSecond = 100;

/** Seconds of processor time of these processes since they began; those of a process that has gone count as 0. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // Gone.
    }
  }
  return ticks / ticksPerSecond;
}

/** Begins to measure; the returned function tells the mean load since then, in percent of one core. */
export function startCpu(pids: readonly number[]): () => number {
  const [before, startedAt] = [cpuSeconds(pids), performance.now()];
  return () => ((cpuSeconds(pids) - before) * 100_000) / (performance.now() - startedAt);
}
