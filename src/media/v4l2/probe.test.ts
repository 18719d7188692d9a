import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { WeirError } from '../../contracts/errors.js';
import { assertNoLeaks, countResources, waitFor, withTempFolder } from '../../testkit/index.js';
import { probeV4l2 } from './probe.js';
import { setV4l2Controls } from './set-controls.js';
import { vividCapture } from './testing/reports.js';

/** A `v4l2-ctl` that does `script`, and a node that it is asked of. */
function withProgram(script: string, body: (v4l2Ctl: string, node: string, folder: string) => Promise<void>): Promise<void> {
  return withTempFolder(async (folder) => {
    const v4l2Ctl = join(folder, 'v4l2-ctl');
    const node = join(folder, 'video0');
    await writeFile(v4l2Ctl, `#!/bin/sh\n${script}\n`);
    await chmod(v4l2Ctl, 0o755);
    await writeFile(node, vividCapture);
    await body(v4l2Ctl, node, folder);
  }, 'v4l2');
}

const withCode = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WeirError);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test('a probe is one run, in words that do not depend on the language of the host', () =>
  withProgram('echo "$LC_ALL $*" >> "$2.calls"; cat "$2"', async (v4l2Ctl, node) => {
    const { capabilities, isCapture } = await probeV4l2(node, { v4l2Ctl });
    assert.equal(isCapture, true);
    assert.equal(capabilities.driver, 'vivid');
    assert.equal(capabilities.formats.length, 2);
    assert.equal(await readFile(`${node}.calls`, 'utf8'), `C -d ${node} --all --list-formats-ext --list-ctrls-menus\n`);
  }));

test('a failure of some question leaves the answers to the others', () =>
  withProgram('cat "$2"; echo "VIDIOC_G_FMT: failed: Input/output error" >&2; exit 255', async (v4l2Ctl, node) => {
    assert.equal((await probeV4l2(node, { v4l2Ctl })).capabilities.formats.length, 2);
  }));

test('what cannot be asked is told apart', () =>
  withProgram('echo "Cannot open device $2, exiting." >&2; exit 1', async (v4l2Ctl, node, folder) => {
    await assert.rejects(probeV4l2(join(folder, 'video9'), { v4l2Ctl }), withCode('not_found', /is not there any more/));
    await assert.rejects(probeV4l2(node, { v4l2Ctl }), withCode('unavailable', /cannot be opened: Cannot open device/));
    await assert.rejects(probeV4l2(node, { v4l2Ctl: join(folder, 'none') }), withCode('failed_precondition', /is not installed/));
  }));

test('a node of something else is no V4L2 device', () =>
  withProgram('echo "VIDIOC_QUERYCAP: failed: Inappropriate ioctl for device" >&2; exit 1', async (v4l2Ctl, node) => {
    await assert.rejects(probeV4l2(node, { v4l2Ctl }), withCode('unsupported', /is no V4L2 device/));
  }));

test('a driver that hangs costs the deadline and no more; the abort is heeded at once', () =>
  withProgram('exec sleep 600', async (v4l2Ctl, node) => {
    const before = countResources();
    let isGone = false;
    const onStuck = (end: Promise<void>) => {
      void end.then(() => {
        isGone = true;
      });
    };
    await assert.rejects(probeV4l2(node, { v4l2Ctl, timeoutMs: 100, onStuck }), withCode('deadline_exceeded', /did not answer within 0.1 s/));
    // A child that was given up does not keep this process from ending; the wait does.
    await waitFor(() => isGone, { what: 'the end of the child' });
    const abort = new AbortController();
    const probe = probeV4l2(node, { v4l2Ctl, signal: abort.signal });
    abort.abort();
    await assert.rejects(probe, withCode('cancelled', /cancelled/));
    await assertNoLeaks(before);
  }));

test('a driver that talks without end is cut off and read as far as it came', () =>
  withProgram('cat "$2"; exec yes "and so on"', async (v4l2Ctl, node) => {
    assert.equal((await probeV4l2(node, { v4l2Ctl })).capabilities.formats.length, 2);
  }));

test('a value that the driver refuses all the same is told with its words', () =>
  withProgram('[ "$3" = --set-ctrl ] && { echo "VIDIOC_S_EXT_CTRLS: failed: Permission denied" >&2; exit 255; }; cat "$2"', async (v4l2Ctl, node) => {
    await assert.rejects(
      setV4l2Controls(node, { brightness: 3 }, { v4l2Ctl }),
      withCode('unavailable', /did not take brightness=3: VIDIOC_S_EXT_CTRLS/),
    );
  }));
