/** A recording as it is shown: the order, its sums, and what its spoke tells right now. Pure. */
import type { GapCause, Recording, RecordingOrder, RecordingState, RecordingStatus, Segment } from '../../contracts/index.js';
import type { RecordingRecord, SegmentRecord } from '../../store/index.js';

/** The last word of a spoke about a recording. */
export interface LiveStatus {
  readonly status: RecordingStatus;
  /** Since when it says the same, milliseconds since 1970. */
  readonly sinceMs: number;
  /** False when the spoke that said so is lost. */
  readonly isHeard: boolean;
}

/** A spoke that ends a recording is believed to be still at it for so long. */
const stoppingMs = 15_000;

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}

/** When the order ends or ended; Infinity when nothing says so. */
export function endOf(record: Pick<RecordingRecord, 'ended_ms' | 'until_ms'>): number {
  return Math.min(record.ended_ms ?? Number.POSITIVE_INFINITY, record.until_ms ?? Number.POSITIVE_INFINITY);
}

/** True while the order is to be carried out. */
export function isDue(record: RecordingRecord, nowMs: number): boolean {
  return record.from_ms <= nowMs && endOf(record) > nowMs;
}

/** `own`: what is told of this recording; `stream`: what is told of the stream, perhaps for an order before it. */
export function showRecording(record: RecordingRecord, own: LiveStatus | undefined, stream: LiveStatus | undefined, nowMs: number): Recording {
  const { state, cause, error } = stateOf(record, own, stream, nowMs);
  const live = own?.status;
  const isOver = state === 'stopped' || state === 'failed';
  const startedAt = live?.started_at ?? isoOrNull(record.started_ms);
  return {
    recording_id: record.recording_id,
    stream_id: record.stream_id,
    origin: record.origin,
    state,
    cause,
    error,
    format: record.format,
    filename: (isOver ? undefined : live?.filename) ?? record.filename ?? live?.filename ?? null,
    started_at: record.started_ms === null ? startedAt : iso(Math.min(record.started_ms, Date.parse(startedAt ?? iso(record.started_ms)))),
    ended_at: isOver ? isoOrNull(record.stopped_ms ?? record.ended_ms ?? record.until_ms) : null,
    until: isoOrNull(record.until_ms),
    // A spoke that was started anew counts from there; the index knows what was before.
    elapsed_s: Math.max(record.elapsed_ms / 1000, isOver ? 0 : (live?.elapsed_s ?? 0)),
    size_bytes: Math.max(record.size_bytes, isOver ? 0 : (live?.size_bytes ?? 0)),
    segments: Math.max(record.segments, isOver ? 0 : (live?.segments ?? 0)),
    ...(isOver || live?.dropped_fragments === undefined ? {} : { dropped_fragments: live.dropped_fragments }),
    requested_by: record.requested_by,
    requested_at: iso(record.requested_ms),
  };
}

interface Shown {
  readonly state: RecordingState;
  readonly cause: GapCause | null;
  readonly error: string | null;
}

function stateOf(record: RecordingRecord, own: LiveStatus | undefined, stream: LiveStatus | undefined, nowMs: number): Shown {
  const endMs = endOf(record);
  if (endMs <= nowMs) {
    const isOver = record.state === 'stopped' || record.state === 'failed';
    const isWorking = own?.isHeard === true && !['stopped', 'failed'].includes(own.status.state);
    if (isWorking && !isOver && nowMs - endMs < stoppingMs) return { state: 'stopping', cause: null, error: null };
    return { state: record.state === 'failed' ? 'failed' : 'stopped', cause: record.cause, error: record.error };
  }
  const live = own ?? stream;
  if (live === undefined) return { state: 'starting', cause: null, error: null };
  if (!live.isHeard) return { state: 'waiting', cause: 'spoke_lost', error: `spoke ${live.status.spoke_id} is not heard any more` };
  // Its spoke has ended it, but it is wanted: it is on its way to another spoke, or comes again with the next assignment.
  if (live.status.state === 'stopped' || live.status.state === 'stopping') return { state: 'starting', cause: null, error: null };
  return { state: live.status.state, cause: live.status.cause ?? null, error: live.status.error ?? null };
}

export function toOrder(record: RecordingRecord): RecordingOrder {
  return {
    recording_id: record.recording_id,
    origin: record.origin,
    format: record.format,
    from: iso(record.from_ms),
    until: isoOrNull(record.until_ms),
    segment_s: record.segment_s,
    segment_bytes: record.segment_bytes,
    pre_roll_s: record.pre_roll_s,
  };
}

export const extensions = { fmp4: 'mp4', mp4: 'mp4', mkv: 'mkv' } as const;
export const contentTypes = { fmp4: 'video/mp4', mp4: 'video/mp4', mkv: 'video/x-matroska' } as const;

export function showSegment(record: SegmentRecord): Segment {
  return {
    filename: record.filename,
    recording_id: record.recording_id,
    stream_id: record.stream_id,
    format: record.format,
    started_at: iso(record.started_ms),
    ended_at: iso(record.ended_ms),
    duration_s: record.duration_ms / 1000,
    file_size: record.size_bytes,
    frames: record.frames,
    width: record.width,
    height: record.height,
    protected: record.protected,
    recovered: record.recovered,
    ...(record.lost_ms === null ? {} : { lost_at: iso(record.lost_ms) }),
    spoke_id: record.spoke_id,
    download_url: `/files/recordings/${record.filename}.${extensions[record.format]}`,
  };
}
