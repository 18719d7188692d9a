/** V4L2 devices of this machine, by `v4l2-ctl`. */
export { parseV4l2Report } from './parse-report.js';
export { probeV4l2, type V4l2Probe } from './probe.js';
export { isCaptureNode, isLoopback, type V4l2Control, type V4l2Format, type V4l2FrameSize, type V4l2Report } from './report.js';
export type { V4l2RunOptions } from './run.js';
export { type ControlValue, controlArgs, setV4l2Controls } from './set-controls.js';
