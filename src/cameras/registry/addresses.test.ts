/** Cameras with an address, on a real broker, database and streams hub; the cameras are servers of the test. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { describe, it } from 'node:test';
import { type AddCamera, type StreamStatus, type UpdateCamera, WeirError } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { startFakeOnvif } from '../testing/fake-onvif.js';
import { admin, bound, type CameraBench, calm, input, startCameraBench, viewer } from '../testing/fixture.js';
import { readAddress } from './address.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

/** Takes connections and says nothing; `null` closes it for good. */
async function listen(port = 0): Promise<{ server: Server; port: number; close: () => Promise<void> }> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const close = async () => {
    server.close();
    await once(server, 'close');
  };
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0, close };
}

function add(bench: CameraBench, body: AddCamera) {
  return bench.cameras.operations.add_camera(admin, input('add_camera', { body }), calm);
}

function report(bench: CameraBench, streamId: string, status: Partial<StreamStatus>): void {
  bench.bus.publish(
    'stream_status',
    { stream_id: streamId },
    { stream_id: streamId, state: 'running', timestamp: new Date().toISOString(), ...status },
  );
}

describe('a network camera', () => {
  it('is there while its door opens, and its credentials are nowhere to be read', async () => {
    await using bench = await startCameraBench();
    const door = await listen();
    const camera = await add(bench, { source: `rtsp://127.0.0.1:${door.port}/live`, username: 'root', password: 'hun ter/2@', name: 'Gate' });
    assert.deepEqual(
      [camera.camera_id, camera.kind, camera.status, camera.source],
      ['camera0', 'network', 'CONNECTED', `rtsp://127.0.0.1:${door.port}/live`],
    );
    const stored = bench.streams.owned.stored('camera0');
    assert.deepEqual([stored?.config.device, stored?.on_demand], [`rtsp://root:hun%20ter%2F2%40@127.0.0.1:${door.port}/live`, true]);
    const seen = JSON.stringify([camera, bench.events, bench.cameras.list(), bench.streams.owned.shown('camera0'), await bench.store.cameras.all()]);
    for (const secret of ['hun ter', 'hun%20ter', 'root']) assert.ok(!seen.includes(secret), secret);
    await door.close();
    await bench.until('camera0', (one) => one.status === 'DISCONNECTED');
    const again = await listen(door.port);
    await bench.until('camera0', (one) => one.status === 'CONNECTED');
    await again.close();
    await bench.cameras.operations.delete_camera(admin, input('delete_camera', { params: { camera_id: 'camera0' } }), calm);
    assert.equal(bench.streams.owned.stored('camera0'), undefined);
    // The same address is the same camera: its recordings are found again.
    assert.equal((await add(bench, { source: `rtsp://127.0.0.1:${door.port}/live` })).camera_id, 'camera0');
    assert.deepEqual(bench.complaints, []);
  });

  it('has the state of its stream when that knows better', async () => {
    await using bench = await startCameraBench();
    const door = await listen();
    await add(bench, { source: `rtsp://127.0.0.1:${door.port}/live` });
    report(bench, 'camera0', { state: 'error', reason: 'source_refused', error: 'The camera refused the login' });
    assert.equal((await bench.until('camera0', (one) => one.status === 'ERROR')).error, 'The camera refused the login');
    report(bench, 'camera0', { video: { codec: 'h264', width: 1920, height: 1080, frame_rate: 25 }, mode: 'copy' });
    const camera = await bench.until('camera0', (one) => one.status === 'CONNECTED' && one.capabilities !== null);
    assert.deepEqual([camera.streaming, camera.resolution, camera.fps, camera.error], [true, '1920x1080', 25, null]);
    assert.ok(bench.events.some((event) => event.type === 'capability_detected'));
    report(bench, 'camera0', { state: 'error', no_signal: true, reason: 'source_unreachable', error: 'gone' });
    await bench.until('camera0', (one) => one.status === 'DISCONNECTED');
    report(bench, 'camera0', { state: 'stopped', reason: 'waiting_for_viewer' });
    const idle = await bench.until('camera0', (one) => one.status === 'CONNECTED');
    assert.deepEqual([idle.streaming, idle.resolution], [false, '1920x1080'], 'what it delivered last');
    await door.close();
  });

  it('on a network that only its spoke sees is CONNECTED after its picture came, until its stream cannot reach it', async () => {
    await using bench = await startCameraBench();
    const [shut, open] = [await listen(), await listen()];
    let looks = 0;
    open.server.on('connection', () => {
      looks += 1;
    });
    await shut.close();
    assert.equal((await add(bench, { source: `http://127.0.0.1:${shut.port}/mjpg` })).status, 'DISCONNECTED');
    await add(bench, { source: `http://127.0.0.1:${open.port}/mjpg` });
    report(bench, 'camera0', {});
    await bench.until('camera0', (one) => one.status === 'CONNECTED' && one.streaming);
    // Both are looked at in the same rounds.
    const before = looks;
    await waitFor(() => looks >= before + 3);
    report(bench, 'camera0', { state: 'stopped', reason: 'waiting_for_viewer' });
    await bench.until('camera0', (one) => !one.streaming && one.status === 'CONNECTED');
    report(bench, 'camera0', { state: 'error', reason: 'source_unreachable', error: 'no route' });
    await bench.until('camera0', (one) => one.status === 'DISCONNECTED');
    report(bench, 'camera0', { state: 'stopped', reason: 'waiting_for_viewer' });
    const after = looks;
    await waitFor(() => looks >= after + 2);
    assert.equal(bench.cameras.get('camera0')?.status, 'DISCONNECTED');
    await open.close();
  });

  it('over SRT is looked for by the first packet of a handshake', async () => {
    await using bench = await startCameraBench();
    const udp = createSocket('udp4');
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    let asked = 0;
    udp.on('message', (packet, from) => {
      asked += 1;
      assert.deepEqual([packet.length, packet.readUInt16BE(0), packet.readUInt32BE(16)], [64, 0x8000, 4]);
      udp.send(packet, from.port, from.address);
    });
    const camera = await add(bench, { source: `srt://127.0.0.1:${udp.address().port}?passphrase=verysecret1` });
    assert.equal(camera.status, 'CONNECTED');
    assert.ok(asked > 0);
    assert.ok(!JSON.stringify(camera).includes('verysecret1'));
    udp.close();
    await bench.until('camera0', (one) => one.status === 'DISCONNECTED');
  });

  it('by ONVIF is resolved, and refused with a wrong password or when it is one already', async () => {
    await using bench = await startCameraBench();
    await using device = await startFakeOnvif({ credentials: { username: 'admin', password: 'secret-9' } });
    const wrong = add(bench, { source: device.source, username: 'admin', password: 'wrong' });
    await assert.rejects(wrong, withCode('invalid_argument'));
    assert.equal(bench.cameras.list().length, 0);
    const camera = await add(bench, { source: device.source, username: 'admin', password: 'secret-9' });
    assert.deepEqual(
      [camera.kind, camera.name, camera.source, camera.resolution, camera.fps],
      ['onvif', 'Acme Eye & Ear', device.source, '1920x1080', 25],
    );
    assert.match(bench.streams.owned.stored('camera0')?.config.device ?? '', /^rtsp:\/\/admin:secret-9@127\.0\.0\.1:8554\/main/);
    assert.ok(!JSON.stringify([camera, bench.events]).includes('secret-9'));
    await assert.rejects(add(bench, { source: device.source, username: 'admin', password: 'secret-9' }), withCode('already_exists'));
    const body = { address: `127.0.0.1:${device.port}`, username: 'admin', password: 'secret-9' };
    const found = await bench.cameras.operations.discover_cameras(admin, input('discover_cameras', { body }), calm);
    assert.deepEqual([found.items[0]?.camera_id, found.items[0]?.profiles?.length, found.errors], ['camera0', 2, []]);
  });
});

describe('one camera, added twice', () => {
  const main = 'rtsp://127.0.0.1:8554/main?unicast=1&proto=Onvif';
  const twins = (of: string) => (error: unknown) =>
    error instanceof WeirError && error.code === 'already_exists' && error.message.startsWith(`That is ${of} already (`);

  it('by ONVIF first: each address of its profiles is refused, with or without the query; another path of the host is another camera', async () => {
    await using bench = await startCameraBench();
    await using device = await startFakeOnvif({ credentials: { username: 'admin', password: 'secret' } });
    await add(bench, { source: device.source, username: 'admin', password: 'secret' });
    for (const source of [main, 'rtsp://127.0.0.1:8554/main', 'rtsp://root:word@127.0.0.1:8554/main', 'rtsp://127.0.0.1:8554/sub'])
      await assert.rejects(add(bench, { source }), twins('camera0'), source);
    assert.equal((await add(bench, { source: 'rtsp://127.0.0.1:8554/another' })).camera_id, 'camera1');
  });

  it('by RTSP first: its ONVIF address is refused', async () => {
    await using bench = await startCameraBench();
    await using device = await startFakeOnvif();
    await add(bench, { source: 'rtsp://127.0.0.1:8554/main', name: 'Gate' });
    await assert.rejects(add(bench, { source: device.source }), (error: unknown) => {
      assert.ok(error instanceof WeirError);
      assert.equal(error.message, 'That is camera0 already (Gate), added as rtsp://127.0.0.1:8554/main');
      return twins('camera0')(error);
    });
    assert.equal(bench.cameras.list().length, 1);
  });
});

describe('the address and login of a camera', () => {
  const change = (bench: CameraBench, body: UpdateCamera, camera_id = 'camera0') =>
    bench.cameras.operations.update_camera(admin, input('update_camera', { params: { camera_id }, body }), calm);
  const deviceOf = (bench: CameraBench) => bench.streams.owned.stored('camera0')?.config.device;

  it('can be changed, and an ERROR that the old ones led to clears at once', async () => {
    await using bench = await startCameraBench({ timing: { checkMs: 60_000 } });
    const door = await listen();
    const at = `127.0.0.1:${door.port}`;
    bench.streams.owned.probe = async (device) => {
      const isRight = device.includes(':right@');
      const refused = new WeirError('permission_denied', 'The camera refused the login').toProblem();
      return { device, reachable: isRight, took_ms: 1, ...(isRight ? {} : { error: refused }) };
    };
    await add(bench, { source: `rtsp://${at}/live`, username: 'root', password: 'wrong', resolution: '640x480' });
    await bench.until('camera0', (one) => one.status === 'ERROR');
    assert.equal((await change(bench, { password: 'right' })).source, `rtsp://${at}/live`);
    const well = await bench.until('camera0', (one) => one.status === 'CONNECTED');
    assert.deepEqual([well.error, well.resolution, deviceOf(bench)], [null, '640x480', `rtsp://root:right@${at}/live`]);
    await change(bench, { username: 'eve' });
    assert.equal(deviceOf(bench), `rtsp://eve:right@${at}/live`);
    await change(bench, { source: `rtsp://${at}/other`, name: 'Yard' });
    assert.equal(deviceOf(bench), `rtsp://eve:right@${at}/other`, 'the same host keeps the login');
    assert.deepEqual([bench.cameras.get('camera0')?.name, bench.cameras.get('camera0')?.source], ['Yard', `rtsp://${at}/other`]);
    await change(bench, { username: '' });
    assert.equal(deviceOf(bench), `rtsp://${at}/other`);
    const seen = JSON.stringify([bench.events, bench.cameras.list(), await bench.store.cameras.all()]);
    for (const secret of ['wrong', 'right', 'eve']) assert.ok(!seen.includes(secret), secret);
    await door.close();
  });

  it('is sent to no other host, and the identity follows the address', async () => {
    await using bench = await startCameraBench();
    await add(bench, { source: 'rtsp://127.0.0.1:9/live', username: 'root', password: 'hunter2' });
    await change(bench, { source: 'rtsp://127.0.0.2:9/live' });
    assert.equal(deviceOf(bench), 'rtsp://127.0.0.2:9/live');
    const second = await add(bench, { source: 'rtsp://127.0.0.1:9/live' });
    assert.equal(second.camera_id, 'camera1', 'the old address is free');
    await assert.rejects(change(bench, { source: 'rtsp://127.0.0.1:9/live' }), withCode('already_exists'));
    assert.equal(deviceOf(bench), 'rtsp://127.0.0.2:9/live');
    await bench.cameras.operations.delete_camera(admin, input('delete_camera', { params: { camera_id: 'camera1' } }), calm);
    assert.equal((await change(bench, { source: 'rtsp://u:p@127.0.0.1:9/live' })).source, 'rtsp://127.0.0.1:9/live');
    assert.equal(deviceOf(bench), 'rtsp://u:p@127.0.0.1:9/live');
    assert.equal((await add(bench, { source: 'rtsp://127.0.0.2:9/live' })).camera_id, 'camera2');
  });

  it('of an ONVIF camera is resolved anew, with its password where none is given', async () => {
    await using bench = await startCameraBench();
    await using device = await startFakeOnvif({ credentials: { username: 'admin', password: 'secret-9' } });
    await add(bench, { source: device.source, username: 'admin', password: 'secret-9' });
    await assert.rejects(change(bench, { password: 'wrong' }), withCode('invalid_argument'));
    assert.equal((await change(bench, { source: device.source, username: 'admin' })).source, device.source);
    assert.match(deviceOf(bench) ?? '', /^rtsp:\/\/admin:secret-9@127\.0\.0\.1:8554\/main/);
  });

  it('is held to the policy, and only network cameras have one', async () => {
    await using bench = await startCameraBench({ policy: { mediaFolders: ['/media'], sourceHosts: ['127.0.0.1'], checkFiles: false } });
    await add(bench, { source: 'rtsp://127.0.0.1:9/live' });
    await add(bench, { source: 'test:' });
    await assert.rejects(change(bench, { source: 'rtsp://evil.example/' }), withCode('permission_denied'));
    await assert.rejects(change(bench, { source: '/media/a.mp4' }), withCode('invalid_argument'));
    await assert.rejects(change(bench, { source: 'rtsp://127.0.0.1:9/' }, 'camera1'), withCode('failed_precondition'));
    assert.equal(deviceOf(bench), 'rtsp://127.0.0.1:9/live');
  });
});

describe('files and test pictures', () => {
  it('are cameras, as many as wished', async () => {
    await using bench = await startCameraBench();
    const first = await add(bench, { source: 'test:?size=640x360&fps=15' });
    assert.deepEqual([first.kind, first.status, first.resolution, first.fps, first.name], ['test', 'CONNECTED', '640x360', 15, 'Test picture']);
    const second = await add(bench, { source: 'test:', resolution: '800x600', framerate: 10, always_on: true });
    assert.deepEqual([second.camera_id, second.resolution, second.fps], ['camera1', '800x600', 10]);
    assert.equal(bench.streams.owned.stored('camera1')?.on_demand, false);
    const file = await add(bench, { source: '/media/a.mp4' });
    assert.deepEqual([file.kind, file.name, file.status], ['file', 'a.mp4', 'CONNECTED']);
  });

  it('that lost their stream say so, and can be forgotten', async () => {
    await using bench = await startCameraBench();
    await add(bench, { source: 'test:' });
    await bench.streams.owned.remove('camera0', { user_id: null });
    await assert.rejects(bench.cameras.ensureStream('camera0'), withCode('failed_precondition'));
    await bench.cameras.operations.delete_camera(admin, input('delete_camera', { params: { camera_id: 'camera0' } }), calm);
    assert.deepEqual(bench.cameras.list(), []);
  });
});

describe('what is no camera', () => {
  const rows: [string, Partial<AddCamera>, string, string][] = [
    ['/dev/video0', {}, 'invalid_argument', 'source'],
    ['/etc/passwd', {}, 'permission_denied', 'source'],
    ['gopher://x/', {}, 'permission_denied', 'source'],
    ['rtsp://', {}, 'invalid_argument', 'source'],
    ['rtsp://ho st/', {}, 'invalid_argument', 'source'],
    ['rtsp://***@host/', {}, 'invalid_argument', 'source'],
    ['srt://host', {}, 'invalid_argument', 'source'],
    ['srt://host:9000', { username: 'u' }, 'invalid_argument', 'username'],
    ['test:', { username: 'u' }, 'invalid_argument', 'username'],
    ['test:?size=1x1', {}, 'invalid_argument', 'source'],
    ['-i', {}, 'invalid_argument', 'source'],
    ['http://169.254.169.254/latest', {}, 'permission_denied', 'source'],
    ['onvif://', {}, 'invalid_argument', 'source'],
    ['onvif://evil.example', {}, 'permission_denied', 'source'],
    ['concat:/etc/passwd', {}, 'permission_denied', 'source'],
  ];
  it('is refused by the field, and leaves nothing behind', async () => {
    await using bench = await startCameraBench({ policy: { mediaFolders: ['/media'], sourceHosts: ['host', 'ho st'], checkFiles: false } });
    for (const [source, rest, code, field] of rows) {
      await assert.rejects(add(bench, { source, ...rest }), (error: unknown) => {
        assert.ok(error instanceof WeirError);
        assert.deepEqual([source, error.code, error.errors[0]?.field], [source, code, field]);
        return true;
      });
    }
    assert.deepEqual(await bench.store.cameras.numbers(), []);
    assert.deepEqual(bench.events, []);
  });

  it('is asked for without the right', async () => {
    await using bench = await startCameraBench({ settings: { auto_start_streams: true, max: 1 } });
    const operations = bench.cameras.operations;
    await assert.rejects(operations.add_camera(bound, input('add_camera', { body: { source: 'test:' } }), calm), withCode('permission_denied'));
    await assert.rejects(operations.discover_cameras(bound, input('discover_cameras', {}), calm), withCode('permission_denied'));
    await add(bench, { source: 'test:' });
    await assert.rejects(add(bench, { source: 'test:' }), withCode('resource_exhausted'));
    const forget = operations.delete_camera(viewer, input('delete_camera', { params: { camera_id: 'camera0' } }), calm);
    await assert.rejects(forget, withCode('permission_denied'));
    await assert.rejects(
      operations.update_camera(admin, input('update_camera', { params: { camera_id: 'camera0' }, body: { controls: { a: 1 } } }), calm),
      (error: unknown) => {
        assert.ok(error instanceof WeirError);
        assert.deepEqual([error.code, error.facts], ['unsupported', { feature: 'controls' }]);
        return true;
      },
    );
    await waitFor(async () => (await bench.store.outbox.depth()).waiting === 0);
  });
});

it('an address is known by the same key whatever its credentials and spelling', () => {
  const key = (source: string, credentials = {}) => readAddress(source, credentials, { mediaFolders: [] }).key;
  const plain = key('rtsp://cam:554/live');
  assert.equal(key('rtsp://u:p@cam:554/live'), plain);
  assert.equal(key('rtsp://cam:554/live', { username: 'x', password: 'y' }), plain);
  assert.notEqual(key('rtsp://cam:554/other'), plain);
  assert.notEqual(key('rtsp://cam:555/live'), plain);
  assert.equal(key('test:'), undefined);
});
