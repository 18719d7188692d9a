/** What one V4L2 node said of itself. */
import type { CameraCapabilities } from '../../contracts/camera.js';

export type V4l2Format = CameraCapabilities['formats'][number];
export type V4l2FrameSize = V4l2Format['sizes'][number];
export type V4l2Control = CameraCapabilities['controls'][number];

export interface V4l2Report {
  readonly driver: string | undefined;
  readonly card: string | undefined;
  readonly bus: string | undefined;
  /** What this node can do (not the whole device): `Video Capture`, `Metadata Capture`, `Video Memory-to-Memory`, … */
  readonly nodeCaps: readonly string[];
  /** Capture formats, in the driver's order. */
  readonly formats: readonly V4l2Format[];
  readonly controls: readonly V4l2Control[];
}

const captures = ['Video Capture', 'Video Capture Multiplanar'];

/** Codecs and scalers, touch panels, and nodes that deliver nothing until a media pipeline was put together by hand. */
const otherTrades = ['Video Memory-to-Memory', 'Video Memory-to-Memory Multiplanar', 'Touch Device', 'I/O MC'];

const outputs = ['Video Output', 'Video Output Multiplanar'];

/**
 * True for a node that a picture can be taken from just so. A node that takes pictures as well as it gives them is a codec of the old
 * kind, unless it is the loopback, which passes on what another program writes.
 */
export function isCaptureNode(report: V4l2Report): boolean {
  const can = (names: readonly string[]) => names.some((name) => report.nodeCaps.includes(name));
  return can(captures) && !can(otherTrades) && (!can(outputs) || isLoopback(report));
}

/** True for a node of `v4l2loopback`, which becomes a capture node and ceases to be one without any notice. */
export function isLoopback(report: V4l2Report): boolean {
  return report.driver?.toLowerCase().includes('loopback') === true;
}
