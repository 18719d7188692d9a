import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DamageCount, damageWarnings } from './damage.js';

test('damaged pictures are counted, repeated lines too, and nothing else', () => {
  const count = new DamageCount();
  for (const line of [
    '[h264 @ 0x1] [error] error while decoding MB 15 8, bytestream -5',
    '    Last message repeated 9 times',
    '[warning] clip.mp4: corrupt decoded frame in stream 0',
    '    Last message repeated 3 times',
    '[h264 @ 0x1] [error] mb_skip_run 7243 is invalid',
    '[warning] clip.mp4: corrupt decoded frame in stream 0',
  ]) {
    count.saw(line);
  }
  assert.equal(count.pictures, 5);
  assert.deepEqual([0, 1, 5].map(damageWarnings), [[], ['One picture is damaged'], ['At least 5 pictures are damaged']]);
});
