/**
 * The ladder against one FFmpeg per rendition, as the wire contract shows it: the same source, turn by turn in the same run.
 * `node dist/bench/ladder.bench.js [seconds] [rounds]`; default 10 s of video and 2 rounds, about three minutes on two processors.
 */
import { readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { builtinProfiles } from '../contracts/video-profile.js';
import { encodeCommand, findEncodingMachine, inspectSource, planVideo, runProgram } from '../media/index.js';
import { withTempFolder } from '../testkit/index.js';
import { type Figure, median, printFigures, told } from './figures.js';

const seconds = Number(process.argv[2] ?? 10);
const rounds = Number(process.argv[3] ?? 2);

interface Run {
  readonly wallS: number;
  readonly cpuS: number;
}

/** Runs FFmpeg; processor time is what FFmpeg itself says at its end. */
async function timed(args: readonly string[]): Promise<Run> {
  const startedAt = performance.now();
  const run = await runProgram('ffmpeg', ['-benchmark', ...args], { timeoutMs: 1_200_000 });
  if (run.code !== 0) throw new Error(run.stderr.slice(-2000));
  const [, user, system] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(run.stderr) ?? [];
  return { wallS: (performance.now() - startedAt) / 1000, cpuS: Number(user) + Number(system) };
}

const seedLadder = [
  { name: '1080p', scale: '-2:1080', rate: '5000k' },
  { name: '720p', scale: '-2:720', rate: '2800k' },
  { name: '480p', scale: '-2:480', rate: '1400k' },
  { name: '360p', scale: '-2:360', rate: '800k' },
];

async function seedWay(input: string, folder: string): Promise<Run> {
  const total = { wallS: 0, cpuS: 0 };
  for (const { name, scale, rate } of seedLadder) {
    const codecs = ['-c:v', 'libx264', '-b:v', rate, '-c:a', 'aac', '-b:a', '128k'];
    const hls = ['-hls_time', '10', '-hls_playlist_type', 'vod', '-hls_segment_filename', `${folder}/${name}_%03d.ts`];
    const run = await timed(['-nostdin', '-y', '-i', input, '-vf', `scale=${scale}`, ...codecs, ...hls, `${folder}/${name}.m3u8`]);
    total.wallS += run.wallS;
    total.cpuS += run.cpuS;
  }
  return total;
}

/** Structural similarity of the 1080p rendition with its source. */
async function similarity(playlist: string, source: string): Promise<number> {
  const args = [
    '-nostdin',
    '-i',
    playlist,
    '-i',
    source,
    '-filter_complex',
    '[0:v]setpts=PTS-STARTPTS[a];[1:v]setpts=PTS-STARTPTS[b];[a][b]ssim',
    '-f',
    'null',
    '-',
  ];
  const run = await runProgram('ffmpeg', args, { timeoutMs: 600_000 });
  return Number(/SSIM .*All:([\d.]+)/.exec(run.stderr)?.[1]);
}

function megabytes(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) / 1e6;
}

const machine = await findEncodingMachine({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false });

async function ladderRun(input: string, folder: string, profileName: string): Promise<Run> {
  const profile = builtinProfiles.find((known) => known.name === profileName);
  if (profile === undefined) throw new Error(profileName);
  const limits = { maxDurationS: 3600, maxPixels: 35_389_440, maxStreams: 16, timeoutMs: 60_000 };
  const facts = await inspectSource(input, { ffprobe: 'ffprobe', limits });
  // What is compared is encoding: nothing is passed through.
  const plan = planVideo(facts, { ...profile, passthrough: false }, { machine });
  // FFmpeg tells its processor time among what it only informs of.
  return await timed(encodeCommand(plan, { input, folder }).args.map((arg) => (arg === 'level+warning' ? 'level+info' : arg)));
}

interface Content {
  readonly name: string;
  readonly profile: string;
  readonly graph: string;
  readonly source: readonly string[];
  /** Least gain in time, and how many times smaller at least. */
  readonly gain: number;
  readonly smaller: number;
  /** SSIM may fall by so much. */
  readonly loss: number;
}

const contents: readonly Content[] = [
  {
    name: 'hard (test pattern with noise)',
    profile: 'default',
    graph: `testsrc2=s=1920x1080:r=30:d=${seconds},noise=alls=5:allf=t`,
    source: ['-b:v', '20M'],
    gain: 1.5,
    smaller: 0,
    loss: 0.001,
  },
  {
    name: 'easy (slow gradient, moving boxes)',
    profile: 'quality',
    graph: `gradients=s=1920x1080:r=30:d=${seconds}:speed=0.005:c0=navy:c1=teal:nb_colors=2:seed=7,drawbox=x='mod(t*120,1700)':y=300:w=220:h=140:color=orange:t=fill,drawbox=x=200:y='mod(t*60,900)':w=120:h=120:color=white:t=fill`,
    source: ['-crf', '18'],
    gain: 1.8,
    smaller: 10,
    loss: 0.001,
  },
];

async function compare(content: Content, folder: string): Promise<Figure[]> {
  await mkdir(folder);
  const input = join(folder, 'source.mp4');
  const sound = ['-f', 'lavfi', '-i', `sine=440:r=48000:d=${seconds}`];
  await timed([
    '-nostdin',
    '-y',
    '-f',
    'lavfi',
    '-i',
    content.graph,
    ...sound,
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    ...content.source,
    '-pix_fmt',
    'yuv420p',
    '-c:a',
    'aac',
    '-shortest',
    input,
  ]);
  const seeds: Run[] = [];
  const ours: Run[] = [];
  const [seedFolder, ourFolder] = [join(folder, 'seed'), join(folder, 'ours')];
  for (const each of [seedFolder, ourFolder]) await mkdir(each);
  for (let round = 0; round < rounds; round += 1) {
    seeds.push(await seedWay(input, seedFolder));
    ours.push(await ladderRun(input, ourFolder, content.profile));
  }
  const of = (runs: readonly Run[], key: keyof Run): number => median(runs.map((run) => run[key]));
  const [seedSsim, ourSsim] = [await similarity(join(seedFolder, '1080p.m3u8'), input), await similarity(join(ourFolder, '1080p.m3u8'), input)];
  const gain = (what: string, value: number, least: number): Figure => ({
    what: `${content.name}: ${what}`,
    result: `${value.toFixed(2)} x`,
    ...(least === 0 ? {} : { goal: `>= ${least} x`, isHeld: value >= least }),
  });
  return [
    told(`${content.name}: one FFmpeg per rendition, wall`, of(seeds, 'wallS'), 's', 1),
    told(`${content.name}: profile ${content.profile}, wall`, of(ours, 'wallS'), 's', 1),
    gain('gain in wall time', of(seeds, 'wallS') / of(ours, 'wallS'), content.gain),
    gain('gain in processor time', of(seeds, 'cpuS') / of(ours, 'cpuS'), content.gain),
    gain('smaller', megabytes(seedFolder) / megabytes(ourFolder), content.smaller),
    {
      what: `${content.name}: SSIM at 1080p`,
      result: `${ourSsim.toFixed(5)} against ${seedSsim.toFixed(5)}`,
      goal: `>= ${(seedSsim - content.loss).toFixed(5)}`,
      isHeld: ourSsim >= seedSsim - content.loss,
    },
  ];
}

await withTempFolder(async (folder) => {
  const figures: Figure[] = [];
  for (const [index, content] of contents.entries()) figures.push(...(await compare(content, join(folder, String(index)))));
  printFigures(figures);
}, 'ladder');
