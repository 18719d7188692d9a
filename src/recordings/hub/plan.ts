/** From a policy to the times in which it records: pure. */
import { createHash } from 'node:crypto';
import { type RecordingPolicy, weekdays } from '../../contracts/index.js';
import { fromWallMs, machineTimeZone, toWallMs, wallDay } from './time-zone.js';

export interface PlannedSpan {
  readonly from_ms: number;
  readonly until_ms: number;
}

const dayMs = 86_400_000;

/**
 * Windows of a schedule that touch the time from `fromMs` to `toMs`, each whole, oldest first. Windows may overlap, and end on the
 * next day; of several that begin together the longest stands for all. A change of the clock makes a window shorter or longer.
 * A policy without a zone means `usualZone`; without that, the zone of this machine.
 */
export function windowsWithin(policy: RecordingPolicy, usualZone: string | undefined, fromMs: number, toMs: number): PlannedSpan[] {
  if (policy.mode !== 'schedule') return [];
  const zone = policy.time_zone ?? usualZone ?? machineTimeZone();
  const spans = new Map<number, number>();
  // A window that began the day before may reach into the first one; two days cover the longest with a clock change.
  const firstDay = wallDay(toWallMs(fromMs, zone)).startMs - 2 * dayMs;
  const lastDay = wallDay(toWallMs(toMs, zone)).startMs;
  for (let day = firstDay; day <= lastDay; day += dayMs) {
    for (const window of policy.windows ?? []) {
      const weekday = weekdays[wallDay(day).weekday];
      if (weekday === undefined || !window.days.includes(weekday)) continue;
      const span = spanOf(day, minutesOf(window.from), minutesOf(window.to), zone);
      if (span.until_ms <= fromMs || span.from_ms >= toMs || span.until_ms <= span.from_ms) continue;
      spans.set(span.from_ms, Math.max(span.until_ms, spans.get(span.from_ms) ?? 0));
    }
  }
  return [...spans].map(([from_ms, until_ms]) => ({ from_ms, until_ms })).sort((a, b) => a.from_ms - b.from_ms);
}

/** In the hour that is lived twice a window begins the first time and ends the last time. */
function spanOf(day: number, from: number, to: number, zone: string): PlannedSpan {
  const end = to > from ? to : to + 24 * 60;
  return { from_ms: fromWallMs(day + from * 60_000, zone).first, until_ms: fromWallMs(day + end * 60_000, zone).last };
}

function minutesOf(time: string): number {
  const [hours = '0', minutes = '0'] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}

/** The same for the same stream and begin, so that hubs which plan the same window make one order of it. */
export function plannedId(streamId: string, fromMs: number): string {
  return `p-${createHash('sha256').update(`${streamId}\n${fromMs}`).digest('hex').slice(0, 24)}`;
}
