/** A wall clock of the hub that a test can set; the spoke, whose environment is its own, keeps the true one. The monotonic clock is left alone, as it is by the system. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const program = (file: string) => `
import { readFileSync } from 'node:fs';
const RealDate = Date;
let offset = 0;
const read = () => { try { offset = Number(readFileSync(${JSON.stringify(file)}, 'utf8')); } catch {} };
read();
setInterval(read, 20).unref();
globalThis.Date = class Date extends RealDate {
  constructor(...args) { if (args.length === 0) super(RealDate.now() + offset); else super(...args); }
  static now() { return RealDate.now() + offset; }
};
`;

export interface ShiftedClock {
  /** Give it to `weir up`. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, as the hub sees it within 20 ms of the last change. */
  now(): number;
  /** Sets it to so many milliseconds since 1970. */
  set(ms: number): void;
  /** Sets it ahead, or back. */
  jump(ms: number): void;
}

/** Keeps its files in `folder`. */
export function createShiftedClock(folder: string): ShiftedClock {
  const file = join(folder, 'clock-offset');
  const loader = join(folder, 'clock.mjs');
  let offset = 0;
  const shift = (ms: number) => {
    offset = ms;
    writeFileSync(file, String(Math.round(ms)));
  };
  shift(0);
  writeFileSync(loader, program(file));
  return {
    env: { NODE_OPTIONS: `--import=${pathToFileURL(loader).href}` },
    now: () => Date.now() + offset,
    set: (ms) => shift(ms - Date.now()),
    jump: (ms) => shift(offset + ms),
  };
}
