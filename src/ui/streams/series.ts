/** Metrics as columns over time: merged by time, thinned, with holes where nothing was measured. Pure. */
import type { StreamMetrics } from '../../contracts/stream.js';

export const measures = ['fps', 'bitrate_kbps', 'drops', 'cpu_percent'] as const;
export type Measure = (typeof measures)[number];

/** Seconds since 1970 and, in step with them, one column per measure; null where a value is missing. */
export interface Series {
  times: number[];
  columns: Record<Measure, (number | null)[]>;
}

/** Nothing measured yet. */
export function emptySeries(): Series {
  return { times: [], columns: { fps: [], bitrate_kbps: [], drops: [], cpu_percent: [] } };
}

function readMeasure(message: StreamMetrics, measure: Measure): number | null {
  if (measure !== 'drops') return message[measure] ?? null;
  if (message.dropped_frames === undefined && message.dropped_fragments === undefined) return null;
  return (message.dropped_frames ?? 0) + (message.dropped_fragments ?? 0);
}

/** Adds messages at the end; those not newer than the last, or closer to it than `stepS`, are left out. Returns how many were added. */
export function appendMetrics(series: Series, messages: readonly StreamMetrics[], stepS: number): number {
  let added = 0;
  for (const message of messages) {
    const time = Date.parse(message.timestamp) / 1000;
    const last = series.times[series.times.length - 1];
    if (!Number.isFinite(time) || (last !== undefined && time < last + stepS * 0.7)) continue;
    // A hole is drawn as a hole: a line across it would claim what nobody measured.
    if (last !== undefined && time - last > Math.max(stepS * 3.5, 4)) pushHole(series, last + stepS);
    series.times.push(time);
    for (const measure of measures) series.columns[measure].push(readMeasure(message, measure));
    added += 1;
  }
  return added;
}

function pushHole(series: Series, time: number): void {
  series.times.push(time);
  for (const measure of measures) series.columns[measure].push(null);
}

/** Forgets what is older than `from` (seconds since 1970). */
export function trimSeries(series: Series, from: number): void {
  const keep = series.times.findIndex((time) => time >= from);
  const count = keep === -1 ? series.times.length : keep;
  if (count === 0) return;
  series.times.splice(0, count);
  for (const measure of measures) series.columns[measure].splice(0, count);
}

/** Totals that only grow, as growth per minute; a fall (a restart) counts from zero. */
export function growthPerMinute(times: readonly number[], totals: readonly (number | null)[]): (number | null)[] {
  return totals.map((total, index) => {
    const before = index === 0 ? null : (totals[index - 1] ?? null);
    const seconds = (times[index] ?? 0) - (times[index - 1] ?? 0);
    if (total === null || before === null || seconds <= 0) return null;
    return ((total >= before ? total - before : total) / seconds) * 60;
  });
}

/** Each value as the mean of itself and the ones before it, `count` at most: the kernel counts CPU time in steps too coarse for one sample. */
export function trailingMean(values: readonly (number | null)[], count: number): (number | null)[] {
  return values.map((value, index) => {
    if (value === null) return null;
    const near = values.slice(Math.max(0, index - count + 1), index + 1).filter((one): one is number => one !== null);
    return near.reduce((sum, one) => sum + one, 0) / near.length;
  });
}

export interface Span {
  label: string;
  seconds: number;
  stepS: number;
}

/** Spans to choose from, and how finely each is read: never more than about 900 points. */
export const spans: readonly Span[] = [
  { label: '5 min', seconds: 300, stepS: 1 },
  { label: '30 min', seconds: 1800, stepS: 2 },
  { label: '3 h', seconds: 10_800, stepS: 15 },
  { label: '24 h', seconds: 86_400, stepS: 120 },
];
