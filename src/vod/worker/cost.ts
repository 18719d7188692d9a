/** What a job costs: processor time, bytes, memory of its FFmpegs. */
import { readFileSync } from 'node:fs';
import type { JobCost } from '../../contracts/index.js';

/** Linux tells programs times in this unit on every architecture. */
const ticksPerSecond = 100;
const sampleMs = 250;

/** What one process has used until now. */
export interface ProcessUse {
  readonly cpuS: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly peakRssBytes: number;
}

export interface UseMeter {
  /** Ends the measuring; the last look was at most 250 ms before the end of the process. */
  end(): ProcessUse;
}

/** Looks at a process from time to time, since nothing can be read once it has ended. */
export function meterProcess(pid: number): UseMeter {
  let use: ProcessUse = { cpuS: 0, readBytes: 0, writtenBytes: 0, peakRssBytes: 0 };
  const look = () => {
    use = readUse(pid) ?? use;
  };
  const timer = setInterval(look, sampleMs);
  timer.unref();
  return {
    end() {
      look();
      clearInterval(timer);
      return use;
    },
  };
}

/** Sums up all FFmpegs of a job, also those that other workers ran for it. */
export class CostAccount {
  readonly #startedAt = performance.now();
  #cpuS = 0;
  #readBytes = 0;
  #writtenBytes = 0;
  #peakRssBytes = 0;

  add(use: ProcessUse): void {
    this.#cpuS += use.cpuS;
    this.#readBytes += use.readBytes;
    this.#writtenBytes += use.writtenBytes;
    this.#peakRssBytes = Math.max(this.#peakRssBytes, use.peakRssBytes);
  }

  addCost(cost: JobCost): void {
    this.add({ cpuS: cost.cpu_s, readBytes: cost.read_bytes, writtenBytes: cost.written_bytes, peakRssBytes: cost.peak_rss_bytes });
  }

  now(): JobCost {
    return {
      cpu_s: round(this.#cpuS),
      wall_s: round((performance.now() - this.#startedAt) / 1000),
      read_bytes: this.#readBytes,
      written_bytes: this.#writtenBytes,
      peak_rss_bytes: this.#peakRssBytes,
    };
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** Undefined when the process is gone, or the system has no /proc. */
function readUse(pid: number): ProcessUse | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold anything; what follows it is numbers.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const io = readFileSync(`/proc/${pid}/io`, 'utf8');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
      cpuS: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      readBytes: numberAfter(io, 'rchar'),
      writtenBytes: numberAfter(io, 'wchar'),
      peakRssBytes: numberAfter(status, 'VmHWM') * 1024,
    };
  } catch {
    return undefined;
  }
}

function numberAfter(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}
