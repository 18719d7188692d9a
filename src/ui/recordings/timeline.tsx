/** The day in rows: what is recorded, what is missing, where the player is. Wheel, pinch, drag and keys move in it. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { now } from '../core/clock.js';
import { streamModel } from '../core/data.js';
import { formatLength, formatSpan } from '../core/format.js';
import { gapSentence } from '../core/gap-words.js';
import { theme } from '../core/theme.js';
import { RecMark } from '../player/record-button.js';
import { barsOf, formatShare, panView, type Span, spanAt, ticksOf, timeAt, xOf, zoomView } from './geometry.js';
import { forgetThumb, thumb, wantThumb } from './thumbs.js';
import { active, bounds, laneOf, playhead, rows, selecting, selection, setView, totalsOf, view, zone } from './timeline-state.js';
import { formatClock } from './zone.js';

interface TimelineProps {
  /** Somebody chose a moment; `id` is the row it was chosen in. */
  onSeek: (time: number, id: string) => void;
}

export function Timeline({ onSeek }: TimelineProps) {
  const over = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(1000);
  useEffect(() => {
    const target = over.current;
    if (target === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.max(1, target.clientWidth)));
    observer.observe(target);
    return () => observer.disconnect();
  }, []);
  const ids = rows.value ?? [];
  return (
    <div class="tl" data-testid="timeline" data-seconds={Math.round((view.value.to - view.value.from) / 1000)}>
      <Axis width={width} />
      <div class="tl-body">
        {ids.map((id) => (
          <Row key={id} id={id} width={width} />
        ))}
        <Over ids={ids} width={width} anchor={over} onSeek={onSeek} />
      </div>
    </div>
  );
}

function Axis({ width }: { width: number }) {
  const current = view.value;
  const ticks = ticksOf(current, width, zone).map((tick) => ({ ...tick, x: xOf(tick.time, current, width) }));
  return (
    <div class="tl-axis" aria-hidden="true">
      {ticks.map(({ time, label, x }, index) => {
        const edge = edgeOf(x, width);
        // Moved inwards, the first and the last one would stand on their neighbours.
        if (edge === 'end' && x - (ticks[index - 1]?.x ?? Number.NEGATIVE_INFINITY) < 118) return null;
        if (edge === 'start' && (ticks[index + 1]?.x ?? Number.POSITIVE_INFINITY) - x < 118) return null;
        return (
          <span key={time} data-edge={edge} style={{ left: `${(x / width) * 100}%` }}>
            {label}
          </span>
        );
      })}
    </div>
  );
}

/** Labels at the ends stand beside their mark, or they would be cut off. */
function edgeOf(x: number, width: number): 'start' | 'end' | undefined {
  return x < 18 ? 'start' : x > width - 18 ? 'end' : undefined;
}

function Row({ id, width }: { id: string; width: number }) {
  const name = streamModel(id)?.stream.value.name ?? id;
  const totals = totalsOf(id);
  const lane = laneOf(id);
  const wanted = totals.present + totals.missing;
  return (
    <div class="tl-row" data-active={active.value === id} data-testid={`row-${id}`}>
      <div class="tl-label">
        <button type="button" class="clip" aria-pressed={active.value === id} onClick={() => (active.value = id)} title={`Play ${name}`}>
          {name}
        </button>
        <span class="small muted">
          <RecMark streamId={id} brief />
          {lane.error !== undefined
            ? lane.error.message
            : wanted === 0
              ? lane.loading
                ? ' '
                : 'nothing'
              : totals.missing < 0.5
                ? formatLength(totals.present * 1000)
                : `${formatShare(totals.present / wanted)} of ${formatSpan(wanted * 1000)}`}
        </span>
      </div>
      <LaneCanvas id={id} width={width} />
    </div>
  );
}

function LaneCanvas({ id, width }: { id: string; width: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { spans, loading } = laneOf(id);
  const current = view.value;
  const scheme = theme.value;
  const dark = usePrefersDark();
  useEffect(() => {
    if (canvas.current !== null) drawLane(canvas.current, barsOf(spans, current, width), width);
  }, [spans, current, width, scheme, dark]);
  // The row says in words what the bars show.
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas without a tab index takes no focus
  return <canvas ref={canvas} class={`tl-lane ${loading && spans.length === 0 ? 'skeleton' : ''}`} aria-hidden="true" />;
}

function usePrefersDark(): boolean {
  const query = matchMedia('(prefers-color-scheme: dark)');
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const listen = () => setDark(query.matches);
    query.addEventListener('change', listen);
    return () => query.removeEventListener('change', listen);
  }, []);
  return dark;
}

function drawLane(canvas: HTMLCanvasElement, bars: ReturnType<typeof barsOf>, width: number): void {
  const scale = devicePixelRatio || 1;
  const height = canvas.clientHeight;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  if (context === null) return;
  const colours = { present: colourOf(canvas, '--tl-present'), missing: colourOf(canvas, '--tl-missing') };
  context.scale(scale, scale);
  for (const bar of bars) {
    context.fillStyle = colours[bar.state];
    if (bar.state === 'present') context.fillRect(bar.x, 0, bar.width, height);
    else drawGap(context, bar, height);
  }
}

/** Canvas does not know `light-dark()`; the colour of an element is computed with it. */
function colourOf(canvas: HTMLCanvasElement, name: string): string {
  canvas.style.color = `var(${name})`;
  return getComputedStyle(canvas).color;
}

/** Shape as well as colour: a gap stands lower, and wide ones are hatched. */
function drawGap(context: CanvasRenderingContext2D, bar: { x: number; width: number }, height: number): void {
  context.clearRect(bar.x, 0, bar.width, height);
  context.save();
  context.beginPath();
  context.rect(bar.x, 0, bar.width, height);
  context.clip();
  context.globalAlpha = 0.28;
  context.fillRect(bar.x, 0, bar.width, height);
  context.globalAlpha = 1;
  context.fillRect(bar.x, height - 4, bar.width, 4);
  if (bar.width > 6) {
    context.globalAlpha = 0.5;
    context.strokeStyle = context.fillStyle;
    context.lineWidth = 1.5;
    for (let x = Math.floor(bar.x / 7) * 7 - height; x < bar.x + bar.width; x += 7) {
      context.beginPath();
      context.moveTo(x, height);
      context.lineTo(x + height, 0);
      context.stroke();
    }
  }
  context.restore();
}

interface OverProps {
  ids: readonly string[];
  width: number;
  anchor: { current: HTMLDivElement | null };
  onSeek: (time: number, id: string) => void;
}

interface Hover {
  x: number;
  time: number;
  id: string;
}

type Drag =
  | { kind: 'press'; x: number; id: string }
  | { kind: 'pan'; x: number; view: Span }
  | { kind: 'select'; fixed: number }
  | { kind: 'pinch'; distance: number; centre: number; view: Span };

/** Everything that points into the rows, and all that is drawn across them. */
function Over({ ids, width, anchor, onSeek }: OverProps) {
  const hover = useSignal<Hover | undefined>(undefined);
  const drag = useRef<Drag | undefined>(undefined);
  const pointers = useRef(new Map<number, number>());
  useEffect(() => {
    const element = anchor.current;
    if (element === null) return undefined;
    // Not passive: the page must not scroll while somebody zooms.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const isPan = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      const perPx = (view.peek().to - view.peek().from) / element.clientWidth;
      if (isPan) setView(panView(view.peek(), (event.deltaX || event.deltaY) * perPx, bounds.peek()));
      else {
        const at = timeAt(event.clientX - element.getBoundingClientRect().left, view.peek(), element.clientWidth);
        view.value = zoomView(view.peek(), 1.0016 ** Math.max(-300, Math.min(300, event.deltaY * (event.ctrlKey ? 4 : 1))), at, bounds.peek());
      }
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);
  const pointOf = (event: PointerEvent) => {
    const box = anchor.current?.getBoundingClientRect() ?? new DOMRect();
    const x = Math.min(Math.max(0, event.clientX - box.left), box.width);
    const index = Math.floor(((event.clientY - box.top) / Math.max(1, box.height)) * ids.length);
    return { x, time: timeAt(x, view.peek(), width), id: ids[Math.min(Math.max(0, index), ids.length - 1)] ?? '' };
  };
  const onDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    anchor.current?.setPointerCapture(event.pointerId);
    const { x, time, id } = pointOf(event);
    pointers.current.set(event.pointerId, x);
    if (pointers.current.size === 2) {
      const [a = 0, b = 0] = [...pointers.current.values()];
      drag.current = { kind: 'pinch', distance: Math.max(12, Math.abs(a - b)), centre: timeAt((a + b) / 2, view.peek(), width), view: view.peek() };
      return;
    }
    const edge = edgeAt(x, width);
    if (edge !== undefined) drag.current = { kind: 'select', fixed: edge };
    else if (event.shiftKey || selecting.peek()) {
      drag.current = { kind: 'select', fixed: time };
      selection.value = undefined;
    } else drag.current = { kind: 'press', x, id };
  };
  const onMove = (event: PointerEvent) => {
    const point = pointOf(event);
    if (pointers.current.has(event.pointerId)) pointers.current.set(event.pointerId, point.x);
    const current = drag.current;
    if (current === undefined) {
      if (event.pointerType !== 'touch') showHover(point);
      return;
    }
    if (current.kind === 'press' && Math.abs(point.x - current.x) > 5) drag.current = { kind: 'pan', x: current.x, view: view.peek() };
    else if (current.kind === 'pan')
      setView(panView(current.view, ((current.x - point.x) / width) * (current.view.to - current.view.from), bounds.peek()));
    else if (current.kind === 'select') {
      // What is still to come cannot be chosen.
      const latest = Math.min(bounds.peek().to, Date.now());
      selection.value = { from: Math.min(current.fixed, point.time, latest - 1000), to: Math.min(Math.max(current.fixed, point.time), latest) };
      showHover(point);
    } else if (current.kind === 'pinch') {
      const [a = 0, b = 0] = [...pointers.current.values()];
      view.value = zoomView(current.view, current.distance / Math.max(12, Math.abs(a - b)), current.centre, bounds.peek());
    }
  };
  const onUp = (event: PointerEvent) => {
    pointers.current.delete(event.pointerId);
    const current = drag.current;
    if (pointers.current.size > 0) return;
    drag.current = undefined;
    if (event.type === 'pointercancel') return;
    const { time, id } = pointOf(event);
    if (current?.kind === 'press') onSeek(time, id);
    else if (current?.kind === 'select') {
      selecting.value = false;
      // A click with the shift key held: too short to mean anything.
      if (selection.peek() !== undefined && isTiny(selection.peek())) selection.value = undefined;
    }
  };
  const isTiny = (span: Span | undefined) => span === undefined || ((span.to - span.from) / (view.peek().to - view.peek().from)) * width < 4;
  const showHover = (point: Hover) => {
    hover.value = point;
    const span = spanAt(laneOf(point.id).spans, point.time);
    if (span?.state === 'present') wantThumb(point.id, point.time, span.from, ((view.peek().to - view.peek().from) / width) * 10);
  };
  const leave = () => {
    hover.value = undefined;
    forgetThumb();
  };
  const { from, to } = bounds.value;
  return (
    <div
      ref={anchor}
      class="tl-over"
      data-selecting={selecting.value}
      role="slider"
      tabIndex={0}
      aria-label="Time on the timeline"
      aria-valuemin={Math.floor(from / 1000)}
      aria-valuemax={Math.floor(to / 1000)}
      aria-valuenow={Math.floor(playhead.value / 1000)}
      aria-valuetext={formatClock(playhead.value, zone)}
      data-testid="timeline-over"
      onPointerDown={onDown}
      onPointerMove={onMove}
      onPointerUp={onUp}
      onPointerCancel={onUp}
      onPointerLeave={leave}
    >
      <Grid width={width} />
      <Selected width={width} />
      <Line at={Math.min(now.value, to)} width={width} name="now" hidden={now.value < from || now.value >= to} />
      <Line at={playhead.value} width={width} name="head" hidden={false} />
      {hover.value !== undefined && <HoverTip hover={hover.value} width={width} />}
    </div>
  );
}

/** The other end of the selection, when the pointer is at one of its ends. */
function edgeAt(x: number, width: number): number | undefined {
  const chosen = selection.peek();
  if (chosen === undefined) return undefined;
  if (Math.abs(xOf(chosen.from, view.peek(), width) - x) < 8) return chosen.to;
  if (Math.abs(xOf(chosen.to, view.peek(), width) - x) < 8) return chosen.from;
  return undefined;
}

function Grid({ width }: { width: number }) {
  const current = view.value;
  return (
    <>
      {ticksOf(current, width, zone).map((tick) => (
        <i key={tick.time} class="tl-tick" style={{ left: `${(xOf(tick.time, current, width) / width) * 100}%` }} />
      ))}
    </>
  );
}

function Line({ at, width, name, hidden }: { at: number; width: number; name: 'now' | 'head'; hidden: boolean }) {
  const current = view.value;
  if (hidden || at < current.from || at > current.to) return null;
  return <i class={`tl-line ${name}`} data-testid={`line-${name}`} style={{ transform: `translateX(${xOf(at, current, width)}px)` }} />;
}

function Selected({ width }: { width: number }) {
  const chosen = selection.value;
  if (chosen === undefined) return null;
  const left = xOf(chosen.from, view.value, width);
  const right = xOf(chosen.to, view.value, width);
  if (right < 0 || left > width) return null;
  const start = Math.max(-4, left);
  return (
    <i class="tl-selection" data-testid="selection" style={{ left: `${start}px`, width: `${Math.max(2, Math.min(width + 4, right) - start)}px` }} />
  );
}

function HoverTip({ hover, width }: { hover: Hover; width: number }) {
  const span = spanAt(laneOf(hover.id).spans, hover.time);
  const picture = thumb.value;
  const isPresent = span?.state === 'present';
  const half = 124;
  const left = Math.min(Math.max(hover.x, half), Math.max(half, width - half));
  return (
    <>
      <i class="tl-line hover" style={{ transform: `translateX(${hover.x}px)` }} />
      <div class="tl-tip" style={{ left: `${left}px` }} data-state={span?.state ?? 'unwanted'}>
        {isPresent && (
          <span class="tl-tip-picture">
            {picture !== undefined && picture.streamId === hover.id && <img src={picture.url} alt="" width={240} height={135} />}
          </span>
        )}
        <b>{formatClock(hover.time, zone)}</b>
        {span === undefined || span.state === 'unwanted' ? (
          <span>{hover.time > now.value ? 'yet to come' : 'not wanted'}</span>
        ) : isPresent ? null : (
          <span>
            {gapSentence(span.cause)} · {formatLength(span.to - span.from)}
          </span>
        )}
        {span?.detail !== undefined && <span class="muted">{span.detail}</span>}
      </div>
    </>
  );
}
