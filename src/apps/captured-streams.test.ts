/** Promise: whatever happens to the gateway, one program at a time is told to open a device. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredStream, StreamsOfCameras } from '../cameras/index.js';
import type { Camera, CameraCapabilities, GatewayState, StreamConfig } from '../contracts/index.js';
import type { GatewayEvent } from '../gateways/index.js';
import { silentLogger } from '../telemetry/index.js';
import { waitFor } from '../testkit/index.js';
import { createCapturedStreams } from './captured-streams.js';
import { createGatewayPaths } from './gateway-paths.js';

const actor = { user_id: null };
const jpegCamera = {
  formats: [
    { pixel_format: 'YUYV', description: 'YUYV', sizes: [{ width: 1280, height: 720, frame_rates: [10] }] },
    { pixel_format: 'MJPG', description: 'MJPG', sizes: [{ width: 1280, height: 720, frame_rates: [30] }] },
  ],
  controls: [],
} as unknown as CameraCapabilities;

/** Streams kept in a map, a gateway of a port that can change, and one camera. */
class World {
  readonly stored = new Map<string, StoredStream>();
  readonly camera: Pick<Camera, 'kind' | 'source' | 'capabilities'> = { kind: 'v4l2', source: '/dev/video0', capabilities: jpegCamera };
  port = 8554;
  changes = 0;
  isAllowed = true;
  readonly #listeners = new Set<(event: GatewayEvent) => void>();
  readonly gateway = {
    sourceOf: (streamId: string) => (this.port === 0 ? undefined : `rtsp://weir:secret@127.0.0.1:${this.port}/${streamId}`),
    onEvent: (listener: (event: GatewayEvent) => void) => {
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    },
  };
  streams = this.wrap();

  /** Anew, as after a start of the hub. */
  wrap(): StreamsOfCameras {
    const bare = {
      stored: (streamId: string) => this.stored.get(streamId),
      define: async ({ stream_id, config, on_demand, spoke }: StoredStream) =>
        void this.stored.set(stream_id, { stream_id, config, on_demand, spoke }),
      change: async (streamId: string, changes: Partial<StoredStream>) => {
        this.changes++;
        const before = this.stored.get(streamId);
        if (before !== undefined) this.stored.set(streamId, { ...before, ...changes });
      },
      remove: async (streamId: string) => void this.stored.delete(streamId),
    } as unknown as StreamsOfCameras;
    return createCapturedStreams(bare, { gateway: this.gateway, isAllowed: () => this.isAllowed, awayMs: 20, log: silentLogger });
  }

  tell(state: GatewayState['state']): void {
    for (const listener of this.#listeners) listener({ kind: 'state', state: { state } as GatewayState });
  }

  async plug(spoke: string | null = 'local', config: StreamConfig = { device: '/dev/video0', resolution: '1280x720', framerate: 30 }): Promise<void> {
    await this.streams.define({ stream_id: 'camera0', name: 'Camera', config, on_demand: true, spoke }, actor);
  }

  get device(): string | undefined {
    return this.stored.get('camera0')?.config.device;
  }

  /** What the path of the camera does. */
  async path(): Promise<unknown> {
    // Methods, as those of the hub are.
    const paths = createGatewayPaths({
      world: this,
      streams() {
        return [...this.world.stored.values()];
      },
      owned: { stored: (streamId: string) => this.stored.get(streamId), onChange: () => () => undefined },
    } as Parameters<typeof createGatewayPaths>[0] & { world: World });
    paths.begin({ cameras: { get: () => this.camera as Camera }, gateway: this.gateway });
    return (await paths.wished.list())[0]?.source;
  }
}

const captured = { kind: 'v4l2', devicePath: '/dev/video0', width: 1280, height: 720, frameRate: 30, inputFormat: 'mjpeg' };
const handedOn = { kind: 'stream' };

test('from its first moment a camera of this machine is opened by the gateway, and by nobody else', async () => {
  const world = new World();
  await world.plug();
  assert.equal(world.device, 'rtsp://weir:secret@127.0.0.1:8554/camera0');
  assert.deepEqual(await world.path(), captured);
  assert.equal(world.streams.stored('camera0')?.config.device, '/dev/video0', 'cameras speak of the device');
});

const left: [string, (world: World) => void, string | null][] = [
  ['no gateway opens devices', (world) => Object.assign(world, { port: 0 }), 'local'],
  ['it is plugged in elsewhere', () => undefined, 'other'],
  ['nobody knows where it is plugged in', () => undefined, null],
  ['sources may not be read from there', (world) => Object.assign(world, { isAllowed: false }), 'local'],
];
for (const [name, prepare, spoke] of left) {
  test(`a device is left to its spoke, and the path hands the stream on, where ${name}`, async () => {
    const world = new World();
    prepare(world);
    await world.plug(spoke);
    assert.equal(world.device, '/dev/video0');
    assert.deepEqual(await world.path(), handedOn);
  });
}

test('plugged in at another node the path follows; to another machine the device is its spoke’s', async () => {
  const world = new World();
  await world.plug();
  const config = { ...world.streams.stored('camera0')?.config, device: '/dev/video7' };
  await world.streams.change('camera0', { config, spoke: 'local' }, actor);
  assert.equal(world.streams.stored('camera0')?.config.device, '/dev/video7');
  Object.assign(world.camera, { source: '/dev/video7' });
  assert.deepEqual(await world.path(), { ...captured, devicePath: '/dev/video7' });
  await world.streams.change('camera0', { config, spoke: 'other' }, actor);
  assert.equal(world.device, '/dev/video7');
  assert.deepEqual(await world.path(), handedOn);
});

test('after a start of the hub the picture is not interrupted, unless the gateway is on another port or gone', async () => {
  const world = new World();
  await world.plug();
  const heard = () =>
    world.streams.change('camera0', { config: { device: '/dev/video0', resolution: '1280x720', framerate: 30 }, spoke: 'local' }, actor);
  world.streams = world.wrap();
  await heard();
  assert.equal(world.changes, 0);
  assert.equal(world.streams.stored('camera0')?.config.device, '/dev/video0');
  world.port = 9999;
  assert.notEqual(world.streams.stored('camera0')?.config.device, '/dev/video0', 'so it is led again');
  await heard();
  assert.equal(world.device, 'rtsp://weir:secret@127.0.0.1:9999/camera0');
  world.port = 0;
  world.streams = world.wrap();
  await heard();
  assert.equal(world.device, '/dev/video0');
  assert.deepEqual(await world.path(), handedOn);
});

test('a gateway that stays away loses the device to the spoke; one that is back soon does not', async () => {
  const world = new World();
  await world.plug();
  world.tell('unavailable');
  world.tell('running');
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.deepEqual(await world.path(), captured);
  world.tell('circuit_open');
  await waitFor(() => world.device === '/dev/video0', { what: 'the device is the spoke’s' });
  assert.deepEqual(await world.path(), handedOn);
  world.tell('running');
  assert.equal(world.device, '/dev/video0', 'the picture is not cut a second time');
  await world.streams.remove('camera0', actor);
  await world.plug();
  assert.deepEqual(await world.path(), captured, 'but the next one is the gateway’s');
});

test('a network camera is pulled, and nothing is told before the cameras are known', async () => {
  const world = new World();
  await world.plug('local', { device: 'rtsp://cam/1' });
  assert.deepEqual(await world.path(), { kind: 'network', url: 'rtsp://cam/1' });
  const paths = createGatewayPaths({ streams: () => [], owned: { stored: () => undefined, onChange: () => () => undefined } });
  let told = false;
  const list = Promise.resolve(paths.wished.list()).then(() => {
    told = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(told, false);
  paths.begin(undefined);
  await assert.rejects(list, { code: 'cancelled' });
});
