import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeTempFolder, removeFolder } from '../../testkit/index.js';
import { planChunks } from './chunks.js';
import { planVideo } from './plan.js';
import {
  beepInput,
  beepsOf,
  counterInput,
  countersOf,
  encodePieces,
  encodeWhole,
  ffmpeg,
  inspect,
  packetsOf,
  softwareMachine,
  tinyProfile,
} from './testing/bed.js';

let folder: string;
before(async () => {
  folder = await makeTempFolder('chunks');
});
after(() => removeFolder(folder));

const seconds = 20;
const gop = (more: string) => ['-c:v', 'libx264', '-preset', 'veryfast', '-x264-params', `keyint=75:min-keyint=20:${more}`];

/** Sources whose cuts are hard to hit: times, groups and containers of every kind. */
const sources: readonly { name: string; file: string; rate: string; args: readonly string[]; container?: 'cmaf' }[] = [
  { name: '29.97 with B-frames and open groups, MP4', file: 'open.mp4', rate: '30000/1001', args: gop('bframes=3:b-pyramid=normal:open-gop=1') },
  { name: '25 with times in milliseconds, Matroska, as CMAF', file: 'ms.mkv', rate: '25', args: gop('bframes=2'), container: 'cmaf' },
  {
    name: '29.97 with times in milliseconds that begin late, Matroska',
    file: 'late.mkv',
    rate: '30000/1001',
    args: [...gop('bframes=2'), '-output_ts_offset', '3.3'],
  },
  { name: '23.976, MPEG-TS', file: 'film.ts', rate: '24000/1001', args: gop('bframes=3') },
];

for (const source of sources) {
  test(`pieces join without a seam: ${source.name}`, async () => {
    const input = join(folder, source.file);
    const audio = ['-c:a', 'aac', '-shortest'];
    await ffmpeg([...counterInput({ rate: source.rate, seconds }), ...beepInput(seconds), ...source.args, ...audio, input]);
    const facts = await inspect(input);
    const profile = tinyProfile({ passthrough: false, ...(source.container === undefined ? {} : { container: source.container }) });
    const plan = planVideo(facts, profile, { machine: softwareMachine });
    const chunks = planChunks(facts, plan, { pieces: 3, minPieceS: 5 });
    assert.equal(chunks.length, 3);
    assert.equal(
      chunks.reduce((sum, chunk) => sum + chunk.frames, 0),
      plan.picture?.frames,
    );

    const whole = await encodeWhole(plan, input, join(folder, `${source.file}-whole`));
    const joined = await encodePieces(plan, chunks, input, join(folder, `${source.file}-joined`));
    assert.deepEqual(
      joined.outputs.map((output) => output.name),
      whole.outputs.map((output) => output.name),
    );
    for (const [position, output] of joined.outputs.entries()) {
      const other = await packetsOf(whole.outputs[position]?.playlist ?? '');
      const packets = await packetsOf(output.playlist);
      for (const kind of ['video', 'audio']) {
        const times = (all: typeof packets) =>
          all
            .filter((packet) => packet.kind === kind)
            .map((packet) => packet.pts.toFixed(3))
            .sort();
        assert.deepEqual(times(packets), times(other), `${output.name}: times of ${kind}`);
        const decoding = packets.filter((packet) => packet.kind === kind).map((packet) => packet.dts);
        assert.ok(
          decoding.every((dts, index) => index === 0 || dts > (decoding[index - 1] ?? 0)),
          `${output.name}: decoding times of ${kind} grow`,
        );
      }
      const keys = (all: typeof packets) => all.filter((packet) => packet.kind === 'video' && packet.isKey).map((packet) => packet.pts.toFixed(3));
      assert.deepEqual(keys(packets), keys(other), `${output.name}: keyframes`);
    }
    const [top] = joined.outputs;
    const expected = Array.from({ length: plan.picture?.frames ?? 0 }, (_, frame) => frame);
    assert.deepEqual(await countersOf(top?.playlist ?? ''), expected, 'no frame is missing or double');
    const sound = joined.outputs.find((output) => output.kind === 'audio') ?? top;
    const beeps = await beepsOf(sound?.playlist ?? '', plan.timelineStartS);
    assert.equal(beeps.length, seconds - 1);
    for (const [index, at] of beeps.entries()) assert.ok(Math.abs(at - index - 1) < 0.04, `beep ${index + 1} at ${at}`);
  });
}

describe('planChunks', () => {
  test('cuts at whole segments, pieces of about the same length', async () => {
    const input = join(folder, 'plan.mp4');
    await ffmpeg([...counterInput({ rate: '30000/1001', seconds: 2 }), ...gop('bframes=0'), input]);
    const facts = await inspect(input);
    const long = { ...facts, duration_s: 600, video: facts.video === null ? null : { ...facts.video, duration_s: 600, frames: 17_982 } };
    const plan = planVideo(long, tinyProfile(), { machine: softwareMachine });
    const chunks = planChunks(long, plan, { pieces: 4 });
    assert.deepEqual(
      chunks.map((chunk) => chunk.firstFrame % 180),
      [0, 0, 0, 0],
    );
    assert.ok(
      chunks.every((chunk) => Math.abs(chunk.durationS - 150) < 7),
      JSON.stringify(chunks),
    );
    assert.deepEqual(planChunks(facts, planVideo(facts, tinyProfile(), { machine: softwareMachine }), { pieces: 4 }), [], 'short videos are not cut');
    assert.deepEqual(planChunks({ ...long, container: 'mpeg' }, plan, { pieces: 4 }), [], 'nor those that cannot be searched');
    const many = planChunks(long, plan, { pieces: 100, minPieceS: 58 });
    assert.equal(many.length, 14, 'ten, of which the last four are halves');
    assert.ok(many.slice(6).every((chunk) => chunk.durationS <= 36 && chunk.durationS >= 24));
    assert.deepEqual(
      many.map((chunk) => chunk.firstFrame),
      many.map((_, index) => many.slice(0, index).reduce((sum, chunk) => sum + chunk.frames, 0)),
    );
    assert.equal(
      many.reduce((sum, chunk) => sum + chunk.frames, 0),
      17_982,
    );
  });
});
