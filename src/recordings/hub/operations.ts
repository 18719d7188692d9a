/** What recordings can be asked for, one operation per route of `contracts/routes/recordings.ts`; every door only translates. */
import type { MediaFile, Operation, StoredFile } from '../../contracts/index.js';

/** Every operation of the recordings part, named as its route. All of them throw `WeirError`. */
export interface RecordingsOperations {
  readonly start_recording: Operation<'start_recording'>;
  readonly stop_recording: Operation<'stop_recording'>;
  readonly get_recording: Operation<'get_recording'>;
  readonly set_recording_policy: Operation<'set_recording_policy'>;
  readonly list_recordings: Operation<'list_recordings'>;
  readonly list_segments: Operation<'list_segments'>;
  readonly get_segment: Operation<'get_segment'>;
  readonly update_segment: Operation<'update_segment'>;
  readonly delete_segment: Operation<'delete_segment'>;
  readonly delete_segments: Operation<'delete_segments'>;
  readonly coverage: Operation<'coverage'>;
  readonly playback: Operation<'playback', MediaFile>;
  readonly playback_part: Operation<'playback_part', StoredFile | MediaFile>;
  readonly thumbnail: Operation<'thumbnail', MediaFile>;
  readonly create_export: Operation<'create_export'>;
  readonly list_exports: Operation<'list_exports'>;
  readonly get_export: Operation<'get_export'>;
  readonly delete_export: Operation<'delete_export'>;
  readonly take_snapshot: Operation<'take_snapshot'>;
  readonly list_snapshots: Operation<'list_snapshots'>;
  readonly get_snapshot: Operation<'get_snapshot'>;
  readonly delete_snapshot: Operation<'delete_snapshot'>;
  readonly recording_file: Operation<'recording_file', StoredFile>;
  readonly snapshot_file: Operation<'snapshot_file', StoredFile>;
  readonly export_file: Operation<'export_file', StoredFile>;
  readonly get_storage: Operation<'get_storage'>;
  readonly set_retention: Operation<'set_retention'>;
  readonly cleanup_storage: Operation<'cleanup_storage'>;
}
