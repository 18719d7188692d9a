/** What is written, and what the list says of it. Real fragments and files; time is the test's own. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, beforeEach, test } from 'node:test';
import { runTool } from '../../testkit/ffmpeg-capture.js';
import { makeTempFolder, removeFolder, waitFor } from '../../testkit/index.js';
import { at, BenchTop, overlaps, startMs, uncovered } from './testing/bench-top.js';
import { type Footage, makeFootage, readFrames } from './testing/footage.js';

let footage: Footage;
let folder: string;
let top: BenchTop;

before(async () => {
  footage = await makeFootage(40);
});
beforeEach(async () => {
  folder = await makeTempFolder('recording');
  top = await BenchTop.open(folder, footage);
});
const close = async () => {
  await top.recorders.stop();
  await removeFolder(folder);
};

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const framesOf = async (recordingId?: string) => (await Promise.all(top.segments(recordingId).map((one) => readFrames(top.fileOf(one))))).flat();
const ended = (recordingId = 'r1') => top.has((entry) => entry.kind === 'ended' && entry.recording_id === recordingId, 'the end');

test('files begin at keyframes; over their borders no frame is missing and none is there twice', async () => {
  top.order({ segment_s: 3 });
  top.begin();
  await top.play(95);
  top.order();
  await ended();
  assert.deepEqual(await framesOf(), range(0, 95));
  const segments = top.segments();
  assert.deepEqual(
    segments.map((one) => [one.closed_by, one.frames]),
    [
      ['rotation', 30],
      ['rotation', 30],
      ['rotation', 30],
      ['stop', 5],
    ],
  );
  assert.deepEqual(
    top.entries.map(({ sequence }) => sequence),
    range(1, top.entries.length + 1),
  );
  for (const [index, segment] of segments.entries()) {
    assert.match(segment.filename, /^cam_2026-03-01_12-00-\d\d_[A-Za-z0-9]{6}$/);
    assert.equal(segment.path, `cam/2026-03-01/${segment.filename}.mp4`);
    assert.equal(segment.from, segments[index - 1]?.to ?? segment.from, 'times of files join');
    const bytes = await readFile(top.fileOf(segment));
    assert.equal(bytes.length, segment.size_bytes);
    for (const [, offset] of segment.keyframes) assert.equal(bytes.toString('latin1', offset + 4, offset + 8), 'moof');
    assert.equal(segment.keyframes.length, Math.ceil(segment.frames / 10));
    const told = await runTool('ffprobe', ['-v', 'error', '-show_entries', 'format=start_time,duration', '-of', 'csv=p=0', top.fileOf(segment)]);
    const [start = Number.NaN, duration = Number.NaN] = told.toString().trim().split(',').map(Number);
    assert.ok(start < 0.05 && Math.abs(duration - segment.duration_ms / 1000) < 0.05, told.toString());
  }
  assert.deepEqual(
    (await top.files()).filter((name) => name.endsWith('.part')),
    [],
  );
  assert.deepEqual([uncovered(top.entries, 0.1, 9.5), overlaps(top.entries)], [[], []]);
  await close();
});

test('a file ends at the size that is ordered', async () => {
  top.order({ segment_bytes: 60_000 });
  top.begin();
  await top.play(100);
  top.order();
  await ended();
  assert.ok(top.segments().length >= 3);
  assert.ok(
    top.segments().every((one) => one.size_bytes <= 110_000),
    'and at most one group of pictures more',
  );
  assert.deepEqual(await framesOf(), range(0, 100));
  await close();
});

test('sound stays with the picture in each file', async () => {
  await close();
  folder = await makeTempFolder('recording');
  top = await BenchTop.open(folder, await makeFootage(10, { hasAudio: true }));
  top.order({ segment_s: 3 });
  top.begin();
  await top.play(80);
  top.order();
  await ended();
  assert.deepEqual(await framesOf(), range(0, 80));
  for (const segment of top.segments()) {
    assert.match(segment.codecs, /^avc1\.\w+,mp4a\.40\.2$/);
    const told = await runTool('ffprobe', ['-v', 'error', '-show_entries', 'stream=start_time', '-of', 'csv=p=0', top.fileOf(segment)]);
    const starts = told.toString().trim().split('\n').map(Number);
    assert.ok(starts.length === 2 && starts.every((start) => start >= 0 && start < 0.25), told.toString());
  }
  await close();
});

test('a recording begins with what is in memory, and no frame of it comes twice', async () => {
  top.begin();
  await top.play(57);
  top.order({ origin: 'manual', pre_roll_s: 2.5, from: at(5.7) });
  await top.play(20);
  const status = await top.is('recording');
  assert.equal(status.started_at, at(3));
  top.order();
  await ended();
  assert.deepEqual(await framesOf(), range(30, 77));
  // The next one begins behind it, however much is in memory.
  top.order({ recording_id: 'r2', origin: 'manual', pre_roll_s: 60, from: at(7.7) });
  await top.play(20);
  top.order();
  await ended('r2');
  assert.deepEqual(await framesOf('r2'), range(80, 97));
  assert.deepEqual(overlaps(top.entries), []);
  await close();
});

test('a manual recording begins on receipt and lasts as long as ordered, however far the clock of the hub is ahead', async () => {
  top.begin();
  await top.play(20);
  const early = { origin: 'manual', from: at(62), until: at(66) } as const;
  top.order(early);
  await top.play(20);
  await top.is('recording');
  // The same once more, as with every change of another stream.
  top.order(early, { recording_id: 'r2', origin: 'schedule', from: at(60) });
  await top.play(40);
  await ended();
  const frames = await framesOf();
  assert.deepEqual(frames, range(10, 10 + frames.length), 'from the keyframe before');
  assert.ok(Math.abs((frames.at(-1) ?? 0) - 59) <= 1, `last frame ${frames.at(-1)}`);
  assert.deepEqual([top.segments('r2'), top.gaps()], [[], []], 'a plan waits for its time');
  await close();
});

test('a timed recording ends by itself, to the frame, and has a final status', async () => {
  top.begin();
  await top.play(20);
  top.order({ origin: 'manual', from: at(2), until: at(6) });
  await top.play(60);
  await ended();
  const frames = await framesOf();
  assert.deepEqual(frames, range(10, 10 + frames.length));
  assert.ok(Math.abs((frames.at(-1) ?? 0) - 59) <= 1, `last frame ${frames.at(-1)}`);
  const { state, segments, elapsed_s, filename, size_bytes } = await top.is('stopped');
  assert.deepEqual([state, segments, filename, size_bytes], ['stopped', 1, top.segments()[0]?.filename, top.segments()[0]?.size_bytes]);
  assert.ok(Math.abs(elapsed_s - 5) < 0.2);
  await close();
});

test('an order for later begins when its time has come', async () => {
  top.order({ from: at(4.2), origin: 'schedule' });
  top.begin();
  await top.play(41);
  assert.deepEqual(top.entries, []);
  await top.play(19);
  await top.is('recording');
  top.order();
  await ended();
  assert.equal((await framesOf())[0], 40, 'from the keyframe before');
  await close();
});

test('while the source is away there is a gap with its cause; every wanted second is told', async () => {
  top.order({});
  await top.is('starting');
  top.pass(2);
  top.begin();
  await top.play(25);
  top.recorder.lost('source_silent', 'nothing came for a second');
  await top.is('waiting');
  top.pass(3);
  top.recorder.lost('source_unreachable', 'refused');
  await waitFor(() => top.statuses.at(-1)?.cause === 'source_unreachable', { what: 'the other cause' });
  top.pass(4);
  top.begin();
  await top.play(5);
  // The footage goes on amid a group of pictures: without a keyframe nothing can be recorded.
  await top.play(20);
  top.order();
  await ended();
  assert.deepEqual(
    top.gaps().map(({ cause, detail }) => [cause, detail]),
    [
      ['starting', undefined],
      ['source_silent', 'nothing came for a second'],
      ['source_unreachable', 'refused'],
    ],
  );
  assert.deepEqual([uncovered(top.entries, 0, 14), overlaps(top.entries)], [[], []]);
  assert.deepEqual(await framesOf(), [...range(0, 25), ...range(30, 50)]);
  assert.deepEqual(
    top.segments().map((one) => one.closed_by),
    ['gap', 'stop'],
  );
  await close();
});

test('a changed picture ends the file, and is no gap when the next one follows at once', async () => {
  top.order({});
  top.begin();
  await top.play(20);
  top.begin();
  await top.play(20);
  top.order();
  await ended();
  assert.deepEqual(
    top.segments().map((one) => one.closed_by),
    ['picture_changed', 'stop'],
  );
  assert.deepEqual([top.gaps(), await framesOf()], [[], range(0, 40)]);
  await close();
});

test('a recording by hand has files of its own amid a permanent one, without a frame lost between them', async () => {
  top.order({ recording_id: 'all' });
  top.begin();
  await top.play(33);
  await top.is('recording', 'all');
  top.order({ recording_id: 'all' }, { recording_id: 'hand', origin: 'manual', from: at(3.3), pre_roll_s: 5 });
  await top.play(30);
  const { filename } = await top.is('recording', 'hand');
  top.order({ recording_id: 'all' });
  await top.play(27);
  await ended('hand');
  top.order();
  await ended('all');
  assert.deepEqual(await framesOf('hand'), range(40, 70));
  assert.deepEqual(await framesOf('all'), [...range(0, 40), ...range(70, 90)]);
  assert.equal(top.segments('hand')[0]?.filename, filename);
  assert.deepEqual([top.gaps(), overlaps(top.entries)], [[], []]);
  await close();
});

test('mp4 and mkv are made at the end of each file; without FFmpeg the recording is kept as it is', async () => {
  top.order({ format: 'mp4', segment_s: 2 });
  top.begin();
  await top.play(40);
  top.order({ format: 'mkv', recording_id: 'r2' });
  await top.play(20);
  top.order();
  await Promise.all([ended(), ended('r2')]);
  const kinds = top.segments().map(({ format, path, init_bytes, keyframes }) => [format, path.slice(-4), init_bytes, keyframes.length]);
  assert.deepEqual(kinds, [
    ['mp4', '.mp4', 0, 0],
    ['mp4', '.mp4', 0, 0],
    ['mkv', '.mkv', 0, 0],
  ]);
  assert.deepEqual(await framesOf(), range(0, 60));
  const [first] = top.segments();
  const head = (await readFile(top.fileOf(first ?? assert.fail()))).toString('latin1');
  assert.ok(head.indexOf('moov') < head.indexOf('mdat') && !head.includes('moof'), 'index first');
  await top.recorders.stop();
  await top.reopen({ ffmpeg: '/nonexistent/ffmpeg' });
  top.begin();
  top.order({ format: 'mkv', recording_id: 'r3' });
  await top.play(20);
  top.order();
  await ended('r3');
  const [kept] = top.segments('r3');
  assert.deepEqual([kept?.format, kept?.path.slice(-4)], ['fmp4', '.mp4']);
  assert.deepEqual(await framesOf('r3'), range(60, 80));
  assert.ok(top.log.some((line) => /kept as fMP4/.test(line)));
  await close();
});

test('a spoke that was stopped goes on with its orders before anybody speaks, and ends the timed one in time', async () => {
  top.order({ recording_id: 'all' }, { recording_id: 'timed', origin: 'manual', until: at(6) });
  top.begin();
  await top.play(25);
  await top.recorders.stop();
  top.pass(10);
  await top.reopen();
  await ended('timed');
  top.begin();
  await top.play(5);
  await top.play(20);
  await top.is('recording', 'all');
  top.order();
  await ended('all');
  const [stopped] = top.gaps();
  assert.equal(stopped?.cause, 'spoke_stopped');
  assert.deepEqual([uncovered(top.entries, 0.1, 15), overlaps(top.entries)], [[], []]);
  const end = top.entries.find((entry) => entry.kind === 'ended' && entry.recording_id === 'timed');
  assert.ok(end?.kind === 'ended' && end.at === at(6));
  assert.deepEqual(await framesOf(), [...range(0, 25), ...range(30, 50)]);
  assert.deepEqual(
    top.entries.map(({ sequence }) => sequence),
    range(1, top.entries.length + 1),
  );
  await close();
});

for (const [name, byS] of [
  ['forward', 3600],
  ['far back', -7200],
] as const) {
  test(`the clock is set ${name}: no frame is lost, and the list says so`, async () => {
    top.order({});
    top.begin();
    await top.play(15);
    top.time.setMs += byS * 1000;
    await waitFor(() => top.log.some((line) => line.startsWith('the clock was set')), { what: 'notice of the clock' });
    await top.play(30);
    top.order();
    await ended();
    assert.deepEqual(await framesOf(), range(0, 45));
    const [gap, ...others] = top.gaps();
    assert.deepEqual([gap?.cause, others], ['clock_changed', []]);
    const [first, second] = top.segments();
    assert.ok(Math.abs(Date.parse(second?.from ?? '') - (startMs + 2000 + byS * 1000)) < 300);
    assert.deepEqual([gap?.from, gap?.to], [byS > 0 ? first?.to : second?.from, second?.from]);
    await close();
  });
}
