/**
 * What a worker adds to FFmpeg: the encode of a job, with its watch, progress and growing playlists, against the bare command with the
 * same arguments, turn by turn in the same run. `node dist/bench/vod-overhead.bench.js [seconds of video] [pairs]`; default 40 and 4.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createBus } from '../bus/index.js';
import { builtinProfiles, defaultRoots, type VideoProfile } from '../contracts/index.js';
import { encodeCommand, findEncodingMachine, findSandbox, inspectSource, openPackager, planVideo, runProgram } from '../media/index.js';
import { silentLogger } from '../telemetry/index.js';
import type { Attempt } from '../vod/worker/attempt-parts.js';
import { CostAccount } from '../vod/worker/cost.js';
import { encodeWhole } from '../vod/worker/encode-whole.js';
import { createJobLog } from '../vod/worker/job-log.js';
import { Lease } from '../vod/worker/lease.js';
import { defaultTiming } from '../vod/worker/needs.js';
import { JobProgressTeller } from '../vod/worker/progress.js';
import { ScriptedHub } from '../vod/worker/testing/scripted-hub.js';
import { TailMemory } from '../vod/worker/work-estimate.js';
import { atMost, median, printFigures, told } from './figures.js';

const seconds = Number(process.argv[2] ?? 40);
const pairs = Number(process.argv[3] ?? 4);

await using hub = await ScriptedHub.start();
const input = join(hub.folder, 'sources', 'clip.mp4');
const made = await runProgram(
  'ffmpeg',
  [
    ...['-nostdin', '-y', '-f', 'lavfi', '-t', String(seconds), '-i', 'testsrc2=s=854x480:r=25', '-f', 'lavfi', '-t', String(seconds), '-i', 'sine'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', input],
  ],
  { timeoutMs: 300_000 },
);
if (made.code !== 0) throw new Error(made.stderr);

const [machine, sandbox] = await Promise.all([findEncodingMachine({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false }), findSandbox()]);
const profile = builtinProfiles[0] as VideoProfile;
const facts = await inspectSource(input, { ffprobe: 'ffprobe', limits: { maxDurationS: 3600, maxPixels: 35_389_440, maxStreams: 16 } });
const plan = planVideo(facts, { ...profile, passthrough: false }, { quality: ['480p', '360p'], machine, thumbnailTime: null });
const connection = await hub.broker.connect();
const parts = {
  bus: createBus(connection),
  connection,
  roots: defaultRoots,
  workerId: 'bench',
  machine,
  sandbox,
  folders: { sources: [join(hub.folder, 'sources')], outputs: [join(hub.folder, 'outputs')] },
  pidFolder: join(hub.folder, 'pids'),
  log: silentLogger,
  timing: defaultTiming,
  tails: new TailMemory(),
};
const folder = join(hub.folder, 'outputs', '.clip.r1');

async function timed(run: () => Promise<unknown>): Promise<number> {
  await mkdir(folder);
  const begin = performance.now();
  await run();
  const tookMs = performance.now() - begin;
  await rm(folder, { recursive: true });
  return tookMs;
}

/** Processor time of FFmpeg and of the worker itself, seconds. */
const spent = { ffmpegS: 0, workerS: 0 };

async function asJob(): Promise<void> {
  const order = hub.order(input, { profile });
  const lease = new Lease(parts, order);
  const progress = new JobProgressTeller(parts, order);
  const cost = new CostAccount();
  const log = createJobLog(parts, order.job_id);
  const attempt: Attempt = {
    parts,
    order,
    lease,
    cost,
    progress,
    log,
    alive: () => undefined,
    helpWithPieces: () => ({ stop: async () => undefined }),
  };
  progress.planned(plan, facts.video);
  progress.phase('encoding');
  const before = process.cpuUsage();
  try {
    await encodeWhole(attempt, plan, openPackager({ folder, plan, facts, profile, revision: 1, signal: lease.signal }), input);
  } finally {
    progress.stop();
    lease.close();
  }
  const used = process.cpuUsage(before);
  spent.workerS += (used.user + used.system) / 1e6;
  spent.ffmpegS += cost.now().cpu_s;
}

const bare = async () => {
  const run = await runProgram('ffmpeg', [...encodeCommand(plan, { input, folder }).args], { timeoutMs: 1_200_000 });
  if (run.code !== 0) throw new Error(run.stderr.slice(-2000));
};

await timed(bare);
const ratios: number[] = [];
const bareTimes: number[] = [];
for (let pair = 0; pair < pairs; pair += 1) {
  // Each goes first as often as the other.
  const first = pair % 2 === 0 ? await timed(asJob) : await timed(bare);
  const second = pair % 2 === 0 ? await timed(bare) : await timed(asJob);
  const [job, alone] = pair % 2 === 0 ? [first, second] : [second, first];
  ratios.push(job / alone);
  bareTimes.push(alone);
}
printFigures([
  told(`FFmpeg alone, ${seconds} s of video in two renditions, median of ${pairs}`, median(bareTimes) / 1000, 's', 2),
  atMost('the encode of a job beyond that, median', (median(ratios) - 1) * 100, 1, '%', 2),
  told('  least and most', (Math.min(...ratios) - 1) * 100, `% and ${((Math.max(...ratios) - 1) * 100).toFixed(2)} %`, 2),
  told('processor time of worker, hub and bench together, of that of FFmpeg', (spent.workerS / spent.ffmpegS) * 100, '%', 2),
]);
