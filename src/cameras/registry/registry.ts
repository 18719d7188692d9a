/** Capture devices become cameras: the same identity is the same camera, wherever it is plugged in. */
import { type CameraCapabilities, type Device, WeirError } from '../../contracts/index.js';
import type { CameraEntry } from './camera-book.js';
import type { CameraStreams } from './camera-streams.js';
import type { DeviceIntake, DeviceReceiver } from './device-intake.js';
import { type CameraParts, hubActor } from './parts.js';
import { type Plugged, PluggedDevices } from './plugged.js';
import type { CameraStandings } from './standings.js';

/** A device that tells more than this of itself is broken or hostile. */
const maxCapabilityBytes = 256 * 1024;
const maxNameLength = 120;

export interface RegistryNouns {
  readonly standings: CameraStandings;
  readonly streams: CameraStreams;
  readonly intake: () => DeviceIntake;
  readonly onWork: (work: Promise<unknown>, message: string) => void;
}

/** Owns which device is which camera. Its methods are called one after the other. */
export class DeviceRegistry implements DeviceReceiver {
  readonly #parts: CameraParts;
  readonly #nouns: RegistryNouns;
  readonly #plugged = new PluggedDevices();
  /** Devices that found no room, so that each is told once. */
  readonly #refused = new Set<string>();

  constructor(parts: CameraParts, nouns: RegistryNouns) {
    this.#parts = parts;
    this.#nouns = nouns;
  }

  /** Devices that are plugged in but are no camera, because there are too many. */
  get refused(): number {
    return this.#refused.size;
  }

  /** Where the camera is plugged in; undefined when it is not. */
  placeOf(cameraId: string): { spokeId: string; deviceId: string } | undefined {
    const [first] = this.#plugged.ofCamera(cameraId);
    return first === undefined ? undefined : { spokeId: first.spokeId, deviceId: first.device.device_id };
  }

  async discovered(device: Device, spokeId: string): Promise<void> {
    const cameraId = await this.#take(device, spokeId, Date.parse(device.timestamp));
    if (cameraId !== undefined) this.#nouns.intake().repeat('device_discovered', device, cameraId);
  }

  async removed(deviceId: string, spokeId: string, atMs: number): Promise<void> {
    this.#refused.delete(`${spokeId}/${deviceId}`);
    const gone = this.#plugged.remove(spokeId, deviceId, atMs);
    if (gone === undefined) return;
    await this.#moved(gone.cameraId);
    this.#nouns.intake().repeat('device_removed', { ...gone.device, timestamp: new Date().toISOString() }, gone.cameraId);
  }

  async listed(devices: readonly Device[], spokeId: string, atMs: number): Promise<void> {
    const listed = new Set(devices.map((device) => device.device_id));
    for (const { device, atMs: knownAtMs } of this.#plugged.ofSpoke(spokeId)) {
      // Of the same millisecond the event is the later one: a list is stamped before it is made.
      if (!listed.has(device.device_id) && knownAtMs < atMs) await this.removed(device.device_id, spokeId, atMs);
    }
    for (const device of devices) {
      if (this.#plugged.isNews(spokeId, device.device_id, atMs)) await this.#take(device, spokeId, atMs);
    }
  }

  async lost(spokeId: string): Promise<void> {
    const gone = this.#plugged.ofSpoke(spokeId);
    // Time 0: whatever the spoke says when it is back is newer.
    for (const { device } of gone) this.#plugged.remove(spokeId, device.device_id, 0);
    for (const { cameraId } of gone) await this.#moved(cameraId);
  }

  /** The spoke has shown that it and what is plugged into it are there. */
  alive(spokeId: string): void {
    for (const { cameraId } of this.#plugged.ofSpoke(spokeId)) {
      const entry = this.#parts.book.get(cameraId);
      if (entry !== undefined) this.#nouns.standings.seen(entry);
    }
  }

  /** The camera the device is; undefined when there is no room for it. */
  async #take(device: Device, spokeId: string, atMs: number): Promise<string | undefined> {
    await this.#clearNode(device, spokeId, atMs);
    const known = this.#plugged.get(spokeId, device.device_id);
    const entry = known === undefined ? await this.#entryFor(device, spokeId) : this.#parts.book.get(known.cameraId);
    if (entry === undefined) return undefined;
    const cameraId = entry.record.camera_id;
    this.#plugged.set({ device, spokeId, cameraId, atMs });
    await this.#moved(cameraId);
    return cameraId;
  }

  /** Where another device was at this node, that one is gone although nobody heard it go. */
  async #clearNode(device: Device, spokeId: string, atMs: number): Promise<void> {
    for (const other of this.#plugged.ofSpoke(spokeId)) {
      if (other.device.path === device.path && other.device.device_id !== device.device_id) await this.removed(other.device.device_id, spokeId, atMs);
    }
  }

  async #entryFor(device: Device, spokeId: string): Promise<CameraEntry | undefined> {
    const identity = await this.#identityOf(device, spokeId);
    const known = this.#parts.book.byIdentity(identity);
    if (known !== undefined) return known;
    const key = `${spokeId}/${device.device_id}`;
    try {
      const entry = await this.#parts.book.add({ identity, ...factsOf(device, spokeId), ...unchosen }, hubActor);
      this.#refused.delete(key);
      this.#nouns.standings.tell({ type: 'added', camera: this.#nouns.standings.show(entry) });
      return entry;
    } catch (error) {
      if (WeirError.from(error).code !== 'resource_exhausted') throw error;
      if (!this.#refused.has(key) && this.#refused.size < 1000)
        this.#parts.log.warn({ err: error, device_id: device.device_id }, 'a device is no camera');
      this.#refused.add(key);
      return undefined;
    }
  }

  /**
   * The device's own identity; but where the same is plugged in on another machine at this moment, they are two that call themselves
   * alike, and the second is known by its spoke as well, from then on.
   */
  async #identityOf(device: Device, spokeId: string): Promise<string> {
    const identity = `v4l2:${device.device_id}`;
    const alike = `${identity}@${spokeId}`;
    if ((await this.#parts.store.cameras.findByIdentity(alike)) !== undefined) return alike;
    const holder = this.#parts.book.byIdentity(identity);
    const elsewhere = holder === undefined ? [] : this.#plugged.ofCamera(holder.record.camera_id).filter((one) => one.spokeId !== spokeId);
    return elsewhere.some((one) => this.#isOtherMachine(one.spokeId, spokeId)) ? alike : identity;
  }

  #isOtherMachine(one: string, other: string): boolean {
    const host = this.#nouns.intake().hostOf(one);
    return host === undefined || host !== this.#nouns.intake().hostOf(other);
  }

  /** What is plugged in of the camera has changed: record, stream and status follow. */
  async #moved(cameraId: string): Promise<void> {
    const entry = this.#parts.book.get(cameraId);
    if (entry === undefined) return;
    const [place] = this.#plugged.ofCamera(cameraId);
    entry.isPlugged = place !== undefined;
    this.#nouns.standings.seen(entry);
    if (place === undefined) {
      entry.deviceError = undefined;
      this.#nouns.standings.judge(entry);
      return;
    }
    const { device } = place;
    const capabilities = readCapabilities(device);
    const error = capabilities instanceof Error ? capabilities.message : device.error;
    const isNewError = error !== undefined && error !== entry.deviceError;
    entry.deviceError = error;
    await this.#keep(entry, place, capabilities instanceof Error ? undefined : capabilities);
    if (isNewError) this.#nouns.standings.tell({ type: 'capability_error', camera: this.#nouns.standings.show(entry), error });
    this.#nouns.standings.judge(entry);
    this.#lead(entry);
  }

  async #keep(entry: CameraEntry, { device, spokeId }: Plugged, capabilities: CameraCapabilities | undefined): Promise<void> {
    const { record } = entry;
    const place = { spoke_id: spokeId === '' ? null : spokeId, source: device.path };
    const hasMoved = record.spoke_id !== place.spoke_id || record.source !== place.source;
    const hasLearned = capabilities !== undefined && !isAlike(record.capabilities, capabilities);
    if (hasMoved || hasLearned) await this.#parts.book.change(entry, { ...place, ...(hasLearned ? { capabilities } : {}) });
    const { standings } = this.#nouns;
    if (hasLearned) standings.tell({ type: 'capability_detected', camera: standings.show(entry) });
  }

  /** Cameras get streams by themselves from now on: those that are plugged in get theirs. */
  leadAll(): void {
    for (const entry of this.#parts.book.all()) if (entry.isPlugged) this.#lead(entry);
  }

  /** A stream that was there follows; one that was not is made where cameras get streams by themselves. */
  #lead(entry: CameraEntry): void {
    const { streams, current } = this.#parts;
    if (!current().settings.auto_start_streams && streams.stored(entry.record.camera_id) === undefined) return;
    const work = this.#nouns.streams.followDevice(entry).then(
      () => this.#defined(entry, undefined),
      (error: unknown) => {
        this.#defined(entry, WeirError.from(error).message);
        throw error;
      },
    );
    this.#nouns.onWork(work, 'the stream of a camera could not be defined');
  }

  #defined(entry: CameraEntry, error: string | undefined): void {
    entry.definitionError = error;
    this.#nouns.standings.judge(entry);
  }
}

const unchosen = { resolution: null, framerate: null, always_on: false, connected_at: null, last_seen_at: null };

function factsOf(device: Device, spokeId: string) {
  return {
    name: (device.name.trim() || 'Camera').slice(0, maxNameLength),
    kind: 'v4l2' as const,
    device_id: device.device_id,
    spoke_id: spokeId === '' ? null : spokeId,
    source: device.path,
    capabilities: null,
  };
}

function readCapabilities(device: Device): CameraCapabilities | Error | undefined {
  if (device.capabilities === undefined) return undefined;
  const size = JSON.stringify(device.capabilities).length;
  return size > maxCapabilityBytes ? new Error(`The device tells more of itself (${size} bytes) than can be true`) : device.capabilities;
}

/** When and how quickly it was read says nothing of what it can do. */
function isAlike(known: CameraCapabilities | null, read: CameraCapabilities): boolean {
  const essence = ({ probed_at: _when, took_ms: _long, ...rest }: CameraCapabilities) => JSON.stringify(rest);
  return known !== null && essence(known) === essence(read);
}
