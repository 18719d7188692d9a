/**
 * What recording costs a spoke: 16 streams of 640x360 at 30 frames per second, with and without recording in turns of the same run, so that
 * the sources, the bus and the machine are the same. The sources are programs that replay a second of picture: nothing is encoded.
 * `BENCH_ROUNDS` turns of each (default 3) of `BENCH_MEASURE_S` seconds (default 8).
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { RecordingOrder } from '../contracts/index.js';
import type { RecorderCounters } from '../recordings/spoke/index.js';
import { SpokeChild } from '../recordings/spoke/testing/spoke-child.js';
import { makeFakeFfmpeg } from '../testkit/fake-ffmpeg.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
import { atMost, median, printFigures, told } from './figures.js';
import { memoryOf, startCpu } from './processes.js';

const streams = 16;
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const measureMs = Number(process.env.BENCH_MEASURE_S ?? 8) * 1000;
const settleMs = 2000;

const ids = Array.from({ length: streams }, (_, index) => `cam${index}`);
const folder = await makeTempFolder('recording-bench');
const fake = await makeFakeFfmpeg(folder, { width: 640, height: 360 });
const spoke = await SpokeChild.make(ids, fake.path);

function order(round: number, id: string): RecordingOrder {
  const from = new Date().toISOString();
  const more = { origin: 'always', format: 'fmp4', until: null, segment_s: 5, segment_bytes: 2 ** 30, pre_roll_s: 0 } as const;
  return { recording_id: `${id}-${round}`, from, ...more };
}

const assign = (round: number | undefined) =>
  spoke.assign(ids.map((id) => ({ id, config: { device: 'test:' }, orders: round === undefined ? [] : [order(round, id)] })));

async function counters(): Promise<RecorderCounters> {
  const answer = once(spoke.child, 'message');
  spoke.child.send('counters');
  const [told] = (await answer) as [RecorderCounters];
  return told;
}

interface Turn {
  readonly cpu: number;
  readonly rssMb: number;
  readonly fragments: number;
  readonly writes: number;
  readonly writeMs: number;
}

async function measure(): Promise<Turn> {
  await delay(settleMs);
  const pid = spoke.child.pid ?? 0;
  const [load, before] = [startCpu([pid]), await counters()];
  await delay(measureMs);
  const [cpu, after] = [load(), await counters()];
  const writes = after.writes - before.writes;
  return {
    cpu,
    rssMb: memoryOf(pid).rssMb,
    fragments: (after.fragments - before.fragments) / (measureMs / 1000) / streams,
    writes,
    writeMs: (after.writeMs - before.writeMs) / writes,
  };
}

const [without, recording]: [Turn[], Turn[]] = [[], []];
let last: RecorderCounters;
try {
  await spoke.start();
  await assign(undefined);
  await waitFor(async () => (await counters()).fragments > streams * 60, { what: 'pictures of all', deadlineMs: 60_000, everyMs: 200 });
  for (let round = 0; round < rounds; round += 1) {
    await assign(undefined);
    without.push(await measure());
    await assign(round);
    recording.push(await measure());
  }
  last = await counters();
} finally {
  await spoke.stop();
  await removeFolder(folder);
}

const of = (turns: readonly Turn[], value: (turn: Turn) => number) => median(turns.map(value));
const [cpuWithout, cpuRecording] = [of(without, ({ cpu }) => cpu), of(recording, ({ cpu }) => cpu)];
const [rssWithout, rssRecording] = [of(without, ({ rssMb }) => rssMb), of(recording, ({ rssMb }) => rssMb)];
printFigures([
  told(
    'fragments per second of each stream (30 wanted)',
    of(recording, ({ fragments }) => fragments),
    '',
    1,
  ),
  told(`spoke with ${streams} streams, not recording`, cpuWithout, '% of a core', 1),
  told(`spoke with ${streams} streams, recording all`, cpuRecording, '% of a core', 1),
  atMost('recording to not recording, processor', cpuRecording / cpuWithout, 2, 'x', 2),
  told('recording, per stream', (cpuRecording - cpuWithout) / streams, '% of a core', 2),
  told('RSS, not recording', rssWithout, 'MB', 1),
  told('RSS, recording', rssRecording, 'MB', 1),
  told('recording, RSS per stream', (rssRecording - rssWithout) / streams, 'MB', 2),
  atMost(
    'from the arrival of a fragment until the system has it, mean',
    of(recording, ({ writeMs }) => writeMs),
    10,
    'ms',
    2,
  ),
  told('  longest', last.longestWriteMs, 'ms', 1),
  told('most bytes that waited for the disk, of one stream', last.highestQueueBytes / 1024, 'KiB', 1),
  atMost('fragments given up', last.overflowed, 0, ''),
]);
