/**
 * Promise: a camera that is plugged in is there at once with all it can do, keeps its identity wherever it is plugged in again, shows its picture,
 * and takes nobody with it when it goes. Held with the kernel's own virtual cameras, in a machine that QEMU emulates.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../apps/version.js';
import type { StreamStatus } from '../contracts/index.js';
import { holes, overlaps } from '../recordings/spoke/testing/bench-top.js';
import type { CapturedCamera } from './hot-plug-gateway.js';
import type { UnpluggedRecording } from './hot-plug-recording.js';
import type { MachineStep, StepName } from './hot-plug-steps.js';

const machine = join(packageFolder, 'scripts', 'v4l2-vm.mjs');
const program = fileURLToPath(new URL('hot-plug-machine.js', import.meta.url));
const check = spawnSync(process.execPath, [machine, '--check'], { encoding: 'utf8' });
const without = check.status === 0 ? false : `no machine with cameras: ${check.stderr.trim()}`;
const timeoutS = 420;

/** What the program inside printed: a line of JSON for each step, and whatever else. */
function runMachine(): Promise<{ steps: Map<StepName, MachineStep>; output: string }> {
  return new Promise((resolve) => {
    const args = [machine, '--timeout', String(timeoutS), '--', process.execPath, program];
    execFile(process.execPath, args, { cwd: packageFolder, maxBuffer: 64 * 1024 ** 2 }, (_error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line.startsWith('{"name"'));
      const steps = lines.map((line) => JSON.parse(line) as MachineStep).map((step) => [step.name, step] as const);
      resolve({ steps: new Map(steps), output: `${stdout}\n${stderr}`.slice(-4000) });
    });
  });
}

describe('real cameras', { skip: without, timeout: (timeoutS + 60) * 1000 }, () => {
  let steps: Map<StepName, MachineStep>;
  let output = '';

  before(async () => {
    ({ steps, output } = await runMachine());
  });

  const stepOf = (name: StepName): MachineStep => {
    const step = steps.get(name);
    assert.ok(step !== undefined, `the machine did not come to "${name}":\n${output}`);
    assert.equal(step.error, undefined, step.error);
    return step;
  };

  test('plugged in: on the bus with its true formats, sizes, rates and controls', (context) => {
    const { devices: [device] = [], tookMs } = stepOf('plug');
    assert.equal(device?.path, '/dev/video0');
    assert.equal(device.error, undefined);
    const { driver, card, bus, formats = [], controls = [] } = device.capabilities ?? {};
    assert.deepEqual([driver, card, bus], ['vivid', 'vivid', 'platform:vivid-000']);
    const yuyv = formats.find((format) => format.pixel_format === 'YUYV');
    assert.deepEqual(
      yuyv?.sizes.map(({ width, height }) => `${width}x${height}`),
      ['320x180', '640x360', '640x480', '1280x720', '1920x1080', '3840x2160'],
    );
    assert.ok(yuyv?.sizes.every(({ frame_rates }) => frame_rates.length > 0 && frame_rates[0] === Math.max(...frame_rates)));
    assert.ok(formats.length > 50, `${formats.length} formats`);
    const brightness = controls.find((control) => control.name === 'brightness');
    assert.deepEqual([brightness?.type, brightness?.min, brightness?.max, brightness?.default], ['int', 0, 255, 128]);
    const pattern = controls.find((control) => control.name === 'test_pattern');
    assert.equal(pattern?.choices?.find(({ label }) => label === '100% Red')?.value, 7);
    context.diagnostic(
      `from the node's birth to the event: ${tookMs?.join(', ')} ms in the emulated machine, of which the probe ${device.capabilities?.took_ms} ms`,
    );
  });

  test('controls are set in the driver, and values it would not take are refused before', () => {
    const { facts = {} } = stepOf('controls');
    assert.deepEqual(facts.driver, ['brightness: 77', 'test_pattern: 7 (100% Red)']);
    assert.equal(facts.refusal, 'controls.brightness must be at most 255');
  });

  test('who may not open the node is told so, and can once the rights are set', () => {
    const { facts = {} } = stepOf('rights');
    assert.equal(facts.denied, 'permission_denied');
    assert.match(String(facts.allowed), /^formats \d\d+$/);
  });

  test('unplugged: told gone', (context) => {
    const { devices: [device] = [], tookMs } = stepOf('unplug');
    assert.equal(device?.device_id, stepOf('plug').devices?.[0]?.device_id);
    context.diagnostic(`from the order to the driver to the event: ${tookMs?.join(', ')} ms in the emulated machine`);
  });

  test('two at once, on other nodes and in another order: the first keeps its identity, the second has its own', (context) => {
    const { devices: [first, second] = [], tookMs } = stepOf('replug');
    assert.equal(first?.path, '/dev/video7');
    assert.equal(first.device_id, stepOf('plug').devices?.[0]?.device_id);
    assert.equal(second?.path, '/dev/video3');
    assert.notEqual(second.device_id, first.device_id);
    assert.ok([first, second].every((device) => (device.capabilities?.formats.length ?? 0) > 50));
    context.diagnostic(`from each node's birth to its event: ${tookMs?.join(', ')} ms in the emulated machine`);
  });

  test('both pictures run through the spoke to the bus, in the size and at the rate asked for', () => {
    const { facts = {} } = stepOf('picture');
    for (const status of facts.statuses as StreamStatus[]) {
      assert.equal(status.mode, 'encode');
      assert.deepEqual([status.video?.width, status.video?.height], [320, 180]);
    }
    const driver = (facts.driver as string[]).join('\n');
    assert.match(driver, /Width\/Height\s*: 320\/180/);
    assert.match(driver, /Frames per second: 5\.000/);
  });

  test('one fails, the other goes on without a restart', () => {
    const { facts = {} } = stepOf('loss');
    const other = facts.other as StreamStatus;
    assert.equal((facts.lost as StreamStatus).stream_id, 'camera1');
    assert.deepEqual([other.state, other.restarts ?? 0], ['running', facts.restarts ?? 0]);
  });

  test('unplugged while it is recorded: one gap with its cause, and from the next plug on it is recorded again', (context) => {
    const { devices = [], facts = {} } = stepOf('recording');
    assert.deepEqual(
      devices.map(({ path }) => path),
      ['/dev/video7', '/dev/video3', '/dev/video5'],
    );
    assert.equal(devices[2]?.device_id, devices[0]?.device_id, 'the same camera');
    const { entries, files, waiting, unpluggedAtMs, pluggedAtMs } = facts as unknown as UnpluggedRecording;
    assert.equal(waiting.cause, 'source_missing');
    const segments = entries.filter((entry) => entry.kind === 'segment');
    const all = entries.filter((entry) => entry.kind === 'gap');
    // Until its first picture every recording waits; that is none of the camera's going.
    const gaps = all.filter((gap) => Date.parse(gap.from) > Date.parse(segments[0]?.from ?? ''));
    assert.deepEqual([segments.length, gaps.length], [2, 1], JSON.stringify(entries));
    const [gap] = gaps;
    assert.equal(gap?.cause, 'source_missing');
    assert.equal(gap?.detail, 'The device is gone');
    const [from, to] = [Date.parse(gap?.from ?? ''), Date.parse(gap?.to ?? '')];
    assert.deepEqual([holes(entries, from, to, 1), overlaps(entries)], [[], []], 'no time is unaccounted for');
    // Fifteen pictures may be on their way in a machine that is this slow.
    assert.ok(Math.abs(from - unpluggedAtMs) < 3000, `the gap begins ${from - unpluggedAtMs} ms after the camera went`);
    assert.ok(to > pluggedAtMs && to > from, `it ends ${to - pluggedAtMs} ms after the plug`);
    for (const [at, segment] of segments.entries()) {
      assert.equal(files[at]?.frames, segment.frames, 'every picture that was recorded can be decoded');
      assert.ok(segment.frames > 5, `${segment.frames} pictures`);
    }
    context.diagnostic(`the gap is ${to - from} ms long, ${to - pluggedAtMs} ms of it after the plug; ${JSON.stringify(files)}`);
  });

  test('with a gateway: it opens the camera for its first reader and lets it go after the last; Weir itself reads from there', () => {
    const { holders, picture, framesBeside } = stepOf('gateway').facts as unknown as CapturedCamera;
    assert.deepEqual(
      holders.map((programs) => programs.length),
      [0, 1, 1, 0],
      JSON.stringify(holders),
    );
    assert.match(holders[1]?.[0] ?? '', /^ffmpeg .*-f v4l2 -video_size 320x180 -framerate 5 -i \/dev\/video5 .*-f rtsp/);
    assert.equal(holders[2]?.[0], holders[1]?.[0], 'the same program all the time');
    assert.deepEqual(picture, { codec_name: 'h264', profile: 'Constrained Baseline', width: 320, height: 180, pix_fmt: 'yuv420p', level: 30 });
    assert.ok(framesBeside.length === 2 && framesBeside.every((frames) => frames > 5), String(framesBeside));
  });

  test('no program holds a camera that nobody watches: the driver can be taken out', () => {
    assert.equal(stepOf('end').devices?.length, 1);
  });
});
