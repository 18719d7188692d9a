/** What a job costs: processor time, bytes, memory of its FFmpegs. */
import { readFileSync } from 'node:fs';
import type { JobCost } from '../../contracts/index.js';

/** Linux tells programs times in this unit on every architecture. */
const ticksPerSecond = 100;
const sampleMs = 250;
/** A short run would else be over before it is looked at. */
const firstSamplesMs = [5, 20, 60, 130];

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

/** Children of this process that are being measured. */
let measured = 0;
/** Counts their starts, so that a run knows whether it was alone. */
let starts = 0;

/**
 * Looks at a process from time to time, since nothing can be read once it has ended. The processor time of a child that ran alone is exact:
 * the system adds it to that of its parent's ended children.
 */
export function meterProcess(pid: number): UseMeter {
  let use: ProcessUse = { cpuS: 0, readBytes: 0, writtenBytes: 0, peakRssBytes: 0 };
  const look = () => {
    use = readUse(pid) ?? use;
  };
  const isFirst = measured === 0;
  measured += 1;
  starts += 1;
  const mine = starts;
  const before = endedChildrenS();
  const timers = firstSamplesMs.map((ms) => setTimeout(look, ms).unref());
  const timer = setInterval(look, sampleMs).unref();
  return {
    end() {
      look();
      clearInterval(timer);
      for (const one of timers) clearTimeout(one);
      measured -= 1;
      const wasAlone = isFirst && starts === mine;
      const exactS = wasAlone ? endedChildrenS() - before : 0;
      return exactS > use.cpuS ? { ...use, cpuS: exactS } : use;
    },
  };
}

/** User and system time of all children that have ended. */
function endedChildrenS(): number {
  try {
    const fields = statFields('self');
    return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
  } catch {
    return 0;
  }
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

  /** What lies on the disk was written, whether or not it was seen. */
  wroteAtLeast(bytes: number): void {
    this.#writtenBytes = Math.max(this.#writtenBytes, bytes);
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
    const fields = statFields(String(pid));
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

/** Those behind the name in brackets, which may hold anything; the first is the state. */
function statFields(pid: string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function numberAfter(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}
