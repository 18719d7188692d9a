/** Processor seconds that poster and storyboard of a ten-minute 1080p video take; the goal is two. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type SourceFacts, videoProfileSchema } from '../contracts/index.js';
import {
  encodeCommand,
  findEncodingMachine,
  inspectSource,
  makePictures,
  packageOutput,
  plainRuns,
  planVideo,
  type RunMedia,
  runProgram,
} from '../media/index.js';
import { makeTempFolder, removeFolder } from '../testkit/index.js';

const minutes = Number(process.env.PICTURES_MINUTES ?? 10);

const folder = await makeTempFolder('pictures-bench');
try {
  const machine = await findEncodingMachine({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false });
  const source = await makeSource();
  const output = join(folder, 'out');
  await mkdir(output);
  const profile = videoProfileSchema.parse({
    name: 'bench',
    renditions: [
      { name: '1080p', height: 1080, video_kbps: 5000 },
      { name: '360p', height: 360, video_kbps: 800 },
    ],
    preset: 'ultrafast',
    passthrough: false,
  });
  const plan = planVideo(source.facts, profile, { machine });
  await must(encodeCommand(plan, { input: source.path, folder: output }).args);
  const measureFrom = performance.now();
  const packaged = await packageOutput({ folder: output, plan, facts: source.facts, profile, revision: 1 });
  const measured = performance.now() - measureFrom;
  const children = { cpuS: 0, runs: 0 };
  const own = process.cpuUsage();
  const startedAt = performance.now();
  const pictures = await makePictures({ folder: output, output: packaged, profile, run: counted(children) });
  const ownCpu = process.cpuUsage(own);
  const ownS = (ownCpu.user + ownCpu.system) / 1e6;
  const wallS = (performance.now() - startedAt) / 1000;
  console.log(
    `${minutes} minutes of 1080p: ${packaged.renditions.map(({ name, segments, size_bytes }) => `${name} ${segments} segments, ${(size_bytes / 1e6).toFixed(0)} MB`).join('; ')}`,
  );
  console.log(`measuring and playlists: ${(measured / 1000).toFixed(2)} s`);
  console.log(
    `${pictures.posters.length} posters, ${pictures.storyboard?.sprite.length} sheets: FFmpeg ${children.cpuS.toFixed(2)} CPU s in ${children.runs} runs, our own ${ownS.toFixed(2)} CPU s, ${wallS.toFixed(2)} s in all (goal: 2 CPU s)`,
  );
} finally {
  await removeFolder(folder);
}

/** Twenty seconds of a busy picture, again and again: the codec cannot see over the border, so each round costs the same. */
async function makeSource(): Promise<{ path: string; facts: SourceFacts }> {
  const [piece, path] = [join(folder, 'piece.mp4'), join(folder, 'source.mp4')];
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=1920x1080:rate=30,noise=alls=12:allf=t', '-f', 'lavfi', '-i', 'sine=frequency=440'];
  await must([
    '-nostdin',
    '-loglevel',
    'error',
    ...picture,
    '-t',
    '20',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-b:v',
    '6M',
    '-c:a',
    'aac',
    piece,
  ]);
  await must(['-nostdin', '-loglevel', 'error', '-stream_loop', String(minutes * 3 - 1), '-i', piece, '-c', 'copy', path]);
  return { path, facts: await inspectSource(path, { ffprobe: 'ffprobe', limits: { maxDurationS: 7200, maxPixels: 1e8, maxStreams: 8 } }) };
}

async function must(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram('ffmpeg', args, { timeoutMs: 3_600_000 });
  if (code !== 0) throw new Error(stderr);
}

/** The shell's own account of its child is the only exact one: user and system time, all threads. */
function counted(children: { cpuS: number; runs: number }): RunMedia {
  const plain = plainRuns({ ffmpeg: 'bash' });
  return async (args, limits) => {
    const report = join(folder, 'times');
    const script = `TIMEFORMAT='%U %S'; { time "\${@:2}" 2>&3 ; } 3>&2 2>"$1"`;
    const result = await plain(['-c', script, 'bash', report, 'ffmpeg', ...args], limits);
    const [user = 0, system = 0] = (await readFile(report, 'utf8')).trim().split(/\s+/).map(Number);
    children.cpuS += user + system;
    children.runs += 1;
    return result;
  };
}
