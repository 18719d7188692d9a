/** What most nouns of the cameras part need. */
import type { CameraBook } from './camera-book.js';
import type { CameraSettings, CamerasOptions, CameraTiming } from './needs.js';

export interface CameraParts extends Omit<CamerasOptions, 'timing' | keyof CameraSettings> {
  /** The settings as they are now. */
  readonly current: () => CameraSettings;
  readonly book: CameraBook;
  readonly timing: CameraTiming;
  /** Aborts when cameras stop. */
  readonly signal: AbortSignal;
}

/** Nobody in particular: the hub itself. */
export const hubActor = { user_id: null };
