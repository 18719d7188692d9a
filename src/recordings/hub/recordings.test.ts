import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type Coverage, type Recording, type Segment, type StoredFile, WeirError } from '../../contracts/index.js';
import { readFrameCounter } from '../../media/index.js';
import { assertWithin, waitFor } from '../../testkit/index.js';
import { admin, type Bed, calm, input, segmentsOf, startBed, startRecording, stopRecording } from './testing/bed.js';

const run = promisify(execFile);
const target = { params: { stream_id: 'cam' } };
const codeOf =
  (code: string, facts: object = {}) =>
  (error: unknown) => {
    assert.ok(error instanceof WeirError);
    assert.equal(error.code, code);
    for (const [name, value] of Object.entries(facts)) assert.deepEqual(error.facts?.[name], value, name);
    return true;
  };

let bed: Bed;
let door: Server;
let address: string;
let recording: Recording;
let segments: Segment[];

const operations = () => bed.recordings.operations;

async function bodyOf(file: StoredFile, start = 0, end = file.sizeBytes - 1): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.open(start, end)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Frame numbers that a file or address shows, decoded by FFmpeg. */
async function countersOf(source: string, ...before: string[]): Promise<number[]> {
  const [width, height] = [320, 180];
  const args = ['-v', 'error', ...before, '-i', source, '-map', '0:v', '-fps_mode', 'passthrough', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'];
  const { stdout } = await run('ffmpeg', args, { maxBuffer: 512 * 1024 ** 2, encoding: 'buffer' });
  const counters: number[] = [];
  for (let at = 0; at + width * height <= stdout.length; at += width * height) {
    const counter = readFrameCounter(stdout.subarray(at, at + width * height), width, height);
    assert.notEqual(counter, undefined, `frame ${counters.length} has no readable number`);
    counters.push(counter ?? -1);
  }
  return counters;
}

function assertConsecutive(counters: readonly number[]): void {
  for (const [index, counter] of counters.entries()) assert.equal(counter, (counters[0] ?? 0) + index, `frame ${index} of ${counters.length}`);
}

/**
 * Seconds by which the times of files differ from the length of what is in them: a source that falls behind and catches up, as on a busy machine,
 * bends the one against the other. Nothing on an idle machine.
 */
function bentS(files: readonly Segment[]): number {
  return files.reduce((sum, one) => sum + Math.abs(one.duration_s - (Date.parse(one.ended_at) - Date.parse(one.started_at)) / 1000), 0);
}

/** All of the files, and nothing else. */
function playlistOf(files: readonly Segment[]): string {
  // The last pictures may lie behind the end that is told.
  const to = Date.parse(files.at(-1)?.ended_at ?? '') + bentS(files) * 1000 + 1;
  return `${address}/index.m3u8?from=${files[0]?.started_at}&to=${new Date(to).toISOString()}`;
}

function tilesExactly(coverage: Coverage): void {
  let at = coverage.from;
  for (const span of coverage.spans) {
    assert.equal(span.from, at);
    at = span.to;
  }
  assert.equal(at, coverage.to);
}

before(async () => {
  bed = await startBed();
  await bed.startSpoke();
  await bed.addStream('cam');
  // What the HTTP layer does, in small: players need an address.
  door = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const [, kind, ...rest] = url.pathname.split('/');
    const answer = async () => {
      if (kind === 'index.m3u8') {
        const query = { from: url.searchParams.get('from') ?? '', to: url.searchParams.get('to') ?? '' };
        return operations().playback(admin, input('playback', { ...target, query }), calm);
      }
      const [part = ''] = rest;
      return operations().playback_part(admin, input('playback_part', { params: { stream_id: 'cam', filename: kind ?? '', part } }), calm);
    };
    answer().then(
      (file) => {
        assert.ok('body' in file);
        response.writeHead(200, { 'content-type': file.contentType }).end(file.body);
      },
      (error: unknown) => response.writeHead(404).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const bound = door.address();
  address = `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`;
});

after(async () => {
  door?.close();
  await bed?.[Symbol.asyncDispose]();
});

test('start: an idle on-demand stream is started and recorded; a second start and an unknown stream are refused', async () => {
  recording = await startRecording(bed, 'cam');
  assert.match(recording.filename ?? '', /^cam_/);
  const again = operations().start_recording(admin, input('start_recording', { ...target, body: {} }), calm);
  await assert.rejects(again, codeOf('failed_precondition', { state: 'recording', allowed_states: ['stopped'] }));
  const unknown = { params: { stream_id: 'nobody' } };
  await assert.rejects(
    operations().start_recording(admin, input('start_recording', { ...unknown, body: {} }), calm),
    codeOf('not_found', { resource: 'stream', id: 'nobody' }),
  );
  assert.ok(bed.changes.some((change) => change.kind === 'recording_started'));
});

test('the running file: played and shown as a thumbnail before it is finished', async () => {
  const from = recording.started_at ?? '';
  const open = await waitFor(
    async () => {
      const query = { from, to: new Date(Date.now() + 60_000).toISOString() };
      const { body } = await operations().playback(admin, input('playback', { ...target, query }), calm);
      return body.toString().includes('.m4s') ? body.toString() : undefined;
    },
    { deadlineMs: 10_000, what: 'a part of the running file' },
  );
  assert.match(open, /#EXT-X-PLAYLIST-TYPE:EVENT/);
  assert.doesNotMatch(open, /ENDLIST/);
  const query = { at: new Date(Date.now() - 500).toISOString(), width: 160 };
  const thumbnail = await waitFor(() => operations().thumbnail(admin, input('thumbnail', { ...target, query }), calm), { what: 'the thumbnail' });
  assert.deepEqual([...Buffer.from(thumbnail.body).subarray(0, 2)], [0xff, 0xd8]);
});

test('stop: the finished recording is told; the stream goes idle again', async () => {
  await segmentsOf(bed, 'cam', 3);
  const stopped = await stopRecording(bed, 'cam');
  assert.ok(stopped.elapsed_s >= 6 && stopped.size_bytes > 10_000, JSON.stringify(stopped));
  segments = (await segmentsOf(bed, 'cam', 4)).reverse();
  assert.equal(stopped.segments, segments.length);
  assert.ok(Math.abs(stopped.elapsed_s - segments.reduce((sum, one) => sum + one.duration_s, 0)) < 0.01);
  await assert.rejects(
    operations().stop_recording(admin, input('stop_recording', target), calm),
    codeOf('failed_precondition', { state: 'stopped' }),
  );
  assert.equal(bed.changes.filter((change) => change.kind === 'recording_stopped').length, 1);
});

test('files: downloaded whole and in ranges, by both names; their frames are consecutive', async () => {
  const files = await Promise.all(
    segments.map(async (segment) => {
      const file = await operations().recording_file(admin, input('recording_file', { params: { filename: `${segment.filename}.mp4` } }), calm);
      assert.equal(file.sizeBytes, segment.file_size);
      const path = join(bed.folder, `${segment.filename}.copy.mp4`);
      await writeFile(path, await bodyOf(file));
      return path;
    }),
  );
  const counters: number[] = [];
  for (const path of files) counters.push(...(await countersOf(path)));
  assert.equal(
    counters.length,
    segments.reduce((sum, one) => sum + one.frames, 0),
  );
  assertConsecutive(counters);
  const file = await operations().recording_file(admin, input('recording_file', { params: { filename: segments[0]?.filename ?? '' } }), calm);
  const whole = await bodyOf(file);
  assert.deepEqual(await bodyOf(file, 100, 299), whole.subarray(100, 300));
  for (const filename of ['../weir.db', '..%2fweir.db', 'cam', 'nothing'])
    await assert.rejects(operations().recording_file(admin, input('recording_file', { params: { filename } }), calm), codeOf('not_found'));
});

test('playback: FFmpeg plays several files as one timeline, every frame once', async () => {
  const source = playlistOf(segments);
  const playlist = await (await fetch(source)).text();
  assert.match(playlist, /#EXT-X-ENDLIST/);
  assert.match(playlist, /#EXT-X-PROGRAM-DATE-TIME:/);
  assert.doesNotMatch(playlist, /DISCONTINUITY/);
  const counters = await countersOf(source);
  assert.equal(
    counters.length,
    segments.reduce((sum, one) => sum + one.frames, 0),
  );
  assertConsecutive(counters);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', source]);
  const times = [...stdout.matchAll(/^[\d.]+/gm)].map(([time]) => Number(time));
  for (const [index, time] of times.entries()) {
    const stepS = time - (times[index - 1] ?? time - 0.04);
    assert.ok(Math.abs(stepS - 0.04) < 0.03 + bentS(segments), `frame ${index} comes ${stepS} s after the one before`);
  }
});

test('coverage: present where files are, unwanted elsewhere, exactly tiled', async () => {
  const [first, last] = [segments[0], segments.at(-1)];
  assert.ok(first !== undefined && last !== undefined);
  const from = new Date(Date.parse(first.started_at) - 60_000).toISOString();
  const to = new Date(Date.parse(last.ended_at) + 60_000).toISOString();
  const coverage = await operations().coverage(admin, input('coverage', { ...target, query: { from, to } }), calm);
  tilesExactly(coverage);
  assert.ok(Math.abs(coverage.present_s - segments.reduce((sum, one) => sum + one.duration_s, 0)) < 0.2 + bentS(segments), JSON.stringify(coverage));
  assert.deepEqual(
    new Set(coverage.spans.filter((span) => span.state === 'present').map((span) => span.filename)),
    new Set(segments.map((one) => one.filename)),
  );
});

test('export: of a stream that never was, and of one that recorded nothing then', async () => {
  const span = { from: '2020-01-01T00:00:00.000Z', to: '2020-01-01T00:01:00.000Z' };
  const ask = (stream_id: string) => operations().create_export(admin, input('create_export', { body: { stream_id, ...span } }), calm);
  await assert.rejects(ask('nobody'), codeOf('not_found', { resource: 'stream', id: 'nobody' }));
  await assert.rejects(ask('cam'), codeOf('not_found', { resource: 'recording', id: 'cam' }));
});

test('export: one MP4 that begins and ends at the very frame, over several files', async () => {
  const [first] = segments;
  assert.ok(first !== undefined);
  const all = await countersOf(playlistOf(segments));
  const fromMs = Date.parse(first.started_at) + 1399;
  const body = { stream_id: 'cam', from: new Date(fromMs).toISOString(), to: new Date(fromMs + 4000).toISOString(), name: 'clip' };
  const created = await operations().create_export(admin, input('create_export', { body }), calm);
  assert.equal(created.state, 'queued');
  await assert.rejects(operations().create_export(admin, input('create_export', { body }), calm), codeOf('already_exists'));
  const done = await waitFor(
    async () => {
      const one = await operations().get_export(admin, input('get_export', { params: { export_id: created.export_id } }), calm);
      assert.notEqual(one.state, 'failed', one.error ?? '');
      return one.state === 'done' ? one : undefined;
    },
    { deadlineMs: 15_000, what: 'the export' },
  );
  const file = await operations().export_file(admin, input('export_file', { params: { filename: 'clip.mp4' } }), calm);
  assert.equal(file.sizeBytes, done.file_size);
  const path = join(bed.folder, 'clip.copy.mp4');
  await writeFile(path, await bodyOf(file));
  const counters = await countersOf(path);
  assertConsecutive(counters);
  assert.ok(Math.abs((counters[0] ?? 0) - (all[0] ?? 0) - 35) <= 1, `begins ${(counters[0] ?? 0) - (all[0] ?? 0)} frames in`);
  assert.ok(Math.abs(counters.length - 100) <= 2 + bentS(segments) * 25, `${counters.length} frames`);
  await operations().delete_export(admin, input('delete_export', { params: { export_id: created.export_id } }), calm);
  await assert.rejects(operations().export_file(admin, input('export_file', { params: { filename: 'clip.mp4' } }), calm), codeOf('not_found'));
});

test('export of the file that is being written: up to its last keyframe, what is left out is told, in mp4 too', async () => {
  await bed.addStream('long');
  for (const format of ['fmp4', 'mp4'] as const) {
    const started = await startRecording(bed, 'long', { segment_s: 600, format });
    const fromMs = Date.parse(started.started_at ?? '') + 600;
    await waitFor(() => Date.now() > fromMs + 4500, { deadlineMs: 10_000, everyMs: 50, what: 'some seconds of the file' });
    const toMs = Date.now();
    const body = { stream_id: 'long', from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
    const created = await operations().create_export(admin, input('create_export', { body }), calm);
    const done = await waitFor(
      async () => {
        const one = await operations().get_export(admin, input('get_export', { params: { export_id: created.export_id } }), calm);
        assert.notEqual(one.state, 'failed', one.error ?? '');
        return one.state === 'done' ? one : undefined;
      },
      { deadlineMs: 15_000, what: `the export of a running ${format}` },
    );
    const path = join(bed.folder, 'exports', done.filename ?? '');
    assert.equal((await stat(path)).mode & 0o777, 0o640);
    const counters = await countersOf(path);
    assertConsecutive(counters);
    const heldS = counters.length / 25;
    assert.ok(heldS > 2, `${heldS} s`);
    await stopRecording(bed, 'long');
    const file = (await segmentsOf(bed, 'long', format === 'fmp4' ? 1 : 2))[0];
    assert.ok(file !== undefined);
    const [toldS, wantedS] = [heldS + done.missing_s, (toMs - fromMs) / 1000];
    assert.ok(Math.abs(toldS - wantedS) < 0.3 + bentS([file]), `${heldS} s and ${done.missing_s} s of ${wantedS} s`);
    const kept = await bed.store.recordings.segment(file.filename);
    assert.deepEqual([kept?.format, (await stat(join(bed.folder, 'recordings', kept?.path ?? ''))).mode & 0o777], [format, 0o640]);
  }
});

test('delete: protected files are refused; a reader reads on; the ledger says deleted', async () => {
  const victim = segments[1];
  assert.ok(victim !== undefined);
  const params = { filename: victim.filename };
  await operations().update_segment(admin, input('update_segment', { params, body: { protected: true } }), calm);
  await assert.rejects(
    operations().delete_segment(admin, input('delete_segment', { params }), calm),
    codeOf('failed_precondition', { state: 'protected' }),
  );
  await operations().update_segment(admin, input('update_segment', { params, body: { protected: false } }), calm);
  const file = await operations().recording_file(admin, input('recording_file', { params }), calm);
  const reader = file.open(0, file.sizeBytes - 1)[Symbol.asyncIterator]();
  let bytes = (await reader.next()).value?.length ?? 0;
  await operations().delete_segment(admin, input('delete_segment', { params }), calm);
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) bytes += next.value.length;
  assert.equal(bytes, file.sizeBytes);
  await assert.rejects(operations().get_segment(admin, input('get_segment', { params }), calm), codeOf('not_found'));
  const query = { from: victim.started_at, to: victim.ended_at };
  const coverage = await operations().coverage(admin, input('coverage', { ...target, query }), calm);
  assert.deepEqual(
    coverage.spans.map((span) => [span.state, span.cause]).filter(([state]) => state !== 'present'),
    [['missing', 'deleted']],
  );
  const source = playlistOf(segments);
  assert.match(await (await fetch(source)).text(), /#EXT-X-DISCONTINUITY/);
  const counters = await countersOf(source);
  assert.equal(counters.length, segments.reduce((sum, one) => sum + one.frames, 0) - victim.frames);
});

test('snapshots: of an idle stream, named, jpg and png; a taken name is refused', async () => {
  const taken = await operations().take_snapshot(admin, input('take_snapshot', { ...target, body: { filename: 'door.png', width: 160 } }), calm);
  assert.deepEqual([taken.filename, taken.format, taken.width, taken.height], ['door.png', 'png', 160, 90]);
  await assert.rejects(
    operations().take_snapshot(admin, input('take_snapshot', { ...target, body: { filename: 'door', format: 'png' } }), calm),
    codeOf('already_exists'),
  );
  const plain = await operations().take_snapshot(admin, input('take_snapshot', { ...target, body: undefined }), calm);
  assert.match(plain.filename, /^cam_.*\.jpg$/);
  assert.deepEqual([plain.width, plain.height], [320, 180]);
  const file = await operations().snapshot_file(admin, input('snapshot_file', { params: { filename: plain.filename } }), calm);
  const path = join(bed.folder, 'still.jpg');
  await writeFile(path, await bodyOf(file));
  assert.equal((await countersOf(path)).length, 1);
  const list = await operations().list_snapshots(admin, input('list_snapshots', { query: { limit: 10, offset: 0 } }), calm);
  assert.deepEqual([list.total, list.items.length], [2, 2]);
  assert.ok(bed.changes.some((change) => change.kind === 'snapshot_taken'));
});

test('snapshots: a kind of file that is not made is refused by name; an ending that is none belongs to the name', async () => {
  const take = (filename: string) => operations().take_snapshot(admin, input('take_snapshot', { ...target, body: { filename } }), calm);
  for (const filename of ['x.gif', 'door.WEBP', 'clip.mp4']) {
    const failure: unknown = await take(filename).catch((error: unknown) => error);
    assert.ok(failure instanceof WeirError && failure.code === 'invalid_argument', filename);
    assert.match(failure.message, /^filename must end in \.jpg, \.jpeg or \.png, or have no extension; \.\w+ cannot be made$/);
  }
  assert.equal((await take('door.east')).filename, 'door.east.jpg');
  await operations().delete_snapshot(admin, input('delete_snapshot', { params: { filename: 'door.east.jpg' } }), calm);
});

test('snapshot of a stream that is to be stopped: it runs for the picture, and stops again', async () => {
  const state = () => bed.streams.streams().find((one) => one.stream_id === 'cam')?.status?.state;
  await bed.streams.operations.stop_stream(admin, input('stop_stream', { ...target, body: undefined }), calm);
  await waitFor(() => state() === 'stopped', { deadlineMs: 10_000, what: 'the stream to be stopped' });
  const taken = await operations().take_snapshot(admin, input('take_snapshot', { ...target, body: { filename: 'asleep.jpg' } }), calm);
  assert.deepEqual([taken.width, taken.height], [320, 180]);
  await waitFor(() => state() === 'stopped' && !bed.recordings.isWanted('cam'), { deadlineMs: 15_000, what: 'the stream to be stopped again' });
  await operations().delete_snapshot(admin, input('delete_snapshot', { params: { filename: 'asleep.jpg' } }), calm);
  await bed.streams.operations.start_stream(admin, input('start_stream', { ...target, body: undefined }), calm);
});

test('rights: a session bound to another stream sees and does nothing', async () => {
  const stranger = { ...admin, role: 'operator', streams: ['other'] } as const;
  const bound = { ...stranger, streams: ['other'] };
  await assert.rejects(operations().start_recording(bound, input('start_recording', { ...target, body: {} }), calm), codeOf('permission_denied'));
  // By name, what belongs to another stream is as what does not exist, in the very words.
  const filename = segments[0]?.filename ?? '';
  const refusal = (error: unknown) => {
    assert.ok(error instanceof WeirError);
    return [error.code, error.message.replace(filename, '*').replace('nothing', '*').replace('plain.png', '*')];
  };
  await operations().take_snapshot(admin, input('take_snapshot', { ...target, body: { filename: 'plain.png' } }), calm);
  for (const [theirs, none] of [
    ['get_segment', 'get_segment'],
    ['delete_segment', 'delete_segment'],
    ['recording_file', 'recording_file'],
  ] as const) {
    const [one, other] = await Promise.all([
      operations()
        [theirs](bound, input(theirs, { params: { filename } }), calm)
        .then(() => 'let in', refusal),
      operations()
        [none](bound, input(none, { params: { filename: 'nothing' } }), calm)
        .then(() => 'let in', refusal),
    ]);
    assert.deepEqual(one, other);
    assert.equal(one[0], 'not_found');
  }
  for (const name of ['get_snapshot', 'delete_snapshot', 'snapshot_file'] as const) {
    const [one, other] = await Promise.all([
      operations()
        [name](bound, input(name, { params: { filename: 'plain.png' } }), calm)
        .then(() => 'let in', refusal),
      operations()
        [name](bound, input(name, { params: { filename: 'nothing' } }), calm)
        .then(() => 'let in', refusal),
    ]);
    assert.deepEqual(one, other);
    assert.equal(one[0], 'not_found');
  }
  const bulk = await operations().delete_segments(bound, input('delete_segments', { body: { filenames: [filename] } }), calm);
  assert.deepEqual([bulk.results[0]?.deleted, bulk.results[0]?.message.includes('recording file')], [false, true]);
  const exported = (await operations().list_exports(admin, input('list_exports', { query: { limit: 1 } }), calm)).items[0];
  assert.ok(exported !== undefined);
  const which = { params: { export_id: exported.export_id } };
  await assert.rejects(operations().get_export(bound, input('get_export', which), calm), codeOf('not_found'));
  await assert.rejects(operations().delete_export(bound, input('delete_export', which), calm), codeOf('not_found'));
  const file = { params: { filename: exported.filename ?? '' } };
  await assert.rejects(operations().export_file(bound, input('export_file', file), calm), codeOf('not_found'));
  const storage = await operations().get_storage(bound, input('get_storage', {}), calm);
  assert.deepEqual(
    [storage.recordings_size, storage.snapshots_size, storage.exports_size, storage.oldest_at, storage.streams, storage.bytes_per_day],
    [0, 0, 0, null, [], 0],
  );
  const list = await operations().list_segments(bound, input('list_segments', { query: { limit: 10, offset: 0 } }), calm);
  assert.deepEqual([list.total, list.items], [0, []]);
});

test('a hub that was away learns what was recorded meanwhile, once; a timed recording ends without it', async () => {
  const started = await startRecording(bed, 'cam', { duration_s: 5 });
  await bed.stopHub();
  const before = (await bed.store.recordings.segments({ limit: 100, offset: 0, streams: null })).total;
  // The end is in the order: nobody tells the spoke.
  const until = Date.parse(started.until ?? '') + 1500;
  await waitFor(() => Date.now() > until, { deadlineMs: 15_000, everyMs: 100, what: 'the end of the order' });
  await bed.startHub();
  const recording = await waitFor(
    async () => {
      const { items } = await operations().list_recordings(admin, input('list_recordings', { query: { limit: 1, offset: 0 } }), calm);
      return items[0]?.state === 'stopped' && items[0].segments > 0 ? items[0] : undefined;
    },
    { deadlineMs: 10_000, what: 'the recording that ended meanwhile' },
  );
  assert.equal(recording.recording_id, started.recording_id);
  await assertWithin(Math.abs(recording.elapsed_s - 5) * 1000, 1200, 'between what was ordered and what was recorded');
  const after = (await bed.store.recordings.segments({ limit: 100, offset: 0, streams: null })).total;
  assert.equal(after - before <= recording.segments, true);
  await bed.stopHub();
  await bed.startHub();
  await waitFor(() => bed.recordings.health().some((part) => part.name === 'recordings' && part.details !== undefined), { what: 'the hub' });
  assert.equal((await bed.store.recordings.segments({ limit: 100, offset: 0, streams: null })).total, after);
});

test('a file that goes missing on disk is told as deleted and cannot be downloaded', async () => {
  const { items } = await operations().list_segments(admin, input('list_segments', { query: { limit: 1, offset: 0 } }), calm);
  const victim = await bed.store.recordings.segment(items[0]?.filename ?? '');
  assert.ok(victim !== undefined);
  await rm(join(bed.folder, 'recordings', victim.path));
  // Long before the next comparison: whoever asks for the file learns of it, and so does the ledger.
  await assert.rejects(
    operations().recording_file(admin, input('recording_file', { params: { filename: victim.filename } }), calm),
    codeOf('not_found'),
  );
  const query = { from: new Date(victim.started_ms).toISOString(), to: new Date(victim.ended_ms).toISOString() };
  const { spans } = await operations().coverage(admin, input('coverage', { params: { stream_id: victim.stream_id }, query }), calm);
  assert.ok(
    spans.some((span) => span.cause === 'deleted'),
    JSON.stringify(spans),
  );
});

test('delete while recording: the last file is known, the recording is over, and no plan is left for a stream that takes its name', async () => {
  await bed.addStream('gone', { on_demand: false });
  const gone = { params: { stream_id: 'gone' } };
  await operations().set_recording_policy(admin, input('set_recording_policy', { ...gone, body: { mode: 'always' } }), calm);
  const running = await startRecording(bed, 'gone');
  const complaints = bed.complaints.length;
  await bed.streams.operations.delete_stream(admin, input('delete_stream', gone), calm);
  const list = await operations().list_recordings(admin, input('list_recordings', { query: { stream_id: 'gone', limit: 10, offset: 0 } }), calm);
  const shown = list.items.find((one) => one.recording_id === running.recording_id);
  assert.equal(shown?.state, 'stopped', JSON.stringify(shown));
  assert.ok(shown.segments >= 1 && shown.size_bytes > 0, JSON.stringify(shown));
  assert.ok(bed.changes.some((change) => change.kind === 'recording_stopped' && change.recording.recording_id === running.recording_id));
  await bed.addStream('gone', { on_demand: false });
  assert.deepEqual(bed.recordings.ordersOf('gone'), []);
  assert.equal(bed.recordings.isWanted('gone'), false);
  assert.deepEqual(bed.complaints.slice(complaints), []);
});
