/** Every form of output, from a source to the last rule: through FFmpeg, our packager, the rules, a strict parser, and a decode of every frame. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { VideoOutput } from '../../contracts/video.js';
import { makeTempFolder, removeFolder } from '../../testkit/index.js';
import { planChunks } from '../vod/chunks.js';
import type { EncodingMachine } from '../vod/machine.js';
import { findEncodingMachine } from '../vod/machine.js';
import { planVideo, type VideoPlan } from '../vod/plan.js';
import { beepInput, counterInput, encodePieces, encodeWhole, ffmpeg, inspect, tinyProfile } from '../vod/testing/bed.js';
import { packageAndCheck, readDash, writeTestKey } from './testing/whole-output.js';
import { packetBytes } from './ts-reader.js';

const seconds = 5;
const rate = 25;
let folder: string;
let machine: EncodingMachine;
/** By name; made once, as most rows share one. */
const sources = new Map<string, string>();

before(async () => {
  folder = await makeTempFolder('forms');
  machine = await findEncodingMachine({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false });
  for (const [name, make] of Object.entries(makers)) sources.set(name, await make(join(folder, name)));
});
after(() => removeFolder(folder));

const closedGroups = ['-g', '25', '-keyint_min', '25', '-sc_threshold', '0', '-x264-params', 'open-gop=0'];
const makers: Readonly<Record<string, (path: string) => Promise<string>>> = {
  plain: async (path) => {
    await ffmpeg([...counterInput({ rate: String(rate), seconds }), ...beepInput(seconds), '-c:v', 'libx264', '-preset', 'ultrafast', `${path}.mp4`]);
    return `${path}.mp4`;
  },
  fitting: async (path) => {
    const rates = ['-b:v', '300k', '-maxrate', '350k', '-bufsize', '300k'];
    const video = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', ...closedGroups, ...rates];
    await ffmpeg([...counterInput({ rate: String(rate), seconds }), ...beepInput(seconds), ...video, '-c:a', 'aac', `${path}.mp4`]);
    return `${path}.mp4`;
  },
  tracks: async (path) => {
    await writeFile(`${path}.srt`, '1\n00:00:00,500 --> 00:00:02,500\nOver a border\n\n2\n00:00:03,000 --> 00:00:04,000\nZwei\n');
    const inputs = [...counterInput({ rate: String(rate), seconds }), ...beepInput(seconds), ...beepInput(seconds), '-i', `${path}.srt`];
    const maps = ['-map', '0', '-map', '1', '-map', '2', '-map', '3', '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=deu'];
    await ffmpeg([...inputs, ...maps, '-metadata:s:s:0', 'language=deu', '-c:v', 'libx264', '-preset', 'ultrafast', '-c:s', 'srt', `${path}.mkv`]);
    return `${path}.mkv`;
  },
  sound: async (path) => {
    await ffmpeg([...beepInput(seconds), `${path}.m4a`]);
    return `${path}.m4a`;
  },
};

interface Form {
  readonly name: string;
  readonly source: string;
  readonly profile?: Readonly<Record<string, unknown>>;
  /** Cut into so many pieces, which are joined. */
  readonly pieces?: number;
  /** What must be made of it, from high to low: how the name of each codec begins. */
  readonly codecs: readonly string[];
  readonly audio?: number;
  readonly subtitles?: number;
  readonly check?: (made: { readonly plan: VideoPlan; readonly output: VideoOutput; readonly out: string }) => void | Promise<void>;
}

const steps = (...codecs: readonly string[]) => codecs.map((codec, at) => ({ name: `r${at}`, height: at === 0 ? 180 : 90, video_kbps: 300, codec }));
const cmaf = { container: 'cmaf', dash: true } as const;
const encoded = { passthrough: false } as const;
const isCopied = ({ plan }: { plan: VideoPlan }) => assert.equal(plan.renditions[0]?.encoder, 'copy', plan.notes.join('; '));

const forms: readonly Form[] = [
  { name: 'H.264 in MPEG-TS', source: 'plain', profile: encoded, codecs: ['avc1', 'avc1'], check: isWellPacked },
  { name: 'H.264 in CMAF', source: 'plain', profile: { ...encoded, ...cmaf }, codecs: ['avc1', 'avc1'], audio: 1 },
  { name: 'H.265', source: 'plain', profile: { ...cmaf, renditions: steps('h265', 'h265') }, codecs: ['hvc1', 'hvc1'], audio: 1 },
  { name: 'AV1', source: 'plain', profile: { ...cmaf, renditions: steps('av1', 'av1') }, codecs: ['av01', 'av01'], audio: 1 },
  {
    name: 'H.265 beside H.264',
    source: 'plain',
    profile: { ...cmaf, ...encoded, renditions: steps('h265', 'h264') },
    codecs: ['hvc1', 'avc1'],
    audio: 1,
  },
  { name: 'H.265 where MPEG-TS was asked for', source: 'plain', profile: { renditions: steps('h265', 'h265') }, codecs: ['hvc1', 'hvc1'], audio: 1 },
  { name: 'AES-128 in MPEG-TS', source: 'plain', profile: { ...encoded, encryption: 'aes128' }, codecs: ['avc1', 'avc1'], check: isEncrypted },
  { name: 'sound alone in MPEG-TS', source: 'sound', codecs: ['mp4a'], audio: 1 },
  { name: 'sound alone in CMAF', source: 'sound', profile: cmaf, codecs: ['mp4a'], audio: 1 },
  { name: 'passed through in MPEG-TS', source: 'fitting', codecs: ['avc1', 'avc1'], check: isCopied },
  { name: 'passed through in CMAF', source: 'fitting', profile: cmaf, codecs: ['avc1', 'avc1'], audio: 1, check: isCopied },
  { name: 'passed through alone in MPEG-TS', source: 'fitting', profile: { renditions: steps('h264') }, codecs: ['avc1'], check: isCopied },
  {
    name: 'passed through alone in CMAF',
    source: 'fitting',
    profile: { ...cmaf, renditions: steps('h264') },
    codecs: ['avc1'],
    audio: 1,
    check: isCopied,
  },
  { name: 'pieces in MPEG-TS', source: 'plain', profile: encoded, pieces: 2, codecs: ['avc1', 'avc1'], check: isWellPacked },
  { name: 'pieces in CMAF', source: 'plain', profile: { ...encoded, ...cmaf }, pieces: 2, codecs: ['avc1', 'avc1'], audio: 1 },
  {
    name: 'pieces, AES-128',
    source: 'plain',
    profile: { ...encoded, encryption: 'aes128' },
    pieces: 2,
    codecs: ['avc1', 'avc1'],
    check: isEncrypted,
  },
  { name: 'pieces beside what is passed through', source: 'fitting', pieces: 2, codecs: ['avc1', 'avc1'], check: isCopied },
  {
    name: 'pieces of H.265',
    source: 'plain',
    profile: { ...cmaf, renditions: steps('h265', 'h265') },
    pieces: 2,
    codecs: ['hvc1', 'hvc1'],
    audio: 1,
  },
  { name: 'pieces of AV1', source: 'plain', profile: { ...cmaf, renditions: steps('av1', 'av1') }, pieces: 2, codecs: ['av01', 'av01'], audio: 1 },
  { name: 'sounds and text in MPEG-TS', source: 'tracks', profile: encoded, codecs: ['avc1', 'avc1'], audio: 2, subtitles: 1 },
  { name: 'sounds and text in CMAF', source: 'tracks', profile: { ...encoded, ...cmaf }, codecs: ['avc1', 'avc1'], audio: 2, subtitles: 1 },
  {
    name: 'pieces with sounds and text in CMAF',
    source: 'tracks',
    profile: { ...encoded, ...cmaf },
    pieces: 2,
    codecs: ['avc1', 'avc1'],
    audio: 2,
    subtitles: 1,
  },
];

/** Sound in packets as long as they may be, tables once per flush and not ten times a second. */
async function isWellPacked({ out, output }: { out: string; output: VideoOutput }): Promise<void> {
  const bytes = await readFile(join(out, `${output.renditions[0]?.name}_000.ts`));
  let [tables, sound] = [0, 0];
  for (let at = 0; at < bytes.length; at += packetBytes) {
    const pid = bytes.readUInt16BE(at + 1) & 0x1fff;
    if (pid === 0) tables += 1;
    if (pid === 257 && ((bytes[at + 1] ?? 0) & 0x40) !== 0) sound += 1;
  }
  assert.ok(tables <= 4, `${tables} tables in a segment of 2 s`);
  assert.ok(sound > 4 && sound < 30, `${sound} packets of sound in a segment of 2 s`);
}

async function isEncrypted({ out, output }: { out: string; output: VideoOutput }): Promise<void> {
  assert.equal(output.is_encrypted, true);
  const name = output.renditions[0]?.name ?? '';
  const playlist = await readFile(join(out, `${name}.m3u8`), 'utf8');
  assert.match(playlist, /#EXT-X-KEY:METHOD=AES-128,URI="segments\.key"/);
  const [segment = ''] = /^[^#].*/m.exec(playlist) ?? [];
  const head = await readFile(join(out, segment));
  assert.ok(
    head[0] !== 0x47 && head.toString('latin1', 4, 8) !== 'styp' && head.toString('latin1', 4, 8) !== 'moof',
    'it can be read without the key',
  );
}

test('AES-128 is refused where FFmpeg cannot do it', () => {
  for (const more of [cmaf, { renditions: steps('h265') }]) {
    assert.throws(() => tinyProfile({ ...more, encryption: 'aes128' }), /AES-128 needs container `ts` and H\.264/);
  }
});

describe('every form of output', () => {
  const lines: string[] = [];
  for (const form of forms) {
    test(form.name, async (context) => {
      const input = sources.get(form.source) ?? '';
      const facts = await inspect(input);
      const profile = tinyProfile({ segment_s: 2, keyframe_s: 1, ...form.profile });
      const missing = profile.renditions.find(({ codec }) => !machine.encoders.some((one) => one.codec === codec && one.works));
      if (missing !== undefined) return context.skip(`this FFmpeg has no encoder for ${missing.codec}`);
      const plan = planVideo(facts, profile, { machine });
      const out = join(folder, 'out');
      await rm(out, { recursive: true, force: true });
      await mkdir(out);
      const startedAt = performance.now();
      const key = plan.encryption === 'none' ? {} : { keyInfoFile: await writeTestKey(out) };
      const chunks = planChunks(facts, plan, { pieces: form.pieces ?? 1, minPieceS: 2 });
      assert.equal(chunks.length, form.pieces ?? 0);
      if (form.pieces === undefined) await encodeWhole(plan, input, out, key);
      else await encodePieces(plan, chunks, input, out, key);
      const output = await packageAndCheck({ folder: out, plan, facts, profile, revision: 1, input });
      assert.deepEqual(
        output.renditions.map(({ codecs }) => codecs.split('.')[0]),
        form.codecs,
      );
      const frames = seconds * rate;
      assert.ok(output.renditions.every((one) => one.frames === (form.source === 'sound' ? null : frames)));
      assert.equal(output.audio.length, form.audio ?? 0);
      assert.equal(output.subtitles.length, form.subtitles ?? 0);
      if (output.dash !== null) await assertDash(out, output.dash, { frames, renditions: plan.renditions.length, sounds: form.audio ?? 0 });
      await form.check?.({ plan, output, out });
      lines.push(lineOf(form, plan, output, performance.now() - startedAt));
    });
  }
  after(() => {
    for (const line of lines) process.stdout.write(`# ${line}\n`);
  });
});

function lineOf({ name, pieces }: Form, plan: VideoPlan, output: VideoOutput, tookMs: number): string {
  const tracks = `${output.renditions.length} renditions, ${output.audio.length} sounds, ${output.subtitles.length} texts`;
  const cut = pieces === undefined ? 'one run' : `${pieces} pieces`;
  return [
    name.padEnd(36),
    plan.container.padEnd(5),
    tracks.padEnd(32),
    cut.padEnd(9),
    (output.dash === null ? '' : 'DASH').padEnd(5),
    `${(tookMs / 1000).toFixed(1)} s`,
  ].join(' ');
}

/** A player that knows only the manifest gets every frame and all the sound. */
async function assertDash(out: string, manifest: string, wanted: { frames: number; renditions: number; sounds: number }): Promise<void> {
  const streams = await readDash(out, manifest);
  const pictures = streams.filter(({ kind }) => kind === 'video');
  assert.deepEqual(
    pictures.map(({ packets }) => packets),
    Array.from({ length: wanted.renditions }, () => wanted.frames),
  );
  const sounds = streams.filter(({ kind }) => kind === 'audio');
  assert.equal(sounds.length, wanted.sounds);
  for (const sound of sounds) assert.ok(Math.abs(sound.seconds - seconds) < 0.1, `${sound.seconds} s of sound`);
}
