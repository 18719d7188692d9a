/** What the hub side of recordings is given; `apps` passes the big objects. */
import type { Bus } from '../../bus/index.js';
import type { Config } from '../../contracts/index.js';
import type { MachineFacts } from '../../media/index.js';
import type { Store } from '../../store/index.js';

/** The part of the store that recordings use. */
export type RecordingsStore = Pick<Store, 'transaction' | 'recordings' | 'snapshots' | 'exports' | 'settings' | 'streams' | 'alerts' | 'exclusive'>;

/** Structured log; pino fits. */
export interface RecordingsLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface PictureRequest {
  readonly format: 'jpg' | 'png';
  /** 1 to 100; jpg only. */
  readonly quality: number;
  /** Pixels; default as the video. Never enlarged. */
  readonly width?: number;
}

/** A picture of the newest keyframe. */
export interface Picture {
  readonly body: Uint8Array;
  /** When its keyframe was published, milliseconds since 1970. */
  readonly takenAtMs: number;
}

/** What streams give. Nothing of it is used before the first request or order, so streams may start after recordings. */
export interface StreamsForRecordings {
  /** True for a stream that is defined now. */
  exists(streamId: string): boolean;
  /** The orders of a stream have changed: send its spoke a new assignment soon. */
  kick(streamId: string): void;
  /** Newest keyframe as a picture; starts the stream when it does not run. Throws `unavailable` when none comes. */
  picture(streamId: string, request: PictureRequest, signal: AbortSignal): Promise<Picture>;
  /** What is known to be wrong with the source of a stream; undefined when nothing is. Default: nothing is known of sources. */
  faultOf?(streamId: string): string | undefined;
}

export interface RecordingsFolders {
  /** Where spokes on this machine (or on a shared disk) write; the hub reads and deletes there. */
  readonly recordings: string;
  readonly snapshots: string;
  readonly exports: string;
  /** For what can be made again: remuxed files. */
  readonly cache: string;
}

export interface RecordingsSettings {
  readonly recordings: Pick<
    Config['recordings'],
    'format' | 'segment_s' | 'segment_bytes' | 'pre_roll_s' | 'gap_alert_s' | 'max_export_s' | 'export_keep_s'
  >;
  readonly snapshots: Pick<Config['snapshots'], 'quality' | 'max_count'>;
  readonly storage: Config['storage'];
}

/** Times that only tests shorten. */
export interface RecordingsTiming {
  /** Silence after which a spoke is lost. */
  readonly spokeLostMs: number;
  /** A start or stop waits so long for the spoke to report; then it answers with the state as it is. */
  readonly answerMs: number;
  /** Plans are looked at and states compared this often. */
  readonly tickMs: number;
  /** An on-demand stream is started so long before a planned recording. */
  readonly leadMs: number;
  /** Files and index are compared this often. */
  readonly reconcileMs: number;
}

export const defaultTiming: RecordingsTiming = { spokeLostMs: 6500, answerMs: 3000, tickMs: 1000, leadMs: 10_000, reconcileMs: 6 * 3600_000 };

export interface RecordingsOptions {
  /** Connected with the rights of the hub; remains the caller's to close. */
  readonly bus: Bus;
  readonly store: RecordingsStore;
  readonly log: RecordingsLog;
  readonly folders: RecordingsFolders;
  readonly settings: RecordingsSettings;
  /** FFmpeg of this machine; without it thumbnails, exports and playback of mp4 and mkv answer `unavailable`. */
  readonly facts?: MachineFacts | undefined;
  readonly streams: StreamsForRecordings;
  /** IANA name that plans without one mean; default: that of this machine. */
  readonly timeZone?: string;
  readonly timing?: Partial<RecordingsTiming>;
}

/** What most nouns of the hub side need. */
export interface RecordingsParts {
  readonly bus: Bus;
  readonly store: RecordingsStore;
  readonly log: RecordingsLog;
  readonly folders: RecordingsFolders;
  /** The settings as they are now. */
  readonly settings: () => RecordingsSettings;
  readonly timing: RecordingsTiming;
  readonly streams: StreamsForRecordings;
  /** Aborts when the hub stops. */
  readonly signal: AbortSignal;
}
