/** What the runner of one stream needs. */
import type { Bus } from '../../bus/index.js';
import type { MachineFacts, SourcePolicy } from '../../media/index.js';
import type { Log } from './log.js';
import type { Recorders } from './recorder.js';
import type { RetryPolicy } from './state.js';

export interface RunnerLimits {
  /** Seconds and bytes of media kept in memory; defaults 10 and 32 MiB. */
  readonly preRollS?: number;
  readonly preRollBytes?: number;
  readonly retry?: Partial<RetryPolicy>;
  /** A stream that played for so long has recovered: its alert is cleared, its backoff starts anew. Default 5000. */
  readonly healthyAfterMs?: number;
  /** The first picture may take so long from the start of FFmpeg; slow (for example emulated) machines need more. Default 10 000. */
  readonly startGraceMs?: number;
}

export interface RunnerOptions {
  readonly bus: Bus;
  readonly streamId: string;
  readonly spokeId: string;
  readonly facts: MachineFacts;
  readonly policy: SourcePolicy;
  readonly limits: RunnerLimits;
  /** Where FFmpeg processes are noted for the sweep after a crash of ours. */
  readonly pidFolder?: string | undefined;
  readonly recorders: Recorders;
  isConnected(): boolean;
  readonly log: Log;
}
