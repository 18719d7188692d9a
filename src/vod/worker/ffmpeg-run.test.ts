import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findSandbox, type ProgressReport } from '../../media/index.js';
import { assertWithin, listChildren, mountSmallDisk, waitFor, withTempFolder } from '../../testkit/index.js';
import { CostAccount } from './cost.js';
import { failureOf } from './failure.js';
import { type RunLimits, runFfmpeg } from './ffmpeg-run.js';

const wide: RunLimits = { max_wall_s: 60, max_output_bytes: 1e9, max_memory_bytes: 4e9, stall_s: 30 };
const endless = ['-nostdin', '-progress', 'pipe:1', '-stats_period', '0.1', '-re', '-f', 'lavfi', '-i', 'testsrc2=s=64x64'];

const childPids = () => listChildren().map((child) => Number.parseInt(child, 10));

/** Runs it to its end, and gives what the hub is told of that; `began` is called with its pid when it works. */
async function failureOfRun(args: readonly string[], limits: Partial<RunLimits>, more: { folder?: string; began?: (pid: number) => void } = {}) {
  return await withTempFolder(async (pidFolder) => {
    const cost = new CostAccount();
    const before = new Set(childPids());
    let reports = 0;
    const run = runFfmpeg({
      parts: { machine: { ffmpeg: 'ffmpeg' } as never, sandbox: await findSandbox(), pidFolder },
      args,
      limits: { ...wide, ...limits },
      signal: AbortSignal.timeout(60_000),
      cost,
      what: 'the encode',
      onProgress: (_report: ProgressReport) => {
        reports += 1;
        if (reports === 1) more.began?.(childPids().find((pid) => !before.has(pid)) ?? 0);
      },
      ...(more.folder === undefined ? {} : { folder: more.folder }),
    });
    const failure = await run.then(
      () => assert.fail('it ended well'),
      (error: unknown) => failureOf(error),
    );
    return failure;
  });
}

test('each limit ends the run with its reason', async (t) => {
  await t.test('time on the wall: another attempt would take as long', async () => {
    const failure = await failureOfRun([...endless, '-f', 'null', '-'], { max_wall_s: 1 });
    assert.deepEqual([failure.reason, failure.permanent], ['too_slow', true]);
    assert.match(failure.command ?? '', /testsrc2/);
  });
  await t.test('size of a file', () =>
    withTempFolder(async (folder) => {
      const failure = await failureOfRun([...endless, '-f', 'rawvideo', join(folder, 'out.raw')], { max_output_bytes: 100_000 });
      assert.deepEqual([failure.code, failure.reason, failure.permanent], ['payload_too_large', 'output_too_large', true]);
    }),
  );
  await t.test('memory: another machine may have more', async () => {
    const huge = ['-nostdin', '-f', 'lavfi', '-i', 'color=s=8192x8192:r=1', '-c:v', 'libx264', '-preset', 'veryslow', '-f', 'null', '-'];
    const failure = await failureOfRun(huge, { max_memory_bytes: 1.2e9 });
    assert.deepEqual([failure.reason, failure.permanent], ['out_of_memory', false], JSON.stringify(failure));
  });
  await t.test('no progress', async () => {
    const failure = await failureOfRun([...endless, '-f', 'null', '-'], { stall_s: 1 }, { began: (pid) => void process.kill(pid, 'SIGSTOP') });
    assert.deepEqual([failure.reason, failure.permanent], ['stalled', false]);
  });
  await t.test('a full disk, which FFmpeg says nothing of', async (t) => {
    const disk = await mountSmallDisk(1);
    if (disk === undefined) return t.skip('this user may not mount a disk');
    try {
      const hls = ['-c:v', 'mpeg2video', '-f', 'hls', '-hls_segment_filename', join(disk.folder, 's%03d.ts'), join(disk.folder, 'o.m3u8')];
      const failure = await failureOfRun([...endless, ...hls], {}, { folder: disk.folder, began: () => disk.fill(join(disk.folder, 'filler')) });
      assert.deepEqual([failure.reason, failure.permanent], ['disk_full', false]);
    } finally {
      await disk.remove();
    }
  });
});

test('a run that is cancelled is gone within a second, even one that stands still', () =>
  withTempFolder(async (pidFolder) => {
    const end = new AbortController();
    const before = new Set(childPids());
    let reports = 0;
    const run = runFfmpeg({
      parts: { machine: { ffmpeg: 'ffmpeg' } as never, sandbox: await findSandbox(), pidFolder },
      args: [...endless, '-f', 'null', '-'],
      limits: wide,
      signal: end.signal,
      cost: new CostAccount(),
      what: 'the encode',
      onProgress: () => {
        reports += 1;
      },
    });
    run.catch(() => undefined);
    await waitFor(() => reports > 0);
    const pid = childPids().find((one) => !before.has(one)) ?? 0;
    process.kill(pid, 'SIGSTOP');
    const fromMs = performance.now();
    end.abort();
    await assert.rejects(run);
    await assertWithin(performance.now() - fromMs, 1000, 'the end of a run');
    assert.ok(!childPids().includes(pid));
  }));
