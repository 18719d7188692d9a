/** Cameras that a person adds by an address: network and ONVIF cameras, streams of others, files, test pictures. */
import { randomUUID } from 'node:crypto';
import { type AddCamera, type CameraCapabilities, type CameraKind, type UpdateCamera, WeirError } from '../../contracts/index.js';
import type { Onvif } from '../onvif/find.js';
import { addressKey, isSameAddress, readAddress } from './address.js';
import { loginOf, meantAddress, needAddress } from './address-change.js';
import type { AddressWatch } from './address-watch.js';
import type { CameraEntry } from './camera-book.js';
import type { CameraStreams } from './camera-streams.js';
import type { Actor } from './needs.js';
import type { CameraParts } from './parts.js';
import type { CameraStandings } from './standings.js';

/** The answer to an addition waits so long for a first look at address and media; the look goes on. */
const firstLookMs = 4000;

/** A camera that is asked for its other addresses has so long to answer. */
const profilesMs = 2000;

/** An address that was checked, with what is known of the camera behind it. */
export interface NewAddress {
  readonly kind: CameraKind;
  readonly identity: string;
  readonly device: string;
  readonly shown: string;
  /** Every address that the same camera is known to answer at. */
  readonly addresses: readonly string[];
  readonly name: string;
  readonly resolution: string | null;
  readonly capabilities: CameraCapabilities | null;
}

export interface AddedCamerasNouns {
  readonly standings: CameraStandings;
  readonly streams: CameraStreams;
  readonly watch: AddressWatch;
  readonly onvif: Onvif;
  /** A camera was forgotten or is somewhere else now: whoever refers to its address must let go. */
  readonly onRemoved: (cameraId: string) => Promise<void>;
}

/** Owns nothing; adds to the book and takes from it. */
export class AddedCameras {
  readonly #parts: CameraParts;
  readonly #nouns: AddedCamerasNouns;

  constructor(parts: CameraParts, nouns: AddedCamerasNouns) {
    this.#parts = parts;
    this.#nouns = nouns;
  }

  /** Throws the fault of a field, `already_exists`, or `resource_exhausted`. */
  async add(request: AddCamera, actor: Actor, signal: AbortSignal): Promise<CameraEntry> {
    const address = await this.#read(request, signal);
    await this.#refuseTwin(address, signal);
    return this.#add(address, request, actor);
  }

  /** Names a stream of others; `field` is what its address was called in the request. */
  async addExternal(camera: { url: string; name: string }, field: string, actor: Actor): Promise<CameraEntry> {
    const { device, shown, key } = readAddress(camera.url, {}, this.#parts.policy, field);
    const address = {
      kind: 'external' as const,
      identity: `network:${key}`,
      device,
      shown,
      addresses: [device],
      name: camera.name,
      resolution: null,
      capabilities: null,
    };
    return this.#add(address, {}, actor);
  }

  /** What the camera's new address or login comes to; changes nothing. Throws `failed_precondition` or the fault of a field. */
  async newAddress(entry: CameraEntry, wish: UpdateCamera, signal: AbortSignal): Promise<NewAddress> {
    const { record } = entry;
    needAddress(record);
    const meant = meantAddress(record, this.#parts.streams.stored(record.camera_id)?.config.device, wish);
    const size = wish.resolution ?? record.resolution ?? deliveredSize(record.capabilities);
    const address = await this.#read({ ...meant, name: record.name, ...(size === undefined ? {} : { resolution: size }) }, signal);
    if (address.kind === 'file' || address.kind === 'test')
      throw new WeirError('invalid_argument', 'source must be a network address', { field: 'source', received: address.shown });
    await this.#refuseTwin(address, signal, record.camera_id);
    const isSame = address.identity === record.identity;
    // A stream of others stays one until it is somewhere else.
    return isSame ? { ...address, kind: record.kind, capabilities: address.capabilities ?? record.capabilities } : address;
  }

  /** The record and the stream have the new address: looks there, as with a camera that was just added. */
  async moved(entry: CameraEntry, isElsewhere: boolean): Promise<void> {
    if (isElsewhere) await this.#nouns.onRemoved(entry.record.camera_id);
    await Promise.race([this.#nouns.watch.renew(entry), pause(firstLookMs)]);
  }

  /** The camera that an ONVIF address was added as. */
  idOfOnvif(source: string): string | undefined {
    return this.#parts.book.byIdentity(source)?.record.camera_id;
  }

  /** The camera that an address was added as, whatever its credentials. */
  idOfAddress(device: string): string | undefined {
    return this.#parts.book.byIdentity(`network:${addressKey(device)}`)?.record.camera_id;
  }

  /** Forgets a camera with its stream. */
  async remove(entry: CameraEntry, actor: Actor): Promise<void> {
    const { standings, streams, onRemoved } = this.#nouns;
    const camera = standings.show(entry);
    await this.#parts.book.forget(camera.camera_id, actor);
    standings.forget(camera.camera_id);
    standings.tell({ type: 'removed', camera });
    await onRemoved(camera.camera_id);
    await streams.remove(entry, actor);
  }

  async #read({ source, username, password, resolution, name }: AddCamera, signal: AbortSignal): Promise<NewAddress> {
    if (/^onvif:/i.test(source)) {
      const found = await this.#nouns.onvif.resolve(source, { username, password }, resolution, signal);
      // A profile that has the size already needs no encoder.
      const scaled = found.hasWishedSize ? null : (resolution ?? null);
      return { kind: 'onvif', identity: found.source, ...found, shown: found.source, name: name ?? found.name, resolution: scaled };
    }
    const { kind, device, shown, key } = readAddress(source, { username, password }, this.#parts.policy);
    const identity = key === undefined ? `${kind}:${randomUUID()}` : `network:${key}`;
    return {
      kind,
      identity,
      device,
      shown,
      addresses: key === undefined ? [] : [device],
      name: name ?? nameOf(kind, shown),
      resolution: resolution ?? null,
      capabilities: null,
    };
  }

  /** Throws `already_exists` when another camera is behind the same address, whichever way it was added. */
  async #refuseTwin({ addresses, shown, kind }: NewAddress, signal: AbortSignal, own?: string): Promise<void> {
    const given = addresses.filter((address) => URL.canParse(address));
    const hosts = new Set(given.map(hostnameOf));
    for (const { record } of this.#parts.book.all()) {
      if (record.camera_id === own || !isAddressed(record.kind)) continue;
      const device = this.#parts.streams.stored(record.camera_id)?.config.device;
      if (device === undefined || !URL.canParse(device)) continue;
      // One ONVIF camera has an address for each of its profiles, and reads only one of them.
      const others =
        record.kind === 'onvif' && kind !== 'onvif' && hosts.has(hostnameOf(device)) ? await this.#addressesOf(record.source, device, signal) : [];
      if ([device, ...others].some((theirs) => given.some((ours) => isSameAddress(ours, theirs)))) throw twinOf(record, shown);
    }
  }

  /** Of an ONVIF camera; none when it does not answer. */
  async #addressesOf(source: string, device: string, signal: AbortSignal): Promise<readonly string[]> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(profilesMs)]);
    return this.#nouns.onvif.resolve(source, loginOf(device) ?? {}, undefined, until).then(
      ({ addresses }) => addresses.filter((address) => URL.canParse(address)),
      () => [],
    );
  }

  async #add(address: NewAddress, request: Partial<AddCamera>, actor: Actor): Promise<CameraEntry> {
    const { standings, streams, watch } = this.#nouns;
    const { kind, identity, device, shown, name, resolution, capabilities } = address;
    const entry = await this.#parts.book.add(
      {
        identity,
        name: name.slice(0, 120),
        kind,
        device_id: null,
        spoke_id: null,
        source: shown,
        resolution,
        framerate: request.framerate ?? null,
        always_on: request.always_on ?? false,
        capabilities,
        connected_at: null,
        last_seen_at: null,
      },
      actor,
    );
    try {
      await streams.define(entry, device, actor);
    } catch (error) {
      await this.#parts.book.forget(entry.record.camera_id, actor);
      throw error;
    }
    standings.tell({ type: 'added', camera: standings.show(entry) });
    await Promise.race([watch.lookClosely(entry), pause(firstLookMs)]);
    return entry;
  }
}

function isAddressed(kind: CameraKind): boolean {
  return kind === 'network' || kind === 'onvif' || kind === 'external';
}

function hostnameOf(address: string): string {
  return new URL(address).hostname.toLowerCase();
}

function twinOf({ camera_id, name, source }: CameraEntry['record'], shown: string): WeirError {
  return new WeirError('already_exists', `That is ${camera_id} already (${name}), added as ${source}`, {
    field: 'source',
    received: shown,
    hint: `Change ${camera_id} instead, or remove it first`,
    facts: { resource: 'camera', id: camera_id },
  });
}

function nameOf(kind: CameraKind, shown: string): string {
  if (kind === 'test') return 'Test picture';
  if (kind === 'file') return shown.split('/').at(-1) || shown;
  return URL.canParse(shown) ? new URL(shown).host : shown;
}

/** Of the profile that was chosen when it was added. */
function deliveredSize(capabilities: CameraCapabilities | null): string | undefined {
  const size = capabilities?.formats[0]?.sizes[0];
  return size === undefined ? undefined : `${size.width}x${size.height}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
