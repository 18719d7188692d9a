/** What uploads offer. */
import type { ComponentHealth, Operation, Session, TusDoor, Video, VideoDraft } from '../../contracts/index.js';

/** Every operation on uploads, named as its route. All of them throw `WeirError`. */
export interface UploadOperations {
  readonly list_uploads: Operation<'list_uploads'>;
  readonly get_upload: Operation<'get_upload'>;
  readonly delete_upload: Operation<'delete_upload', undefined>;
  readonly check_upload: Operation<'check_upload'>;
  readonly reuse_upload: Operation<'reuse_upload'>;
  readonly upload_multipart: Operation<'upload_multipart'>;
  readonly upload_put: Operation<'upload_put'>;
  readonly upload_path: Operation<'upload_path'>;
  readonly upload_url: Operation<'upload_url'>;
}

/** A file that the library made, for example of a recording. It is moved (or copied) into the folder of uploads. */
export interface RecordedFile {
  /** Absolute; gone afterwards when it could be moved. */
  readonly path: string;
  /** File name to show, with extension. */
  readonly name: string;
  readonly draft: VideoDraft;
  readonly signal: AbortSignal;
}

/** Figures for metrics, since the start. */
export interface UploadCounters {
  /** Being received now. */
  readonly active: number;
  readonly received_bytes: number;
  readonly done: number;
  readonly failed: number;
}

export interface Uploads {
  readonly operations: UploadOperations;
  /** For `/api/v1/uploads/tus`. */
  readonly tus: TusDoor;
  /** Makes a video of a file, as an upload of the method `recording`. Throws `unsupported` when it is no video, `resource_exhausted` without room. */
  addRecording(file: RecordedFile, session: Session): Promise<Video>;
  counters(): UploadCounters;
  /** Component `uploads` for the health of the whole: degraded while the disk has too little room. */
  health(): ComponentHealth;
  /** Ends what runs; unfinished uploads go on with the next start. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
