import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concatBytes, createSegmentAssembler, type GroupInput, type Segment } from './group.js';

const frame = (index: number, isKey: boolean, size = 10): GroupInput => ({
  bytes: new Uint8Array(size).fill(index),
  isKey,
  timeMs: index * 100,
  durationMs: 100,
});

function assemble(fragments: readonly GroupInput[], targetMs: number, maxBytes?: number): Segment[] {
  const segments: Segment[] = [];
  const options = { targetMs, onSegment: (segment: Segment) => segments.push(segment) };
  const assembler = createSegmentAssembler(maxBytes === undefined ? options : { ...options, maxBytes });
  for (const fragment of fragments) assembler.push(fragment);
  assembler.flush();
  return segments;
}

describe('createSegmentAssembler', () => {
  test('cuts at keys once the target is reached', () => {
    const keys = new Set([0, 5, 10, 15]);
    const segments = assemble(
      Array.from({ length: 20 }, (_, index) => frame(index, keys.has(index))),
      900,
    );
    assert.deepEqual(
      segments.map(({ timeMs, durationMs, fragments, sizeBytes }) => [timeMs, durationMs, fragments, sizeBytes]),
      [
        [0, 1000, 10, 100],
        [1000, 1000, 10, 100],
      ],
    );
  });

  test('what comes before the first key is left out; sound between pictures adds no duration', () => {
    const sound = { ...frame(3, false), hasVideo: false };
    const [only, ...more] = assemble([frame(0, false), frame(1, true), sound, frame(2, false)], 0);
    assert.deepEqual([only?.fragments, only?.durationMs, only?.timeMs, more.length], [3, 200, 100, 0]);
  });

  test('whatever comes, segments begin with a key, keep the order and stay within the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 60 }))), fc.nat(500), (frames, targetMs) => {
        const fragments = frames.map(([isKey, size], index) => frame(index % 256, isKey, size));
        const segments = assemble(fragments, targetMs, 200);
        for (const segment of segments) {
          const start = fragments.findIndex((fragment) => fragment.bytes === segment.parts[0]);
          assert.equal(fragments[start]?.isKey, true);
          assert.deepEqual(
            segment.parts,
            fragments.slice(start, start + segment.fragments).map((fragment) => fragment.bytes),
          );
          assert.equal(concatBytes(segment.parts).length, segment.sizeBytes);
          assert.ok(segment.sizeBytes <= 200);
        }
      }),
    );
  });
});

test('concatBytes joins, and hands a single part through', () => {
  const part = new Uint8Array([1, 2]);
  assert.equal(concatBytes([part]), part);
  assert.deepEqual(concatBytes([part, new Uint8Array([3])]), new Uint8Array([1, 2, 3]));
  assert.deepEqual(concatBytes([]), new Uint8Array(0));
});
