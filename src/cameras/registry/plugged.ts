/** Which capture devices are plugged in where, as their spokes say. Pure bookkeeping; no identity is given here. */
import type { Device } from '../../contracts/index.js';

/** A device on a spoke. */
export interface Plugged {
  readonly device: Device;
  /** Empty for a plain spoke that does not tell its name. */
  readonly spokeId: string;
  readonly cameraId: string;
  /** When the spoke said so, by its own clock, milliseconds since 1970. */
  readonly atMs: number;
}

/** A removal is remembered for so long, so that an older list cannot bring the device back. */
const removalMemoryMs = 60_000;
const maxRemovals = 1000;

/** Owns the list. */
export class PluggedDevices {
  readonly #plugged = new Map<string, Plugged>();
  readonly #removed = new Map<string, number>();

  /** Devices of one camera, the one it is read from first. */
  ofCamera(cameraId: string): Plugged[] {
    return [...this.#plugged.values()].filter((one) => one.cameraId === cameraId);
  }

  ofSpoke(spokeId: string): Plugged[] {
    return [...this.#plugged.values()].filter((one) => one.spokeId === spokeId);
  }

  get(spokeId: string, deviceId: string): Plugged | undefined {
    return this.#plugged.get(keyOf(spokeId, deviceId));
  }

  /** False when something newer is known of the device. */
  isNews(spokeId: string, deviceId: string, atMs: number): boolean {
    const key = keyOf(spokeId, deviceId);
    return atMs >= (this.#plugged.get(key)?.atMs ?? 0) && atMs > (this.#removed.get(key) ?? 0);
  }

  set(plugged: Plugged): void {
    const key = keyOf(plugged.spokeId, plugged.device.device_id);
    this.#removed.delete(key);
    this.#plugged.set(key, plugged);
  }

  /** The device that was there; undefined when none was. */
  remove(spokeId: string, deviceId: string, atMs: number): Plugged | undefined {
    const key = keyOf(spokeId, deviceId);
    const known = this.#plugged.get(key);
    this.#plugged.delete(key);
    this.#removed.set(key, Math.max(atMs, this.#removed.get(key) ?? 0));
    this.#forgetRemovals(atMs);
    return known;
  }

  get size(): number {
    return this.#plugged.size;
  }

  #forgetRemovals(nowMs: number): void {
    for (const [key, atMs] of this.#removed) {
      if (this.#removed.size <= maxRemovals && nowMs - atMs < removalMemoryMs) return;
      this.#removed.delete(key);
    }
  }
}

function keyOf(spokeId: string, deviceId: string): string {
  return `${spokeId}/${deviceId}`;
}
