import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FragmentMark, firstNumber, formatPlaylist, type HlsAnchor, HlsIndex, parsePartName } from './hls-index.js';

const startMs = Date.UTC(2026, 0, 1);

/** Fragments of 100 ms; a key each `gopMs`. */
function fragments(options: { from: number; count: number; gopMs: number; epoch?: string; timeMs?: number }): FragmentMark[] {
  const { from, count, gopMs, epoch = 'e1', timeMs = 0 } = options;
  return Array.from({ length: count }, (_unused, index) => ({
    sequence: from + index,
    kind: (index * 100) % gopMs === 0 ? 'key' : 'delta',
    epoch,
    timeMs: timeMs + index * 100,
    durationMs: 100,
    publishedMs: startMs + (from + index) * 100,
  }));
}

function indexOf(marks: FragmentMark[], anchor?: HlsAnchor): HlsIndex {
  const index = new HlsIndex({ limit: 100, anchor });
  for (const mark of marks) index.add(mark);
  return index;
}

const shape = (index: HlsIndex) => index.segments.map(({ first, last, durationMs }) => [first, last, durationMs]);

test('HLS: one segment per group of a second, finished by the next key', () => {
  const index = indexOf(fragments({ from: 1, count: 31, gopMs: 1000 }));
  assert.deepEqual(shape(index), [
    [1, 10, 1000],
    [11, 20, 1000],
    [21, 30, 1000],
  ]);
  assert.equal(index.targetDurationS, 1);
});

test('HLS: short groups are merged to at least about a second', () => {
  const index = indexOf(fragments({ from: 1, count: 41, gopMs: 400 }));
  assert.deepEqual(shape(index), [
    [1, 12, 1200],
    [13, 24, 1200],
    [25, 36, 1200],
  ]);
});

test('HLS: a long group is one segment and sets the target duration', () => {
  const index = indexOf(fragments({ from: 1, count: 101, gopMs: 5000 }));
  assert.deepEqual(shape(index), [
    [1, 50, 5000],
    [51, 100, 5000],
  ]);
  assert.equal(index.targetDurationS, 5);
});

test('HLS: what comes before the first key is left out', () => {
  const marks = fragments({ from: 6, count: 30, gopMs: 1000 }).slice(5);
  assert.deepEqual(shape(indexOf(marks)), [[16, 25, 1000]]);
});

test('HLS: a new epoch ends the segment and is a discontinuity with its own init segment', () => {
  const marks = [...fragments({ from: 1, count: 15, gopMs: 1000 }), ...fragments({ from: 16, count: 21, gopMs: 1000, epoch: 'e2' })];
  const index = indexOf(marks);
  assert.deepEqual(shape(index), [
    [1, 10, 1000],
    [11, 15, 500],
    [16, 25, 1000],
    [26, 35, 1000],
  ]);
  const [first] = index.segments;
  assert.deepEqual(
    index.segments.map((segment) => segment.discontinuity - (first?.discontinuity ?? 0)),
    [0, 0, 1, 1],
  );
  const lines = formatPlaylist(index.segments, index.targetDurationS).split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('#EXT-X-MAP') || line === '#EXT-X-DISCONTINUITY' || line.endsWith('.m4s')),
    ['#EXT-X-MAP:URI="init-e1.mp4"', '1-10.m4s', '11-15.m4s', '#EXT-X-DISCONTINUITY', '#EXT-X-MAP:URI="init-e2.mp4"', '16-25.m4s', '26-35.m4s'],
  );
});

test('HLS: late words of the encoder before are ignored', () => {
  const marks = [
    ...fragments({ from: 1, count: 5, gopMs: 1000, epoch: 'e2' }),
    ...fragments({ from: 6, count: 1, gopMs: 1000, epoch: 'e1' }),
    ...fragments({ from: 7, count: 6, gopMs: 1000, epoch: 'e2', timeMs: 1000 }),
  ];
  const index = indexOf(marks);
  assert.deepEqual(shape(index), [[1, 5, 1000]]);
});

test('HLS: an encoder whose clock is behind is listed after half a minute, instead of never', () => {
  const index = indexOf(fragments({ from: 1, count: 50, gopMs: 1000, epoch: 'e2' }));
  for (const mark of fragments({ from: 51, count: 400, gopMs: 1000, epoch: 'e1' })) index.add(mark);
  assert.equal(index.segments.at(-1)?.epoch, 'e1');
  assert.ok((index.segments.find((segment) => segment.epoch === 'e1')?.first ?? 0) > 100);
});

test('HLS: a second hub that starts later counts as the first does', () => {
  const marks = fragments({ from: 1, count: 200, gopMs: 1000 });
  const first = indexOf(marks.slice(0, 120));
  first.forgetBefore(41);
  const anchor = first.anchor;
  assert.ok(anchor !== undefined);
  for (const mark of marks.slice(120)) first.add(mark);
  const second = indexOf(marks.slice(30), anchor);
  assert.deepEqual(second.segments, first.segments);
});

test('HLS: without an anchor numbers go on growing, whatever was counted before', () => {
  const first = indexOf(fragments({ from: 1, count: 1000, gopMs: 1000 }));
  const last = first.segments.at(-1);
  assert.ok(last !== undefined);
  const later = firstNumber(last.publishedMs + last.durationMs);
  assert.ok(later > last.number, `${later} > ${last.number}`);
  assert.ok(firstNumber(Date.UTC(2036, 0, 1)) < 2 ** 31);
});

test('HLS: playlist numbers begin with the oldest segment listed', () => {
  const index = indexOf(fragments({ from: 1, count: 51, gopMs: 1000 }));
  const listed = index.segments.slice(2);
  const text = formatPlaylist(listed, 1);
  assert.match(text, new RegExp(`#EXT-X-MEDIA-SEQUENCE:${listed[0]?.number}\n`));
  assert.match(text, /^#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n/);
});

test('HLS: an index holds a bounded number of segments', () => {
  const index = new HlsIndex({ limit: 5 });
  for (const mark of fragments({ from: 1, count: 500, gopMs: 1000 })) index.add(mark);
  assert.equal(index.segments.length, 5);
});

for (const [name, part] of [
  ['init-e1.mp4', { kind: 'init' }],
  ['12-34.m4s', { kind: 'segment', first: 12, last: 34 }],
  ['34-12.m4s', undefined],
  ['0-1.m4s', undefined],
  ['1-2.mp4', undefined],
  ['../1-2.m4s', undefined],
] as const) {
  test(`HLS: part name ${name}`, () => assert.deepEqual(parsePartName(name), part));
}
