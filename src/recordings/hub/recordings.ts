/** The hub side of recordings: makes the nouns, ties them together, starts and stops them in order. */
import type { ComponentHealth, Recording, RecordingOrder } from '../../contracts/index.js';
import type { RecordingListener } from './changes.js';
import type { RecordingsSettings } from './needs.js';
import type { RecordingsOperations } from './operations.js';

/** The running hub side of recordings. Made by `startRecordings(options: RecordingsOptions): Promise<Recordings>`. */
export interface Recordings {
  /** One operation per route; names and types are those of the route table. */
  readonly operations: RecordingsOperations;
  /** What a spoke shall record of a stream, now and in the next 24 hours: part of its assignment. */
  ordersOf(streamId: string): RecordingOrder[];
  /** True while (and shortly before) a stream is to be recorded, so that it must run whoever watches. */
  isWanted(streamId: string): boolean;
  /** What is recorded of a stream right now; null when nothing is. */
  recordingOf(streamId: string): Recording | null;
  /** Component `storage` and `recordings` for the health of the whole. */
  health(): ComponentHealth[];
  /** Tells of each change; returns the way to unsubscribe. */
  onChange(listener: RecordingListener): () => void;
  /** The configuration has changed: used from now on. */
  configure(settings: RecordingsSettings): void;
  /** Ends intake, then exports and the FFmpegs of thumbnails. Spokes record on without the hub. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
