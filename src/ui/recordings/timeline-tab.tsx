/** The day: player, rows, what is missing, and what can be done with a part of it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Storage } from '../../contracts/storage.js';
import { call } from '../core/api.js';
import { now } from '../core/clock.js';
import { lastChange, streamModel, streams } from '../core/data.js';
import { formatBytes, formatLength } from '../core/format.js';
import { gapSentence } from '../core/gap-words.js';
import { recordingOf } from '../core/recording-state.js';
import { place } from '../core/router.js';
import { timelineHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { Blank, Dialog, Failed } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useList } from '../parts/use-list.js';
import { toggleRecording } from '../player/record.js';
import { ExportDialog } from './export-dialog.js';
import { PolicyDialog, planSentence } from './policy-dialog.js';
import { SpanDeletion, SpanProtection } from './span-actions.js';
import { type Deck, endOfDay, formatDate, jump, moveBy, panBy, playOrPause, RecordedStage, stepFrame, Transport, useDeck, zoomBy } from './stage.js';
import { Timeline } from './timeline.js';
import {
  active,
  bounds,
  day,
  followLanes,
  keepPlayhead,
  laneOf,
  mostRows,
  playhead,
  reloadLanes,
  rememberedRows,
  rows,
  selecting,
  selection,
  setDay,
  setRows,
  showTime,
  zone,
} from './timeline-state.js';
import { addDays, dayOf, formatClock, fromField, toField } from './zone.js';

export default function TimelineTab() {
  useEffect(() => followLanes(), []);
  useStart();
  const video = useRef<HTMLVideoElement | null>(null);
  const deck = useDeck(video);
  const [rate, setRate] = useState(1);
  useEffect(() => deck.playback?.setRate(rate), [deck.playback, rate]);
  useEffect(() => listenKeys(deck), [deck.playback]);
  const pendingPlay = useRef(false);
  const onSeek = (time: number, id: string) => {
    const same = active.peek() === id;
    keepPlayhead();
    active.value = id;
    playhead.value = time;
    // Another row gets another player; it starts there once it is made.
    if (same) deck.seek(time, true);
    else pendingPlay.current = true;
  };
  useEffect(() => {
    if (!pendingPlay.current || deck.playback === undefined) return;
    pendingPlay.current = false;
    deck.seek(playhead.peek(), true);
  }, [deck.playback]);
  const list = streams.value;
  if (list.kind === 'ready' && list.value.length === 0) {
    return <Blank icon="timeline" title="Nothing to record yet" text="Recordings are made of streams, and there is none so far." />;
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: nothing is done here, only the focus is given back
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    <div class="timeline-page" onClick={giveBackFocus}>
      <div class="timeline-top">
        <RecordedStage deck={deck} video={video} />
        <aside class="card">
          <SidePanel deck={deck} />
        </aside>
      </div>
      <section class="card timeline-card">
        <div class="timeline-bar">
          <DayChoice deck={deck} />
          <Transport deck={deck} rate={rate} onRate={setRate} />
          <RowChoice />
        </div>
        <Timeline onSeek={onSeek} />
        <SelectionBar />
      </section>
    </div>
  );
}

/** Rows and time out of the address, else those of last time, else what has recordings. */
function useStart(): void {
  const list = streams.value;
  const known = list.kind === 'ready';
  const query = place.value.query;
  const asked = query.get('streams') ?? '';
  const at = query.get('at') ?? '';
  useEffect(() => {
    const time = Date.parse(at);
    if (!Number.isNaN(time)) showTime(time);
  }, [at]);
  useEffect(() => {
    if (!known || list.kind !== 'ready') return;
    const there = new Set(list.value.map((model) => model.id));
    const wanted = asked === '' ? [] : asked.split(',');
    if (wanted.length > 0) setRows(wanted, false);
    else if (rows.peek() === undefined) {
      const kept = rememberedRows().filter((id) => there.has(id));
      if (kept.length > 0) setRows(kept);
      else void firstRows([...there]).then((ids) => rows.peek() === undefined && setRows(ids, false));
    }
  }, [known, asked]);
}

async function firstRows(all: readonly string[]): Promise<string[]> {
  const storage: Storage | undefined = await call('get_storage').catch(() => undefined);
  const sizes = new Map(storage?.streams.map((one) => [one.stream_id, one.size]));
  const recorded = [...sizes.keys()].sort((a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0)).filter((id) => all.includes(id));
  return recorded.length > 0 ? recorded.slice(0, 6).sort() : all.slice(0, 4);
}

function listenKeys(deck: Deck): () => void {
  const controller = new AbortController();
  const keys: Record<string, (event: KeyboardEvent) => void> = {
    ' ': () => playOrPause(deck),
    ArrowLeft: (event) => moveBy(deck, event.shiftKey ? -60_000 : -10_000),
    ArrowRight: (event) => moveBy(deck, event.shiftKey ? 60_000 : 10_000),
    ',': () => stepFrame(deck, -1),
    '.': () => stepFrame(deck, 1),
    '+': () => zoomBy(0.5),
    '=': () => zoomBy(0.5),
    '-': () => zoomBy(2),
    PageUp: () => panBy(-0.8),
    PageDown: () => panBy(0.8),
    j: () => jump(deck, 'missing', -1),
    k: () => jump(deck, 'missing', 1),
    J: () => jump(deck, 'present', -1),
    K: () => jump(deck, 'present', 1),
    '[': () => beginSelection(),
    ']': () => endSelection(),
    Escape: () => {
      selection.value = undefined;
      selecting.value = false;
    },
  };
  document.addEventListener(
    'keydown',
    (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as Element;
      // An open dialog has the keys for itself, wherever the focus has gone.
      if (target.closest('input, textarea, select, .menu') !== null || document.querySelector('dialog[open]') !== null) return;
      // A button keeps its own Space.
      if (event.key === ' ' && target.closest('button, a') !== null) return;
      const act = keys[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act(event);
    },
    { signal: controller.signal },
  );
  return () => controller.abort();
}

/** After a click of the mouse Space shall play, and not press the same button again; who uses keys keeps the focus. */
function giveBackFocus(event: MouseEvent): void {
  const button = (event.target as Element).closest('button');
  if (event.detail > 0 && button !== null && button.closest('dialog, .menu-anchor') === null) button.blur();
}

function beginSelection(): void {
  const at = playhead.peek();
  const end = selection.peek()?.to;
  selection.value = { from: at, to: end !== undefined && end > at ? end : Math.min(at + 60_000, bounds.peek().to) };
}

function endSelection(): void {
  const at = playhead.peek();
  const from = selection.peek()?.from;
  selection.value = { from: from !== undefined && from < at ? from : Math.max(at - 60_000, bounds.peek().from), to: at };
}

function DayChoice({ deck }: { deck: Deck }) {
  const today = dayOf(now.value, zone);
  const go = (to: string) => {
    deck.playback?.pause();
    setDay(to);
  };
  return (
    <div class="btn-row tight day-choice">
      <button
        type="button"
        class="btn icon quiet"
        aria-label="Day before"
        title="Day before"
        data-testid="day-before"
        onClick={() => go(addDays(day.value, -1))}
      >
        <Icon name="left" />
      </button>
      <input
        class="input"
        type="date"
        aria-label="Day"
        max={today}
        value={day.value}
        data-testid="day"
        onChange={(event) => go(event.currentTarget.value)}
      />
      <button
        type="button"
        class="btn icon quiet"
        aria-label="Next day"
        title="Next day"
        disabled={day.value >= today}
        onClick={() => go(addDays(day.value, 1))}
      >
        <Icon name="right" />
      </button>
      {day.value !== today && (
        <button type="button" class="btn small quiet" onClick={() => go(today)}>
          Today
        </button>
      )}
    </div>
  );
}

function RowChoice() {
  const [open, setOpen] = useState(false);
  const list = streams.value;
  if (list.kind !== 'ready') return null;
  const chosen = rows.value ?? [];
  const toggle = (id: string) => setRows(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  return (
    <>
      <button type="button" class="btn" data-testid="choose-rows" onClick={() => setOpen(true)}>
        <Icon name="rows" size={16} /> Streams <span class="muted">{chosen.length}</span>
      </button>
      {open && (
        <Dialog title="Streams on the timeline" onClose={() => setOpen(false)}>
          <div class="scope-list">
            {list.value.map((model) => (
              <label key={model.id} class="check">
                <input
                  type="checkbox"
                  checked={chosen.includes(model.id)}
                  disabled={!chosen.includes(model.id) && chosen.length >= mostRows}
                  onChange={() => toggle(model.id)}
                />
                <span>{model.stream.value.name}</span>
              </label>
            ))}
          </div>
          <div class="actions">
            <button type="button" class="btn primary" onClick={() => setOpen(false)}>
              Done
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** Of the played row: what it is recorded by, how much of the day there is, and every gap by name. */
function SidePanel({ deck }: { deck: Deck }) {
  const id = active.value;
  const [planning, setPlanning] = useState(false);
  const change = lastChange.value?.entity === 'recording_policy' ? lastChange.value.at : 0;
  const running = id === undefined ? undefined : recordingOf(id).value;
  const { list, reload } = useList(
    (signal) => (id === undefined ? Promise.resolve(undefined) : call('get_recording', { params: { stream_id: id }, signal })),
    `${id} ${change} ${running?.recordingId}`,
  );
  if (id === undefined) return null;
  const name = streamModel(id)?.stream.value.name ?? id;
  const lane = laneOf(id);
  const gaps = lane.spans.filter((span) => span.state === 'missing');
  return (
    <div class="side-panel">
      <header>
        <h2 class="clip">{name}</h2>
        {may('operator') && (
          <button
            type="button"
            class={`btn small ${running === undefined ? '' : 'recording'}`}
            data-testid="side-record"
            onClick={() => void toggleRecording(id)}
          >
            <Icon name={running === undefined ? 'record' : 'stop'} size={15} /> {running === undefined ? 'Record' : 'Stop'}
          </button>
        )}
      </header>
      <div class="plan small">
        <Icon name="calendar" size={16} />
        <span class="second">{list.kind === 'ready' && list.value !== undefined ? planSentence(list.value.policy) : ' '}</span>
        {may('operator') && list.kind === 'ready' && (
          <button type="button" class="btn small quiet" data-testid="plan" onClick={() => setPlanning(true)}>
            Plan
          </button>
        )}
      </div>
      {lane.error !== undefined && <Failed error={lane.error} onRetry={reloadLanes} />}
      <h3 class="small muted">
        {gaps.length === 0 ? 'No gaps on this day' : `${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'} on ${formatDate(day.value)}`}
      </h3>
      {gaps.length > 0 && (
        <ul class="gaps" data-testid="gaps">
          {gaps
            .slice(-60)
            .reverse()
            .map((gap) => (
              <li key={gap.from}>
                <button
                  type="button"
                  onClick={() => {
                    showTime(gap.from);
                    deck.seek(gap.from);
                  }}
                >
                  <b>{formatClock(gap.from, zone)}</b>
                  <span class="second">{gapSentence(gap.cause)}</span>
                  <span class="muted num">{formatLength(gap.to - gap.from)}</span>
                </button>
              </li>
            ))}
        </ul>
      )}
      {planning && list.kind === 'ready' && list.value !== undefined && (
        <PolicyDialog
          streamId={id}
          policy={list.value.policy}
          onClose={() => setPlanning(false)}
          onSaved={() => {
            reload();
            reloadLanes();
          }}
        />
      )}
    </div>
  );
}

type SpanDialog = 'export' | 'protect' | 'release' | 'delete';

function SelectionBar() {
  const chosen = selection.value;
  const id = active.value;
  const [dialog, setDialog] = useState<SpanDialog | undefined>(undefined);
  if (id === undefined) return null;
  if (chosen === undefined) {
    return (
      <div class="selection-bar idle">
        <button
          type="button"
          class="btn small"
          aria-pressed={selecting.value}
          data-testid="select"
          onClick={() => {
            selecting.value = !selecting.value;
          }}
        >
          <Icon name="select" size={16} /> Select a part
        </button>
        <span class="small muted">
          {selecting.value ? 'Drag over the part you mean' : `Click plays, dragging moves, the wheel comes nearer. ${zone.replaceAll('_', ' ')}`}
        </span>
      </div>
    );
  }
  const set = (side: 'from' | 'to', text: string) => {
    const time = fromField(text, zone);
    if (time === undefined) return;
    const next = { ...chosen, [side]: time };
    if (next.to > next.from) selection.value = next;
  };
  const span = { streamId: id, from: chosen.from, to: Math.min(chosen.to, Math.max(chosen.from + 1000, endOfDay())) };
  const close = () => setDialog(undefined);
  return (
    <div class="selection-bar" data-testid="selection-bar">
      <div class="btn-row">
        <label>
          <span class="sr">From</span>
          <input
            class="input"
            type="datetime-local"
            step={1}
            value={toField(chosen.from, zone)}
            onChange={(event) => set('from', event.currentTarget.value)}
          />
        </label>
        <span class="muted">–</span>
        <label>
          <span class="sr">To</span>
          <input
            class="input"
            type="datetime-local"
            step={1}
            value={toField(chosen.to, zone)}
            onChange={(event) => set('to', event.currentTarget.value)}
          />
        </label>
        <b class="small" data-testid="selection-length">
          {formatLength(chosen.to - chosen.from)}
        </b>
      </div>
      <div class="btn-row">
        {may('operator') && (
          <>
            <button type="button" class="btn primary" data-testid="export" onClick={() => setDialog('export')}>
              <Icon name="download" size={16} /> Export
            </button>
            <button type="button" class="btn" onClick={() => setDialog('protect')}>
              <Icon name="lock" size={16} /> Protect
            </button>
            <button type="button" class="btn" onClick={() => setDialog('release')}>
              <Icon name="unlock" size={16} /> Release
            </button>
            <button type="button" class="btn" onClick={() => setDialog('delete')}>
              <Icon name="trash" size={16} /> Delete
            </button>
          </>
        )}
        <button
          type="button"
          class="btn icon quiet"
          aria-label="Drop the selection"
          title="Drop the selection (Escape)"
          onClick={() => (selection.value = undefined)}
        >
          <Icon name="close" />
        </button>
      </div>
      {dialog === 'export' && <ExportDialog span={span} onClose={close} />}
      {(dialog === 'protect' || dialog === 'release') && <SpanProtection span={span} on={dialog === 'protect'} onClose={close} />}
      {dialog === 'delete' && (
        <SpanDeletion
          span={span}
          onClose={close}
          onDone={() => {
            selection.value = undefined;
            reloadLanes();
          }}
        />
      )}
    </div>
  );
}

/** Link to a moment of the timeline, as other pages use it. */
export function momentHref(streamId: string, at: string): string {
  return timelineHref([streamId], Date.parse(at));
}

export function sizeNote(bytes: number): string {
  return bytes === 0 ? 'nothing' : `about ${formatBytes(Math.round(bytes))}`;
}
