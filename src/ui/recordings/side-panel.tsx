/** Beside the player: the recording of the played row, its plan and its gaps. */
import { useState } from 'preact/hooks';
import { call } from '../core/api.js';
import { lastChange, streamModel } from '../core/data.js';
import { formatLength } from '../core/format.js';
import { gapSentence } from '../core/gap-words.js';
import { recordingOf } from '../core/recording-state.js';
import { may } from '../core/session.js';
import { Failed } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useList } from '../parts/use-list.js';
import { toggleRecording } from '../player/record.js';
import { PolicyDialog, planSentence } from './policy-dialog.js';
import { type Deck, formatDate } from './stage.js';
import { active, day, laneOf, reloadLanes, showTime, zone } from './timeline-state.js';
import { formatClock } from './zone.js';

/** Of the played row: what it is recorded by, how much of the day there is, and every gap by name. */
export function SidePanel({ deck }: { deck: Deck }) {
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
