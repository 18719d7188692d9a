/** The spoke against RTSP cameras that go away and return. Real broker, real FFmpeg; what is promised is measured. */
import { test } from 'node:test';
import { startFaultProxy } from '../../testkit/fault-proxy.js';
import { startRtspServer } from '../../testkit/rtsp-server.js';
import { measureOutage, playing } from './testing/outage.js';
import { startTestbed } from './testing/testbed.js';

test('RTSP: a camera that keeps its connections and sends nothing', async (t) => {
  const camera = await startRtspServer();
  const it = await startTestbed();
  try {
    const startMs = await playing(it, camera.url);
    await measureOutage(t, it, startMs, {
      begin: () => camera.setMuted(true),
      end: () => camera.setMuted(false),
      reason: 'source_silent',
      awayMs: 5000,
    });
  } finally {
    await it.stop();
    await camera.stop();
  }
});

for (const [what, credentials] of [
  ['open to all', undefined],
  ['with a login, which asks for it whether or not the stream exists', { user: 'viewer', password: 'a word' }],
] as const) {
  test(`RTSP: a camera ${what}, that restarts: its port answers long before its stream exists`, async (t) => {
    const camera = await startRtspServer(credentials === undefined ? {} : { credentials, authentication: 'digest' });
    const proxy = await startFaultProxy({ port: camera.port });
    const it = await startTestbed();
    const login = credentials === undefined ? '' : `${credentials.user}:${encodeURIComponent(credentials.password)}@`;
    let booting: NodeJS.Timeout | undefined;
    try {
      const startMs = await playing(it, `rtsp://${login}127.0.0.1:${proxy.port}/live`);
      const begin = async () => {
        camera.refuseDescribe('404 Not Found');
        await proxy.refuse();
        booting = setTimeout(() => void proxy.accept(), 6000);
      };
      await measureOutage(t, it, startMs, { begin, end: () => camera.refuseDescribe(undefined), awayMs: 12_000 });
    } finally {
      clearTimeout(booting);
      await it.stop();
      await proxy.stop();
      await camera.stop();
    }
  });
}
