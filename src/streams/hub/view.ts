/** A stream as it is shown: its definition with what is truly known of its state. Pure. */
import type { Problem, Stream, StreamStatus } from '../../contracts/index.js';
import type { StreamRecord } from '../../store/index.js';
import type { Observed } from './observations.js';
import { showConfig } from './shown-config.js';

/** What the state is judged by, beside the definition. */
export interface Standing {
  readonly observed: Observed | undefined;
  readonly viewers: number;
  /** On-demand and nobody watches. */
  readonly isIdle: boolean;
  /** Spoke it is placed on, or that reported it. */
  readonly spokeId: string | undefined;
  /** Since when that spoke is lost, milliseconds since 1970; undefined while it is there. */
  readonly lostSinceMs: number | undefined;
  /** No spoke will take it: none is there, or the one it is pinned to is not. */
  readonly isHomeless: boolean;
  /** Why its spoke did not take it. */
  readonly refusal: Problem | undefined;
  readonly nowMs: number;
}

/** Secrets in its addresses are masked, whoever asks. */
export function composeStream(record: StreamRecord, standing: Standing): Stream {
  const path = `/api/v1/streams/${record.stream_id}`;
  const status = shownStatus(record, standing);
  return {
    ...record,
    config: showConfig(record.config),
    status,
    progress: status?.state === 'running' || status?.state === 'starting' ? (standing.observed?.progress ?? null) : null,
    viewers: standing.viewers,
    links: { live_mp4: `${path}/live.mp4`, hls: `${path}/hls/index.m3u8`, still: `${path}/still.jpg` },
  };
}

/** The last report, unless the hub knows better: a silent spoke's `running` is not true any more. */
export function shownStatus(record: StreamRecord, standing: Standing): StreamStatus | null {
  return spokenByHub(record, standing) ?? standing.observed?.status ?? (record.managed ? unreported(record, standing) : null);
}

/** The state that the hub speaks because no spoke can; undefined while the spoke's own word holds. */
export function spokenByHub(record: StreamRecord, standing: Standing): StreamStatus | undefined {
  const base = { stream_id: record.stream_id, timestamp: new Date(standing.nowMs).toISOString() };
  const isWanted = record.desired === 'running' && !standing.isIdle;
  const reported = standing.observed?.status;
  if (standing.lostSinceMs !== undefined && (isWanted || isActive(reported))) {
    const error = `${standing.spokeId === undefined ? 'The spoke' : `Spoke ${standing.spokeId}`} has not been heard since ${new Date(standing.lostSinceMs).toISOString()}`;
    return { ...base, state: 'error', reason: 'spoke_lost', error, ...(standing.spokeId === undefined ? {} : { spoke_id: standing.spokeId }) };
  }
  if (record.managed && isWanted && standing.isHomeless) {
    return { ...base, state: 'error', reason: 'no_spoke', error: 'No spoke is there to run it' };
  }
  if (standing.refusal !== undefined && isWanted && !isActive(reported)) {
    const reason = standing.refusal.code === 'permission_denied' ? { reason: 'forbidden_source' as const } : {};
    return { ...base, state: 'error', ...reason, error: standing.refusal.detail };
  }
  if (record.managed && record.desired === 'running' && standing.isIdle && !isActive(reported)) {
    return { ...base, state: 'stopped', reason: 'waiting_for_viewer' };
  }
  return undefined;
}

function isActive(status: StreamStatus | undefined): boolean {
  return status !== undefined && status.state !== 'stopped';
}

function unreported(record: StreamRecord, standing: Standing): StreamStatus | null {
  if (record.desired === 'running') return null;
  return { stream_id: record.stream_id, state: 'stopped', reason: 'requested', timestamp: new Date(standing.nowMs).toISOString() };
}
