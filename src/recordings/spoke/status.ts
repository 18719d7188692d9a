/** How a recording goes, in the words of the bus. Pure. */
import type { GapCause, RecordingState, RecordingStatus } from '../../contracts/index.js';
import { type BegunOrder, spanOf } from './orders.js';
import type { Segment } from './segment.js';

export interface StatusFacts {
  readonly streamId: string;
  readonly spokeId: string;
  readonly nowMs: number;
  /** Told for the last time. */
  readonly as: 'stopped' | undefined;
  /** The file being written, when it is of this recording. */
  readonly segment: Pick<Segment, 'stats' | 'part'> | undefined;
  /** A file is being written, of whichever recording. */
  readonly isRecording: boolean;
  /** The next file is of this recording. */
  readonly isNext: boolean;
  /** Fragments of the stream that a slow disk cost. */
  readonly dropped: number;
  readonly gap: { readonly cause: GapCause; readonly detail: string | undefined } | undefined;
}

const blocking: readonly GapCause[] = ['storage_blocked', 'disk_full', 'write_failed'];

export function statusOf(one: BegunOrder, facts: StatusFacts): RecordingStatus {
  const { order, tally } = one;
  const { segment, gap, streamId, spokeId, nowMs } = facts;
  const state = stateOf(one, facts);
  const isMissing = state === 'waiting' || state === 'blocked' || state === 'starting';
  const { untilMs } = spanOf(order);
  return {
    stream_id: streamId,
    recording_id: order.recording_id,
    spoke_id: spokeId,
    state,
    ...(isMissing && gap !== undefined ? { cause: gap.cause } : {}),
    ...(isMissing && gap?.detail !== undefined ? { error: gap.detail } : {}),
    format: order.format,
    filename: segment?.part.filename ?? (state === 'stopped' || state === 'stopping' ? tally.filename : null),
    started_at: tally.startedAtMs === null ? null : new Date(tally.startedAtMs).toISOString(),
    elapsed_s: Math.round(tally.elapsedMs + (segment?.stats.durationMs ?? 0)) / 1000,
    size_bytes: tally.sizeBytes + (segment?.stats.sizeBytes ?? 0),
    segments: tally.segments,
    dropped_fragments: facts.dropped,
    until: Number.isFinite(untilMs) ? new Date(untilMs).toISOString() : null,
    timestamp: new Date(nowMs).toISOString(),
  };
}

function stateOf({ endsAtMs, tally }: BegunOrder, { as, segment, isRecording, isNext, gap }: StatusFacts): RecordingState {
  if (as !== undefined) return as;
  if (endsAtMs !== undefined) return 'stopping';
  // Amid the file of another one, it begins at the next keyframe.
  if (isRecording) return isNext && segment === undefined ? 'starting' : 'recording';
  if (gap !== undefined && blocking.includes(gap.cause)) return 'blocked';
  return tally.startedAtMs === null && (gap === undefined || gap.cause === 'starting') ? 'starting' : 'waiting';
}
