/** Looks at a source before it is streamed. */
import type { SourceProbe, StreamReason } from '../../contracts/stream.js';
import type { MachineFacts } from './facts.js';
import type { Source } from './source.js';

export interface ProbeOptions {
  readonly facts: Pick<MachineFacts, 'ffmpeg' | 'ffprobe'>;
  readonly signal?: AbortSignal;
  /** Default 8000. */
  readonly timeoutMs?: number;
  /** Default `tcp`. */
  readonly rtspTransport?: 'tcp' | 'udp';
}

export interface ProbeOutcome {
  /** For the wire; secrets are masked. */
  readonly probe: SourceProbe;
  /** Set when the source cannot be streamed as it is. */
  readonly reason: StreamReason | undefined;
}

/** Never throws for a bad source: that is an answer (`reachable: false` or `error`). Throws only when `signal` aborts. */
export function probeSource(_source: Source, _options: ProbeOptions): Promise<ProbeOutcome> {
  throw new Error('being written');
}
