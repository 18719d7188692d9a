/**
 * A camera is plugged in: how long until the bus has the event, from the moment its node appears. The device tree is a folder like the kernel's, and
 * what asks the driver is a small program that prints what a webcam says; with real devices `hot-plug.test.ts` does the same.
 */
import { createBus } from '../bus/index.js';
import { startDeviceWatch } from '../cameras/devices/index.js';
import { FakeTree, webcamReport } from '../cameras/devices/testing/fake-tree.js';
import { makeTempFolder, removeFolder, startTestBroker, waitFor } from '../testkit/index.js';
import { atMost, type Figure, median, percentile, printFigures, told } from './figures.js';

const rounds = 100;

const folder = await makeTempFolder('hot-plug');
const tree = await FakeTree.create(folder);
const broker = await startTestBroker({ jetstream: false });
const bus = createBus(await broker.connect());
const listener = createBus(await broker.connect());
const events = new Map<string, number>();
for (const what of ['discovered', 'removed'] as const) {
  await listener.subscribe(`device_${what}`, {}, (device) => void events.set(`${what} ${device.serial}`, performance.now())).ready;
}
const eventAt = (key: string) => waitFor(() => events.get(key), { what: key, everyMs: 1 });
const watch = await startDeviceWatch({ bus, spokeId: 'bench', roots: tree.roots, v4l2Ctl: tree.v4l2Ctl });

/** Plugs `count` cameras at once and unplugs them: milliseconds until each was told. */
async function round(number: number, count: number): Promise<{ plugged: number[]; unplugged: number[] }> {
  const cameras = Array.from({ length: count }, (_, index) => ({ node: `video${index}`, serial: `BENCH${number}X${count}N${index}` }));
  const plugs = cameras.map(({ node, serial }, index) =>
    tree.plug(node, { usb: { port: String(index + 1), serial }, report: webcamReport() }).then(() => performance.now()),
  );
  const since = await Promise.all(plugs);
  const told = await Promise.all(cameras.map(({ serial }) => eventAt(`discovered ${serial}`)));
  const leftAt = performance.now();
  await Promise.all(cameras.map(({ node }) => tree.unplug(node)));
  const gone = await Promise.all(cameras.map(({ serial }) => eventAt(`removed ${serial}`)));
  return { plugged: told.map((at, index) => Math.max(0, at - (since[index] ?? at))), unplugged: gone.map((at) => at - leftAt) };
}

async function measure(count: number): Promise<Figure[]> {
  const results: Awaited<ReturnType<typeof round>>[] = [];
  for (let number = 0; number < rounds / count; number += 1) results.push(await round(number, count));
  const plugged = results.flatMap((one) => one.plugged);
  const unplugged = results.flatMap((one) => one.unplugged);
  const who = count === 1 ? 'one camera' : `${count} at once`;
  return [
    told(`${who}: plugged -> event, median`, median(plugged), 'ms', 1),
    atMost(`${who}: plugged -> event, p95`, percentile(plugged, 0.95), 200, 'ms', 1),
    told(`${who}: unplugged -> event, median`, median(unplugged), 'ms', 1),
    atMost(`${who}: unplugged -> event, p95`, percentile(unplugged, 0.95), 200, 'ms', 1),
  ];
}

try {
  printFigures([...(await measure(1)), ...(await measure(4)), ...(await measure(10))]);
} finally {
  await watch.stop();
  await broker.stop();
  await removeFolder(folder);
}
