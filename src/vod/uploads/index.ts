/** The door of uploads: resumable, form, body, path, address, recording. */
export {
  defaultTiming,
  type Enqueue,
  type FetchedBody,
  type FetchSource,
  type UploadsLog,
  type UploadsOptions,
  type UploadsSettings,
  type UploadsStore,
  type UploadsTiming,
} from './needs.js';
export type { RecordedFile, UploadCounters, UploadOperations, Uploads } from './types.js';
export { startUploads } from './uploads.js';
