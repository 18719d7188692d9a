/** The parts of the hub that stand on streams: cameras, recordings, the gateway. They know each other only through what is passed here. */
import type { Access } from '../access/index.js';
import type { Bus } from '../bus/index.js';
import { type Cameras, startCameras } from '../cameras/index.js';
import type { Camera, ComponentHealth, Config } from '../contracts/index.js';
import { type Gateway, startGateway, type WishedPaths } from '../gateways/index.js';
import { type MachineFacts, parseSource, type SourcePolicy } from '../media/index.js';
import { type Recordings, type RecordingsSettings, startRecordings } from '../recordings/hub/index.js';
import type { Store } from '../store/index.js';
import type { StreamsHub } from '../streams/hub/index.js';
import type { Logger } from '../telemetry/index.js';
import { createCapturedStreams } from './captured-streams.js';
import type { DataFolder } from './data-folder.js';
import { createGatewayPaths } from './gateway-paths.js';
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
export function startHubRecordings(
  parts: DomainParts,
  streams: () => StreamsHub | undefined,
  cameras: () => Cameras | undefined,
): Promise<Recordings> {
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
      faultOf: (streamId) => faultOf(cameras()?.get(streamId)),
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
  const policy = { mediaFolders: mediaFolders(config), sourceHosts: config.streams.source_hosts, checkFiles: parts.isLocal };
  const paths = createGatewayPaths(streams);
  const gateway = await startHubGateway(parts, streams, paths.wished);
  try {
    const cameras = await startCameras({
      bus,
      store,
      log: log.child({ component: 'cameras' }),
      streams: createCapturedStreams(streams.owned, {
        gateway,
        isAllowed: (address) => parts.isLocal && isAllowedSource(address, policy),
        log: log.child({ component: 'gateway' }),
      }),
      settings: config.cameras,
      external: config.external_discovery,
      policy,
      recordingOf: (streamId) => recordings.recordingOf(streamId) !== null,
      // Before the hub listens nobody can reach it.
      urlsOf: (streamId, host = hostOf(parts.hubUrl())) => (host === undefined ? {} : gateway.urlsOf(streamId, host)),
    });
    paths.begin({ cameras, gateway });
    return { cameras, gateway, health: () => [cameras.health(), gateway.health()] };
  } catch (error) {
    paths.begin(undefined);
    throw error;
  }
}

function isAllowedSource(address: string, policy: SourcePolicy): boolean {
  try {
    parseSource(address, policy);
    return true;
  } catch {
    return false;
  }
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

function faultOf(camera: Camera | undefined): string | undefined {
  if (camera === undefined || camera.status === 'CONNECTED') return undefined;
  return camera.error ?? (camera.kind === 'v4l2' ? 'the camera is not plugged in' : 'the camera does not answer');
}

function hostOf(url: string): string | undefined {
  return url === '' ? undefined : new URL(url).host;
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the hub is not started yet');
  return value;
}
