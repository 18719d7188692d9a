/** The stream of each camera: defined once, led to wherever the camera is now. */
import { type StreamConfig, WeirError } from '../../contracts/index.js';
import type { CameraEntry } from './camera-book.js';
import { defaultPicture } from './default-size.js';
import type { Actor } from './needs.js';
import { type CameraParts, hubActor } from './parts.js';
import { Turns } from './turns.js';

/** What a person chose; null: back to the default, undefined: as it is. */
export interface PictureWish {
  readonly resolution?: string | null | undefined;
  readonly framerate?: number | null | undefined;
}

/** Owns nothing; one change of a camera's stream at a time. */
export class CameraStreams {
  readonly #parts: CameraParts;
  readonly #turns = new Map<string, { turns: Turns; waiting: number }>();

  constructor(parts: CameraParts) {
    this.#parts = parts;
  }

  /** Defines the stream of a capture device, or leads the one that is there to its present node and spoke. */
  followDevice(entry: CameraEntry): Promise<void> {
    return this.#inTurn(entry, async () => {
      const { camera_id: streamId, spoke_id, source } = entry.record;
      const spoke = spoke_id === null || spoke_id === '' ? null : spoke_id;
      const stored = this.#parts.streams.stored(streamId);
      if (stored === undefined) return this.#define(entry, deviceConfig(entry), spoke, hubActor);
      if (stored.config.device === source && stored.spoke === spoke) return;
      await this.#parts.streams.change(streamId, { config: { ...stored.config, device: source }, spoke }, hubActor);
    });
  }

  /** Throws `failed_precondition` where the address is not known any more. */
  async ensure(entry: CameraEntry): Promise<void> {
    const { camera_id: streamId, kind } = entry.record;
    if (this.#parts.streams.stored(streamId) !== undefined) return;
    if (kind === 'v4l2') return this.followDevice(entry);
    throw new WeirError('failed_precondition', `The stream of ${streamId} was deleted, and its address with it`, {
      hint: 'Delete the camera and add it again',
    });
  }

  /** For a camera with an address. `device` may hold credentials; throws what is wrong with it. */
  define(entry: CameraEntry, device: string, actor: Actor): Promise<void> {
    return this.#inTurn(entry, async () => {
      const config = addressConfig(entry, device);
      const stored = this.#parts.streams.stored(entry.record.camera_id);
      if (stored === undefined) return this.#define(entry, config, null, actor);
      await this.#parts.streams.change(entry.record.camera_id, { config: { ...stored.config, ...config } }, actor);
    });
  }

  /** Takes over what was chosen for the camera, and another address where one is given; that may hold credentials. */
  apply(entry: CameraEntry, wish: PictureWish, actor: Actor, device?: string): Promise<void> {
    return this.#inTurn(entry, async () => {
      const { camera_id: streamId, name, always_on } = entry.record;
      const stored = this.#parts.streams.stored(streamId);
      if (stored === undefined) return device === undefined ? undefined : this.#define(entry, addressConfig(entry, device), null, actor);
      const config = { ...withWish(stored.config, wish, entry), ...(device === undefined ? {} : { device }) };
      const isSame = JSON.stringify(config) === JSON.stringify(stored.config);
      await this.#parts.streams.change(streamId, { name, on_demand: !always_on, ...(isSame ? {} : { config }) }, actor);
    });
  }

  remove(entry: CameraEntry, actor: Actor): Promise<void> {
    return this.#inTurn(entry, () => this.#parts.streams.remove(entry.record.camera_id, actor));
  }

  #define({ record }: CameraEntry, config: StreamConfig, spoke: string | null, actor: Actor): Promise<void> {
    return this.#parts.streams.define({ stream_id: record.camera_id, name: record.name, config, on_demand: !record.always_on, spoke }, actor);
  }

  async #inTurn(entry: CameraEntry, work: () => Promise<void>): Promise<void> {
    const key = entry.record.camera_id;
    const place = this.#turns.get(key) ?? { turns: new Turns(), waiting: 0 };
    this.#turns.set(key, place);
    place.waiting += 1;
    try {
      await place.turns.run(work);
    } finally {
      place.waiting -= 1;
      if (place.waiting === 0) this.#turns.delete(key);
    }
  }
}

function deviceConfig({ record }: CameraEntry): StreamConfig {
  const usual = defaultPicture(record.capabilities);
  const resolution = record.resolution ?? usual.resolution;
  const framerate = record.framerate ?? usual.framerate;
  return { device: record.source, ...(resolution === undefined ? {} : { resolution }), ...(framerate === undefined ? {} : { framerate }) };
}

function addressConfig({ record: { resolution, framerate } }: CameraEntry, device: string): StreamConfig {
  return { device, ...(resolution === null ? {} : { resolution }), ...(framerate === null ? {} : { framerate }) };
}

function withWish(config: StreamConfig, wish: PictureWish, { record }: CameraEntry): StreamConfig {
  const usual = record.kind === 'v4l2' ? defaultPicture(record.capabilities) : {};
  const { resolution, framerate, ...rest } = config;
  const chosen = {
    resolution: wish.resolution === undefined ? resolution : (wish.resolution ?? usual.resolution),
    framerate: wish.framerate === undefined ? framerate : (wish.framerate ?? usual.framerate),
  };
  return {
    ...rest,
    ...(chosen.resolution === undefined ? {} : { resolution: chosen.resolution }),
    ...(chosen.framerate === undefined ? {} : { framerate: chosen.framerate }),
  };
}
