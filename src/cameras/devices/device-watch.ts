/** Watches the device folder and tells the bus what was plugged and what went. */
import type { DeviceWatch, DeviceWatchOptions } from './watch.js';

/** Starts to watch; resolves once the watch stands. Devices that are there already are told like those that come. */
export declare function startDeviceWatch(options: DeviceWatchOptions): Promise<DeviceWatch>;
