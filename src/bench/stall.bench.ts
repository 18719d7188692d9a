/**
 * An RTSP camera that stops sending, or goes away altogether, and comes back: when Weir says so, when its viewer sees the no-signal picture, and when
 * the viewer has the camera's picture again. Ten rounds of each.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createBus, openMediaReader, type ReadFragment } from '../bus/index.js';
import { type StreamStatus, subscribeSubject } from '../contracts/index.js';
import { type FaultProxy, startFaultProxy } from '../testkit/fault-proxy.js';
import { waitFor } from '../testkit/index.js';
import { startRtspServer } from '../testkit/rtsp-server.js';
import { atMost, type Figure, median, percentile, printFigures, told } from './figures.js';
import { startShipped } from './shipped.js';

const rounds = 10;
const streamId = 'camera';

const camera = await startRtspServer();
const proxy = await startFaultProxy({ port: camera.port });
await using weir = await startShipped({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
const user = await weir.api<{ name: string; password: string }>('POST', '/api/v1/bus/users', { name: 'watcher', role: 'operator' });
const connection = await weir.connectPlain(user.name, user.password);

let picture: string | undefined;
let fragment: ReadFragment | undefined;
let isRunning = false;
connection.subscribe(subscribeSubject('stream_status', { stream_id: streamId }), {
  callback: (_error, message) => {
    const status = message.json<StreamStatus>();
    isRunning = status.state === 'running' && status.no_signal !== true;
  },
});
await connection.flush();
await weir.api('POST', '/api/v1/streams', { stream_id: streamId, config: { device: `rtsp://127.0.0.1:${proxy.port}/live` } });
const bus = createBus(connection);
const reader = openMediaReader({
  connection,
  streamId,
  viewer: `u-${user.name}`,
  watch: (request, signal) => bus.request('stream_watch', { stream_id: streamId }, request, { signal }),
  onInit: (init) => {
    picture = init.picture;
    fragment = undefined;
  },
  onFragment: (next) => {
    fragment = next;
  },
});

const since = async (start: number, isSo: () => boolean, what: string) => {
  await waitFor(isSo, { what, deadlineMs: 20_000, everyMs: 2 });
  return performance.now() - start;
};
const shows = (wanted: 'source' | 'no-signal') => () => picture === wanted && fragment !== undefined;

interface Times {
  readonly noticed: number[];
  readonly shown: number[];
  readonly back: number[];
}

async function measure(leave: (proxy: FaultProxy) => unknown, comeBack: (proxy: FaultProxy) => unknown): Promise<Times> {
  const times: Times = { noticed: [], shown: [], back: [] };
  for (let round = 0; round < rounds; round += 1) {
    await since(0, () => isRunning && shows('source')(), 'the camera’s picture');
    // At another place between two keyframes each time, and long enough for restarts to count as healed.
    await delay(1500 + Math.random() * 1000);
    const left = performance.now();
    await leave(proxy);
    const [noticed, shown] = await Promise.all([
      since(left, () => !isRunning, 'the notice'),
      since(left, shows('no-signal'), 'the no-signal picture'),
    ]);
    times.noticed.push(noticed);
    times.shown.push(shown);
    await delay(1000 + Math.random() * 2000);
    const returned = performance.now();
    await comeBack(proxy);
    times.back.push(await since(returned, shows('source'), 'the camera’s picture again'));
  }
  return times;
}

function figuresOf(name: string, { noticed, shown, back }: Times): Figure[] {
  return [
    atMost(`${name}: noticed, median`, median(noticed), 1000, 'ms'),
    told(`${name}: noticed, slowest`, percentile(noticed, 1), 'ms'),
    told(`${name}: no-signal picture at the viewer, median`, median(shown), 'ms'),
    atMost(`${name}: picture again after the return, median`, median(back), 2000, 'ms'),
    told(`${name}: picture again, slowest`, percentile(back, 1), 'ms'),
  ];
}

try {
  const stalled = await measure(
    (one) => one.stall(),
    (one) => one.resume(),
  );
  const gone = await measure(
    (one) => one.refuse(),
    (one) => one.accept(),
  );
  printFigures([...figuresOf('camera hangs', stalled), ...figuresOf('camera gone', gone)]);
} finally {
  await reader.stop();
  await connection.close();
  await proxy.stop();
  await camera.stop();
}
