/** Wall clock of a place to instants and back, daylight saving time included. Knows only what `Intl` knows. */
import { WeirError } from '../../contracts/index.js';

const minuteMs = 60_000;
const dayMs = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** IANA name. To be asked only by who needs it: what `Intl` opens for its first answer is 8 MB. */
export function machineTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Throws `invalid_argument` for a name that no time zone has. */
export function checkTimeZone(name: string): void {
  try {
    formatOf(name);
  } catch (error) {
    throw new WeirError('invalid_argument', `There is no time zone ${name}`, {
      field: 'time_zone',
      received: name,
      hint: 'Use an IANA name, for example Europe/Berlin',
      cause: error,
    });
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    const numeric = 'numeric';
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
    formats.set(zone, format);
  }
  return format;
}

/** What the clock on the wall shows, as if it were UTC, in milliseconds. */
export function toWallMs(atMs: number, zone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(atMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Day of the week, 0 is Monday, and begin of the day, both on the wall clock. */
export function wallDay(wallMs: number): { startMs: number; weekday: number } {
  const days = Math.floor(wallMs / dayMs);
  // 1 January 1970 was a Thursday.
  return { startMs: days * dayMs, weekday: (((days + 3) % 7) + 7) % 7 };
}

/**
 * Instants at which the clock shows `wallMs`, first and last: two in the hour that is lived twice. In an hour that is left out
 * both are the moment at which the clock jumps over it.
 */
export function fromWallMs(wallMs: number, zone: string): { first: number; last: number } {
  const found: number[] = [];
  for (const guess of [wallMs - dayMs, wallMs, wallMs + dayMs]) {
    const instant = wallMs - (toWallMs(guess, zone) - guess);
    if (toWallMs(instant, zone) === wallMs && !found.includes(instant)) found.push(instant);
  }
  if (found.length > 0) return { first: Math.min(...found), last: Math.max(...found) };
  const jump = jumpOver(wallMs, zone);
  return { first: jump, last: jump };
}

/** The clock shows less before and more after: halves the time between until the minute is found. */
function jumpOver(wallMs: number, zone: string): number {
  let [low, high] = [wallMs - dayMs, wallMs + dayMs];
  while (high - low > minuteMs) {
    const middle = Math.floor((low + high) / 2 / minuteMs) * minuteMs;
    if (toWallMs(middle, zone) < wallMs) low = middle;
    else high = middle;
  }
  return high;
}
