/** What one V4L2 node said of itself. */
import type { CameraCapabilities } from '../../contracts/camera.js';

export type V4l2Format = CameraCapabilities['formats'][number];
export type V4l2FrameSize = V4l2Format['sizes'][number];
export type V4l2Control = CameraCapabilities['controls'][number];

export interface V4l2Report {
  readonly driver: string | undefined;
  readonly card: string | undefined;
  readonly bus: string | undefined;
  /** Serial number of the media device, as far as the driver has one. */
  readonly serial: string | undefined;
  /** What this node can do (not the whole device): `Video Capture`, `Metadata Capture`, `Video Memory-to-Memory`, … */
  readonly nodeCaps: readonly string[];
  /** Capture formats, in the driver's order. */
  readonly formats: readonly V4l2Format[];
  readonly controls: readonly V4l2Control[];
}
