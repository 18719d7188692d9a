/** Cameras on the hub: makes the nouns, ties them together, starts and stops them in order. */
import type { Camera, ComponentHealth } from '../../contracts/index.js';
import type { CameraListener } from './events.js';
import type { CamerasOptions } from './needs.js';
import type { CameraOperations } from './operations.js';

/** The running cameras part. */
export interface Cameras {
  /** One operation per route; names and types are those of the route table. */
  readonly operations: CameraOperations;
  /** Every camera as an admin sees it, for callers inside the process; `host` makes its links. */
  list(host?: string): Camera[];
  /** Undefined when there is none. */
  get(cameraId: string, host?: string): Camera | undefined;
  /** Defines the camera's stream where none is, for example because cameras get none by themselves. Throws `not_found`, or why it cannot be. */
  ensureStream(cameraId: string): Promise<void>;
  /** Component `cameras` for the health of the whole. */
  health(): ComponentHealth;
  /** Returns the way to unsubscribe. Listeners are called synchronously and in order. */
  onChange(listener: CameraListener): () => void;
  /** Ends scans, checks and intake. Streams go on. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Resolves when devices are heard and what is remembered has been read. Fails when the database or the bus does not answer. */
export async function startCameras(_options: CamerasOptions): Promise<Cameras> {
  throw new Error('being built');
}
