import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { videoProfileSchema } from '../../contracts/video-profile.js';
import { withTempFolder } from '../../testkit/index.js';
import { runProgram } from '../ffmpeg/run-program.js';
import { encodeCommand } from '../vod/encode.js';
import { inspectSource } from '../vod/inspect.js';
import { findEncodingMachine } from '../vod/machine.js';
import { makePictures } from '../vod/pictures.js';
import { planVideo } from '../vod/plan.js';
import { checkDecode } from './decode-check.js';
import { packageOutput } from './package.js';
import { plainRuns } from './run-media.js';
import { validateOutput } from './validate.js';

const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25'];
const sources: Record<string, readonly string[]> = {
  'one frame': [...picture, '-frames:v', '1'],
  'two frames with sound': [...picture, '-f', 'lavfi', '-i', 'sine=440', '-t', '0.08'],
};
const limits = { maxDurationS: 60, maxPixels: 1_000_000, maxStreams: 8 };

for (const [name, args] of Object.entries(sources)) {
  test(`a source of ${name} becomes a sound output with a picture, in both containers`, () =>
    withTempFolder(async (top) => {
      const path = join(top, 'source.mp4');
      const made = await runProgram('ffmpeg', ['-v', 'error', ...args, '-c:v', 'libx264', '-preset', 'ultrafast', path], { timeoutMs: 60_000 });
      assert.equal(made.code, 0, made.stderr);
      const machine = await findEncodingMachine({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false });
      const facts = await inspectSource(path, { ffprobe: 'ffprobe', limits });
      for (const container of ['ts', 'cmaf'] as const) {
        const folder = join(top, container);
        await mkdir(folder);
        const profile = videoProfileSchema.parse({
          ...{ name: container, container, preset: 'ultrafast', passthrough: false },
          renditions: [{ name: '180p', height: 180, video_kbps: 300 }],
        });
        const plan = planVideo(facts, profile, { machine });
        const run = await runProgram('ffmpeg', encodeCommand(plan, { input: path, folder }).args, { timeoutMs: 60_000 });
        assert.equal(run.code, 0, run.stderr);
        const output = await packageOutput({ folder, plan, facts, profile, revision: 1 });
        assert.ok(Math.abs(output.duration_s - facts.duration_s) < 0.05, `${output.duration_s} s of ${facts.duration_s} s`);
        const pictures = await makePictures({ folder, output, profile, run: plainRuns({ ffmpeg: 'ffmpeg' }) });
        assert.equal(pictures.thumbnail, 'thumbnail.jpg');
        await checkDecode(folder, output, facts, { ffmpeg: 'ffmpeg', durationS: plan.durationS });
        const failed = (await validateOutput(folder, output)).filter((rule) => rule.level === 'must' && rule.result === 'failed');
        assert.deepEqual(failed, []);
      }
    }));
}
