/** Exports that are cancelled, or whose hub ends in the middle. FFmpeg is the real one, held up until the test lets it go. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createBus } from '../../bus/index.js';
import { type Coverage, configSchema, type Export } from '../../contracts/index.js';
import { runTool } from '../../testkit/ffmpeg-capture.js';
import { waitFor } from '../../testkit/index.js';
import { RecordingAlerts } from './alerts.js';
import { Exports, showExport } from './exports.js';
import { defaultTiming, type RecordingsParts } from './needs.js';
import { RecordingFiles } from './recording-files.js';
import { RunningFiles } from './running-file.js';
import { Spokes } from './spokes.js';
import { DiskStorage } from './storage.js';
import { type Bed, startBed } from './testing/bed.js';

/** Young enough for every policy. */
const startedMs = Math.floor(Date.now() / 1000) * 1000 - 60_000;
const [from, to] = [new Date(startedMs).toISOString(), new Date(startedMs + 3000).toISOString()];
let bed: Bed;
let gate: string;
let exports: Exports;
let ends: (() => Promise<unknown>)[];
const folderOf = (name: 'exports' | 'recordings') => join(bed.folder, name);
const leftovers = async () => (await readdir(folderOf('exports'))).filter((name) => !name.endsWith('.mp4'));
const state = async (id: string): Promise<Export> => showExport(await exports.need(id));
const becomes = (id: string, wanted: Export['state']) =>
  waitFor(async () => ((await state(id)).state === wanted ? state(id) : undefined), { deadlineMs: 15_000, what: `export ${wanted}` });
/** FFmpeg runs and waits: its begin is noted in a file. */
const held = () => waitFor(() => stat(`${gate}.held`).then(Boolean, () => false), { what: 'FFmpeg at the gate' });
const letGo = () => writeFile(gate, '');
const create = (name = 'clip') => exports.create({ stream_id: 'cam', from, to, name }, 'ada');

/** One more hub on the same store and folders, as far as exports go. */
async function openExports(): Promise<Exports> {
  const connection = await bed.broker.connect();
  const bus = createBus(connection);
  const abort = new AbortController();
  const config = configSchema.parse({});
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const parts: RecordingsParts = {
    bus,
    store: bed.store,
    log: silent,
    folders: { recordings: folderOf('recordings'), exports: folderOf('exports'), snapshots: bed.folder, cache: bed.folder },
    settings: () => config,
    timing: defaultTiming,
    streams: { exists: () => true, kick: () => undefined, picture: () => Promise.reject(new Error('no pictures here')) },
    signal: abort.signal,
  };
  const spokes = new Spokes({ ...parts, onStatus: () => undefined, onSpoke: () => undefined, onLost: () => undefined });
  const coverage = async (stream_id: string): Promise<Coverage> => ({
    stream_id,
    from,
    to,
    spans: [],
    present_s: 3,
    missing_s: 0,
    complete_percent: 100,
  });
  const opened = new Exports({
    parts,
    files: new RecordingFiles(parts, spokes),
    storage: new DiskStorage({ parts, alerts: new RecordingAlerts(parts), onState: () => undefined }),
    ffmpeg: join(bed.folder, 'held-ffmpeg'),
    playback: { liveOf: () => undefined, running: new RunningFiles(folderOf('recordings')) },
    coverage,
  });
  await opened.start();
  ends.push(() =>
    opened
      .stop()
      .then(() => bus.stop())
      .then(() => connection.close()),
  );
  return opened;
}

beforeEach(async () => {
  ends = [];
  bed = await startBed();
  gate = join(bed.folder, 'gate');
  const script = `#!/bin/sh\n: > '${gate}.held'\nwhile [ ! -e '${gate}' ]; do sleep 0.05; done\nexec ffmpeg "$@"\n`;
  await writeFile(join(bed.folder, 'held-ffmpeg'), script);
  await chmod(join(bed.folder, 'held-ffmpeg'), 0o755);
  await mkdir(join(folderOf('recordings'), 'cam'), { recursive: true });
  const path = 'cam/one.mp4';
  const args =
    '-v error -f lavfi -i testsrc2=size=64x64:rate=10:duration=3 -c:v libx264 -preset ultrafast -g 10 -movflags +frag_keyframe+empty_moov -f mp4';
  await runTool('ffmpeg', [...args.split(' '), join(folderOf('recordings'), path)]);
  const { size } = await stat(join(folderOf('recordings'), path));
  const times = { started_ms: startedMs, ended_ms: startedMs + 3000, duration_ms: 3000 };
  const shape = { size_bytes: size, frames: 30, width: 64, height: 64, codecs: 'avc1', init_bytes: 0, format: 'fmp4' } as const;
  const marks = { protected: false, recovered: false, lost_ms: null };
  await bed.store.recordings.addSegment(
    { filename: 'one', recording_id: 'r1', stream_id: 'cam', spoke_id: 's1', path, ...times, ...shape, ...marks },
    [],
  );
  exports = await openExports();
});
afterEach(async () => {
  for (const end of ends) await end();
  await bed[Symbol.asyncDispose]();
});

test('cancelled while it runs: it says so, leaves nothing on the disk, its name is free, and the next one has its turn', async () => {
  const { export_id } = await create();
  await held();
  const next = await create('next');
  const queued = await create('queued');
  assert.equal((await state(export_id)).state, 'running');
  await exports.remove(await exports.need(export_id));
  await exports.remove(await exports.need(queued.export_id));
  const cancelled = await state(export_id);
  assert.deepEqual([cancelled.state, cancelled.error, cancelled.filename, cancelled.download_url], ['cancelled', null, null, null]);
  assert.ok(cancelled.expires_at !== null);
  assert.equal((await state(queued.export_id)).state, 'cancelled');
  const again = await create();
  await letGo();
  assert.ok(((await becomes(next.export_id, 'done')).file_size ?? 0) > 1000);
  await becomes(again.export_id, 'done');
  await waitFor(async () => (await leftovers()).length === 0, { what: 'nothing else' });
  assert.deepEqual((await readdir(folderOf('exports'))).sort(), ['clip.mp4', 'next.mp4']);
  // What is over is deleted, the cancelled one too.
  await exports.remove(await exports.need(export_id));
  await exports.remove(await exports.need(again.export_id));
  await assert.rejects(exports.need(export_id), { code: 'not_found' });
  assert.deepEqual(await readdir(folderOf('exports')), ['next.mp4']);
});

test('a hub that stops in the middle leaves no half file; the next one makes it', async () => {
  const { export_id } = await create();
  await held();
  await exports.stop();
  assert.deepEqual(await leftovers(), []);
  await letGo();
  exports = await openExports();
  const done = await becomes(export_id, 'done');
  assert.equal((await stat(join(folderOf('exports'), 'clip.mp4'))).size, done.file_size);
});

test('a hub that was killed in the middle: what it left is written anew, and a file that is gone meanwhile fails it, in words', async () => {
  const { export_id } = await create();
  const lost = await create('lost');
  await held();
  await exports.stop();
  // As a kill leaves them.
  for (const id of [export_id, lost.export_id]) await bed.store.exports.update(id, { state: 'running', progress: 40 });
  for (const name of ['clip.mp4.part', 'clip.mp4.list', 'lost.mp4.part']) await writeFile(join(folderOf('exports'), name), 'half');
  await letGo();
  exports = await openExports();
  await becomes(export_id, 'done');
  await becomes(lost.export_id, 'done');
  await waitFor(async () => (await leftovers()).length === 0, { what: 'nothing left over' });
  const gone = await create('gone');
  await becomes(gone.export_id, 'done');
  await exports.stop();
  await rm(join(folderOf('exports'), 'gone.mp4'));
  await bed.store.exports.update(gone.export_id, { state: 'running', progress: 40, size_bytes: null, expires_ms: null });
  await rm(join(folderOf('recordings'), 'cam/one.mp4'));
  exports = await openExports();
  const failed = await becomes(gone.export_id, 'failed');
  assert.match(failed.error ?? '', /one/);
  assert.deepEqual([failed.download_url, failed.file_size], [null, null]);
  await waitFor(async () => (await leftovers()).length === 0, { what: 'nothing left over' });
});
