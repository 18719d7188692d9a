/** What the store keeps of recordings, snapshots and exports. Times are whole milliseconds since 1970. */
import type { Export, GapCause, Recording, RecordingPolicy } from '../contracts/index.js';
import type { Page, PageQuery } from './page.js';

/** One order and what became of it. */
export interface RecordingRecord {
  recording_id: string;
  stream_id: string;
  origin: Recording['origin'];
  format: Recording['format'];
  segment_s: number;
  segment_bytes: number;
  pre_roll_s: number;
  /** Begin of the order; in the future for a plan that was made ahead. */
  from_ms: number;
  /** End of the order; null: until it is stopped. */
  until_ms: number | null;
  /** Length asked for, as long as `until_ms` may still move to the first frame. */
  duration_ms: number | null;
  /** When it was called off, or was seen to have ended; null: still wanted. */
  ended_ms: number | null;
  state: Recording['state'];
  cause: GapCause | null;
  error: string | null;
  filename: string | null;
  started_ms: number | null;
  stopped_ms: number | null;
  /** Sums over the finished files. */
  elapsed_ms: number;
  size_bytes: number;
  segments: number;
  requested_by: string;
  requested_ms: number;
}
export type RecordingChanges = Partial<Omit<RecordingRecord, 'recording_id' | 'stream_id' | 'origin' | 'elapsed_ms' | 'size_bytes' | 'segments'>>;

export interface PolicyRecord {
  stream_id: string;
  policy: RecordingPolicy;
  /** Orders were made of it up to here. */
  planned_ms: number;
}

/** One finished file. */
export interface SegmentRecord {
  filename: string;
  recording_id: string;
  stream_id: string;
  spoke_id: string;
  /** Below the recordings folder. */
  path: string;
  format: Recording['format'];
  started_ms: number;
  ended_ms: number;
  duration_ms: number;
  size_bytes: number;
  frames: number;
  width: number | null;
  height: number | null;
  codecs: string;
  init_bytes: number;
  protected: boolean;
  recovered: boolean;
  /** When its file was found to be gone; null: as far as known it is there. */
  lost_ms: number | null;
}

/** Milliseconds from the begin of the file, and byte offset. */
export type Keyframe = readonly [ms: number, offset: number];

export interface GapRecord {
  stream_id: string;
  spoke_id: string;
  recording_id: string;
  from_ms: number;
  to_ms: number;
  cause: GapCause;
  detail: string | null;
}

/** Pages by number, newest first. */
export interface OffsetQuery {
  readonly limit: number;
  readonly offset: number;
  /** Only these streams; null: all. */
  readonly streams: readonly string[] | null;
}
export interface OffsetPage<T> {
  readonly items: T[];
  /** All that match. */
  readonly total: number;
}

export interface SegmentQuery extends OffsetQuery {
  readonly recording_id?: string | undefined;
  /** Segments that end after. */
  readonly from_ms?: number | undefined;
  /** Segments that begin before. */
  readonly to_ms?: number | undefined;
  readonly protected?: boolean | undefined;
}

export interface StreamTotals {
  stream_id: string;
  segments: number;
  size_bytes: number;
  oldest_ms: number | null;
}

export interface RecordingRepository {
  policies(): Promise<PolicyRecord[]>;
  putPolicy(policy: PolicyRecord): Promise<void>;
  deletePolicy(streamId: string): Promise<boolean>;

  /** Throws `already_exists`. */
  insert(recording: RecordingRecord): Promise<void>;
  get(recordingId: string): Promise<RecordingRecord | undefined>;
  /** False when there is none. */
  update(recordingId: string, changes: RecordingChanges): Promise<boolean>;
  delete(recordingId: string): Promise<boolean>;
  /** Orders that have not ended, future ones included; oldest first. */
  open(): Promise<RecordingRecord[]>;
  /** Orders whose time touches a span, oldest first. */
  within(streamId: string, fromMs: number, toMs: number): Promise<RecordingRecord[]>;
  /** Newest begin first; those that begin after `nowMs` are left out. */
  list(query: OffsetQuery & { readonly nowMs: number }): Promise<OffsetPage<RecordingRecord>>;

  /** Number of the last entry taken over from a spoke for a stream; 0 before the first. */
  cursor(spokeId: string, streamId: string): Promise<number>;
  setCursor(spokeId: string, streamId: string, sequence: number): Promise<void>;
  cursors(): Promise<{ spoke_id: string; stream_id: string; sequence: number }[]>;

  /** Adds a finished file to the index and to the sums of its recording. False, and nothing changes, when the name is known. */
  addSegment(segment: SegmentRecord, keyframes: readonly Keyframe[]): Promise<boolean>;
  segment(filename: string): Promise<SegmentRecord | undefined>;
  /** Newest first; the total is exact without reading all that match. */
  segments(query: SegmentQuery): Promise<OffsetPage<SegmentRecord>>;
  /** Segments that touch a span, oldest first. */
  segmentsWithin(streamId: string, fromMs: number, toMs: number): Promise<SegmentRecord[]>;
  /** The segment that shows a moment; without one, the last before it that ended at most `reachMs` earlier. */
  segmentAt(streamId: string, atMs: number, reachMs: number): Promise<SegmentRecord | undefined>;
  keyframes(filename: string): Promise<Keyframe[]>;
  /** For files whose keyframes were found later. */
  setKeyframes(filename: string, initBytes: number, keyframes: readonly Keyframe[]): Promise<void>;
  protect(filename: string, isProtected: boolean): Promise<SegmentRecord | undefined>;
  markLost(filename: string, lostMs: number | null): Promise<void>;
  /** Bytes of the index that are marked as lost. */
  lostBytes(): Promise<number>;
  /** Removes it from the index, and notes its time as a gap. Undefined when it is not there. */
  removeSegment(filename: string, gap: Pick<GapRecord, 'cause' | 'detail'>): Promise<SegmentRecord | undefined>;
  /** Oldest first, protected ones left out. */
  oldest(query: {
    readonly limit: number;
    readonly before_ms?: number;
    readonly stream_id?: string;
    readonly not_streams?: readonly string[];
  }): Promise<SegmentRecord[]>;
  /** Every file of the index by name, page by page. */
  filenames(after: string, limit: number): Promise<Pick<SegmentRecord, 'filename' | 'spoke_id' | 'path' | 'size_bytes' | 'lost_ms'>[]>;
  totals(): Promise<StreamTotals[]>;
  /** Bytes of the segments that began on or after a day (days since 1970), for each stream. */
  bytesSince(day: number): Promise<Map<string, number>>;

  addGap(gap: GapRecord): Promise<void>;
  gapsWithin(streamId: string, fromMs: number, toMs: number): Promise<GapRecord[]>;
  pruneGaps(beforeMs: number): Promise<number>;
}

export interface SnapshotRecord {
  /** With extension. */
  filename: string;
  stream_id: string;
  format: 'jpg' | 'png';
  width: number;
  height: number;
  size_bytes: number;
  taken_ms: number;
  taken_by: string;
  protected: boolean;
}

export interface SnapshotRepository {
  /** Throws `already_exists`. */
  insert(snapshot: SnapshotRecord): Promise<void>;
  get(filename: string): Promise<SnapshotRecord | undefined>;
  delete(filename: string): Promise<boolean>;
  list(query: OffsetQuery): Promise<OffsetPage<SnapshotRecord>>;
  /** Beyond the newest `keep`, oldest first, protected ones left out; at most 1000. */
  beyond(keep: number): Promise<SnapshotRecord[]>;
  olderThan(ms: number): Promise<SnapshotRecord[]>;
  /** Of the named streams; null or left out: of all. */
  totalBytes(streams?: readonly string[] | null): Promise<number>;
}

export interface ExportRecord {
  export_id: string;
  stream_id: string;
  from_ms: number;
  to_ms: number;
  name: string;
  state: Export['state'];
  progress: number;
  error: string | null;
  /** With extension. */
  filename: string | null;
  size_bytes: number | null;
  missing_ms: number;
  created_ms: number;
  created_by: string;
  expires_ms: number | null;
}

export interface ExportRepository {
  /** Throws `already_exists` when the file name is taken. */
  insert(record: ExportRecord): Promise<void>;
  get(exportId: string): Promise<ExportRecord | undefined>;
  byFilename(filename: string): Promise<ExportRecord | undefined>;
  /** Changes it only while it is in one of `states`; false when it was not. */
  update(exportId: string, changes: Partial<ExportRecord>, states?: readonly Export['state'][]): Promise<boolean>;
  delete(exportId: string): Promise<boolean>;
  /** Newest first. */
  list(query: PageQuery & { readonly streams: readonly string[] | null }): Promise<Page<ExportRecord>>;
  /** Queued or running, oldest first. */
  unfinished(): Promise<ExportRecord[]>;
  expired(nowMs: number): Promise<ExportRecord[]>;
  /** Of the named streams; null or left out: of all. */
  totalBytes(streams?: readonly string[] | null): Promise<number>;
}
