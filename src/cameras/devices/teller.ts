/** Tells the bus of devices: each change once, and after a loss of the connection what may not have arrived. */
import type { Bus } from '../../bus/index.js';
import type { Device } from '../../contracts/device.js';

interface Told {
  /** Undefined: it was told gone. */
  readonly key: string | undefined;
  readonly device: Device;
  /** Connection it was published on, counted in losses. */
  readonly era: number;
  /** The server has taken it. */
  isSure: boolean;
}

const sureWithinMs = 5000;

export class DeviceTeller {
  readonly #bus: Bus;
  readonly #present = new Map<string, Device>();
  readonly #told = new Map<string, Told>();
  readonly #undo: (() => void)[];
  #isConnected = true;
  /** Counts losses: what was on its way then may be lost. */
  #losses = 0;

  constructor(bus: Bus) {
    this.#bus = bus;
    this.#undo = [
      bus.onDisconnect(() => {
        this.#isConnected = false;
        this.#losses += 1;
      }),
      bus.onReconnect(() => {
        this.#isConnected = true;
        for (const id of new Set([...this.#told.keys(), ...this.#present.keys()])) this.#tell(id);
      }),
    ];
  }

  /** The device is there, like this; answers whether that is news. */
  present(device: Device): boolean {
    const before = this.#present.get(device.device_id);
    this.#present.set(device.device_id, device);
    this.#tell(device.device_id);
    return before === undefined || keyOf(before) !== keyOf(device);
  }

  /** The device is gone. */
  gone(deviceId: string): void {
    this.#present.delete(deviceId);
    this.#tell(deviceId);
  }

  stop(): void {
    for (const undo of this.#undo) undo();
  }

  #tell(id: string): void {
    const device = this.#present.get(id);
    const before = this.#told.get(id);
    const key = device === undefined ? undefined : keyOf(device);
    if (before === undefined ? device === undefined : before.key === key && (before.isSure || before.era === this.#losses)) return;
    const subject = device ?? before?.device;
    if (subject === undefined || !this.#isConnected) return;
    const told: Told = { key, device: subject, era: this.#losses, isSure: false };
    this.#told.set(id, told);
    const timestamp = new Date().toISOString();
    if (device !== undefined) this.#bus.publish('device_discovered', {}, { ...device, timestamp });
    else {
      const { capabilities: _past, error: _error, ...rest } = subject;
      this.#bus.publish('device_removed', {}, { ...rest, timestamp });
    }
    void this.#confirm(id, told);
  }

  async #confirm(id: string, told: Told): Promise<void> {
    try {
      await this.#bus.flush(AbortSignal.timeout(sureWithinMs));
    } catch {
      // Told again after the reconnect.
      return;
    }
    if (told.era !== this.#losses) return;
    told.isSure = true;
    if (told.key === undefined && this.#told.get(id) === told) this.#told.delete(id);
  }
}

/** What a change is measured by: when and how fast it was looked at does not count. */
function keyOf({ timestamp: _timestamp, capabilities, ...rest }: Device): string {
  const { probed_at: _at, took_ms: _took, ...known } = capabilities ?? { probed_at: '', took_ms: 0 };
  return JSON.stringify([rest, known]);
}
