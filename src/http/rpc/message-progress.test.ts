import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MessageProgress } from './message-progress.js';

/** A frame as a client sends it; `opcode` 0 continues, 1 is text, 9 a ping. */
function frame(opcode: number, length: number, isLast = true): Buffer {
  const head = [(isLast ? 0x80 : 0) | opcode];
  if (length < 126) head.push(0x80 | length);
  else if (length < 65_536) head.push(0x80 | 126, length >> 8, length & 0xff);
  else head.push(0x80 | 127, 0, 0, 0, 0, (length >>> 24) & 0xff, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
  return Buffer.concat([Buffer.from([...head, 1, 2, 3, 4]), Buffer.alloc(length, 0xff)]);
}

/** Time of the unfinished message after these chunks, the nth of which comes at the time n. */
function sinceAfter(...chunks: Uint8Array[]): number | undefined {
  const progress = new MessageProgress();
  chunks.forEach((chunk, index) => {
    progress.take(chunk, index);
  });
  return progress.since;
}

const text = frame(1, 5);

const rows: [name: string, chunks: Uint8Array[], since: number | undefined][] = [
  ['nothing', [], undefined],
  ['a whole frame', [text], undefined],
  ['an empty frame', [frame(1, 0)], undefined],
  ['one byte', [text.subarray(0, 1)], 0],
  ['a head without its mask', [text.subarray(0, 4)], 0],
  ['all but the last byte', [text.subarray(0, -1)], 0],
  ['a frame in two pieces', [text.subarray(0, 3), text.subarray(3)], undefined],
  ['a whole frame, then the begin of one', [text, text.subarray(0, 2)], 1],
  ['a first fragment', [frame(1, 5, false)], 0],
  ['a fragment, a ping between', [frame(1, 5, false), frame(9, 0)], 0],
  ['a fragment, a ping, the last fragment', [frame(1, 5, false), frame(9, 3), frame(0, 5)], undefined],
  ['200 bytes', [frame(1, 200)], undefined],
  ['200 bytes without the last', [frame(1, 200).subarray(0, -1)], 0],
  ['70 000 bytes', [frame(1, 70_000)], undefined],
  ['70 000 bytes without the last', [frame(1, 70_000).subarray(0, -1)], 0],
];

for (const [name, chunks, since] of rows) test(`after ${name}`, () => assert.equal(sinceAfter(...chunks), since));

test('whole messages are known as such, however they are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (lengths, step) => {
      const bytes = Buffer.concat(lengths.map((length) => frame(1, length)));
      const progress = new MessageProgress();
      for (let at = 0; at < bytes.length; at += step) progress.take(bytes.subarray(at, at + step), at);
      assert.equal(progress.since, undefined);
    }),
  );
});
