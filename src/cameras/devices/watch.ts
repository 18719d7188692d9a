/** The contract of the watch over this host's capture devices. */
import type { Bus } from '../../bus/index.js';
import type { AgentCommand } from '../../contracts/agent.js';
import type { Device } from '../../contracts/device.js';

/** Commands to a spoke that are about its devices. */
export type DeviceCommand = Extract<AgentCommand, { action: 'devices' | 'set_controls' }>;

/** Writes down what happens; pino fits. */
export interface DeviceLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Where the kernel shows its devices; other folders stand in for it in tests. */
export interface DeviceRoots {
  /** Default `/dev`. */
  readonly dev?: string;
  /** Default `/sys`. */
  readonly sys?: string;
}

export interface DeviceLimits {
  /** Pause between two looks that do not rest on a notice of the kernel; default 10 000. */
  readonly reconcileMs?: number;
  /** Notices that come within so long are one; default 5. */
  readonly settleMs?: number;
  /** Longest wait for a driver's answer; default 5000. */
  readonly probeMs?: number;
  /** Probes at the same time; default 4. */
  readonly probesAtOnce?: number;
  /** Nodes looked after; further ones are told in the log. Default 64. */
  readonly maxNodes?: number;
  /** A new node that may not be opened yet is given so long for its rights to be set; default 400. */
  readonly rightsMs?: number;
}

export interface DeviceWatchOptions {
  /** On a connection that reconnects for ever; opened and closed by the caller. */
  readonly bus: Bus;
  readonly spokeId: string;
  readonly roots?: DeviceRoots;
  /** Program that asks the drivers; default `v4l2-ctl`. */
  readonly v4l2Ctl?: string;
  readonly limits?: DeviceLimits;
  readonly log?: DeviceLog;
  /** Stops the watch, as {@link DeviceWatch.stop} does. */
  readonly signal?: AbortSignal;
}

/** What an announcement tells of a device; the whole comes with the event and with the command `devices`. */
export interface DeviceSummary {
  readonly device_id: string;
  readonly path: string;
  readonly name: string;
}

export interface DeviceWatch {
  /** Capture devices plugged in now, ordered by node, as far as they have been probed. */
  devices(): Device[];
  /** The same in short, for the announcement of the spoke. */
  summaries(): DeviceSummary[];
  /**
   * Carries out `devices` (answers `{devices}` once every node that is there has been probed) and `set_controls` (answers `{controls}` as they
   * are then). Throws `not_found` for a device that is not plugged in, and `invalid_argument` naming the control.
   */
  obey(command: DeviceCommand): Promise<unknown>;
  /** Resolves when every node that was there at the time of the call has been probed. */
  settled(signal?: AbortSignal): Promise<void>;
  /** Ends probes and notices; publishes nothing any more. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
