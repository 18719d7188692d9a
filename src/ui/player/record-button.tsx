/** The record button with its choice of times, and the mark that says that a picture is being recorded. */
import { useEffect, useState } from 'preact/hooks';
import { now } from '../core/clock.js';
import { formatBytes, formatElapsed } from '../core/format.js';
import { gapSentence, recordingWord } from '../core/gap-words.js';
import { type Running, recordingOf } from '../core/recording-state.js';
import { may } from '../core/session.js';
import { Menu } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { askRecording, startRecording, toggleRecording } from './record.js';

const times: readonly [seconds: number, label: string][] = [
  [60, '1 minute'],
  [300, '5 minutes'],
  [900, '15 minutes'],
  [3600, '1 hour'],
  [14_400, '4 hours'],
];

/** A recording is told of every second; one that has been silent for so long is not trusted to go on. */
const silentMs = 6000;

type MarkTone = 'on' | 'warn' | 'bad';

function toneOf(current: Running): MarkTone {
  if (current.state === 'blocked' || current.state === 'failed') return 'bad';
  if (current.state === 'waiting') return 'warn';
  return current.state === 'recording' && now.value - current.heardAt > silentMs ? 'warn' : 'on';
}

function sentenceOf(current: Running): string {
  const parts = [recordingWord(current.state)];
  if (current.cause !== undefined) parts.push(gapSentence(current.cause));
  if (current.error !== undefined) parts.push(current.error);
  if (current.state === 'recording' && now.value - current.heardAt > silentMs) parts.push('no news for a while');
  if (current.sizeBytes > 0) parts.push(formatBytes(current.sizeBytes));
  if (current.until !== null) parts.push(`until ${new Date(current.until).toLocaleTimeString()}`);
  return parts.join(' · ');
}

/** REC with the time recorded so far; nothing while nothing is recorded. */
export function RecMark({ streamId, brief = false }: { streamId: string; brief?: boolean }) {
  const current = recordingOf(streamId).value;
  if (current === undefined) return null;
  const text = sentenceOf(current);
  return (
    <span class="rec" data-tone={toneOf(current)} data-testid="rec" title={text}>
      <i aria-hidden="true" />
      <span class="sr">{text}</span>
      <span aria-hidden="true">{current.state === 'blocked' ? 'NO ROOM' : 'REC'}</span>
      {!brief && <span data-testid="rec-elapsed">{formatElapsed(current.elapsedS)}</span>}
    </span>
  );
}

/** Starts and stops; beside it, in large players, how long. Only for those who may. */
export function RecordButton({ streamId, compact }: { streamId: string; compact: boolean }) {
  const current = recordingOf(streamId).value;
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (!compact) void askRecording(streamId);
  }, [streamId, compact]);
  if (!may('operator')) return null;
  const act = async (work: () => Promise<void>) => {
    setBusy(true);
    await work();
    setBusy(false);
  };
  const label = current === undefined ? 'Record (r)' : 'Stop recording (r)';
  return (
    <>
      <button
        type="button"
        class="stage-icon record"
        aria-label={label}
        title={label}
        aria-pressed={current !== undefined}
        disabled={busy}
        data-testid="record"
        onClick={() => void act(() => toggleRecording(streamId))}
      >
        {busy ? <span class="spinner" /> : <Icon name={current === undefined ? 'record' : 'stop'} size={17} />}
      </button>
      {!compact && current === undefined && (
        <Menu label="Record for a time" class="stage-icon narrow" trigger={<Icon name="up" size={13} />}>
          <div class="menu-head">Record for</div>
          {times.map(([seconds, text]) => (
            <button type="button" key={seconds} data-testid={`record-${seconds}`} onClick={() => void act(() => startRecording(streamId, seconds))}>
              {text}
            </button>
          ))}
          <hr />
          <button type="button" onClick={() => void act(() => startRecording(streamId))}>
            Until it is stopped
          </button>
        </Menu>
      )}
    </>
  );
}
