/**
 * Memory of hub, broker and spoke at rest, and what each further stream adds outside FFmpeg.
 * `BENCH_IDLE_S` is how long they rest before the look (default 60); small streams settle for a third of it. A stream of 3 Mbit/s is looked at when
 * the minute of media that the broker keeps is full: its memory is the price of late viewers and of resuming without a gap.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Weir } from '../e2e/weir.js';
import { atMost, printFigures, told } from './figures.js';
import { type Memory, memoryOf, type PartName, partNames, partsOf } from './processes.js';
import { startShipped } from './shipped.js';

const idleMs = Number(process.env.BENCH_IDLE_S ?? 60) * 1000;

async function growTo(weir: Weir, from: number, to: number): Promise<void> {
  const ids = Array.from({ length: to - from }, (_, index) => `small${from + index}`);
  for (const id of ids) {
    await weir.api('POST', '/api/v1/streams', { stream_id: id, config: { device: 'test:', resolution: '160x90', framerate: 5 } });
  }
  for (const id of ids) await weir.streamWhen(id, (stream) => stream.status?.state === 'running', 'runs', 60_000);
  await delay(idleMs / 3);
}

await using weir = await startShipped({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
const pids = partsOf(weir);
const look = () => Object.fromEntries(partNames.map((part) => [part, memoryOf(pids[part])])) as Record<PartName, Memory>;

const atStart = look();
await delay(idleMs);
const idle = look();
await growTo(weir, 0, 4);
const four = look();
await growTo(weir, 4, 16);
const sixteen = look();

await weir.api('POST', '/api/v1/streams', {
  stream_id: 'large',
  config: { device: 'test:', resolution: '1280x720', framerate: 30, bitrate: 3000 },
});
await weir.streamWhen('large', (stream) => stream.status?.state === 'running', 'runs', 60_000);
await delay(Math.max(65_000, idleMs));
const large = look();

const total = (memory: Record<PartName, Memory>) => partNames.reduce((sum, part) => sum + memory[part].rssMb, 0);
printFigures([
  atMost('hub at rest, RSS', idle.hub.rssMb, 90, 'MB', 1),
  told('  PSS', idle.hub.pssMb, 'MB', 1),
  told('  just after its start, RSS', atStart.hub.rssMb, 'MB', 1),
  atMost('broker at rest, RSS', idle.broker.rssMb, 20, 'MB', 1),
  told('  PSS', idle.broker.pssMb, 'MB', 1),
  told('spoke at rest, RSS', idle.spoke.rssMb, 'MB', 1),
  told('  PSS', idle.spoke.pssMb, 'MB', 1),
  ...partNames.map((part) => told(`${part} with 4, per stream`, (four[part].rssMb - idle[part].rssMb) / 4, 'MB', 2)),
  ...partNames.map((part) => told(`${part} with 16, RSS`, sixteen[part].rssMb, 'MB', 1)),
  atMost('each further stream (4 to 16, 160x90 at 5), all three', (total(sixteen) - total(four)) / 12, 5, 'MB', 2),
  ...partNames.map((part) => told(`${part}, for a further stream of 3 Mbit/s`, large[part].rssMb - sixteen[part].rssMb, 'MB', 1)),
  atMost('each stream (0 to 16, the first included), all three', (total(sixteen) - total(idle)) / 16, 5, 'MB', 2),
]);
