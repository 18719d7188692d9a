/** Why a run of FFmpeg (or a probe) ended, in the form the state machine decides by. */
import type { StreamReason } from '../../contracts/stream.js';

export interface Failure {
  readonly reason: StreamReason;
  /** One sentence for people, without secrets. */
  readonly message: string;
  /** What the owner of the stream can do. */
  readonly hint?: string;
  /**
   * `away`: the source is not there, which is normal and costs nothing to wait for.
   * `crash`: FFmpeg or what it is fed is faulty; too many in a row are a crash loop.
   * `permanent`: trying again helps only after somebody changed something (credentials, configuration); tried at the slow pace.
   * `switch`: the next run differs (other encoder, other plan), so it starts at once and is not counted as a crash.
   */
  readonly kind: 'away' | 'crash' | 'permanent' | 'switch';
}

const crashReasons: ReadonlySet<StreamReason> = new Set(['source_garbage', 'unsupported_codec', 'encoder_failed', 'output_failed', 'ffmpeg_missing']);

/** The kind that a reason has by itself; `switch` is only ever decided by who can do something else next. */
export function kindOf(reason: StreamReason): 'away' | 'crash' {
  return crashReasons.has(reason) ? 'crash' : 'away';
}
