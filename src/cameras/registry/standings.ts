/** Joins what is known of each camera into its status, and tells of each change. */
import type { Camera, CameraStatus } from '../../contracts/index.js';
import type { CameraEntry } from './camera-book.js';
import type { CameraEvent, CameraListener } from './events.js';
import type { CameraParts } from './parts.js';
import { standingOf } from './standing.js';
import { showCamera } from './view.js';

/** Owns `status` and `error` of the entries, and the listeners. */
export class CameraStandings {
  readonly #parts: CameraParts;
  readonly #listeners = new Set<CameraListener>();
  readonly #onWork: (work: Promise<unknown>, message: string) => void;
  /** Cameras judged for the first time since the start: what they were before is not known to have ended. */
  readonly #fresh = new Set<string>();

  constructor(parts: CameraParts, onWork: (work: Promise<unknown>, message: string) => void) {
    this.#parts = parts;
    this.#onWork = onWork;
  }

  /** Notes the cameras that were known before this start. */
  begin(): void {
    for (const entry of this.#parts.book.all()) this.#fresh.add(entry.record.camera_id);
  }

  onChange(listener: CameraListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells everybody in the process. */
  tell(event: CameraEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#parts.log.warn({ err: error }, 'a listener of a camera failed');
      }
    }
  }

  /** As an admin sees it. */
  show(entry: CameraEntry): Camera {
    return showCamera(this.#parts, entry);
  }

  /** A sign of life, now. */
  seen(entry: CameraEntry): void {
    entry.seenAtMs = Date.now();
  }

  /** Looks at everything known of the camera anew. */
  judge(entry: CameraEntry): void {
    const { camera_id: cameraId, kind } = entry.record;
    const stream = this.#parts.streams.shown(cameraId)?.status;
    const { status, error } = standingOf({ kind, ...entry, reach: entry.isBeyondSight ? 'reachable' : entry.reach, stream });
    const before = entry.status;
    entry.error = error;
    if (before === status) return;
    entry.status = status;
    this.#keep(entry, before);
    const camera = this.show(entry);
    if (before === 'DISCONNECTED') this.tell({ type: 'connected', camera });
    if (status === 'DISCONNECTED') this.tell({ type: 'disconnected', camera });
    this.tell({ type: 'status_change', camera, old_status: before, new_status: status });
  }

  forget(cameraId: string): void {
    this.#fresh.delete(cameraId);
  }

  #keep(entry: CameraEntry, before: CameraStatus): void {
    const { record } = entry;
    const wasFresh = this.#fresh.delete(record.camera_id);
    const now = new Date().toISOString();
    if (before === 'DISCONNECTED') {
      // It was connected when the hub went away, and is: nobody has seen it go.
      const isStill = wasFresh && record.connected_at !== null && (record.last_seen_at ?? '') <= record.connected_at;
      if (!isStill) this.#onWork(this.#parts.book.change(entry, { connected_at: now }), 'a camera could not be stored');
    } else if (entry.status === 'DISCONNECTED') {
      const last_seen_at = entry.seenAtMs === 0 ? now : new Date(entry.seenAtMs).toISOString();
      this.#onWork(this.#parts.book.change(entry, { last_seen_at }), 'a camera could not be stored');
    }
  }
}
