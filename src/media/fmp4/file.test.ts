/** Live media as files: times from zero, the length in the header, and what is whole of a torn one. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { runTool } from '../../testkit/ffmpeg-capture.js';
import { muxArgs } from '../ffmpeg/output-args.js';
import { createFragmentCutter } from './cutter.js';
import type { Fragment } from './fragment.js';
import { concatBytes } from './group.js';
import { createFileTimeline, encodeDuration, findDurationField } from './rebase.js';
import { scanFragments } from './scan.js';

let bytes: Buffer;
let init: Uint8Array;
const fragments: Fragment[] = [];

before(async () => {
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10', '-f', 'lavfi', '-i', 'sine=sample_rate=48000'];
  const encode = ['-t', '3', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '10', '-c:a', 'aac'];
  bytes = await runTool('ffmpeg', ['-v', 'error', '-nostdin', ...inputs, ...encode, ...muxArgs({ output: undefined, isHeaderLate: true })]);
  const cutter = createFragmentCutter({
    onInit: (segment) => {
      init = segment.bytes;
    },
    onFragment: (fragment) => fragments.push(fragment),
  });
  cutter.push(bytes);
});

function* chunksOf(data: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}
const scan = (data: Uint8Array, size = 4096) =>
  scanFragments(
    (async function* () {
      yield* chunksOf(data, size);
    })(),
  );

test('a file that begins amid the media begins at zero; tracks keep their distance', () => {
  const from = fragments.findIndex((fragment) => fragment.isKey && fragment.timeMs > 1200);
  const timeline = createFileTimeline(init);
  const parts = fragments.slice(from).flatMap((fragment) => timeline.place(fragment.bytes).parts);
  const moved: Fragment[] = [];
  createFragmentCutter({ onInit: () => undefined, onFragment: (fragment) => moved.push(fragment) }).push(concatBytes([init, ...parts]));
  assert.equal(moved.length, fragments.length - from);
  const firstMs = moved[0]?.timeMs ?? Number.NaN;
  assert.ok(firstMs >= 0 && firstMs < 100, `${firstMs}`);
  const shiftMs = (fragments[from]?.timeMs ?? 0) - firstMs;
  for (const [index, fragment] of moved.entries()) {
    const before = fragments[from + index];
    assert.equal(fragment.isKey, before?.isKey);
    if (fragment.timeMs > 0) assert.ok(Math.abs(fragment.timeMs + shiftMs - (before?.timeMs ?? 0)) < 0.1, `fragment ${index}`);
  }
  assert.deepEqual(bytes.subarray(0, init.length), Buffer.from(init), 'what is shared with others is not changed');
  const first = fragments[from];
  assert.ok(first !== undefined && readsAs(first.bytes, first.timeMs));
});

function readsAs(fragment: Uint8Array, timeMs: number): boolean {
  let read: number | undefined;
  const onFragment = (one: Fragment) => {
    read = one.timeMs;
  };
  createFragmentCutter({ onInit: () => undefined, onFragment }).push(concatBytes([init, fragment]));
  return read === timeMs;
}

test('the length is written where players look for it', () => {
  const field = findDurationField(init);
  const filled = Buffer.from(init);
  filled.set(encodeDuration(field, 12_345), field.offset);
  // Version 0: version and flags, two dates, the timescale, then the duration.
  assert.equal(field.offset, filled.indexOf('mvhd') + 4 + 16);
  assert.deepEqual([filled.readUInt32BE(field.offset - 4), filled.readUInt32BE(field.offset)], [1000, 12_345]);
  assert.deepEqual([encodeDuration({ offset: 0, bytes: 8, timescale: 90_000 }, 2000).length, field.timescale], [8, 1000]);
});

test('of a file torn anywhere, whole fragments are found and nothing else', async () => {
  const whole = await scan(bytes);
  assert.equal(whole.fragments, fragments.length);
  assert.equal(whole.wholeBytes, bytes.length);
  assert.equal(whole.frames, 30);
  assert.ok(Math.abs(whole.durationMs - 3000) < 1, `${whole.durationMs}`);
  assert.deepEqual(
    whole.keyframes.map(([ms]) => ms),
    [0, 1000, 2000],
  );
  for (const [, offset] of whole.keyframes) assert.equal(bytes.toString('latin1', offset + 4, offset + 8), 'moof');
  const ends = [init.length];
  for (const fragment of fragments) ends.push((ends.at(-1) ?? 0) + fragment.bytes.length);
  for (let cut = 0; cut < bytes.length; cut += 97) {
    const torn = await scan(bytes.subarray(0, cut));
    const last = ends.filter((end) => end <= cut).at(-1) ?? 0;
    assert.equal(torn.wholeBytes, last, `cut at ${cut}`);
    assert.equal(torn.facts === undefined, cut < init.length);
  }
});

test('garbage and zeros behind the last fragment end what is whole', async () => {
  for (const tail of [new Uint8Array(5000), Uint8Array.from({ length: 5000 }, (_, index) => (index * 7919) % 251)]) {
    const found = await scan(concatBytes([bytes, tail]), 1000);
    assert.deepEqual([found.wholeBytes, found.fragments], [bytes.length, fragments.length]);
  }
  const failing = async function* () {
    yield bytes.subarray(0, 3000);
    throw Object.assign(new Error('bad sector'), { code: 'EIO' });
  };
  await assert.rejects(scanFragments(failing()), { code: 'EIO' });
});
