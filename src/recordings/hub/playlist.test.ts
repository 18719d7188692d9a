import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { moveTimes } from './move-times.js';
import { formatPlaylist, type PlayableFile, partsOf } from './playlist.js';

const file = (filename: string, started_ms: number, keys: number, more: Partial<PlayableFile> = {}): PlayableFile => ({
  filename,
  started_ms,
  duration_ms: keys * 1000,
  size_bytes: 100 + keys * 50,
  keyframes: Array.from({ length: keys }, (_, index) => [index * 1000, 100 + index * 50] as const),
  picture: 'avc1 320x180',
  ...more,
});

test('parts of a file: all bytes of the time from keyframe to keyframe, each once', () => {
  const times = fc.tuple(fc.integer({ min: -5000, max: 30_000 }), fc.integer({ min: 1, max: 30_000 }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), times, (keys, [fromMs, lengthMs]) => {
      const one = file('a', 0, keys);
      const parts = partsOf(one, fromMs, fromMs + lengthMs);
      for (const [index, part] of parts.entries()) {
        const before = parts[index - 1];
        if (before !== undefined) assert.deepEqual([part.start, part.from_ms], [before.end + 1, before.to_ms]);
        assert.ok(one.keyframes.some(([, offset]) => offset === part.start));
        assert.ok(part.to_ms > fromMs && part.from_ms < fromMs + lengthMs);
      }
      const touched = fromMs < one.duration_ms && fromMs + lengthMs > 0;
      assert.equal(parts.length > 0, touched);
      if (touched)
        assert.ok((parts[0]?.from_ms ?? 1) <= Math.max(0, fromMs) && (parts.at(-1)?.to_ms ?? 0) >= Math.min(one.duration_ms, fromMs + lengthMs));
    }),
  );
});

test('a playlist: map and date per file, a break at gaps and changes only, longest part as target', () => {
  const files = [file('a', 0, 5), file('b', 5000, 5), file('c', 20_000, 2), file('d', 22_000, 2, { picture: 'avc1 640x360' })];
  const text = formatPlaylist(files, 0, 24_000, false);
  assert.equal(text.match(/#EXT-X-DISCONTINUITY/g)?.length, 2);
  assert.equal(text.match(/#EXT-X-MAP/g)?.length, 4);
  assert.match(text, /#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:20.000Z/);
  assert.match(text, /#EXT-X-TARGETDURATION:4\n/);
  assert.match(text, /#EXT-X-ENDLIST\n$/);
  const lengths = [...text.matchAll(/#EXTINF:([\d.]+)/g)].map(([, length]) => Number(length));
  assert.equal(
    lengths.reduce((sum, length) => sum + length, 0),
    14,
  );
});

test('a file that overlaps the one before is played from where that ends', () => {
  const text = formatPlaylist([file('a', 0, 5), file('b', 3000, 5)], 0, 10_000, false);
  const lengths = [...text.matchAll(/#EXTINF:([\d.]+)/g)].map(([, length]) => Number(length));
  assert.equal(
    lengths.reduce((sum, length) => sum + length, 0),
    8,
  );
  assert.doesNotMatch(text, /DISCONTINUITY/);
});

test('a begin between keyframes is told to the player', () => {
  assert.match(formatPlaylist([file('a', 0, 5)], 1600, 5000, true), /#EXT-X-START:TIME-OFFSET=0.600,PRECISE=YES/);
});

test('bytes that are no boxes are left as they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const before = bytes.slice();
      moveTimes(bytes, new Map());
      assert.deepEqual(bytes, before);
    }),
  );
});
