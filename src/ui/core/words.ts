/** Why there is no picture, and what to do about it, in words. Pure. */
import type { Stream, StreamReason, StreamState, StreamStatus } from '../../contracts/stream.js';

export interface Words {
  title: string;
  /** What the reader can do; empty when waiting is right. */
  advice: string;
}

/** One entry per reason of the contract: the compiler refuses this table when one is missing. */
export const reasonWords: Record<StreamReason, Words> = {
  requested: { title: 'Stopped on request', advice: 'Start it to see the picture.' },
  source_unreachable: {
    title: 'The source cannot be reached',
    advice: 'Check its power and network, and the address in the settings. Weir keeps trying.',
  },
  source_refused: {
    title: 'The source refused the login',
    advice: 'Check user name and password in the address, and that the camera allows one more viewer.',
  },
  source_missing: { title: 'The source is not there', advice: 'Plug the device in again, or check the path in the settings.' },
  source_ended: { title: 'The source has ended', advice: 'Weir opens it again as soon as it is back.' },
  source_garbage: { title: 'The source sends data nobody can read', advice: 'Check that the address is a video stream; the log shows what arrived.' },
  source_silent: {
    title: 'The source has stopped sending',
    advice: 'The connection is open but no picture arrives. Weir reconnects; if it stays so, restart the camera.',
  },
  keyframe_drought: {
    title: 'The source sends no keyframes',
    advice: 'Lower the keyframe (I-frame) interval in the camera, or set the codec to H.264 here.',
  },
  clock_drift: {
    title: 'The clock of the source runs off',
    advice: 'Weir restarts the stream to catch up. Check the load of the camera if it happens often.',
  },
  frozen_picture: { title: 'The picture does not change', advice: 'The camera may hang or be covered. Restart it if the scene should move.' },
  audio_only: { title: 'Only sound arrives', advice: 'Check the video settings of the camera. Weir reconnects until there is a picture.' },
  unsupported_codec: { title: 'This browser cannot play the format', advice: 'Set the codec to H.264 in the settings, so that Weir encodes it.' },
  forbidden_source: {
    title: 'This source is not allowed here',
    advice: 'Its address or folder is outside the list the operator of this hub permits.',
  },
  output_failed: { title: 'The push target does not accept the stream', advice: 'Check the output address in the settings.' },
  encoder_failed: { title: 'The encoder failed', advice: 'Choose another encoder in the settings; the log shows its last words.' },
  ffmpeg_missing: { title: 'FFmpeg is missing on the spoke', advice: 'Install FFmpeg there, then start the stream again.' },
  crash_loop: { title: 'It fails again and again', advice: 'Weir tries less often now. The log shows why; a change in the settings tries at once.' },
  spoke_lost: { title: 'The spoke has gone silent', advice: 'The machine or process that serves this stream is away. The picture returns with it.' },
  no_spoke: { title: 'No spoke can take this stream', advice: 'Start a spoke, or let the stream run on any of them.' },
  waiting_for_viewer: { title: 'Waits for a viewer', advice: 'It starts as soon as somebody watches.' },
  draining: { title: 'Is being moved', advice: 'Its spoke is being emptied; the picture continues elsewhere.' },
};

export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'off';

/** Shape and colour of the status mark. */
export function toneOf(status: StreamStatus | null): Tone {
  if (status === null) return 'off';
  if (status.state === 'running') return status.no_signal === true || isTroubled(status.reason) ? 'warn' : 'ok';
  if (status.state === 'starting') return 'busy';
  if (status.state === 'error') return 'bad';
  return 'off';
}

function isTroubled(reason: StreamReason | undefined): boolean {
  return reason !== undefined && reason !== 'requested' && reason !== 'waiting_for_viewer';
}

const stateLabels: Record<StreamState, string> = { starting: 'Starting', running: 'Running', stopped: 'Stopped', error: 'Error' };

/** The state in one or two words. */
export function labelOf(status: StreamStatus | null): string {
  if (status === null) return 'No report yet';
  if (status.no_signal === true) return 'No signal';
  if (status.state === 'stopped' && status.reason === 'waiting_for_viewer') return 'On demand';
  if (status.state === 'running' && status.reason === 'frozen_picture') return 'Frozen';
  return stateLabels[status.state];
}

/** The sentence under a missing picture; undefined while all is well. */
export function wordsFor(status: StreamStatus | null): Words | undefined {
  if (status === null) return { title: 'No report yet', advice: 'No spoke has spoken of this stream so far.' };
  if (status.reason !== undefined && (status.state !== 'running' || status.no_signal === true || isTroubled(status.reason))) {
    return reasonWords[status.reason];
  }
  if (status.state === 'running') return status.no_signal === true ? { title: 'No signal', advice: 'Weir keeps trying.' } : undefined;
  if (status.state === 'starting') return { title: 'Starting', advice: '' };
  if (status.state === 'stopped') return { title: 'Stopped', advice: 'Start it to see the picture.' };
  return { title: 'Something went wrong', advice: status.error ?? 'The log shows more.' };
}

/** Order of the list when sorted by state: what needs attention first. */
export function urgencyOf(status: StreamStatus | null): number {
  return { bad: 0, warn: 1, busy: 2, ok: 3, off: 4 }[toneOf(status)];
}

export type SortKey = 'state' | 'name' | 'source' | 'fps' | 'bitrate' | 'viewers';

export interface Row {
  stream: Stream;
  status: StreamStatus | null;
  fps: number;
  bitrateKbps: number;
}

/** Rows whose name, id, source or state hold every word of `text`. */
export function filterRows(rows: readonly Row[], text: string, tone: Tone | 'all'): Row[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (tone !== 'all' && toneOf(row.status) !== tone) return false;
    const hay = `${row.stream.name} ${row.stream.stream_id} ${row.stream.config.device ?? ''} ${labelOf(row.status)}`.toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}

/** A sorted copy; equal rows stand by name. */
export function sortRows(rows: readonly Row[], key: SortKey, descending: boolean): Row[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => sign * compareBy(key, a, b) || byName(a, b));
}

function compareBy(key: SortKey, a: Row, b: Row): number {
  if (key === 'state') return urgencyOf(a.status) - urgencyOf(b.status);
  if (key === 'name') return byName(a, b);
  if (key === 'source') return (a.stream.config.device ?? '').localeCompare(b.stream.config.device ?? '');
  if (key === 'fps') return a.fps - b.fps;
  if (key === 'bitrate') return a.bitrateKbps - b.bitrateKbps;
  return a.stream.viewers - b.stream.viewers;
}

function byName(a: Row, b: Row): number {
  return a.stream.name.localeCompare(b.stream.name, undefined, { numeric: true });
}
