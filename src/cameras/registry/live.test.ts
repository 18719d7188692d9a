/** Network cameras from end to end: a real RTSP server, a real spoke with FFmpeg, the real streams hub. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { createBus } from '../../bus/index.js';
import { findMachineFacts } from '../../media/index.js';
import { startSpoke } from '../../streams/spoke/index.js';
import { waitFor } from '../../testkit/index.js';
import { startRtspServer } from '../../testkit/rtsp-server.js';
import { admin, type CameraBench, calm, input, startCameraBench } from '../testing/fixture.js';

const deadlineMs = 20_000;

async function withSpoke(work: (bench: CameraBench) => Promise<void>): Promise<void> {
  const at = (streamId: string) => ({ rtsp: `rtsp://gateway/${streamId}`, webrtc: `http://gateway/${streamId}/whep`, hls: `http://hub/${streamId}` });
  await using bench = await startCameraBench({ spokeLostMs: 7000, timing: { spokeLostMs: 7000 }, urlsOf: at });
  const facts = await findMachineFacts({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false });
  const connection = await bench.broker.connect();
  const bus = createBus(connection);
  const spoke = await startSpoke({ bus, spokeId: 'live', version: '0', facts, policy: { mediaFolders: [] } });
  try {
    await waitFor(() => bench.streams.health()[0]?.details?.online === 1, { what: 'the spoke' });
    await work(bench);
  } finally {
    await spoke.stop();
    await bus.stop(0);
    await connection.close();
  }
}

describe('a real network camera', () => {
  it('is known by its picture before anybody watches, is in ERROR with a wrong password, and goes when it goes', { timeout: 90_000 }, async () => {
    await withSpoke(async (bench) => {
      const server = await startRtspServer({ credentials: { user: 'root', password: 'hunter22' }, authentication: 'digest' });
      const add = (password: string, always_on: boolean, path: string) =>
        bench.cameras.operations.add_camera(
          admin,
          input('add_camera', { body: { source: `${server.url}${path}`, username: 'root', password, always_on } }),
          calm,
        );
      const until = (cameraId: string, test: (camera: NonNullable<ReturnType<typeof bench.cameras.get>>) => boolean) =>
        waitFor(
          () => {
            const camera = bench.cameras.get(cameraId);
            if (camera !== undefined && test(camera)) return camera;
            throw new Error(JSON.stringify(camera));
          },
          { what: cameraId, deadlineMs },
        );
      await add('hunter22', false, '?a');
      const idle = await until('camera0', (one) => one.capabilities !== null);
      assert.deepEqual([idle.status, idle.streaming, idle.resolution, idle.fps, idle.error], ['CONNECTED', false, '640x360', 30, null]);
      assert.equal(server.players, 0, 'nobody watches, nothing plays');

      await add('wrong', false, '?b');
      const refused = await until('camera1', (one) => one.status === 'ERROR');
      assert.ok((refused.error ?? '') !== '');
      assert.ok(!JSON.stringify(bench.cameras.list()).includes('wrong'));

      await add('hunter22', true, '?c');
      const running = await until('camera2', (one) => one.streaming);
      assert.deepEqual([running.status, running.resolution, running.spoke_id], ['CONNECTED', '640x360', 'live']);
      await server.stop();
      await until('camera0', (one) => one.status === 'DISCONNECTED');
      await until('camera2', (one) => one.status === 'DISCONNECTED' && !one.streaming);
      assert.deepEqual(bench.complaints, []);
    });
  });

  it('is not called connected before somebody has seen its picture, although a door opens', { timeout: 60_000 }, async () => {
    await withSpoke(async (bench) => {
      const silent = createServer((socket) => socket.on('error', () => undefined).resume()).unref();
      silent.listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const address = silent.address();
      const pathless = await startRtspServer({ describeStatus: '404 Not Found' });
      const good = await startRtspServer();
      try {
        const add = (source: string) => bench.cameras.operations.add_camera(admin, input('add_camera', { body: { source } }), calm);
        const hung = await add(`rtsp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/live`);
        assert.equal(hung.status, 'DISCONNECTED');
        await add(pathless.url);
        await add(good.url);
        for (const [cameraId, last] of [
          ['camera0', 'ERROR'],
          ['camera1', 'ERROR'],
          ['camera2', 'CONNECTED'],
        ] as const) {
          await waitFor(() => bench.cameras.get(cameraId)?.status === last, { what: `${cameraId} ${last}`, deadlineMs: 30_000 });
        }
        const ofLiars = bench.events.filter((event) => 'camera' in event && event.camera.camera_id !== 'camera2');
        assert.ok(!ofLiars.some((event) => 'camera' in event && event.camera.status === 'CONNECTED'), 'nobody was told that they are connected');
      } finally {
        silent.close();
        await pathless.stop();
        await good.stop();
      }
    });
  });

  it('whose pictures refer to later ones has no WebRTC address; one without them has', { timeout: 60_000 }, async () => {
    await withSpoke(async (bench) => {
      const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '30', '-bf'];
      const servers = [await startRtspServer({ encode: [...encode, '2'] }), await startRtspServer({ encode: [...encode, '0'] })];
      try {
        for (const { url } of servers) await bench.cameras.operations.add_camera(admin, input('add_camera', { body: { source: url } }), calm);
        for (const [cameraId, has] of [
          ['camera0', true],
          ['camera1', false],
        ] as const) {
          const seen = await waitFor(() => {
            const camera = bench.cameras.get(cameraId);
            return camera?.capabilities === null ? undefined : camera;
          });
          assert.equal(seen.capabilities?.formats[0]?.b_frames, has, cameraId);
          assert.deepEqual(Object.keys(seen.streams).sort(), has ? ['hls', 'rtsp'] : ['hls', 'rtsp', 'webrtc'], cameraId);
        }
      } finally {
        for (const server of servers) await server.stop();
      }
    });
  });
});
