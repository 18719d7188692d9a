/** What a spoke needs of whoever records its streams. `apps` passes one that writes files; without one, orders are ignored. */
import type { PreRoll, StoredFragment } from '../../bus/index.js';
import type { SpokeAssignment, StorageLimits } from '../../contracts/agent.js';
import type { StreamReason } from '../../contracts/stream.js';

export interface Recorders {
  /** The recorder of a stream that is served from now on, until `close`. Orders of an earlier process are remembered. */
  open(streamId: string, source: RecordedSource): StreamRecorder;
  /** When nothing may be recorded, as the hub says; told before `assign`. Left out: it keeps to what it was started with. */
  limits?(storage: StorageLimits): void;
  /** Everything that shall be recorded: what is not named is not recorded any more. Safe to repeat; takes effect at once. */
  assign(streams: readonly Pick<SpokeAssignment['streams'][number], 'stream_id' | 'recordings'>[]): void;
}

export interface RecordedSource {
  /** What is in memory, oldest first. */
  preRoll(): readonly PreRoll[];
}

/** Takes the picture of the source, never the no-signal picture. Nothing here waits, and nothing throws for reasons of the disk. */
export interface StreamRecorder {
  /** A new run of the encoder: what is pushed from now on belongs to this epoch and needs this init segment. */
  begin(epoch: string, init: Uint8Array): void;
  /**
   * A fragment of the present epoch, as it is stored for viewers. It may be shown when the promise resolves, at once when there is none:
   * so that a kill costs no more than one fragment that somebody has seen. Resolves soon, whatever the disk does, and never fails.
   */
  push(fragment: StoredFragment): Promise<void> | undefined;
  /** There is no picture of the source until the next `begin`; `message` is for people, without secrets. */
  lost(reason: StreamReason | 'configured', message?: string): void;
  /** The stream is not served any more; resolves when its file is finished. Its orders stand until `assign` says otherwise. */
  close(): Promise<void>;
}

/** Records nothing. */
export const noRecorders: Recorders = {
  open: () => ({ begin: () => undefined, push: () => undefined, lost: () => undefined, close: () => Promise.resolve() }),
  assign: () => undefined,
};
