/** What tests of cameras share: cameras on a real streams hub, broker and database, and a spoke that only tells of devices. */
import { setMaxListeners } from 'node:events';
import { type Agent, type Bus, createBus, startAgent } from '../../bus/index.js';
import {
  type AgentCommand,
  type Camera,
  type Config,
  configSchema,
  type Device,
  type RouteInput,
  type RouteName,
  type Session,
} from '../../contracts/index.js';
import { openStore, type Store } from '../../store/index.js';
import { type StreamsHub, startStreamsHub } from '../../streams/hub/index.js';
import { startTestBroker, type TestBroker, waitFor } from '../../testkit/index.js';
import { type CameraEvent, type Cameras, type CamerasOptions, startCameras } from '../index.js';

export const admin: Session = { user_id: 'u1', username: 'ada', role: 'admin', streams: null, expires_at: null };
export const viewer: Session = { user_id: 'u2', username: 'vic', role: 'viewer', streams: null, expires_at: null };
export const bound: Session = { user_id: 'u3', username: 'bob', role: 'operator', streams: ['camera0'], expires_at: null };

/** Context of a call that nobody cancels. */
export const calm = { signal: new AbortController().signal };
setMaxListeners(0, calm.signal);

export interface CameraBench extends AsyncDisposable {
  readonly broker: TestBroker;
  readonly store: Store;
  readonly streams: StreamsHub;
  readonly cameras: Cameras;
  /** Of a client with all rights. */
  readonly bus: Bus;
  /** Everything told in the process, since the start of the bench. */
  readonly events: CameraEvent[];
  /** Warnings and errors of the cameras part. */
  readonly complaints: string[];
  /** Resolves when the camera passes the test. */
  until(cameraId: string, test: (camera: Camera) => boolean): Promise<Camera>;
  /** Cuts the hub's connection; resolves when it is there again. */
  reconnect(): Promise<void>;
  /** Ends cameras, keeping everything else, runs `between`, and starts them again. */
  restart(between?: () => Promise<void>): Promise<void>;
}

export type BenchOptions = Partial<Omit<CamerasOptions, 'external'>> & {
  external?: Partial<Config['external_discovery']>;
  /** Of the streams hub; default 900, too short for a real spoke. */
  spokeLostMs?: number;
};

export async function startCameraBench(options: BenchOptions = {}): Promise<CameraBench> {
  const broker = await startTestBroker();
  const store = await openStore({ path: ':memory:' });
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const connection = await broker.connect();
  const streams = await startStreamsHub({
    bus: createBus(connection),
    store,
    log: quiet,
    access: { mayWatch: () => true },
    settings: { media_folders: ['/media'], source_hosts: [], media_max_age_s: 60, media_max_bytes: 64 * 1024 ** 2, linger_s: 1 },
    timing: { spokeLostMs: options.spokeLostMs ?? 900, graceMs: 700, reconcileMs: 250, viewersMs: 100, healthMs: 500, foreignSilenceMs: 700 },
  });
  const complaints: string[] = [];
  const complain = (fields: object, message: string) => void complaints.push(`${message}: ${String((fields as { err?: unknown }).err ?? '')}`);
  const events: CameraEvent[] = [];
  const defaults = configSchema.parse({});
  const start = async () => {
    const hubBus = createBus(connection);
    const cameras = await startCameras({
      bus: hubBus,
      store,
      log: { ...quiet, warn: complain, error: complain },
      streams: streams.owned,
      settings: { auto_start_streams: true, max: 64 },
      policy: { mediaFolders: ['/media'], checkFiles: false },
      ...options,
      external: { ...defaults.external_discovery, ...options.external },
      timing: { spokeLostMs: 900, checkMs: 200, checkTimeoutMs: 500, ...options.timing },
    });
    cameras.onChange((event) => events.push(event));
    return { cameras, hubBus };
  };
  let running = await start();
  const bus = createBus(await broker.connect());
  return {
    broker,
    store,
    streams,
    get cameras() {
      return running.cameras;
    },
    bus,
    events,
    complaints,
    async until(cameraId, test) {
      const look = () => {
        const camera = running.cameras.get(cameraId);
        if (camera !== undefined && test(camera)) return camera;
        throw new Error(JSON.stringify(camera ?? null));
      };
      return waitFor(look, { what: cameraId });
    },
    reconnect: () => connection.reconnect(),
    async restart(between) {
      await running.cameras.stop();
      await running.hubBus.stop(0);
      await between?.();
      running = await start();
    },
    async [Symbol.asyncDispose]() {
      await running.cameras.stop();
      await streams.stop();
      await bus.stop(0);
      await broker.stop();
      await store.stop();
    },
  };
}

/** Input of an operation; what is left out is undefined. */
export function input<N extends RouteName>(_name: N, parts: Partial<RouteInput<N>>): RouteInput<N> {
  return { params: undefined, query: undefined, body: undefined, ...parts } as RouteInput<N>;
}

/** A device as a spoke would tell it. */
export function device(deviceId: string, path: string, extra: Partial<Device> = {}): Device {
  return {
    device_id: deviceId,
    path,
    name: `Camera ${deviceId}`,
    capabilities: {
      driver: 'uvcvideo',
      formats: [
        {
          pixel_format: 'MJPG',
          sizes: [
            { width: 1920, height: 1080, frame_rates: [30] },
            { width: 1280, height: 720, frame_rates: [60, 30] },
          ],
        },
      ],
      controls: [],
      probed_at: '2026-01-01T00:00:00.000Z',
      took_ms: 1,
    },
    timestamp: new Date().toISOString(),
    ...extra,
  };
}

export interface DeviceSpoke extends AsyncDisposable {
  readonly spokeId: string;
  readonly agent: Agent;
  /** Controls that were set, as `device_id name=value`. */
  readonly controls: string[];
  plug(one: Device): void;
  unplug(deviceId: string): void;
  /** Puts it into the list without a word, as if the message had been lost. */
  plugSilently(one: Device): void;
  unplugSilently(deviceId: string): void;
  /** Nothing is heard of it any more. */
  vanish(): Promise<void>;
}

/** A spoke that tells of devices and answers `devices`; it serves no stream. */
export async function startDeviceSpoke(broker: TestBroker, spokeId: string, host = spokeId, devices: readonly Device[] = []): Promise<DeviceSpoke> {
  const connection = await broker.connect();
  const bus = createBus(connection);
  const power = new AbortController();
  const plugged = new Map(devices.map((one) => [one.device_id, one]));
  const controls: string[] = [];
  const stamped = (one: Device): Device => ({ ...one, spoke_id: spokeId, timestamp: new Date().toISOString() });
  const onCommand = (command: Exclude<AgentCommand, { action: 'announce' }>) => {
    if (command.action === 'devices') return { devices: [...plugged.values()].map(stamped) };
    if (command.action === 'set_controls')
      controls.push(...Object.entries(command.controls).map(([name, value]) => `${command.device_id} ${name}=${value}`));
    return { refused: [] };
  };
  const agent = await startAgent(bus, {
    kind: 'spoke',
    agentId: spokeId,
    heartbeatMs: 200,
    signal: power.signal,
    announce: () => ({ host, pid: 1, version: '0', started_at: new Date().toISOString(), capabilities: {} }),
    onCommand,
  });
  const vanish = async () => {
    power.abort();
    await connection.close();
  };
  return {
    spokeId,
    agent,
    controls,
    plug(one) {
      plugged.set(one.device_id, one);
      bus.publish('device_discovered', {}, stamped(one));
    },
    unplug(deviceId) {
      const one = plugged.get(deviceId);
      plugged.delete(deviceId);
      if (one !== undefined) bus.publish('device_removed', {}, stamped(one));
    },
    plugSilently: (one) => void plugged.set(one.device_id, one),
    unplugSilently: (deviceId) => void plugged.delete(deviceId),
    vanish,
    [Symbol.asyncDispose]: vanish,
  };
}
