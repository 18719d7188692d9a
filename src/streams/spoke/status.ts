/** From the phase of a stream to the status on the wire. Pure. */
import type { ErrorCode, WeirError } from '../../contracts/errors.js';
import type { StreamReason, StreamState, StreamStatus } from '../../contracts/stream.js';
import { restartsOf, type StreamPhase } from './state.js';

/** What is known beside the phase. */
export interface StatusFacts {
  readonly streamId: string;
  readonly spokeId: string;
  readonly pid: number | undefined;
  /** When the running FFmpeg delivered its first fragment. */
  readonly startedAt: Date | undefined;
  /** Why it is stopped, or what is wrong with it while it runs. */
  readonly reason: StreamReason | undefined;
  readonly showsSlate: boolean;
  readonly nextAttemptAt: Date | undefined;
  readonly configRevision: number | undefined;
  readonly lastStderr: readonly string[];
  readonly media: Pick<StreamStatus, 'mode' | 'encoder' | 'video' | 'audio' | 'codecs'>;
}

/** State on the wire. While a stream is being stopped it is what it was before: it is stopped when its processes are gone. */
export function wireState(phase: StreamPhase, before: StreamState): StreamState {
  switch (phase.is) {
    case 'stopped':
      return 'stopped';
    case 'probing':
    case 'starting':
      if (phase.failure !== undefined) return 'error';
      return phase.shown.is === 'old_run' ? 'running' : 'starting';
    case 'running':
      return 'running';
    case 'no_signal':
    case 'crash_loop':
      return 'error';
    case 'stopping':
      return before;
  }
}

export function toStatus(phase: StreamPhase, before: StreamState, facts: StatusFacts, now: Date): StreamStatus {
  const state = wireState(phase, before);
  const failure = 'failure' in phase ? phase.failure : undefined;
  const status: StreamStatus = {
    stream_id: facts.streamId,
    state,
    timestamp: now.toISOString(),
    restarts: restartsOf(phase),
    spoke_id: facts.spokeId,
    ...(state === 'stopped' ? {} : facts.media),
  };
  if (failure !== undefined) status.error = failure.message;
  const reason = phase.is === 'crash_loop' ? 'crash_loop' : (failure?.reason ?? facts.reason);
  if (reason !== undefined) status.reason = reason;
  if (facts.pid !== undefined) status.pid = facts.pid;
  if (facts.startedAt !== undefined && state === 'running') status.started_at = facts.startedAt.toISOString();
  if (facts.showsSlate) status.no_signal = true;
  if (facts.nextAttemptAt !== undefined && 'retryAtMs' in phase) status.next_attempt_at = facts.nextAttemptAt.toISOString();
  if (facts.configRevision !== undefined) status.config_revision = facts.configRevision;
  if (state === 'error' && facts.lastStderr.length > 0) status.last_stderr = [...facts.lastStderr];
  return status;
}

const refusalReasons: Partial<Record<ErrorCode, StreamReason>> = {
  not_found: 'source_missing',
  failed_precondition: 'encoder_failed',
  unsupported: 'unsupported_codec',
};

/** The status of a stream that stands because its configuration was not taken. */
export function withRefusal(status: StreamStatus, error: WeirError): StreamStatus {
  return { ...status, state: 'error', reason: refusalReasons[error.code] ?? 'forbidden_source', error: error.message };
}
