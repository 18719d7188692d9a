/** Below the timeline: a part of it, exported, made a video, protected, released or deleted. */
import { useState } from 'preact/hooks';
import { formatLength } from '../core/format.js';
import { may } from '../core/session.js';
import { Icon } from '../parts/icon.js';
import { ExportDialog } from './export-dialog.js';
import { MakeVideoDialog } from './make-video-dialog.js';
import { SpanDeletion, SpanProtection } from './span-actions.js';
import { endOfDay } from './stage.js';
import { active, reloadLanes, selecting, selection, zone } from './timeline-state.js';
import { fromField, toField } from './zone.js';

type SpanDialog = 'export' | 'video' | 'protect' | 'release' | 'delete';

/** The selected part of the played row, to the second, and what can be done with it. */
export function SelectionBar() {
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
            <button type="button" class="btn" data-testid="to-video" onClick={() => setDialog('video')}>
              <Icon name="film" size={16} /> Make a video
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
      {dialog === 'video' && <MakeVideoDialog span={span} onClose={close} />}
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
