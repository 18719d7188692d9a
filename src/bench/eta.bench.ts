/**
 * How right the expected end of a job is, from the first tenth of its work on: with content of one kind, and with halves that are not alike.
 * `node dist/bench/eta.bench.js [seconds of video]`; default 120, three jobs of about a minute each on two processors.
 */
import { join } from 'node:path';
import { builtinProfiles, type JobProgress, type VideoProfile } from '../contracts/index.js';
import { runProgram } from '../media/index.js';
import { waitFor } from '../testkit/index.js';
import { ScriptedHub } from '../vod/worker/testing/scripted-hub.js';
import { atMost, type Figure, printFigures, told } from './figures.js';

const seconds = Number(process.argv[2] ?? 120);
const size = '1280x720';
const hard = (length: number) => `testsrc2=s=${size}:r=25:d=${length},noise=alls=12:allf=t,format=yuv420p,setsar=1`;
const easy = (length: number) => `gradients=s=${size}:r=25:d=${length}:speed=0.005:c0=navy:c1=teal:nb_colors=2:seed=7,format=yuv420p,setsar=1`;

const contents: readonly { readonly name: string; readonly graph: string }[] = [
  { name: 'of one kind', graph: hard(seconds) },
  { name: 'an easy half, then a hard one', graph: `${easy(seconds / 2)}[a];${hard(seconds / 2)}[b];[a][b]concat` },
  { name: 'a hard half, then an easy one', graph: `${hard(seconds / 2)}[a];${easy(seconds / 2)}[b];[a][b]concat` },
];

/** Of each report from the first tenth of the time on: how far the end that it promised was from the true one, as a part of the whole. */
function misses(reports: readonly JobProgress[], wholeS: number): number[] {
  const promises = reports.filter(({ elapsed_s, eta_s }) => eta_s !== null && elapsed_s >= wholeS / 10);
  return promises.map(({ elapsed_s, eta_s }) => Math.abs(elapsed_s + (eta_s ?? 0) - wholeS) / wholeS);
}

async function measure(hub: ScriptedHub, number: number, content: (typeof contents)[number]): Promise<Figure[]> {
  const input = join(hub.folder, 'sources', `${number}.mp4`);
  const sound = ['-f', 'lavfi', '-t', String(seconds), '-i', 'sine'];
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '23', '-g', '50', '-c:a', 'aac', '-shortest'];
  const made = await runProgram('ffmpeg', ['-nostdin', '-y', '-f', 'lavfi', '-i', content.graph, ...sound, ...codecs, input], {
    timeoutMs: 600_000,
  });
  if (made.code !== 0) throw new Error(made.stderr.slice(-2000));
  const job_id = `job-${number}`;
  const places = { output_path: join(hub.folder, 'outputs', job_id), staging_path: join(hub.folder, 'outputs', `.${job_id}.r1`) };
  const profile = { ...(builtinProfiles[0] as VideoProfile), passthrough: false };
  hub.open = () => ({ outcome: 'granted', order: hub.order(input, { job_id, profile, quality: ['480p', '360p'], ...places }) });
  await hub.ticket();
  await waitFor(() => hub.reports.some((report) => report.job_id === job_id && (report.kind === 'done' || report.kind === 'failed')), {
    deadlineMs: 1_200_000,
    everyMs: 50,
  });
  const reports = hub.progress.filter((report) => report.job_id === job_id);
  const wholeS = reports.at(-1)?.elapsed_s ?? Number.NaN;
  if (process.env.WEIR_BENCH_TRACE !== undefined) {
    const inspected = hub.reports.find((report) => report.job_id === job_id && report.kind === 'facts');
    process.stdout.write(`${JSON.stringify(inspected?.kind === 'facts' ? inspected.facts.video?.bitrates_kbps : null)}\n`);
    process.stdout.write(`${JSON.stringify(reports.map(({ elapsed_s, percent, phase, eta_s }) => [elapsed_s, percent, phase, eta_s]))}\n`);
  }
  const found = misses(reports, wholeS).map((miss) => miss * 100);
  return [
    told(`${content.name}: the whole job`, wholeS, 's', 1),
    atMost(`${content.name}: the worst promise of ${found.length} is wrong by`, Math.max(...found), 15, '%', 1),
  ];
}

await using hub = await ScriptedHub.start();
await hub.worker();
const figures: Figure[] = [];
for (const [number, content] of contents.entries()) figures.push(...(await measure(hub, number, content)));
printFigures(figures);
