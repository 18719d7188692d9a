/** Asks a V4L2 node what it can do. */
import type { CameraCapabilities } from '../../contracts/camera.js';
import { parseV4l2Report } from './parse-report.js';
import { isCaptureNode, type V4l2Report } from './report.js';
import { runV4l2Ctl, type V4l2RunOptions, whyUnusable } from './run.js';

export interface V4l2Probe {
  readonly report: V4l2Report;
  /** True for a node that pictures can be taken from. */
  readonly isCapture: boolean;
  readonly capabilities: CameraCapabilities;
}

/**
 * Reads formats, sizes, rates and controls of a node by one run of `v4l2-ctl`; a running capture is not disturbed. Throws
 * `failed_precondition` when `v4l2-ctl` is not installed, `permission_denied`, `not_found` when the node is gone, `deadline_exceeded`
 * when the driver does not answer, `unsupported` when it is no V4L2 node, `unavailable` when it cannot be opened for another reason,
 * and `cancelled`.
 */
export async function probeV4l2(path: string, options: V4l2RunOptions = {}): Promise<V4l2Probe> {
  const run = await runV4l2Ctl(path, ['--all', '--list-formats-ext', '--list-ctrls-menus'], options);
  const report = parseV4l2Report(run.stdout);
  if (report === undefined) throw await whyUnusable(path, run.stderr);
  return { report, isCapture: isCaptureNode(report), capabilities: toCapabilities(report, run.tookMs) };
}

function toCapabilities(report: V4l2Report, tookMs: number): CameraCapabilities {
  const { driver, card, bus } = report;
  return {
    ...(driver === undefined ? {} : { driver }),
    ...(card === undefined ? {} : { card }),
    ...(bus === undefined ? {} : { bus }),
    formats: [...report.formats],
    controls: [...report.controls],
    probed_at: new Date().toISOString(),
    took_ms: Math.round(tookMs),
  };
}
