/** What happens to recordings, told to whoever listens inside the process. */
import type { Problem, Recording, Segment, Snapshot, StorageState } from '../../contracts/index.js';

export type RecordingChange =
  /** The first frame is on disk. */
  | { readonly kind: 'recording_started'; readonly recording: Recording }
  /** Over, with pictures: by hand, by its own end, or by its plan. */
  | { readonly kind: 'recording_stopped'; readonly recording: Recording }
  /** Wanted, but nothing is recorded, or (`failed`) nothing was until its end; `recording.cause` says why. */
  | { readonly kind: 'recording_error'; readonly recording: Recording }
  /** About once a second while it records. */
  | { readonly kind: 'recording_progress'; readonly recording: Recording }
  | { readonly kind: 'segment_finished'; readonly segment: Segment }
  | { readonly kind: 'snapshot_taken'; readonly snapshot: Snapshot }
  | { readonly kind: 'snapshot_error'; readonly stream_id: string; readonly error: Problem }
  | { readonly kind: 'storage_state'; readonly state: StorageState; readonly usage_percentage: number };

export type RecordingListener = (change: RecordingChange) => void;

/** Synchronous and in order; a listener that throws does not keep others from hearing. */
export class Changes {
  readonly #listeners = new Set<RecordingListener>();
  readonly #onFailure: (error: unknown) => void;

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** Returns the way to unsubscribe. */
  on(listener: RecordingListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(change: RecordingChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }
}
