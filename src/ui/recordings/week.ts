/** The week of a recording plan: windows as the hub keeps them, minutes as a grid paints them. Pure. */
import type { RecordingPolicy } from '../../contracts/recording.js';

export type Window = NonNullable<RecordingPolicy['windows']>[number];
export type Weekday = Window['days'][number];

/** Here and not read from the contracts at run time, which would bring the schema library along. */
export const dayNames: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
export const dayMinutes = 1440;

/** For each day, Monday first: spans of minutes, in order, apart from each other. */
export type Week = readonly (readonly (readonly [from: number, to: number])[])[];

export const emptyWeek: Week = dayNames.map(() => []);

function minutesOf(text: string): number {
  const [hour = 0, minute = 0] = text.split(':').map(Number);
  return hour * 60 + minute;
}

function clockOf(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/** A window that ends before it begins goes on into the next day; one that ends when it begins lasts a whole day. */
export function windowsToWeek(windows: readonly Window[]): Week {
  let week = emptyWeek;
  for (const { days, from, to } of windows) {
    const start = minutesOf(from);
    const end = minutesOf(to);
    for (const name of days) {
      const day = dayNames.indexOf(name);
      if (end > start) week = paint(week, day, start, end, true);
      else {
        week = paint(week, day, start, dayMinutes, true);
        week = paint(week, (day + 1) % 7, 0, end, true);
      }
    }
  }
  return week;
}

/** Sets or clears a part of a day. */
export function paint(week: Week, day: number, from: number, to: number, on: boolean): Week {
  return week.map((spans, index) => (index !== day || to <= from ? spans : paintDay(spans, from, to, on)));
}

function paintDay(spans: Week[number], from: number, to: number, on: boolean): Week[number] {
  const rest = spans.flatMap(([start, end]): [number, number][] => {
    const parts: [number, number][] = [
      [start, Math.min(end, from)],
      [Math.max(start, to), end],
    ];
    return parts.filter(([a, b]) => b > a);
  });
  if (on) rest.push([from, to]);
  rest.sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [start, end] of rest) {
    const last = joined[joined.length - 1];
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

/** The fewest windows: equal times of several days together, and what runs over midnight as one. */
export function weekToWindows(week: Week): Window[] {
  const byTime = new Map<string, Set<number>>();
  const add = (from: number, to: number, day: number) => {
    const key = `${clockOf(from)} ${clockOf(to)}`;
    byTime.set(key, (byTime.get(key) ?? new Set()).add(day));
  };
  for (const [day, spans] of week.entries()) {
    for (const [from, to] of spans) {
      if (from === 0 && to < dayMinutes && reachesMidnight(week, (day + 6) % 7)) continue;
      const next = (week[(day + 1) % 7] ?? [])[0];
      const runsOver = to === dayMinutes && from > 0 && next !== undefined && next[0] === 0 && next[1] < dayMinutes && next[1] <= from;
      add(from, runsOver ? next[1] : to, day);
    }
  }
  // A morning whose night could not take it along (it would be longer than a day) stands by itself.
  for (const [day, spans] of week.entries()) {
    const first = spans[0];
    if (first === undefined || first[0] !== 0 || first[1] >= dayMinutes || !reachesMidnight(week, (day + 6) % 7)) continue;
    const night = (week[(day + 6) % 7] ?? []).at(-1);
    if (night === undefined || night[0] === 0 || first[1] > night[0]) add(0, first[1], day);
  }
  return [...byTime]
    .map(([key, days]) => {
      const [from = '00:00', to = '24:00'] = key.split(' ');
      return { days: dayNames.filter((_name, index) => days.has(index)), from, to };
    })
    .sort((a, b) => dayNames.indexOf(a.days[0] ?? 'mon') - dayNames.indexOf(b.days[0] ?? 'mon') || a.from.localeCompare(b.from));
}

function reachesMidnight(week: Week, day: number): boolean {
  return (week[day] ?? []).at(-1)?.[1] === dayMinutes;
}

/** Hours per week that are recorded. */
export function hoursOf(week: Week): number {
  return week.flat().reduce((sum, [from, to]) => sum + to - from, 0) / 60;
}

const shortNames: Record<Weekday, string> = { mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' };

/** `Mon–Fri 08:00–18:00`. */
export function formatWindow({ days, from, to }: Window): string {
  const groups: Weekday[][] = [];
  for (const name of dayNames.filter((one) => days.includes(one))) {
    const last = groups[groups.length - 1];
    const before = last?.at(-1);
    if (last !== undefined && before !== undefined && dayNames.indexOf(name) === dayNames.indexOf(before) + 1) last.push(name);
    else groups.push([name]);
  }
  const text = groups
    .map((group) => {
      const first = shortNames[group[0] ?? 'mon'];
      const last = shortNames[group.at(-1) ?? 'mon'];
      return group.length === 1 ? first : group.length === 2 ? `${first}, ${last}` : `${first}–${last}`;
    })
    .join(', ');
  return `${days.length === 7 ? 'Daily' : text} ${from}–${to}`;
}
