/** Recording at the edge: the spoke writes its own fragments to files. */
import type { PreRoll, StoredFragment } from '../../bus/index.js';
import type { AgentCommand, RecordingEntry, RecordingOrder, RecordingStatus, StreamReason } from '../../contracts/index.js';
import type { ClockSource } from './clock.js';
import type { OpenSegmentFile } from './segment-file.js';
import type { StorageLimits } from './storage-guard.js';

/** Lines of the log; pino fits. */
export interface RecorderLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface RecordersOptions {
  /** Below it each stream has a folder. Made when it is not there. */
  readonly folder: string;
  readonly spokeId: string;
  /** Tells the bus; never waits, never throws. What is lost there is asked for by `recording_entries`. */
  publish(message: RecordingNews): void;
  readonly storage: StorageLimits;
  /** For mp4 and mkv. Default `ffmpeg`. */
  readonly ffmpeg?: string;
  readonly log?: RecorderLog;
  readonly limits?: RecorderLimits;
  /** How a file is opened for writing; for tests of a failing disk. */
  readonly openFile?: OpenSegmentFile;
  /** For tests of a clock that is set. Default: that of the system. */
  readonly clock?: ClockSource;
  /** Names the boot of this machine, to tell a restart of the host from one of the spoke. Default: that of the kernel. */
  readonly bootId?: string;
}

export interface RecorderLimits {
  /** Bytes of one stream that may wait for the disk; beyond them there is a gap. Default 16 MiB. */
  readonly queueBytes?: number;
  /** Size of a stream's list of entries at which its older half is dropped. Default 32 MiB. */
  readonly listBytes?: number;
}

export type RecordingNews =
  | { readonly kind: 'status'; readonly status: RecordingStatus }
  | { readonly kind: 'entry'; readonly entry: RecordingEntry };

export type RecorderCommand = Extract<AgentCommand, { action: 'recording_entries' | 'delete_segments' }>;

/** Totals since the process began. `fragments` and `bytes` are those of the source, recorded or not. */
export interface RecorderCounters {
  readonly fragments: number;
  readonly bytes: number;
  readonly writes: number;
  /** Of all writes together, from the arrival of the oldest fragment until the system has taken it. */
  readonly writeMs: number;
  readonly longestWriteMs: number;
  /** Fragments that were given up because the disk was too slow. */
  readonly overflowed: number;
  /** Bytes that wait now, and the most that ever waited for one stream. */
  readonly queueBytes: number;
  readonly highestQueueBytes: number;
}

export interface OpenedRecorder {
  begin(epoch: string, init: Uint8Array): void;
  /** Resolves when the fragment may be shown: when those before it are in their file. Undefined when that is now. */
  push(fragment: StoredFragment): Promise<void> | undefined;
  lost(reason: StreamReason | 'configured', message?: string): void;
  close(): Promise<void>;
}

/**
 * The recorders of all streams of one spoke.
 *
 * Orders of one stream share one writer. At any time the segments belong to one of the orders that are due: a manual one before a
 * scheduled one before a permanent one, and of equals the one that began first. The change from one to the next is made at a keyframe,
 * so that no frame is missing and none is there twice.
 */
export interface Recorders {
  open(streamId: string, source: { preRoll(): readonly PreRoll[] }): OpenedRecorder;
  assign(streams: readonly { readonly stream_id: string; readonly recordings?: readonly RecordingOrder[] | undefined }[]): void;
  /** Changes when nothing may be recorded, and looks at the disk at once. */
  limits(storage: { readonly block_percent: number; readonly min_free_bytes: number; readonly check_s: number }): void;
  /** Carries out a command to the spoke. Fails with `not_found` for a stream that was never recorded here. */
  obey(command: RecorderCommand): Promise<unknown>;
  readonly counters: RecorderCounters;
  /** Ends every file; the orders stay remembered for the next process. */
  stop(): Promise<void>;
}
