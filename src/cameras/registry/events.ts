/** What happens to cameras, told inside the process. */
import type { Camera, CameraStatus } from '../../contracts/index.js';

/**
 * `connected` and `disconnected` come with the `status_change` that they are; `capability_detected` when what a camera can deliver was
 * read or has changed, `capability_error` when it could not be read. Cameras are as an admin sees them: mask before showing others.
 */
export type CameraEvent =
  | { readonly type: 'connected' | 'disconnected' | 'capability_detected' | 'added' | 'updated' | 'removed'; readonly camera: Camera }
  | { readonly type: 'status_change'; readonly camera: Camera; readonly old_status: CameraStatus; readonly new_status: CameraStatus }
  | { readonly type: 'capability_error'; readonly camera: Camera; readonly error: string };

export type CameraListener = (event: CameraEvent) => void;
