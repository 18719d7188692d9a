import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SourceFacts } from '../../contracts/video.js';
import { builtinProfiles } from '../../contracts/video-profile.js';
import { makeTempFolder, removeFolder } from '../../testkit/index.js';
import { packageAndCheck } from '../hls/testing/whole-output.js';
import { loudnessCommand, parseLoudness } from './loudness.js';
import { planVideo, type VideoPlan } from './plan.js';
import {
  beepInput,
  beepsOf,
  counterInput,
  countersOf,
  encodeWhole,
  ffmpeg,
  inspect,
  packetsOf,
  softwareMachine,
  tinyProfile,
} from './testing/bed.js';

let folder: string;
before(async () => {
  folder = await makeTempFolder('encode');
});
after(() => removeFolder(folder));

const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast'];
const pattern = (size: string, rate: string, seconds: number, more = '') => [
  '-f',
  'lavfi',
  '-t',
  String(seconds),
  '-i',
  `testsrc2=s=${size}:r=${rate}${more}`,
];

interface Row {
  readonly name: string;
  readonly file: string;
  /** Arguments of FFmpeg without the file. */
  readonly make: (path: string) => Promise<unknown>;
  readonly facts?: (facts: SourceFacts) => void;
  /** Of each rendition, from high to low. */
  readonly sizes: readonly string[];
  readonly frames: number;
  /** Audio tracks. */
  readonly tracks: number;
  readonly plan?: (plan: VideoPlan) => void;
  readonly profile?: Readonly<Record<string, unknown>>;
}

const made =
  (...args: string[]) =>
  (path: string) =>
    ffmpeg([...args, path]);
const two = ['320x180', '160x90'];

const rows: readonly Row[] = [
  {
    name: 'portrait',
    file: 'portrait.mp4',
    make: made(...pattern('180x320', '25', 1), ...beepInput(1), ...x264),
    sizes: ['180x320', '90x160'],
    frames: 25,
    tracks: 1,
  },
  {
    name: 'pixels of 4:3',
    file: 'sar.mp4',
    make: made(...pattern('240x180', '25', 1, ',setsar=4/3'), ...x264),
    sizes: ['320x180', '160x90'],
    frames: 25,
    tracks: 0,
  },
  {
    name: 'turned by 90 degrees',
    file: 'turned.mp4',
    make: async (path) => {
      await ffmpeg([...pattern('320x180', '25', 1), ...x264, `${path}.mov`]);
      await ffmpeg(['-i', `${path}.mov`, '-c', 'copy', '-metadata:s:v:0', 'rotate=90', path]);
    },
    facts: ({ video }) => assert.deepEqual([(video?.rotation ?? 0) % 180, video?.width, video?.height], [90, 180, 320]),
    sizes: ['180x320', '90x160'],
    frames: 25,
    tracks: 0,
  },
  {
    name: 'interlaced',
    file: 'interlaced.ts',
    make: made(...pattern('320x240', '50', 1, ',interlace'), '-c:v', 'mpeg2video', '-flags', '+ilme+ildct'),
    facts: ({ video }) => assert.equal(video?.is_interlaced, true),
    sizes: ['240x180', '120x90'],
    frames: 25,
    tracks: 0,
    plan: (plan) => assert.equal(plan.picture?.deinterlace, 'bwdif'),
  },
  {
    name: 'ten bits, 4:4:4, 853x479',
    file: 'odd.mkv',
    make: made(...pattern('853x479', '25', 0.4), '-pix_fmt', 'yuv444p10le', '-c:v', 'ffv1'),
    sizes: ['852x478'],
    frames: 10,
    tracks: 0,
    profile: { renditions: [{ name: '480p', height: 480, video_kbps: 900 }] },
  },
  { name: 'one frame', file: 'one.mp4', make: made(...pattern('320x180', '25', 1), '-frames:v', '1', ...x264), sizes: two, frames: 1, tracks: 0 },
  {
    name: '0.04 s with sound',
    file: 'short.mp4',
    make: made(...pattern('320x180', '25', 0.04), ...beepInput(0.04), ...x264),
    sizes: two,
    frames: 1,
    tracks: 1,
  },
  {
    name: 'sound alone',
    file: 'sound.m4a',
    make: made(...beepInput(2)),
    sizes: [],
    frames: 0,
    tracks: 1,
    plan: (plan) => assert.equal(plan.durationS, 2),
  },
  {
    name: 'sound with a cover',
    file: 'cover.m4a',
    make: async (path) => {
      await ffmpeg(['-f', 'lavfi', '-i', 'color=red:s=300x300', '-frames:v', '1', `${path}.jpg`]);
      await ffmpeg([...beepInput(2), '-i', `${path}.jpg`, '-map', '0', '-map', '1', '-c:v', 'copy', '-disposition:v:0', 'attached_pic', path]);
    },
    facts: (facts) => assert.equal(facts.video, null),
    sizes: [],
    frames: 0,
    tracks: 1,
  },
  {
    name: 'eight tracks of sound',
    file: 'tracks.mkv',
    make: made(...pattern('320x180', '25', 1), ...beepInput(1), '-map', '0', ...Array.from({ length: 8 }, () => ['-map', '1']).flat(), ...x264),
    sizes: two,
    frames: 25,
    tracks: 8,
    plan: (plan) => assert.equal(plan.audioLayout, 'group'),
  },
  {
    name: 'the size changes in mid-stream',
    file: 'change.ts',
    make: async (path) => {
      await ffmpeg([...pattern('320x180', '25', 1), ...x264, '-f', 'h264', `${path}.1`]);
      await ffmpeg([...pattern('256x192', '25', 1), ...x264, '-f', 'h264', `${path}.2`]);
      await writeFile(`${path}.3`, Buffer.concat([await readFile(`${path}.1`), await readFile(`${path}.2`)]));
      await ffmpeg(['-r', '25', '-f', 'h264', '-i', `${path}.3`, '-c', 'copy', path]);
    },
    sizes: two,
    frames: 50,
    tracks: 0,
  },
  { name: '240 frames a second', file: 'fast.mp4', make: made(...pattern('320x180', '240', 1), ...x264), sizes: two, frames: 60, tracks: 0 },
  {
    name: '12 frames a second, reordered',
    file: 'slow.mp4',
    make: made(...pattern('320x180', '12', 3), ...beepInput(3), ...x264),
    sizes: two,
    frames: 36,
    tracks: 1,
    profile: { preset: 'veryfast', passthrough: false },
  },
  {
    name: 'a frame a second',
    file: 'slowest.mp4',
    make: made(...pattern('320x180', '1', 8), ...beepInput(8), ...x264),
    sizes: two,
    frames: 8,
    tracks: 1,
    profile: { preset: 'veryfast', passthrough: false },
  },
  {
    name: 'fragmented',
    file: 'fragments.mp4',
    make: made(...pattern('320x180', '25', 2), ...x264, '-g', '25', '-movflags', 'frag_keyframe+empty_moov'),
    sizes: two,
    frames: 50,
    tracks: 0,
  },
  {
    name: 'HDR',
    file: 'hdr.mkv',
    make: made(
      ...pattern('320x180', '25', 0.4),
      '-pix_fmt',
      'yuv420p10le',
      '-c:v',
      'libx265',
      '-x265-params',
      'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc',
      '-preset',
      'ultrafast',
    ),
    facts: ({ video }) => assert.equal(video?.is_hdr, true),
    sizes: two,
    frames: 10,
    tracks: 0,
    plan: (plan) => assert.equal(plan.picture?.toneMap, 'zscale'),
  },
  {
    name: 'passed through, others follow its keyframes',
    file: 'copy.mp4',
    make: made(
      ...pattern('320x180', '30000/1001', 4),
      ...beepInput(4),
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-g',
      '45',
      '-keyint_min',
      '45',
      '-sc_threshold',
      '0',
      '-b:v',
      '200k',
      '-maxrate',
      '250k',
      '-bufsize',
      '200k',
      '-pix_fmt',
      'yuv420p',
    ),
    sizes: two,
    frames: 120,
    tracks: 1,
    plan: (plan) =>
      assert.deepEqual(
        plan.renditions.map((step) => [step.encoder, step.gopFrames]),
        [
          ['copy', 45],
          ['libx264', 45],
        ],
      ),
    profile: { segment_s: 1.5 },
  },
];

async function streamOf(path: string): Promise<string> {
  const text = await ffmpeg(['-i', path, '-map', '0:v:0', '-frames:v', '1', '-f', 'null', '-']);
  return /Video: (h264[^\n]*)/.exec(text)?.[1] ?? text;
}

describe('every source becomes a ladder whose renditions agree to the tick', () => {
  for (const row of rows) {
    test(row.name, async () => {
      const input = join(folder, row.file);
      await row.make(input);
      const facts = await inspect(input);
      row.facts?.(facts);
      const profile = tinyProfile(row.profile);
      const plan = planVideo(facts, profile, { machine: softwareMachine });
      row.plan?.(plan);
      const out = join(folder, `${row.file}-out`);
      const { outputs } = await encodeWhole(plan, input, out);
      assert.deepEqual(
        plan.renditions.map((step) => `${step.width}x${step.height}`),
        row.sizes,
      );
      assert.equal(plan.audio.length, row.tracks);
      let firstTimes: string[] | undefined;
      for (const output of outputs.filter((each) => each.kind === 'video')) {
        const index = outputs.indexOf(output);
        const stream = await streamOf(output.playlist);
        assert.ok(stream.includes('yuv420p') && stream.includes(row.sizes[index] ?? '-') && !/top first|bottom first/.test(stream), stream);
        const all = await packetsOf(output.playlist);
        const packets = all.filter((packet) => packet.kind === 'video');
        assert.ok((packets[0]?.dts ?? 0) >= 1.3 - 1e-4, `decoding begins at ${packets[0]?.dts}`);
        const sound = all.find((packet) => packet.kind === 'audio');
        // The encoder's first packet lies before the first sample.
        assert.ok(sound === undefined || Math.abs(sound.pts - 1.4 + 1024 / 48_000) < 0.005, `sound begins at ${sound?.pts}`);
        const times = packets.map((packet) => packet.pts.toFixed(4)).sort((a, b) => Number(a) - Number(b));
        assert.equal(times.length, row.frames);
        assert.equal(times[0], '1.4000');
        firstTimes ??= times;
        assert.deepEqual(times, firstTimes, 'all renditions have the same times');
        const step = plan.renditions[index];
        const keys = packets.flatMap((packet, at) => (packet.isKey ? [at] : []));
        assert.deepEqual(
          keys,
          Array.from({ length: Math.ceil(row.frames / (step?.gopFrames ?? 1)) }, (_, at) => at * (step?.gopFrames ?? 1)),
          'keyframes',
        );
      }
      for (const output of outputs.filter((each) => each.kind === 'audio')) {
        const packets = await packetsOf(output.playlist);
        const end = Math.max(...packets.map((packet) => packet.pts + packet.durationS)) - plan.timelineStartS;
        assert.ok(Math.abs(end - plan.durationS) < 0.05, `${end}`);
      }
      await packageAndCheck({ folder: out, plan, facts, profile, revision: 1, input });
    });
  }
});

describe('sound and picture stay together', () => {
  const together: readonly { name: string; file: string; make: (path: string) => Promise<unknown>; firstBeepS?: number; container?: string }[] = [
    {
      name: 'with a varying rate and a gap of five seconds',
      file: 'gap.mkv',
      make: (path) =>
        ffmpeg([
          ...counterInput({ rate: '30', seconds: 9 }),
          ...beepInput(9),
          '-vf',
          "select='not(between(t,2.01,6.99))*(1-0.5*eq(mod(n,7),1))'",
          '-vsync',
          'vfr',
          ...x264,
          path,
        ]),
    },
    {
      name: 'with a negative start',
      file: 'negative.mkv',
      make: (path) =>
        ffmpeg([
          ...counterInput({ rate: '25', seconds: 4 }),
          ...beepInput(4),
          ...x264,
          '-output_ts_offset',
          '-0.5',
          '-avoid_negative_ts',
          'disabled',
          path,
        ]),
    },
    {
      name: 'in MPEG-TS that begins far from zero',
      file: 'far.ts',
      make: (path) => ffmpeg([...counterInput({ rate: '25', seconds: 4 }), ...beepInput(4), ...x264, '-output_ts_offset', '5000', path]),
    },
    {
      name: 'with sound that begins later',
      file: 'late.mkv',
      make: (path) =>
        ffmpeg([...counterInput({ rate: '25', seconds: 5 }), '-itsoffset', '1.5', ...beepInput(3), '-map', '0', '-map', '1', ...x264, path]),
    },
    {
      name: 'in CMAF',
      file: 'cmaf.mp4',
      container: 'cmaf',
      make: (path) => ffmpeg([...counterInput({ rate: '30000/1001', seconds: 4 }), ...beepInput(4), ...x264, path]),
    },
  ];
  for (const { name, file, make, container } of together) {
    test(name, async () => {
      const input = join(folder, file);
      await make(input);
      const facts = await inspect(input);
      const profile = tinyProfile({ passthrough: false, ...(container === undefined ? {} : { container }) });
      const plan = planVideo(facts, profile, { machine: softwareMachine });
      const out = join(folder, `${file}-out`);
      const { outputs } = await encodeWhole(plan, input, out);
      const [top] = outputs;
      const packets = (await packetsOf(top?.playlist ?? '')).filter((packet) => packet.kind === 'video').sort((a, b) => a.pts - b.pts);
      const counters = await countersOf(top?.playlist ?? '');
      assert.equal(packets.length, plan.picture?.frames);
      assert.equal(counters.length, packets.length);
      assert.ok(Math.abs((packets[0]?.pts ?? -1) - plan.timelineStartS) < 1e-4);
      // Where the source's own clock puts each beep, told by the frame that is seen with it.
      const rate = facts.video?.frame_rate ?? 25;
      const beeps = await beepsOf((outputs.find((output) => output.kind === 'audio') ?? top)?.playlist ?? '', plan.timelineStartS);
      const delay = file === 'late.mkv' ? 1.5 : 0;
      assert.ok(beeps.length >= 2, `${beeps.length} beeps`);
      const inGap = (at: number): boolean => file === 'gap.mkv' && at > 1.9 && at < 7.1;
      for (const at of beeps.filter((each) => !inGap(each))) {
        const seen = counters[Math.round(at * rate)];
        assert.ok(seen !== undefined, `no counter can be read at ${at}`);
        const sourceS = seen / rate - delay;
        assert.ok(Math.abs(sourceS - Math.round(sourceS)) <= 0.04 + 0.5 / rate, `the beep at ${at} comes with frame ${seen}`);
      }
      await packageAndCheck({ folder: out, plan, facts, profile, revision: 1, input });
    });
  }
});

describe('a file that was trimmed without encoding begins at the picture that it shows first', () => {
  let input: string;
  before(async () => {
    input = join(folder, 'trimmed.mp4');
    const picture = [...x264, '-g', '25', '-bf', '0', '-pix_fmt', 'yuv420p'];
    await ffmpeg([...counterInput({ rate: '25', seconds: 4 }), ...beepInput(4), ...picture, `${input}.whole.mp4`]);
    // Amid the second group of pictures: the file holds it from its keyframe on, hidden by an edit list.
    await ffmpeg(['-ss', '1.3', '-i', `${input}.whole.mp4`, '-c', 'copy', input]);
  });
  for (const profile of builtinProfiles) {
    test(profile.name, async () => {
      const facts = await inspect(input);
      assert.equal(facts.video?.gop?.is_cut, true);
      assert.ok(facts.warnings.some((warning) => warning.includes('amid a group')));
      const plan = planVideo(facts, profile, { machine: softwareMachine });
      assert.ok(plan.notes.some((note) => note.startsWith('Nothing is passed through: it is cut')));
      const out = join(folder, `trimmed-${profile.name}`);
      const { outputs } = await encodeWhole(plan, input, out);
      const counters = await countersOf(outputs[0]?.playlist ?? '');
      assert.deepEqual(
        counters,
        Array.from({ length: 67 }, (_, index) => 33 + index),
      );
      const beeps = await beepsOf((outputs.find((output) => output.kind === 'audio') ?? outputs[0])?.playlist ?? '', plan.timelineStartS);
      assert.ok(Math.abs((beeps[0] ?? 0) - 0.68) < 0.06, `the beep of the third second comes at ${beeps[0]}`);
      await packageAndCheck({ folder: out, plan, facts, profile, revision: 1, input });
    });
  }
  test('the whole one is passed through', async () => {
    const facts = await inspect(`${input}.whole.mp4`);
    assert.equal(facts.video?.gop?.is_cut, false);
    const remux = builtinProfiles.filter((profile) => profile.name === 'remux');
    assert.deepEqual(
      remux.flatMap((profile) => planVideo(facts, profile, { machine: softwareMachine }).renditions.map(({ encoder }) => encoder)),
      ['copy'],
    );
  });
});

describe('options', () => {
  test('loudness is measured, then moved to -16 LUFS', async () => {
    const input = join(folder, 'quiet.mp4');
    await ffmpeg([...pattern('320x180', '25', 6), '-f', 'lavfi', '-t', '6', '-i', 'sine=440,volume=0.05', ...x264, input]);
    const [facts, profile] = [await inspect(input), tinyProfile({ loudness: true })];
    const plan = planVideo(facts, profile, { machine: softwareMachine });
    const measure = async (path: string) => parseLoudness(await ffmpeg(loudnessCommand(plan, { input: path, index: 1 }).args));
    const before_ = await measure(input);
    assert.ok(before_ !== undefined && before_.integrated < -25, JSON.stringify(before_));
    const out = join(folder, 'loud-out');
    await encodeWhole(plan, input, out, { loudness: new Map([[1, before_]]) });
    await ffmpeg(['-i', join(out, '180p.m3u8'), '-c', 'copy', join(folder, 'loud.mp4')]);
    const after_ = await measure(join(folder, 'loud.mp4'));
    assert.ok(after_ !== undefined && Math.abs(after_.integrated + 16) < 1, JSON.stringify(after_));
    await packageAndCheck({ folder: out, plan, facts, profile, revision: 1, input });
  });
});
