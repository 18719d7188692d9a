/** Cameras on the hub: makes the nouns, ties them together, starts and stops them in order. */
import { setMaxListeners } from 'node:events';
import { type Camera, type ComponentHealth, WeirError } from '../../contracts/index.js';
import { Externals } from '../external/externals.js';
import { createOnvif } from '../onvif/find.js';
import { multicastProbe } from '../onvif/ws-discovery.js';
import { AddedCameras } from './added-cameras.js';
import { AddressWatch } from './address-watch.js';
import { CameraBook } from './camera-book.js';
import { CameraStreams } from './camera-streams.js';
import { DeviceIntake } from './device-intake.js';
import type { CameraListener } from './events.js';
import { type CameraSettings, type CamerasOptions, defaultCameraTiming } from './needs.js';
import { type CameraOperations, createCameraOperations } from './operations.js';
import type { CameraParts } from './parts.js';
import { DeviceRegistry } from './registry.js';
import { CameraStandings } from './standings.js';
import { showCamera } from './view.js';

/** The running cameras part. */
export interface Cameras {
  /** One operation per route; names and types are those of the route table. */
  readonly operations: CameraOperations;
  /** Every camera as an admin sees it, for callers inside the process; `host` makes its links. */
  list(host?: string): Camera[];
  /** Undefined when there is none. */
  get(cameraId: string, host?: string): Camera | undefined;
  /** Defines the camera's stream where none is, for example because cameras get none by themselves. Throws `not_found`, or why it cannot be. */
  ensureStream(cameraId: string): Promise<void>;
  /** Changes settings while cameras run. Cameras that are more than a lowered `max` stay; devices that found no room are taken where there is some. */
  configure(settings: CameraSettings): void;
  /** Component `cameras` for the health of the whole. */
  health(): ComponentHealth;
  /** Returns the way to unsubscribe. Listeners are called synchronously and in order. */
  onChange(listener: CameraListener): () => void;
  /** Ends scans, checks and intake. Streams go on. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A stop waits so long for what is under way. */
const stopMs = 6000;
const readersUnbounded = 0;

/** Resolves when devices are heard and what is remembered has been read. Fails when the database or the bus does not answer. */
export async function startCameras(options: CamerasOptions): Promise<Cameras> {
  const cameras = new CameraNouns(options);
  try {
    await cameras.start();
  } catch (error) {
    await cameras.stop();
    throw WeirError.from(error);
  }
  return cameras;
}

class CameraNouns implements Cameras {
  readonly operations: CameraOperations;
  readonly #abort = new AbortController();
  readonly #parts: CameraParts;
  readonly #book: CameraBook;
  readonly #standings: CameraStandings;
  readonly #streams: CameraStreams;
  readonly #registry: DeviceRegistry;
  readonly #intake: DeviceIntake;
  readonly #watch: AddressWatch;
  readonly #externals: Externals;
  readonly #works = new Set<Promise<unknown>>();
  #settings: CameraSettings;
  #unhear: () => void = () => undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: CamerasOptions) {
    setMaxListeners(readersUnbounded, this.#abort.signal);
    const { signal } = this.#abort;
    this.#settings = { settings: options.settings, external: options.external };
    const current = () => this.#settings;
    this.#book = new CameraBook(options.store, () => current().settings.max);
    this.#parts = { ...options, current, book: this.#book, timing: { ...defaultCameraTiming, ...options.timing }, signal };
    const onWork = (work: Promise<unknown>, message: string) => this.#onWork(work, message);
    this.#standings = new CameraStandings(this.#parts, onWork);
    this.#streams = new CameraStreams(this.#parts);
    this.#registry = new DeviceRegistry(this.#parts, { standings: this.#standings, streams: this.#streams, intake: () => this.#intake, onWork });
    this.#intake = new DeviceIntake(this.#parts, this.#registry);
    this.#watch = new AddressWatch(this.#parts, this.#standings, onWork);
    const onvif = createOnvif({ probe: options.onvifProbe ?? multicastProbe, policy: options.policy });
    const added = new AddedCameras(this.#parts, {
      standings: this.#standings,
      streams: this.#streams,
      watch: this.#watch,
      onvif,
      onRemoved: (cameraId) => this.#externals.cameraRemoved(cameraId),
    });
    this.#externals = new Externals(this.#parts, {
      add: async (camera, actor) => (await added.addExternal(camera, 'stream_url', actor)).record.camera_id,
      remove: async (cameraId, actor) => {
        const entry = this.#book.get(cameraId);
        if (entry !== undefined) await added.remove(entry, actor);
      },
      idOf: (url) => added.idOfAddress(url),
    });
    const nouns = {
      parts: this.#parts,
      standings: this.#standings,
      streams: this.#streams,
      registry: this.#registry,
      intake: this.#intake,
      added,
      onvif,
    };
    this.operations = createCameraOperations(nouns, this.#externals.operations);
  }

  async start(): Promise<void> {
    await this.#book.load();
    this.#standings.begin();
    this.#unhear = this.#parts.streams.onChange((streamId) => this.#onStream(streamId));
    for (const entry of this.#book.all()) {
      this.#watch.learn(entry);
      this.#standings.judge(entry);
    }
    await this.#intake.start();
    this.#watch.start();
    await this.#externals.start();
  }

  list(host?: string): Camera[] {
    return this.#book.all().map((entry) => showCamera(this.#parts, entry, host));
  }

  get(cameraId: string, host?: string): Camera | undefined {
    const entry = this.#book.get(cameraId);
    return entry === undefined ? undefined : showCamera(this.#parts, entry, host);
  }

  async ensureStream(cameraId: string): Promise<void> {
    await this.#streams.ensure(this.#book.need(cameraId));
  }

  configure(settings: CameraSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    this.#externals.configured(before.external);
    const { max, auto_start_streams } = settings.settings;
    if (max > before.settings.max) this.#intake.refreshAll();
    if (auto_start_streams && !before.settings.auto_start_streams) this.#registry.leadAll();
  }

  health(): ComponentHealth {
    const all = this.#book.all();
    const failing = all.filter((entry) => entry.status === 'ERROR');
    const { refused } = this.#registry;
    const faults = [
      ...(failing.length === 0 ? [] : [`${failing.length} of ${all.length} cameras are in error`]),
      ...(refused === 0 ? [] : [`${refused} devices found no room (cameras.max)`]),
    ];
    return {
      name: 'cameras',
      status: faults.length === 0 ? 'healthy' : 'degraded',
      ...(faults.length === 0 ? {} : { message: faults.join('; ') }),
      details: { known: all.length, connected: all.filter((entry) => entry.status === 'CONNECTED').length, failing: failing.length, refused },
    };
  }

  onChange(listener: CameraListener): () => void {
    return this.#standings.onChange(listener);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(): Promise<void> {
    this.#abort.abort();
    this.#unhear();
    this.#watch.stop();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopMs);
    });
    await Promise.race([Promise.all([this.#intake.stop(), this.#externals.stop(), Promise.allSettled(this.#works)]), late]);
    clearTimeout(timer);
  }

  #onStream(streamId: string): void {
    const entry = this.#book.get(streamId);
    if (entry === undefined) return;
    this.#watch.learn(entry);
    this.#standings.judge(entry);
  }

  /** Work that nobody waits for; a stop does. */
  #onWork(work: Promise<unknown>, message: string): void {
    const tracked = work.catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#parts.log.warn({ err: error }, message);
    });
    this.#works.add(tracked);
    tracked.finally(() => this.#works.delete(tracked)).catch(() => undefined);
  }
}
