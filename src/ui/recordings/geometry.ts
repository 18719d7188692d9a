/** Where times stand on a timeline: view, zoom, ticks, what is drawn of the coverage. Pure. */
import type { Coverage } from '../../contracts/recording.js';
import { formatClock, wallTime, zoneOffsetMs } from './zone.js';

/** Milliseconds since 1970, begin and end of what is in sight. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type CoverageState = Coverage['spans'][number]['state'];

export interface CoverageSpan extends Span {
  readonly state: CoverageState;
  readonly cause?: string | undefined;
  readonly detail?: string | undefined;
  readonly filename?: string | undefined;
}

export const leastViewMs = 10_000;

export function xOf(time: number, view: Span, width: number): number {
  return ((time - view.from) / (view.to - view.from)) * width;
}

export function timeAt(x: number, view: Span, width: number): number {
  return view.from + (x / Math.max(1, width)) * (view.to - view.from);
}

/** The same length, moved inside `bounds`; never longer than they are, never shorter than 10 s. */
export function clampView(view: Span, bounds: Span): Span {
  const most = bounds.to - bounds.from;
  const length = Math.min(most, Math.max(Math.min(leastViewMs, most), view.to - view.from));
  const from = Math.min(Math.max(view.from, bounds.from), bounds.to - length);
  return { from, to: from + length };
}

/** `factor` below 1 comes nearer; the time at `anchor` keeps its place. */
export function zoomView(view: Span, factor: number, anchor: number, bounds: Span): Span {
  const share = (anchor - view.from) / (view.to - view.from);
  const most = bounds.to - bounds.from;
  const length = Math.min(most, Math.max(Math.min(leastViewMs, most), (view.to - view.from) * factor));
  return clampView({ from: anchor - share * length, to: anchor + (1 - share) * length }, bounds);
}

export function panView(view: Span, byMs: number, bounds: Span): Span {
  return clampView({ from: view.from + byMs, to: view.to + byMs }, bounds);
}

const leastOpeningMs = 120_000;

/** What to show of a day at first: all that is known to be there or missing, with a margin; the whole day when that is most of it, or nothing. */
export function openingView(lanes: readonly (readonly CoverageSpan[])[], bounds: Span): Span {
  const wanted = lanes.flatMap((spans) => spans.filter((span) => span.state !== 'unwanted'));
  const from = wanted.reduce((least, span) => Math.min(least, span.from), Number.POSITIVE_INFINITY);
  const to = wanted.reduce((most, span) => Math.max(most, span.to), Number.NEGATIVE_INFINITY);
  if (to <= from) return bounds;
  const length = Math.max(leastOpeningMs, (to - from) * 1.1);
  if (length > (bounds.to - bounds.from) * 0.6) return bounds;
  const middle = (from + to) / 2;
  return clampView({ from: middle - length / 2, to: middle + length / 2 }, bounds);
}

/** Moves the view just so far that `time` is in sight. */
export function revealTime(view: Span, time: number, bounds: Span): Span {
  if (time >= view.from && time <= view.to) return view;
  const length = view.to - view.from;
  const from = time < view.from ? time - length * 0.1 : time - length * 0.1;
  return clampView({ from, to: from + length }, bounds);
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400].map((s) => s * 1000);

export interface Tick {
  readonly time: number;
  readonly label: string;
}

/** Marks at even clock times of the zone, at least `leastPx` apart; on a day of 25 hours an hour is named twice. */
export function ticksOf(view: Span, width: number, zone: string, leastPx = 84, locale?: string): Tick[] {
  const perPx = (view.to - view.from) / Math.max(1, width);
  const step = steps.find((one) => one / perPx >= leastPx) ?? 86_400_000;
  const ticks: Tick[] = [];
  // A step of an hour or less lands on even clock times by UTC plus offset; longer ones are tried hour by hour, as the offset may change.
  const stride = Math.min(step, 3_600_000);
  const offset = zoneOffsetMs(view.from, zone);
  let time = Math.ceil((view.from + offset) / stride) * stride - offset;
  for (let turn = 0; time <= view.to && turn < 2000; turn += 1, time += stride) {
    const wall = wallTime(time, zone);
    const sinceMidnight = (wall.hour * 3600 + wall.minute * 60 + wall.second) * 1000;
    if (sinceMidnight % step !== 0) continue;
    ticks.push({ time, label: formatClock(time, zone, step < 60_000, locale) });
  }
  return ticks;
}

export interface Bar {
  readonly x: number;
  readonly width: number;
  readonly state: 'present' | 'missing';
}

/** What to draw: neighbours of one kind as one bar, and a gap never thinner than `leastGapPx`, so that none disappears far out. */
export function barsOf(spans: readonly CoverageSpan[], view: Span, width: number, leastGapPx = 2): Bar[] {
  const present: Bar[] = [];
  const missing: Bar[] = [];
  for (const span of spans) {
    if (span.state === 'unwanted' || span.to <= view.from || span.from >= view.to) continue;
    const left = Math.max(0, xOf(span.from, view, width));
    const right = Math.min(width, xOf(span.to, view, width));
    const least = span.state === 'missing' ? leastGapPx : 0.5;
    append(span.state === 'missing' ? missing : present, { x: left, width: Math.max(least, right - left), state: span.state });
  }
  return [...present, ...missing];
}

function append(bars: Bar[], bar: Bar): void {
  const last = bars[bars.length - 1];
  if (last !== undefined && bar.x - (last.x + last.width) < 0.75) {
    bars[bars.length - 1] = { ...last, width: Math.max(last.width, bar.x + bar.width - last.x) };
  } else {
    bars.push(bar);
  }
}

/** The span a time stands in; undefined outside of all. */
export function spanAt(spans: readonly CoverageSpan[], time: number): CoverageSpan | undefined {
  let low = 0;
  let high = spans.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const span = spans[middle];
    if (span === undefined) return undefined;
    if (time < span.from) high = middle - 1;
    else if (time >= span.to) low = middle + 1;
    else return span;
  }
  return undefined;
}

/** Begin of the next (or previous) span of a kind; of what touches only the first begin counts. */
export function nextBegin(spans: readonly CoverageSpan[], time: number, state: CoverageState, direction: 1 | -1): number | undefined {
  const begins: number[] = [];
  for (const [index, span] of spans.entries()) {
    const before = spans[index - 1];
    const continues = before !== undefined && before.state === span.state && span.from - before.to <= 1;
    if (span.state === state && !continues) begins.push(span.from);
  }
  if (direction === 1) return begins.find((begin) => begin > time + 250);
  return begins.filter((begin) => begin < time - 1500).pop();
}

/** Seconds of each kind within a time. */
export function sumSpans(spans: readonly CoverageSpan[], within: Span): Record<CoverageState, number> {
  const sums: Record<CoverageState, number> = { present: 0, missing: 0, unwanted: 0 };
  for (const span of spans) {
    const overlap = Math.min(span.to, within.to) - Math.max(span.from, within.from);
    if (overlap > 0) sums[span.state] += overlap / 1000;
  }
  return sums;
}

/** Times as numbers, in order; what has no length is left out. */
export function toSpans(coverage: Coverage): CoverageSpan[] {
  return coverage.spans
    .map((span) => ({ ...span, from: Date.parse(span.from), to: Date.parse(span.to) }))
    .filter((span) => span.to > span.from)
    .sort((a, b) => a.from - b.from);
}

/** `87 %`, near the whole `99.4 %`; never 100 % where something is missing. */
export function formatShare(share: number): string {
  if (share >= 1) return '100 %';
  return share < 0.99 ? `${Math.floor(share * 100)} %` : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}
