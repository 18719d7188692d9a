/** The parts of the hub that stand on streams: cameras, recordings, the gateway. They know each other only through what is passed here. */
import type { Access } from '../access/index.js';
import type { Bus } from '../bus/index.js';
import { type Cameras, startCameras } from '../cameras/index.js';
import type { ComponentHealth, Config } from '../contracts/index.js';
import { type Gateway, type PathWish, startGateway, type WishedPaths } from '../gateways/index.js';
import type { MachineFacts } from '../media/index.js';
import { type Recordings, type RecordingsSettings, startRecordings } from '../recordings/hub/index.js';
import type { Store } from '../store/index.js';
import type { OwnedStreams, StreamsHub } from '../streams/hub/index.js';
import type { Logger } from '../telemetry/index.js';
import { createCapturedStreams } from './captured-streams.js';
import type { DataFolder } from './data-folder.js';
import { localSpokeId } from './local-spoke.js';
import { mediaFolders, recordingsFolder } from './spoke-settings.js';

export interface DomainParts {
  readonly config: Config;
  readonly data: DataFolder;
  readonly log: Logger;
  readonly store: Store;
  readonly access: Access;
  readonly bus: Bus;
  readonly facts: MachineFacts | undefined;
  /** True when hub and spoke share a disk. */
  readonly isLocal: boolean;
  /** Address of the hub for programs of this machine; asked when needed. */
  readonly hubUrl: () => string;
  readonly signal: AbortSignal;
}

/** Recordings come first: streams ask them what is to be recorded before anybody is told to start. */
export function startHubRecordings(parts: DomainParts, streams: () => StreamsHub | undefined): Promise<Recordings> {
  const { config, data, log, store, bus, facts } = parts;
  return startRecordings({
    bus,
    store,
    log: log.child({ component: 'recordings' }),
    folders: {
      recordings: recordingsFolder(config),
      snapshots: config.snapshots.folder ?? data.snapshotsFolder,
      exports: data.exportsFolder,
      cache: data.recordingsCache,
    },
    settings: recordingsSettings(config),
    facts,
    streams: {
      exists: (streamId) => streams()?.exists(streamId) === true,
      kick: () => streams()?.kick(),
      picture: (streamId, { width, ...request }, signal) =>
        needed(streams()).picture(streamId, { ...request, ...(width === undefined ? {} : { width }) }, signal),
    },
  });
}

/** The part of the configuration that recordings use. */
export function recordingsSettings({ recordings, snapshots, storage }: Config): RecordingsSettings {
  return { recordings, snapshots, storage };
}

export interface StreamDomains {
  readonly cameras: Cameras;
  readonly gateway: Gateway;
  health(): ComponentHealth[];
}

/** Starts the gateway, then the cameras whose pictures it hands on. */
export async function startStreamDomains(parts: DomainParts, streams: StreamsHub, recordings: Recordings): Promise<StreamDomains> {
  const { config, log, store, bus } = parts;
  let cameras: Cameras | undefined;
  const gateway = await startHubGateway(
    parts,
    streams,
    wishedPaths(parts, streams, () => cameras),
  );
  cameras = await startCameras({
    bus,
    store,
    log: log.child({ component: 'cameras' }),
    streams: createCapturedStreams(streams.owned, (streamId) => gateway.sourceOf(streamId)),
    settings: config.cameras,
    external: config.external_discovery,
    policy: { mediaFolders: mediaFolders(config), sourceHosts: config.streams.source_hosts, checkFiles: parts.isLocal },
    recordingOf: (streamId) => recordings.recordingOf(streamId) !== null,
    // Before the hub listens nobody can reach it.
    urlsOf: (streamId, host = hostOf(parts.hubUrl())) => (host === undefined ? {} : gateway.urlsOf(streamId, host)),
  });
  return { cameras, gateway, health: () => [...(cameras === undefined ? [] : [cameras.health()]), gateway.health()] };
}

function startHubGateway(parts: DomainParts, streams: StreamsHub, wished: WishedPaths): Promise<Gateway> {
  const { config, data, log, access, signal } = parts;
  return startGateway({
    settings: config.gateway,
    folder: data.gatewayFolder,
    // Its own: what spokes write there is none of its business.
    recordingsFolder: data.gatewayRecordings,
    secret: (name) => data.secret(name),
    hubUrl: parts.hubUrl,
    publicUrl: config.http.public_url,
    tls: config.http.tls?.cert_file !== undefined,
    ffmpeg: config.ffmpeg.ffmpeg,
    wished,
    knowsStream: (streamId) => streams.exists(streamId),
    access,
    tokens: access.streamTokens,
    log: log.child({ component: 'gateway' }),
    signal,
  });
}

/** Every stream has a path. A capture device of this machine is opened by the gateway where it can, a network camera is pulled by it. */
function wishedPaths({ isLocal }: DomainParts, streams: StreamsHub, cameras: () => Cameras | undefined): WishedPaths {
  const { owned } = streams;
  const wish = (streamId: string): PathWish => {
    const camera = cameras()?.get(streamId);
    if (camera?.kind === 'v4l2' && camera.source !== null && camera.spoke_id === localSpokeId && isLocal) {
      const [width, height] = camera.resolution.split('x').map(Number);
      const size = width === undefined || height === undefined || !(width > 0) || !(height > 0) ? {} : { width, height };
      return { streamId, source: { kind: 'v4l2', devicePath: camera.source, ...size, ...(camera.fps > 0 ? { frameRate: camera.fps } : {}) } };
    }
    const url = networkAddress(owned, streamId);
    return url === undefined ? { streamId, source: { kind: 'stream' } } : { streamId, source: { kind: 'network', url } };
  };
  return {
    list: () => streams.streams().map((stream) => wish(stream.stream_id)),
    onChange: (listener) => {
      const ends = [owned.onChange(() => listener()), cameras()?.onChange(() => listener())];
      return () => {
        for (const end of ends) end?.();
      };
    },
  };
}

/** What the gateway can pull by itself, and what players of it can decode without our encoder in between. */
function networkAddress(owned: OwnedStreams, streamId: string): string | undefined {
  const device = owned.stored(streamId)?.config.device;
  return device !== undefined && /^rtsps?:\/\//.test(device) ? device : undefined;
}

function hostOf(url: string): string | undefined {
  return url === '' ? undefined : new URL(url).host;
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the hub is not started yet');
  return value;
}
