/** What a process costs, read from /proc: cheap enough for several looks per second at many processes. */
import { runningChildren } from './children.js';
import { readStat } from './identity.js';

export interface ProcessStats {
  /** Of one core, since the sample before (the first: since the sampler was made); above 100 when several cores work. */
  cpuPercent: number;
  rssBytes: number;
}

export interface ProcessSampler {
  /** Undefined when the process is gone, or the system has no /proc. */
  sample(): ProcessStats | undefined;
}

// Linux reports times to programs in this unit on every architecture, whatever the kernel's own tick is.
const ticksPerSecond = 100;

let pageSize: number | undefined;

/** Pages are 4 KiB on most machines, 16 or 64 KiB on some ARM ones: our own size, told in both units, gives it away. */
function pageSizeBytes(): number {
  if (pageSize === undefined) {
    const pages = Number(readStat(process.pid)?.[21] ?? 0);
    pageSize = pages > 0 ? 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages)) : 4096;
  }
  return pageSize;
}

/** True for a process that somebody has stopped (SIGSTOP, a debugger): it does nothing until it is told to go on. */
export function isHeld(pid: number): boolean {
  const state = readStat(pid)?.[0];
  return state === 'T' || state === 't';
}

/** Samples one process; make a new one when the process is replaced. */
export function createProcessSampler(pid: number, now: () => number = () => performance.now()): ProcessSampler {
  return createSampler(() => useOf(readStat(pid)), now);
}

/** Samples this process together with its children: the time of ended ones counts, the memory of those that run. */
export function createFamilySampler(now: () => number = () => performance.now()): ProcessSampler {
  return createSampler(() => {
    const own = readStat(process.pid);
    const use = useOf(own);
    if (own === undefined || use === undefined) return undefined;
    const running = [...runningChildren].flatMap((pid) => useOf(readStat(pid)) ?? []);
    const endedTicks = Number(own[13]) + Number(own[14]);
    return {
      ticks: running.reduce((sum, one) => sum + one.ticks, use.ticks + endedTicks),
      pages: running.reduce((sum, one) => sum + one.pages, use.pages),
    };
  }, now);
}

/** What the system tells of a process. */
interface Use {
  readonly ticks: number;
  readonly pages: number;
}

/** Undefined for a process that is gone. */
function useOf(fields: string[] | undefined): Use | undefined {
  if (fields === undefined || fields[0] === 'Z') return undefined;
  return { ticks: Number(fields[11]) + Number(fields[12]), pages: Number(fields[21]) };
}

function createSampler(look: () => Use | undefined, now: () => number): ProcessSampler {
  let lastTicks = look()?.ticks ?? 0;
  let lastAt = now();
  let lastPercent = 0;
  return {
    sample() {
      const use = look();
      if (use === undefined) return undefined;
      const at = now();
      const elapsedMs = at - lastAt;
      // Below a tick's length the quotient is noise.
      if (elapsedMs >= 50) {
        lastPercent = Math.max(0, ((use.ticks - lastTicks) / ticksPerSecond / elapsedMs) * 100_000);
        lastTicks = use.ticks;
        lastAt = at;
      }
      return { cpuPercent: Math.round(lastPercent * 10) / 10, rssBytes: use.pages * pageSizeBytes() };
    },
  };
}
