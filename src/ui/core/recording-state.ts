/** What is being recorded right now, one signal per stream: marks on walls and players read these. */
import { type Signal, signal } from '@preact/signals';
import type { Recording, RecordingState, RecordingStatus } from '../../contracts/recording.js';
import { call } from './api.js';

export interface Running {
  readonly recordingId: string;
  readonly state: RecordingState;
  readonly cause: RecordingStatus['cause'];
  readonly error: string | undefined;
  readonly elapsedS: number;
  readonly sizeBytes: number;
  readonly segments: number;
  readonly filename: string | null;
  readonly startedAt: string | null;
  readonly until: string | null;
  /** Who wanted it; unknown until the hub was asked. */
  readonly origin: Recording['origin'] | undefined;
  /** When it was last heard of, by this browser's clock. */
  readonly heardAt: number;
}

const running = new Map<string, Signal<Running | undefined>>();
/** Grows whenever a recording of any stream begins or ends. */
export const recordingsChanged = signal(0);

/** The running recording of a stream; undefined while none runs. */
export function recordingOf(streamId: string): Signal<Running | undefined> {
  let found = running.get(streamId);
  if (found === undefined) {
    found = signal(undefined);
    running.set(streamId, found);
  }
  return found;
}

const overStates: ReadonlySet<RecordingState> = new Set<RecordingState>(['stopped', 'failed']);

/** Takes over a report from the bus. */
export function takeRecordingStatus(status: RecordingStatus): void {
  const current = recordingOf(status.stream_id);
  const before = current.peek();
  if (overStates.has(status.state)) {
    // The end of an older recording must not end the mark of its successor.
    if (before !== undefined && before.recordingId !== status.recording_id) return;
    current.value = undefined;
    if (before !== undefined) recordingsChanged.value += 1;
    return;
  }
  const isSame = before?.recordingId === status.recording_id;
  current.value = {
    recordingId: status.recording_id,
    state: status.state,
    cause: status.cause,
    error: status.error,
    elapsedS: status.elapsed_s,
    sizeBytes: status.size_bytes,
    segments: status.segments,
    filename: status.filename,
    startedAt: status.started_at,
    until: status.until,
    origin: isSame ? before?.origin : undefined,
    heardAt: Date.now(),
  };
  if (!isSame) recordingsChanged.value += 1;
}

/** Takes over what the hub answered; null when nothing of the stream is recorded. */
export function takeRecording(streamId: string, recording: Recording | null): void {
  const current = recordingOf(streamId);
  const before = current.peek();
  if (recording === null || overStates.has(recording.state) || recording.ended_at !== null) {
    if (recording !== null && before !== undefined && before.recordingId !== recording.recording_id) return;
    current.value = undefined;
  } else {
    // Of one recording the bus tells newer figures than the hub's answer.
    const newest = before?.recordingId === recording.recording_id ? before : undefined;
    current.value = {
      recordingId: recording.recording_id,
      state: newest?.state ?? recording.state,
      cause: newest?.cause ?? recording.cause ?? undefined,
      error: newest?.error ?? recording.error ?? undefined,
      elapsedS: Math.max(newest?.elapsedS ?? 0, recording.elapsed_s),
      sizeBytes: Math.max(newest?.sizeBytes ?? 0, recording.size_bytes),
      segments: Math.max(newest?.segments ?? 0, recording.segments),
      filename: newest?.filename ?? recording.filename,
      startedAt: recording.started_at,
      until: recording.until,
      origin: recording.origin,
      heardAt: Date.now(),
    };
  }
  if (before?.recordingId !== current.peek()?.recordingId) recordingsChanged.value += 1;
}

/** Asks the hub once what is recorded; the bus tells the rest. A failure leaves the marks as they are. */
export async function loadRecordings(): Promise<void> {
  const answer = await call('list_recordings', { query: { limit: 200 } }).catch(() => undefined);
  if (answer === undefined) return;
  const seen = new Set<string>();
  for (const recording of answer.items) {
    if (recording.ended_at !== null || overStates.has(recording.state)) continue;
    seen.add(recording.stream_id);
    takeRecording(recording.stream_id, recording);
  }
  // What ended while the bus was away.
  for (const [id, current] of running) {
    const one = current.peek();
    if (one !== undefined && !seen.has(id) && Date.now() - one.heardAt > 5000) current.value = undefined;
  }
}
