/** When a stream is recorded by itself: never, always, or by the week. */
import { useRef, useState } from 'preact/hooks';
import type { RecordingPolicy } from '../../contracts/recording.js';
import { call } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { showToast } from '../core/toasts.js';
import { Dialog, Field, Problem } from '../parts/basics.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { dayMinutes, dayNames, emptyWeek, formatWindow, hoursOf, paint, type Week, weekToWindows, windowsToWeek } from './week.js';
import { localZone } from './zone.js';

/** The plan in one sentence. */
export function planSentence(policy: RecordingPolicy): string {
  const kept = policy.max_age_days === null || policy.max_age_days === undefined ? '' : `, kept ${policy.max_age_days} days`;
  if (policy.mode === 'off') return 'Recorded only when somebody starts it';
  if (policy.mode === 'always') return `Recorded always${kept}`;
  const windows = policy.windows ?? [];
  if (windows.length === 0) return 'A plan without any time: nothing is recorded';
  const text = windows.slice(0, 2).map(formatWindow).join('; ');
  return `${text}${windows.length > 2 ? ` and ${windows.length - 2} more` : ''}${kept}`;
}

const modes: readonly { id: RecordingPolicy['mode']; title: string; text: string }[] = [
  { id: 'off', title: 'Off', text: 'Only when somebody starts it' },
  { id: 'always', title: 'Always', text: 'Day and night, also after restarts' },
  { id: 'schedule', title: 'By the week', text: 'At the times painted below' },
];

interface PolicyProps {
  streamId: string;
  policy: RecordingPolicy;
  onClose: () => void;
  onSaved: () => void;
}

export function PolicyDialog({ streamId, policy, onClose, onSaved }: PolicyProps) {
  const [mode, setMode] = useState(policy.mode);
  const [week, setWeek] = useState<Week>(() => windowsToWeek(policy.windows ?? []));
  const [zone, setZone] = useState(policy.time_zone ?? localZone());
  const [days, setDays] = useState(policy.max_age_days === null || policy.max_age_days === undefined ? '' : String(policy.max_age_days));
  const { busy, error, run } = useAction();
  const name = streamModel(streamId)?.stream.peek().name ?? streamId;
  const windows = weekToWindows(week);
  const save = async () => {
    const { mode: _mode, windows: _windows, time_zone: _zone, max_age_days: _days, ...rest } = policy;
    const body: RecordingPolicy = {
      ...rest,
      mode,
      ...(windows.length > 0 ? { windows } : {}),
      ...(mode === 'schedule' ? { time_zone: zone } : policy.time_zone === undefined ? {} : { time_zone: policy.time_zone }),
      max_age_days: days.trim() === '' ? null : Number(days),
    };
    await call('set_recording_policy', { params: { stream_id: streamId }, body });
    showToast({ tone: 'ok', title: 'The plan is in force', text: planSentence(body) });
    onSaved();
  };
  return (
    <Dialog title={`When ${name} is recorded`} onClose={onClose} wide>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run(save).then((ok) => ok && onClose());
        }}
      >
        <div class="kinds modes" role="radiogroup" aria-label="Mode">
          {modes.map((one) => (
            // biome-ignore lint/a11y/useSemanticElements: a card to press reads better than a bare radio
            <button
              type="button"
              key={one.id}
              class="kind"
              role="radio"
              aria-checked={mode === one.id}
              data-testid={`mode-${one.id}`}
              onClick={() => setMode(one.id)}
            >
              <b>{one.title}</b>
              <span class="small muted">{one.text}</span>
            </button>
          ))}
        </div>
        {mode === 'schedule' && (
          <>
            <WeekGrid week={week} onWeek={setWeek} />
            <p class="small second" data-testid="windows">
              {windows.length === 0
                ? 'No time is painted yet: drag over the hours.'
                : `${windows.map(formatWindow).join('; ')} — ${round(hoursOf(week))} hours a week`}
            </p>
          </>
        )}
        <div class="form-grid">
          {mode === 'schedule' && (
            <Field label="Time zone" hint="Of the clock times; daylight saving is kept" error={fieldError(error, 'time_zone')}>
              {(ids) => <input {...ids} class="input" required value={zone} list="zones" onInput={(event) => setZone(event.currentTarget.value)} />}
            </Field>
          )}
          <Field label="Keep for days" hint="Empty: as the storage page says" error={fieldError(error, 'max_age_days')}>
            {(ids) => (
              <input
                {...ids}
                class="input"
                type="number"
                min={0.01}
                max={3650}
                step="any"
                value={days}
                onInput={(event) => setDays(event.currentTarget.value)}
              />
            )}
          </Field>
        </div>
        <datalist id="zones">
          {[localZone(), 'UTC', 'Europe/Berlin', 'Europe/London', 'America/New_York', 'America/Los_Angeles', 'Asia/Tokyo'].map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <Problem error={error} />
        <div class="actions">
          <button type="button" class="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="btn primary" disabled={busy || (mode === 'schedule' && windows.length === 0)} data-testid="save-plan">
            {busy && <span class="spinner" />} Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function round(hours: number): string {
  return String(Math.round(hours * 10) / 10);
}

const cellMinutes = 30;
const cells = dayMinutes / cellMinutes;
const longNames = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

interface Stroke {
  on: boolean;
  day: number;
  cell: number;
  base: Week;
}

/** Seven days of half hours to paint on. By keys: arrows move, Space paints one, with Shift the arrows paint on. */
function WeekGrid({ week, onWeek }: { week: Week; onWeek: (week: Week) => void }) {
  const grid = useRef<HTMLDivElement>(null);
  const stroke = useRef<Stroke | undefined>(undefined);
  const [cursor, setCursor] = useState<{ day: number; cell: number } | undefined>(undefined);
  const isOn = (day: number, cell: number) => (week[day] ?? []).some(([from, to]) => from < (cell + 1) * cellMinutes && to > cell * cellMinutes);
  const cellAt = (event: PointerEvent) => {
    const box = grid.current?.getBoundingClientRect() ?? new DOMRect();
    const clamp = (value: number, most: number) => Math.min(Math.max(0, Math.floor(value)), most);
    return {
      day: clamp(((event.clientY - box.top) / box.height) * 7, 6),
      cell: clamp(((event.clientX - box.left) / box.width) * cells, cells - 1),
    };
  };
  const apply = ({ on, day, cell, base }: Stroke, to: { day: number; cell: number }) => {
    let next = base;
    for (let row = Math.min(day, to.day); row <= Math.max(day, to.day); row += 1) {
      next = paint(next, row, Math.min(cell, to.cell) * cellMinutes, (Math.max(cell, to.cell) + 1) * cellMinutes, on);
    }
    onWeek(next);
  };
  const onKey = (event: KeyboardEvent) => {
    const at = cursor ?? { day: 0, cell: 16 };
    const moves: Record<string, [number, number]> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const move = moves[event.key];
    if (event.key === ' ') onWeek(paint(week, at.day, at.cell * cellMinutes, (at.cell + 1) * cellMinutes, !isOn(at.day, at.cell)));
    else if (move === undefined) return;
    else {
      const next = { day: Math.min(6, Math.max(0, at.day + move[0])), cell: Math.min(cells - 1, Math.max(0, at.cell + move[1])) };
      if (event.shiftKey) onWeek(paint(week, next.day, next.cell * cellMinutes, (next.cell + 1) * cellMinutes, isOn(at.day, at.cell)));
      setCursor(next);
    }
    event.preventDefault();
  };
  return (
    <div class="week">
      <div class="week-hours" aria-hidden="true">
        {[0, 6, 12, 18, 24].map((hour) => (
          <span key={hour} style={{ left: `${(hour / 24) * 100}%` }}>
            {String(hour).padStart(2, '0')}
          </span>
        ))}
      </div>
      <div class="week-days">
        {dayNames.map((name, day) => (
          <button
            type="button"
            key={name}
            title={`${longNames[day]}: all or nothing`}
            onClick={() => onWeek(paint(week, day, 0, dayMinutes, (week[day] ?? []).length === 0))}
          >
            {longNames[day]?.slice(0, 3)}
          </button>
        ))}
      </div>
      <div
        ref={grid}
        class="week-grid"
        role="application"
        aria-label={`Weekly plan. ${cursor === undefined ? '' : `${longNames[cursor.day]} ${clock(cursor.cell)}, ${isOn(cursor.day, cursor.cell) ? 'recorded' : 'not recorded'}`}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: painted with the arrow keys and Space
        tabIndex={0}
        data-testid="week-grid"
        onKeyDown={onKey}
        onPointerDown={(event) => {
          const at = cellAt(event);
          grid.current?.setPointerCapture(event.pointerId);
          stroke.current = { ...at, on: !isOn(at.day, at.cell), base: week };
          setCursor(undefined);
          apply(stroke.current, at);
        }}
        onPointerMove={(event) => stroke.current !== undefined && apply(stroke.current, cellAt(event))}
        onPointerUp={() => {
          stroke.current = undefined;
        }}
      >
        {week.map((spans, day) => (
          <div key={dayNames[day]} class="week-row">
            {spans.map(([from, to]) => (
              <i key={from} style={{ left: `${(from / dayMinutes) * 100}%`, width: `${((to - from) / dayMinutes) * 100}%` }} />
            ))}
          </div>
        ))}
        {cursor !== undefined && (
          <b class="week-cursor" style={{ left: `${(cursor.cell / cells) * 100}%`, top: `${(cursor.day / 7) * 100}%`, width: `${100 / cells}%` }} />
        )}
      </div>
      <div class="btn-row week-presets">
        <button
          type="button"
          class="btn small quiet"
          onClick={() => onWeek(windowsToWeek([{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '18:00' }]))}
        >
          Office hours
        </button>
        <button type="button" class="btn small quiet" onClick={() => onWeek(windowsToWeek([{ days: [...dayNames], from: '20:00', to: '06:00' }]))}>
          Nights
        </button>
        <button type="button" class="btn small quiet" onClick={() => onWeek(windowsToWeek([{ days: ['sat', 'sun'], from: '00:00', to: '24:00' }]))}>
          Weekends
        </button>
        <button type="button" class="btn small quiet" onClick={() => onWeek(emptyWeek)}>
          Clear
        </button>
      </div>
    </div>
  );
}

function clock(cell: number): string {
  const minutes = cell * cellMinutes;
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
