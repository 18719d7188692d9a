import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moveFragment } from './decode-time.js';

function box(type: string, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

function track(id: number, time: bigint, version: 0 | 1): Buffer {
  const tfhd = Buffer.alloc(8);
  tfhd.writeUInt32BE(id, 4);
  const tfdt = Buffer.alloc(version === 1 ? 12 : 8);
  tfdt.writeUInt8(version);
  if (version === 1) tfdt.writeBigUInt64BE(time, 4);
  else tfdt.writeUInt32BE(Number(time), 4);
  return box('traf', box('tfhd', tfhd), box('tfdt', tfdt));
}

const fragment = (...tracks: Buffer[]) => Buffer.concat([box('moof', box('mfhd', Buffer.alloc(8)), ...tracks), box('mdat', Buffer.from('picture'))]);

test('decode time: each track moves by its own offset, in both field sizes; the original stays', () => {
  const original = fragment(track(1, 90_000n, 1), track(2, 48_000n, 0), track(3, 7n, 1));
  const before = Buffer.from(original);
  const moved = moveFragment(
    original,
    new Map([
      [1, 9000n],
      [2, -48_000n],
    ]),
  );
  assert.ok(moved !== undefined);
  assert.deepEqual(Buffer.from(moved), fragment(track(1, 99_000n, 1), track(2, 0n, 0), track(3, 7n, 1)));
  assert.deepEqual(original, before);
});

for (const [name, tracks, offset] of [
  ['before zero', [track(1, 5n, 1)], -6n],
  ['beyond 32 bits', [track(1, 0xffff_fff0n, 0)], 0x10n],
  ['without tfdt', [box('traf', box('tfhd', Buffer.from([0, 0, 0, 0, 0, 0, 0, 1])))], 1n],
] as const) {
  test(`decode time: ${name} is refused`, () => assert.equal(moveFragment(fragment(...tracks), new Map([[1, offset]])), undefined));
}
