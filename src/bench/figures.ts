/** Figures of a bench, and the table they are printed as. */
import { readFileSync } from 'node:fs';

export interface Figure {
  readonly what: string;
  readonly result: string;
  /** Left out where there is nothing to hold. */
  readonly goal?: string;
  readonly isHeld?: boolean;
}

/** A figure with an upper bound. */
export function atMost(what: string, value: number, goal: number, unit: string, digits = 0): Figure {
  return { what, result: `${value.toFixed(digits)} ${unit}`, goal: `<= ${goal} ${unit}`, isHeld: value <= goal };
}

/** A figure to know. */
export function told(what: string, value: number, unit: string, digits = 0): Figure {
  return { what, result: `${value.toFixed(digits)} ${unit}` };
}

/** Since the machine's start, microseconds in which a task that could run had no processor; undefined where the kernel does not count it. */
function waitedUs(): number | undefined {
  try {
    return Number(/^some .*total=(\d+)/m.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}
const [waitedBefore, startedAt] = [waitedUs(), performance.now()];

/** Prints one line for each: figure, result, goal, and whether it is held; then how crowded the machine was. */
export function printFigures(figures: readonly Figure[]): void {
  const width = (of: (figure: Figure) => string) => Math.max(...figures.map((figure) => of(figure).length));
  const [whats, results, goals] = [width(({ what }) => what), width(({ result }) => result), width(({ goal }) => goal ?? '')];
  for (const { what, result, goal = '', isHeld } of figures) {
    const verdict = isHeld === undefined ? '' : isHeld ? 'ok' : 'over';
    process.stdout.write(`${`${what.padEnd(whats)}  ${result.padStart(results)}  ${goal.padEnd(goals)}  ${verdict}`.trimEnd()}\n`);
  }
  const waited = waitedUs();
  if (waited === undefined || waitedBefore === undefined) return;
  const share = (waited - waitedBefore) / 10 / (performance.now() - startedAt);
  process.stdout.write(`(for ${share.toFixed(0)} % of the time something on this machine waited for a processor)\n`);
}

/** The value that `share` (0 to 1) of the values do not exceed; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
