/** The door of the hub side of recordings: orders, index, coverage, retention, playback, exports, snapshots. */
export type { RecordingChange, RecordingListener } from './changes.js';
export {
  defaultTiming,
  type Picture,
  type PictureRequest,
  type RecordingsFolders,
  type RecordingsLog,
  type RecordingsOptions,
  type RecordingsSettings,
  type RecordingsStore,
  type RecordingsTiming,
  type StreamsForRecordings,
} from './needs.js';
export type { RecordingsOperations } from './operations.js';
export { type Recordings, startRecordings } from './recordings.js';
