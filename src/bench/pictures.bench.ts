/**
 * Processor seconds that thumbnail, posters and storyboard of a long 1080p video take, made of its renditions.
 * `node dist/bench/pictures.bench.js [minutes]`; default 10, less than a minute on two processors: one piece of video is encoded, and
 * joined with itself as pieces of a long video are.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type SourceFacts, videoProfileSchema } from '../contracts/index.js';
import {
  type Chunk,
  chunkCommand,
  findEncodingMachine,
  inspectSource,
  joinCommand,
  makePictures,
  packageOutput,
  plainRuns,
  planVideo,
  type RunMedia,
  runProgram,
  type VideoPlan,
} from '../media/index.js';
import { withTempFolder } from '../testkit/index.js';
import { atMost, printFigures, told } from './figures.js';

const minutes = Number(process.argv[2] ?? 10);
/** One segment. The next segment begins with a keyframe, so that no decoder can gain by having seen the same. */
const pieceS = 6;
const pieces = Math.round((minutes * 60) / pieceS);

const profile = videoProfileSchema.parse({
  name: 'bench',
  renditions: [
    { name: '1080p', height: 1080, video_kbps: 5000 },
    { name: '360p', height: 360, video_kbps: 800 },
  ],
  passthrough: false,
});

async function must(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram('ffmpeg', args, { timeoutMs: 1_200_000 });
  if (code !== 0) throw new Error(stderr);
}

/** Silent, as the sound is none of what pictures read. */
async function makePiece(path: string): Promise<SourceFacts> {
  const picture = `testsrc2=size=1920x1080:rate=30:duration=${pieceS},noise=alls=12:allf=t`;
  await must(['-nostdin', '-loglevel', 'error', '-f', 'lavfi', '-i', picture, '-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '12M', path]);
  return await inspectSource(path, { ffprobe: 'ffprobe', limits: { maxDurationS: 60, maxPixels: 35_389_440, maxStreams: 4 } });
}

/** The renditions of a video of so many pieces. */
async function makeLong(folder: string, input: string, facts: SourceFacts): Promise<{ output: string; plan: VideoPlan; facts: SourceFacts }> {
  const machine = await findEncodingMachine({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false });
  const { video } = facts;
  if (video === null) throw new Error('no picture');
  const durationS = pieces * pieceS;
  const long = { ...facts, duration_s: durationS, video: { ...video, duration_s: durationS, frames: durationS * 30 } };
  const plan = planVideo(long, profile, { machine });
  const [piece, output] = [join(folder, 'piece'), join(folder, 'out')];
  for (const each of [piece, output]) await mkdir(each);
  const chunk = (number: number): Chunk => {
    const startS = number * pieceS;
    return { chunk: number, firstFrame: startS * 30, frames: pieceS * 30, startS, durationS: pieceS };
  };
  await must(chunkCommand(plan, chunk(0), { input, folder: piece }).args);
  const chunks = Array.from({ length: pieces }, (_none, number) => chunk(number));
  const folders = { folder: output, audioFolder: folder, listFolder: folder, chunkFolders: chunks.map(() => piece) };
  const joining = joinCommand(plan, { input, chunks, ...folders });
  for (const list of joining.lists) await writeFile(list.path, list.text);
  await must(joining.args);
  return { output, plan, facts: long };
}

interface Spent {
  cpuS: number;
  runs: number;
}

/** The shell's own account of its child is the only exact one: user and system time, all threads. */
function counted(report: string, spent: Spent): RunMedia {
  const plain = plainRuns({ ffmpeg: 'bash' });
  return async (args, limits) => {
    const script = `TIMEFORMAT='%U %S'; { time "\${@:2}" 2>&3 ; } 3>&2 2>"$1"`;
    const result = await plain(['-c', script, 'bash', report, 'ffmpeg', ...args], limits);
    const [user = Number.NaN, system = Number.NaN] = (await readFile(report, 'utf8')).trim().split(/\s+/).map(Number);
    spent.cpuS += user + system;
    spent.runs += 1;
    return result;
  };
}

await withTempFolder(async (folder) => {
  const input = join(folder, 'source.mp4');
  const { output: packagedFolder, plan, facts } = await makeLong(folder, input, await makePiece(input));
  const measureFrom = performance.now();
  const output = await packageOutput({ folder: packagedFolder, plan, facts, profile, revision: 1 });
  const measuredS = (performance.now() - measureFrom) / 1000;
  const spent: Spent = { cpuS: 0, runs: 0 };
  const [own, startedAt] = [process.cpuUsage(), performance.now()];
  const pictures = await makePictures({ folder: packagedFolder, output, profile, run: counted(join(folder, 'times'), spent) });
  const wallS = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(own);
  const ownS = (user + system) / 1e6;
  const segments = output.renditions.map((rendition) => `${rendition.name}: ${rendition.segments} segments`).join(', ');
  if (pictures.posters.length === 0 || pictures.storyboard === null) throw new Error('no pictures were made');
  printFigures([
    told(`${minutes} minutes of 1080p (${segments})`, output.size_bytes / 1e6, 'MB'),
    told('measuring all segments, all playlists', measuredS, 's', 2),
    told(`pictures: FFmpeg's processor time in ${spent.runs} runs`, spent.cpuS, 's', 2),
    told('pictures: our own processor time', ownS, 's', 2),
    told('pictures: wall', wallS, 's', 2),
    atMost(
      `thumbnail, ${pictures.posters.length} posters, ${pictures.storyboard.sprite.length} sheets: processor time`,
      spent.cpuS + ownS,
      2 * (minutes / 10),
      's',
      2,
    ),
  ]);
}, 'pictures-bench');
