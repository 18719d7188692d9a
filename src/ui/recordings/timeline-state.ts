/** What the timeline shows: day, view, playhead, selection, coverage. One for the whole page. */
import { batch, computed, effect, signal } from '@preact/signals';
import { type ApiError, call, toApiError } from '../core/api.js';
import { now } from '../core/clock.js';
import { recordingOf } from '../core/recording-state.js';
import { remember, remembered } from '../core/theme.js';
import { type CoverageSpan, clampView, nextBegin, openingView, revealTime, type Span, spanAt, sumSpans, toSpans } from './geometry.js';
import { dayBounds, dayOf, isDay, localZone } from './zone.js';

export const zone = localZone();
export const mostRows = 12;
const rowsKey = 'weir.timeline_rows';

export interface Lane {
  readonly spans: readonly CoverageSpan[];
  readonly error: ApiError | undefined;
  readonly loading: boolean;
}

const blankLane: Lane = { spans: [], error: undefined, loading: true };

/** Streams in rows; undefined until it is known which there are. */
export const rows = signal<readonly string[] | undefined>(undefined);
export const active = signal<string | undefined>(undefined);
export const day = signal(dayOf(Date.now(), zone));
export const bounds = computed<Span>(() => dayBounds(day.value, zone));
export const view = signal<Span>(bounds.peek());
/** Wall clock of what the player shows. */
export const playhead = signal<number>(Date.now());
export const selection = signal<Span | undefined>(undefined);
export const selecting = signal(false);
/** Where the playhead goes once the coverage of the played row is known; undefined when it stands where somebody wanted it. */
const start = signal<'first' | 'last' | undefined>('last');
/** The view comes nearer to what there is once that is known, unless somebody has moved it before. */
const fitting = signal(true);
/** Grows when files were changed from outside of the timeline. */
const turn = signal(0);
const lanes = signal<ReadonlyMap<string, Lane>>(new Map());

/** The coverage of a row, with what is being recorded this second. */
export function laneOf(streamId: string): Lane {
  const lane = lanes.value.get(streamId) ?? blankLane;
  const current = recordingOf(streamId).value;
  if (current === undefined || current.state !== 'recording' || now.value - current.heardAt > 6000) return lane;
  return { ...lane, spans: withLive(lane.spans, current.startedAt, now.value) };
}

/** The hub's list ends with the last thing it knows of; what runs on since then is drawn as such. */
function withLive(spans: readonly CoverageSpan[], startedAt: string | null, to: number): readonly CoverageSpan[] {
  const last = spans[spans.length - 1];
  const started = startedAt === null ? to : Date.parse(startedAt);
  const from = Math.max(bounds.peek().from, last === undefined || last.state !== 'present' ? Math.max(started, last?.from ?? started) : last.to);
  const until = Math.min(to, bounds.peek().to);
  if (until - from < 250) return spans;
  const kept = spans.flatMap((span) => (span.state === 'present' || span.to <= from ? [span] : span.from >= from ? [] : [{ ...span, to: from }]));
  return [...kept, { from, to: until, state: 'present' }];
}

/** Shows these streams; the first becomes the one that is played, unless the one before is still there. */
export function setRows(ids: readonly string[], keep = true): void {
  batch(() => {
    rows.value = ids.slice(0, mostRows);
    if (active.peek() === undefined || !ids.includes(active.peek() ?? '')) active.value = ids[0];
  });
  if (keep) remember(rowsKey, JSON.stringify(ids));
}

/** The rows of last time on this device. */
export function rememberedRows(): string[] {
  try {
    const kept: unknown = JSON.parse(remembered(rowsKey) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

/** Shows a day; the playhead goes to its first picture unless a time is given. */
export function setDay(next: string, at?: number): void {
  if (!isDay(next)) return;
  batch(() => {
    const same = next === day.peek();
    day.value = next;
    if (!same) {
      view.value = bounds.peek();
      fitting.value = true;
      selection.value = undefined;
      lanes.value = new Map();
    }
    if (at !== undefined) playhead.value = at;
    else if (!same) playhead.value = bounds.peek().from;
    if (at !== undefined) start.value = undefined;
    else if (!same) start.value = 'first';
  });
}

/** Shows a time: its day, and the view around it. */
export function showTime(at: number): void {
  setDay(dayOf(at, zone), at);
  view.value = revealTime(view.peek(), at, bounds.peek());
}

export function setView(next: Span): void {
  view.value = clampView(next, bounds.peek());
}

/** Reads the coverage again, for example after a deletion. */
export function reloadLanes(): void {
  turn.value += 1;
}

/** Reads the coverage of all rows now and whenever something of it may have changed. Call what is returned at the end. */
export function followLanes(): () => void {
  const controllers = new Map<string, { key: string; controller: AbortController }>();
  const stopStart = effect(goToStart);
  const stopFit = effect(fitView);
  const stop = effect(() => {
    const ids = rows.value ?? [];
    const { from, to } = bounds.value;
    // The end of the day that still runs moves on; that is no reason to ask before a minute has passed.
    const minute = to > now.value ? Math.floor(now.value / 60_000) : 0;
    for (const id of ids) {
      const current = recordingOf(id).value;
      const key = `${from} ${to} ${minute} ${turn.value} ${current?.recordingId} ${current?.state} ${current?.segments}`;
      const before = controllers.get(id);
      if (before?.key === key) continue;
      before?.controller.abort();
      const controller = new AbortController();
      controllers.set(id, { key, controller });
      void loadLane(id, { from, to: Math.min(to, Math.max(from + 1000, now.peek())) }, controller.signal);
    }
    for (const [id, { controller }] of controllers) {
      if (ids.includes(id)) continue;
      controller.abort();
      controllers.delete(id);
    }
  });
  return () => {
    stop();
    stopStart();
    stopFit();
    for (const { controller } of controllers.values()) controller.abort();
  };
}

/** A day opens at its first picture, today at the newest. */
function goToStart(): void {
  const id = active.value;
  const wanted = start.value;
  if (id === undefined || wanted === undefined) return;
  const lane = lanes.value.get(id);
  if (lane === undefined || lane.loading) return;
  const present = lane.spans.filter((span) => span.state === 'present');
  const span = wanted === 'first' ? present[0] : present.at(-1);
  start.value = undefined;
  if (span !== undefined) playhead.value = wanted === 'first' ? span.from : Math.max(span.from, span.to - 10_000);
}

/** Once for each day, when the coverage of every row is known. */
function fitView(): void {
  const ids = rows.value;
  if (!fitting.value || ids === undefined || ids.length === 0) return;
  const known = ids.map((id) => lanes.value.get(id));
  if (known.some((lane) => lane === undefined || lane.loading)) return;
  fitting.value = false;
  const { from, to } = view.peek();
  const whole = bounds.peek();
  if (from !== whole.from || to !== whole.to) return;
  const near = openingView(
    known.map((lane) => lane?.spans ?? []),
    whole,
  );
  const chosen = start.peek() === undefined ? playhead.peek() : near.from;
  // A moment that was asked for lies in sight, wherever the rest is.
  view.value = chosen >= near.from && chosen <= near.to ? near : whole;
}

/** Somebody chose a moment: it is not moved any more. */
export function keepPlayhead(): void {
  start.value = undefined;
}

async function loadLane(id: string, span: Span, signal: AbortSignal): Promise<void> {
  try {
    const query = { from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString() };
    const coverage = await call('coverage', { params: { stream_id: id }, query, signal });
    setLane(id, { spans: toSpans(coverage), error: undefined, loading: false });
  } catch (thrown) {
    if (!signal.aborted) setLane(id, { spans: lanes.peek().get(id)?.spans ?? [], error: toApiError(thrown), loading: false });
  }
}

function setLane(id: string, lane: Lane): void {
  lanes.value = new Map(lanes.peek()).set(id, lane);
}

/** Where the next gap or recording of the played row begins; undefined when there is none on this day. */
export function findNext(state: 'present' | 'missing', direction: 1 | -1): number | undefined {
  const id = active.peek();
  return id === undefined ? undefined : nextBegin(laneOf(id).spans, playhead.peek(), state, direction);
}

/** What is known of the played row at the playhead. */
export function spanHere(): CoverageSpan | undefined {
  const id = active.value;
  return id === undefined ? undefined : spanAt(laneOf(id).spans, playhead.value);
}

/** Seconds of each kind over the whole day of a row. */
export function totalsOf(streamId: string): Record<'present' | 'missing' | 'unwanted', number> {
  return sumSpans(laneOf(streamId).spans, bounds.value);
}
