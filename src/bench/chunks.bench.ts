/**
 * A long video on one worker, and cut into pieces on four, each with the same part of a processor: how much of the fourfold is there?
 * `node dist/bench/chunks.bench.js [share of a processor] [seconds of video]`; default 0.5 and 240, about three minutes.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readRendition, tinyProfile, VideosBed } from '../e2e/videos-bed.js';
import { waitFor } from '../testkit/index.js';
import { type CpuShare, limitCpu } from './cpu-share.js';
import { printFigures, told } from './figures.js';

const share = Number(process.argv[2] ?? 0.5);
const seconds = Number(process.argv[3] ?? 240);
const names = ['w1', 'w2', 'w3', 'w4'] as const;
const goal = 0.85;

const env = { WEIR_VOD_CHUNK_MIN_S: '60', WEIR_VOD_PROFILES: JSON.stringify([{ ...tinyProfile, preset: 'slower' }]) };
const shares: CpuShare[] = [];
const bed = await VideosBed.start({ localWorker: false, env });
try {
  const source = await bed.source('long', { seconds });
  const start = async (name: (typeof names)[number]) => {
    const limited = limitCpu(name, share);
    shares.push(limited);
    await bed.worker(name, { command: limited.prefix });
  };
  const run = async (id: string) => {
    bed.publish(bed.request(id, source));
    const job = await bed.ended(id, 1_200_000);
    if (job.state !== 'done') throw new Error(JSON.stringify(job.error));
    const counters = await readRendition(join(bed.outputs, id, '180p.m3u8'), { width: 320, height: 180 });
    if (counters.length !== seconds * 25 || counters.some((counter, index) => counter !== index)) throw new Error(`${id} is not complete`);
    const bytes = readdirSync(join(bed.outputs, id)).reduce((sum, name) => sum + statSync(join(bed.outputs, id, name)).size, 0);
    const chunks = bed.progressOf(job.job_id).findLast((report) => report.chunks !== null)?.chunks;
    const reports = bed.progressOf(job.job_id);
    const at = (phase: string) => reports.find((report) => report.phase === phase)?.elapsed_s ?? Number.NaN;
    const encodeS = at(chunks === undefined || chunks === null ? 'packaging' : 'joining') - at('encoding');
    return { encodeS, wallS: job.cost?.wall_s ?? Number.NaN, cpuS: job.cost?.cpu_s ?? Number.NaN, bytes, pieces: chunks?.total ?? 1 };
  };
  await start('w1');
  const alone = await run('alone');
  for (const name of names.slice(1)) await start(name);
  const together = await run('together');
  const part = alone.wallS / together.wallS / names.length;
  printFigures([
    told(`one worker, ${share} of a processor, ${seconds} s of video`, alone.wallS, 's', 1),
    told('  its encode alone', alone.encodeS, 's', 1),
    told(`${names.length} such workers, ${together.pieces} pieces`, together.wallS, 's', 1),
    told('  their encode alone', together.encodeS, 's', 1),
    told(`  part of the ${names.length}-fold`, alone.encodeS / together.encodeS / names.length, '', 2),
    {
      what: `part of the ${names.length}-fold`,
      result: part.toFixed(2),
      goal: `>= ${goal}`,
      isHeld: part >= goal,
    },
    told('processor time, pieces against whole', together.cpuS / alone.cpuS, '', 3),
    told('size of the output, pieces against whole', together.bytes / alone.bytes, '', 3),
  ]);
} finally {
  const pids = bed.workers.map((worker) => worker.pid);
  await bed[Symbol.asyncDispose]();
  await waitFor(() => shares.every((one) => removed(one)), { what: `the end of ${pids}` });
}

function removed(one: CpuShare): boolean {
  try {
    one.remove();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  return true;
}
