/**
 * Forced restarts of FFmpeg: heap, memory, descriptors and processes must not grow with them. `WEIR_BENCH_RESTARTS` sets how many are
 * looked at (default 1000; the goal of the design is told for 10 000). Each one goes the whole way: run, picture on the bus, end, slate, retry.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createBus, ensureMediaJournal } from '../bus/index.js';
import type { MachineFacts } from '../media/index.js';
import { startSpoke } from '../streams/spoke/index.js';
import { makeFakeFfmpeg } from '../testkit/fake-ffmpeg.js';
import { makeTempFolder, removeFolder, startTestBroker, waitFor } from '../testkit/index.js';
import { countResources } from '../testkit/leak-check.js';
import { atMost, printFigures, told } from './figures.js';

const wanted = Number(process.env.WEIR_BENCH_RESTARTS ?? 1000);
const streamId = 'mortal';
/**
 * Restarts before the first look. The heap grows by some two megabytes in these and then stays: half of it is code that V8 makes while a path is
 * new to it, the rest is what it learns about types, and rings of log lines and restarts that fill up.
 */
const warmUp = 1500;

interface Sample {
  readonly restarts: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly descriptors: number;
}

/** Growth per restart by least squares. */
function slope(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const meanX = samples.reduce((sum, sample) => sum + sample.restarts, 0) / samples.length;
  const meanY = samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const top = samples.reduce((sum, sample) => sum + (sample.restarts - meanX) * (of(sample) - meanY), 0);
  const bottom = samples.reduce((sum, sample) => sum + (sample.restarts - meanX) ** 2, 0);
  return bottom === 0 ? 0 : top / bottom;
}

const folder = await makeTempFolder('restarts');
const { sample } = await makeFakeFfmpeg(folder);
const ffmpeg = join(folder, 'mortal-ffmpeg');
// A second of picture in one go, then the end: cheaper to start than any interpreter.
await writeFile(ffmpeg, `#!/bin/sh\ncat '${sample}'\nexit 0\n`);
await chmod(ffmpeg, 0o755);
const facts: MachineFacts = {
  ffmpeg,
  ffprobe: 'ffprobe',
  version: '5.1',
  fontFile: undefined,
  encoders: [{ encoder: 'libx264', works: true, reason: undefined, tookMs: 0 }],
  renderNode: undefined,
};

const broker = await startTestBroker();
await ensureMediaJournal(await broker.connect(), streamId);
const bus = createBus(await broker.connect());
const before = countResources();
const spoke = await startSpoke({
  bus,
  spokeId: 'bench',
  version: '0.0.0',
  facts,
  policy: { mediaFolders: [] },
  fixedStreams: [{ streamId, config: { device: 'test:' } }],
  pidFolder: join(folder, 'pids'),
  limits: { preRollS: 1, preRollBytes: 1_000_000, retry: { firstDelayMs: 1, baseDelayMs: 1, maxDelayMs: 1, crashLimit: Number.POSITIVE_INFINITY } },
});
const restarts = () => spoke.statuses()[0]?.restarts ?? 0;
const startedMs = performance.now();
const samples: Sample[] = [];
for (let next = warmUp; next <= warmUp + wanted; next += Math.max(1, Math.floor(wanted / 40))) {
  await waitFor(() => restarts() >= next, { what: `restart ${next}`, deadlineMs: 600_000, everyMs: 2 });
  global.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  samples.push({ restarts: restarts(), heapBytes: heapUsed, rssBytes: rss, descriptors: countResources().descriptors });
}
const done = restarts();
const tookMs = performance.now() - startedMs;
await spoke.stop();
await waitFor(() => countResources().children.length <= before.children.length, { what: 'the end of all children' });
const after = countResources();
await bus.stop();
await broker.stop();
await removeFolder(folder);

printFigures([
  told('restarts, warm-up included', done, ''),
  told('per second', (done * 1000) / tookMs, '', 1),
  atMost(
    'heap growth per restart',
    slope(samples, ({ heapBytes }) => heapBytes),
    256,
    'bytes',
  ),
  told(
    'memory growth per restart',
    slope(samples, ({ rssBytes }) => rssBytes),
    'bytes',
  ),
  atMost('descriptor growth per 1000 restarts', slope(samples, ({ descriptors }) => descriptors) * 1000, 10, '', 1),
  atMost('processes left, zombies included', after.children.length - before.children.length, 0, ''),
  atMost('descriptors left', after.descriptors - before.descriptors, 0, ''),
]);
