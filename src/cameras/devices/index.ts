/** The door of the device watch: capture devices of this host, as they appear and go. */
export { startDeviceWatch } from './device-watch.js';
export type { DeviceCommand, DeviceLimits, DeviceLog, DeviceRoots, DeviceSummary, DeviceWatch, DeviceWatchOptions } from './watch.js';
