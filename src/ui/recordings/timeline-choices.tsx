/** What the timeline shows: which day, which streams. */
import { useState } from 'preact/hooks';
import { now } from '../core/clock.js';
import { streams } from '../core/data.js';
import { Dialog } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import type { Deck } from './stage.js';
import { day, mostRows, rows, setDay, setRows, zone } from './timeline-state.js';
import { addDays, dayOf } from './zone.js';

/** The day that is shown, and the ways to others. */
export function DayChoice({ deck }: { deck: Deck }) {
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

/** Which streams have a row. */
export function RowChoice() {
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
