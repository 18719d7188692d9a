import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { type Bus, createBus } from '../../bus/index.js';
import type { Device } from '../../contracts/device.js';
import { WeirError } from '../../contracts/errors.js';
import {
  assertNoLeaks,
  assertWithin,
  countResources,
  makeTempFolder,
  removeFolder,
  startTestBroker,
  type TestBroker,
  waitFor,
} from '../../testkit/index.js';
import { startDeviceWatch } from './device-watch.js';
import { FakeTree, webcamReport } from './testing/fake-tree.js';
import type { DeviceWatch, DeviceWatchOptions } from './watch.js';

interface Seen {
  readonly what: 'discovered' | 'removed';
  readonly device: Device;
}

describe('the watch over capture devices', () => {
  let broker: TestBroker;
  let folder: string;
  let tree: FakeTree;
  let bus: Bus;
  let seen: Seen[];
  let watch: DeviceWatch | undefined;
  const undo: (() => Promise<unknown>)[] = [];

  before(async () => {
    broker = await startTestBroker({ jetstream: false });
  });
  after(() => broker.stop());

  beforeEach(async () => {
    folder = await makeTempFolder('devices');
    tree = await FakeTree.create(folder);
    bus = createBus(await broker.connect());
    seen = [];
    const listener = createBus(await broker.connect());
    for (const what of ['discovered', 'removed'] as const) {
      await listener.subscribe(`device_${what}`, {}, (device) => void seen.push({ what, device })).ready;
    }
    undo.push(
      () => listener.connection.close(),
      () => bus.connection.close(),
    );
  });
  afterEach(async () => {
    await watch?.stop();
    watch = undefined;
    for (const one of undo.splice(0)) await one();
    await removeFolder(folder);
  });

  const start = async (options: Partial<DeviceWatchOptions> = {}) => {
    watch = await startDeviceWatch({ bus, spokeId: 'here', roots: tree.roots, v4l2Ctl: tree.v4l2Ctl, ...options });
    return watch;
  };
  const seenWhen = (isSo: (one: Seen) => boolean, what: string, deadlineMs = 5000) =>
    waitFor(() => seen.find(isSo), { what, deadlineMs, everyMs: 2 }).catch((error: Error) => {
      throw new Error(`${error.message}; on the bus: ${JSON.stringify(seen.map((one) => [one.what, one.device.path, one.device.error]))}`);
    });
  const discovered = (path: string) => seenWhen((one) => one.what === 'discovered' && one.device.path.endsWith(path), `${path} discovered`);
  const removed = (path: string) => seenWhen((one) => one.what === 'removed' && one.device.path.endsWith(path), `${path} removed`);

  test('a camera that is plugged in is told with its capabilities, one that goes is told gone', async () => {
    await start();
    await tree.plug('video0', { usb: { port: '2', serial: '8F3A51C0' } });
    const { device } = await discovered('video0');
    assert.equal(device.device_id, 'usb-046d-0825-8F3A51C0');
    assert.equal(device.spoke_id, 'here');
    assert.equal(device.serial, '8F3A51C0');
    assert.equal(device.bus, 'usb-0000:00:14.0-2');
    assert.equal(device.error, undefined);
    assert.deepEqual(device.capabilities?.formats, [
      { pixel_format: 'MJPG', description: 'Motion-JPEG', sizes: [{ width: 1280, height: 720, frame_rates: [30] }] },
    ]);
    await tree.unplug('video0');
    const gone = await removed('video0');
    assert.equal(gone.device.device_id, device.device_id);
    assert.deepEqual(watch?.devices(), []);
  });

  test('what is there at the start is told like what comes', async () => {
    await tree.plug('video3');
    const { devices } = (await (await start()).obey({ action: 'devices' })) as { devices: Device[] };
    assert.deepEqual(
      devices.map(({ path }) => path),
      [join(tree.roots.dev, 'video3')],
    );
    await discovered('video3');
    assert.deepEqual(watch?.summaries(), [{ device_id: devices[0]?.device_id, path: devices[0]?.path, name: 'Fake Webcam' }]);
  });

  test('nodes of metadata, codecs and outputs are no cameras', async () => {
    const caps: Record<string, readonly string[]> = {
      video1: ['Metadata Capture', 'Streaming'],
      video2: ['Video Memory-to-Memory Multiplanar', 'Streaming'],
      video3: ['Video Output', 'Streaming'],
      video4: ['Video Capture', 'I/O MC', 'Streaming'],
      video5: ['Video Capture Multiplanar', 'Video Output Multiplanar', 'Streaming'],
    };
    for (const [node, deviceCaps] of Object.entries(caps)) await tree.plug(node, { index: 1, report: webcamReport({ deviceCaps }) });
    await tree.plug('video6');
    await start();
    await watch?.settled(AbortSignal.timeout(5000));
    assert.deepEqual(
      watch?.devices().map(({ path }) => path),
      [join(tree.roots.dev, 'video6')],
    );
  });

  test('two plugged at once, replugged in another order and port, keep their identities', async () => {
    await start();
    const left = { port: '1', serial: 'LEFT0077' };
    const right = { port: '2', serial: 'RIGHT0088' };
    await Promise.all([tree.plug('video0', { usb: left }), tree.plug('video1', { usb: right })]);
    const [first, second] = await Promise.all([discovered('video0'), discovered('video1')]);
    await Promise.all([tree.unplug('video0'), tree.unplug('video1')]);
    await Promise.all([removed('video0'), removed('video1')]);
    seen.length = 0;
    await tree.plug('video0', { usb: { ...right, port: '4.1' } });
    await tree.plug('video1', { usb: { ...left, port: '3' } });
    const [nowFirst, nowSecond] = await Promise.all([discovered('video0'), discovered('video1')]);
    assert.equal(nowFirst.device.device_id, second.device.device_id);
    assert.equal(nowSecond.device.device_id, first.device.device_id);
    assert.equal(nowFirst.device.bus, 'usb-0000:00:14.0-4.1');
  });

  test('equal cameras without a serial number, or with the same one, are told apart by their ports', async () => {
    await start();
    await tree.plug('video0', { usb: { port: '1' } });
    await tree.plug('video1', { usb: { port: '2' } });
    await tree.plug('video2', { usb: { port: '3', serial: 'SAME4711' } });
    await tree.plug('video3', { usb: { port: '4', serial: 'SAME4711' } });
    const all = await Promise.all(['video0', 'video1', 'video2', 'video3'].map(discovered));
    assert.equal(new Set(all.map(({ device }) => device.device_id)).size, 4);
    // Back in the same port, it is the same camera.
    await tree.unplug('video1');
    await removed('video1');
    seen.length = 0;
    await tree.plug('video7', { usb: { port: '2' } });
    assert.equal((await discovered('video7')).device.device_id, all[1]?.device.device_id);
  });

  test('a driver that hangs is told with its reason and holds up nobody', async () => {
    await start({ limits: { probeMs: 300 } });
    for (const node of ['video0', 'video1', 'video2', 'video3', 'video4']) await tree.plug(node, { report: 'hang\n' });
    await tree.plug('video5', { usb: { port: '5' } });
    const fine = await discovered('video5');
    assert.equal(fine.device.error, undefined);
    const { device } = await discovered('video4');
    assert.match(device.error ?? '', /did not answer within 0.3 s/);
    assert.equal(device.capabilities, undefined);
  });

  test('a camera that vanishes while it is probed is never told', async () => {
    await start();
    await tree.plug('video0', { report: 'hang\n' });
    await waitFor(async () => (await readFile(tree.callsFile, 'utf8')).includes('video0'), { what: 'the probe' });
    await tree.unplug('video0');
    await tree.plug('video1');
    await discovered('video1');
    await watch?.settled(AbortSignal.timeout(2000));
    assert.deepEqual(
      seen.map(({ device }) => device.path),
      [join(tree.roots.dev, 'video1')],
    );
  });

  test('a node that is replaced by another camera is told gone and then discovered', async () => {
    await start();
    await tree.plug('video0', { usb: { port: '1', serial: 'FIRST001A' } });
    const first = await discovered('video0');
    await tree.unplug('video0');
    await tree.plug('video0', { usb: { port: '1', serial: 'SECOND002B' } });
    const second = await seenWhen(({ device }) => device.serial === 'SECOND002B', 'the second');
    const order = seen.map(({ what, device }) => `${what} ${device.device_id}`);
    assert.deepEqual(order, [`discovered ${first.device.device_id}`, `removed ${first.device.device_id}`, `discovered ${second.device.device_id}`]);
  });

  test('a node that cannot be opened at first is asked again, and told once it can', async () => {
    await start({ limits: { rightsMs: 5000 } });
    await tree.plug('video0', { report: 'busy\n' });
    await waitFor(async () => (await readFile(tree.callsFile, 'utf8')).split('\n').length > 2, { what: 'two probes' });
    await writeFile(join(tree.roots.dev, 'video0'), webcamReport());
    const { device } = await discovered('video0');
    assert.equal(device.error, undefined);
    assert.equal(seen.length, 1);
  });

  test('a device told with an error is asked again when its rights change', async () => {
    await start({ limits: { rightsMs: 0, reconcileMs: 600_000 } });
    await tree.plug('video0', { report: 'busy\n' });
    assert.match((await discovered('video0')).device.error ?? '', /cannot be opened/);
    await writeFile(join(tree.roots.dev, 'video0'), webcamReport());
    await chmod(join(tree.roots.dev, 'video0'), 0o660);
    const whole = await seenWhen(({ device }) => device.capabilities !== undefined, 'the capabilities');
    assert.equal(whole.device.error, undefined);
  });

  test('without v4l2-ctl devices appear by name with the remedy, and are asked once it is installed', async () => {
    const v4l2Ctl = join(folder, 'later');
    await start({ v4l2Ctl, limits: { reconcileMs: 50 } });
    await tree.plug('video0', { name: 'Desk Camera', usb: { port: '1', serial: 'DESK0815' } });
    const metadata = webcamReport({ deviceCaps: ['Metadata Capture', 'Streaming'] });
    await tree.plug('video1', { name: 'Desk Camera', index: 1, usb: { port: '1', serial: 'DESK0815' }, report: metadata });
    const { device } = await discovered('video0');
    assert.equal(device.name, 'Desk Camera');
    assert.match(device.error ?? '', /is not installed\. Install it: sudo apt-get install v4l-utils/);
    await writeFile(v4l2Ctl, await readFile(tree.v4l2Ctl), { mode: 0o755 });
    const asked = await seenWhen((one) => one.device.capabilities !== undefined, 'the capabilities');
    assert.equal(asked.device.device_id, device.device_id);
    assert.equal(seen.filter((one) => one.device.path.endsWith('video1')).length, 0);
  });

  test('nothing is told twice, however often the folder is looked at', async () => {
    await start({ limits: { reconcileMs: 10 } });
    await tree.plug('video0');
    await tree.plug('video1', { report: 'silent\n' });
    await Promise.all([discovered('video0'), discovered('video1')]);
    const calls = async () => (await readFile(tree.callsFile, 'utf8')).split('\n').filter((line) => line.includes('video1')).length;
    const before = await calls();
    await waitFor(async () => (await calls()) > before + 5, { what: 'further looks' });
    await bus.flush();
    assert.equal(seen.length, 2);
  });

  test('changes during a loss of the connection are told after it, and only these', async () => {
    // Whoever listens is to be back first.
    const late = createBus(await broker.connect('hub', { reconnectTimeWait: 400 }));
    undo.push(() => late.connection.close());
    await start({ bus: late });
    await tree.plug('video0', { usb: { port: '1', serial: 'STAYS0001A' } });
    await tree.plug('video1', { usb: { port: '2', serial: 'GOES0002B' } });
    await Promise.all([discovered('video0'), discovered('video1')]);
    await late.flush();
    await broker.kill9();
    await tree.unplug('video1');
    await tree.plug('video2', { usb: { port: '3', serial: 'COMES003C' } });
    await waitFor(() => watch?.devices().some(({ path, capabilities }) => path.endsWith('video2') && capabilities !== undefined), {
      what: 'the probe',
    });
    seen.length = 0;
    await broker.restart();
    await Promise.all([discovered('video2'), removed('video1')]);
    await late.flush();
    assert.equal(seen.length, 2);
  });

  test('sixty nodes at once are all told', async () => {
    await start();
    await Promise.all(Array.from({ length: 60 }, (_, number) => tree.plug(`video${number}`, { usb: { port: String(number + 1) } })));
    await waitFor(() => seen.length >= 60, { what: 'sixty devices', deadlineMs: 20_000 });
    assert.equal(new Set(seen.map(({ device }) => device.device_id)).size, 60);
    await Promise.all(Array.from({ length: 60 }, (_, number) => tree.unplug(`video${number}`)));
    await waitFor(() => seen.filter(({ what }) => what === 'removed').length === 60, { what: 'sixty gone' });
  });

  test('controls are checked, set and told as they are then', async () => {
    await tree.plug('video0', { usb: { port: '1', serial: 'KNOBS0001A' } });
    const one = await start();
    const { device } = await discovered('video0');
    const set = (controls: Record<string, number | boolean | string>, id = device.device_id) =>
      one.obey({ action: 'set_controls', device_id: id, controls }) as Promise<{ controls: { name: string; value: unknown }[] }>;
    const { controls } = await set({ brightness: 200, white_balance_automatic: false });
    assert.deepEqual(
      controls.map(({ name, value }) => [name, value]),
      [
        ['brightness', 200],
        ['white_balance_automatic', false],
      ],
    );
    assert.deepEqual(one.devices()[0]?.capabilities?.controls, controls);
    await assert.rejects(set({ brightness: 400 }), (error) => error instanceof WeirError && error.errors[0]?.field === 'controls.brightness');
    await assert.rejects(set({ zoom: 1 }), /controls.zoom is no control/);
    await assert.rejects(set({}, 'other'), (error) => error instanceof WeirError && error.code === 'not_found');
  });

  test('looks by itself where the folder appears later', async () => {
    await removeFolder(tree.roots.dev);
    const warnings: string[] = [];
    const log = { debug: () => undefined, info: () => undefined, warn: (_fields: object, message: string) => void warnings.push(message) };
    await start({ log });
    assert.deepEqual(warnings, ['the kernel gives no notices of devices: looking instead']);
    const later = await FakeTree.create(await makeTempFolder('devices-later'));
    await later.plug('video0');
    const { rename } = await import('node:fs/promises');
    await rename(later.roots.dev, tree.roots.dev);
    await discovered('video0');
    await removeFolder(join(later.roots.sys, '..'));
  });

  test('stopping leaves nothing behind, not even a hanging probe', async () => {
    const before = countResources();
    await start();
    await tree.plug('video0', { report: 'hang\n' });
    await waitFor(async () => (await readFile(tree.callsFile, 'utf8')).includes('video0'), { what: 'the probe' });
    const startedAt = performance.now();
    await watch?.stop();
    await assertWithin(performance.now() - startedAt, 1000, 'the stop');
    await assertNoLeaks(before);
  });
});
