/** Recording at the edge: a spoke writes its own fragments to files, and keeps the list of what it wrote and of what is missing. */
export type { DeletedSegments } from './delete-segments.js';
export { openRecorders } from './open-recorders.js';
export type {
  OpenedRecorder,
  RecorderCommand,
  RecorderCounters,
  RecorderLimits,
  RecorderLog,
  Recorders,
  RecordersOptions,
  RecordingNews,
} from './recorders.js';
export type { OpenSegmentFile, SegmentFile } from './segment-file.js';
export type { DiskRoom, StorageLimits } from './storage-guard.js';
