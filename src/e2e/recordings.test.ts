/** Promise: what is recorded is there, frame by frame, whoever is killed meanwhile; what is missing is named; any span plays and can be taken along. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Coverage, Export, Recording, Segment } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { breaksOf, readCounters } from './pictures.js';
import { stopRecording } from './recorded-camera.js';
import { startWeir, type Weir } from './weir.js';

const frameRate = 15;

interface SegmentList {
  items: Segment[];
  total: number;
}

describe('recording', () => {
  let weir: Weir;
  let camera: string;

  const recording = async () => (await weir.api<{ recording: Recording | null }>('GET', `/api/v1/streams/${camera}/recording`)).recording;
  const recordingWhen = (isSo: (now: Recording) => boolean, what: string, deadlineMs = 20_000) =>
    waitFor(
      async () => {
        const now = await recording();
        return now !== null && isSo(now) ? now : undefined;
      },
      { what: `recording: ${what}`, deadlineMs, everyMs: 100 },
    );
  const segmentsOf = (recordingId: string) => weir.api<SegmentList>('GET', `/api/v1/recordings/segments?recording_id=${recordingId}&limit=100`);
  const pidOf = (program: RegExp) => {
    const found = weir.processes().find(({ command }) => program.test(command));
    assert.ok(found, `a process like ${program}`);
    return found.pid;
  };
  /** Files of a recording, oldest first, downloaded and decoded. */
  const countersOf = async (recordingId: string): Promise<number[][]> => {
    const { items } = await segmentsOf(recordingId);
    const all: number[][] = [];
    for (const segment of [...items].sort((a, b) => a.started_at.localeCompare(b.started_at))) {
      const answer = await weir.request('GET', segment.download_url);
      assert.equal(answer.status, 200, await answer.clone().text());
      const file = join(weir.dataFolder, `${segment.filename}.${segment.format === 'fmp4' ? 'mp4' : segment.format}`);
      await writeFile(file, Buffer.from(await answer.arrayBuffer()));
      const counters = await readCounters(file);
      assert.equal(counters.length, segment.frames, `${segment.filename}: as many pictures as its entry says`);
      all.push(counters);
    }
    return all;
  };

  before(async () => {
    weir = await startWeir({
      env: { WEIR_STREAMS_TEST_PICTURE: 'false', WEIR_STORAGE_MIN_FREE_BYTES: '0', WEIR_VOD_MIN_FREE_BYTES: '0', WEIR_STORAGE_BLOCK_PERCENT: '100' },
    });
    const added = await weir.api<{ camera_id: string }>('POST', '/api/v1/cameras', {
      name: 'Yard',
      source: 'test:',
      resolution: '320x180',
      framerate: frameRate,
    });
    camera = added.camera_id;
  });

  after(async () => {
    await weir?.[Symbol.asyncDispose]();
  });

  test('files follow each other without a frame missing or there twice', async () => {
    const started = await weir.api<Recording>('POST', `/api/v1/streams/${camera}/recording`, { segment_s: 2, pre_roll_s: 0 });
    assert.equal(started.stream_id, camera);
    await recordingWhen((now) => now.segments >= 3, 'three files are finished', 30_000);
    const again = await weir.request('POST', `/api/v1/streams/${camera}/recording`, {});
    assert.equal(again.status, 409, 'one at a time');
    const stopped = await stopRecording(weir, camera);
    assert.equal(stopped.state, 'stopped');
    assert.ok(stopped.segments >= 4, `${stopped.segments} files`);
    const counters = (await countersOf(started.recording_id)).flat();
    assert.deepEqual(breaksOf(counters), []);
    assert.ok(!counters.includes(-1));
    assert.equal(new Set(counters).size, counters.length, 'none twice');
  });

  test('MP4 and Matroska as well', async () => {
    for (const format of ['mp4', 'mkv'] as const) {
      const { recording_id } = await weir.api<Recording>('POST', `/api/v1/streams/${camera}/recording`, { format, pre_roll_s: 0 });
      await recordingWhen((now) => now.elapsed_s >= 1, `${format} runs`);
      await stopRecording(weir, camera);
      const { items } = await waitFor(async () => {
        const list = await segmentsOf(recording_id);
        return list.total > 0 ? list : undefined;
      });
      assert.equal(items[0]?.format, format);
      assert.deepEqual(breaksOf((await countersOf(recording_id)).flat()), []);
    }
  });

  test('what was before the start is in the file as well', async () => {
    await weir.api('PATCH', `/api/v1/cameras/${camera}`, { always_on: true });
    await weir.streamWhen(camera, (now) => (now.progress?.frame ?? 0) > 4 * frameRate, 'has run for some seconds', 20_000);
    const askedAt = Date.now();
    const { recording_id } = await weir.api<Recording>('POST', `/api/v1/streams/${camera}/recording`, { pre_roll_s: 3 });
    await recordingWhen((now) => now.elapsed_s >= 4, 'runs');
    await stopRecording(weir, camera);
    const [first] = (await segmentsOf(recording_id)).items;
    assert.ok(first !== undefined && Date.parse(first.started_at) < askedAt - 1500, `begins before it was asked for: ${first?.started_at}`);
    assert.deepEqual(breaksOf((await countersOf(recording_id)).flat()), []);
  });

  test('hub and broker are killed: no frame is lost', async () => {
    const { recording_id } = await weir.api<Recording>('POST', `/api/v1/streams/${camera}/recording`, { segment_s: 2, pre_roll_s: 0 });
    await recordingWhen((now) => now.elapsed_s >= 1, 'runs');
    await weir.kill9();
    process.kill(pidOf(/nats-server/), 'SIGKILL');
    await weir.start();
    const before = (await recordingWhen((now) => now.recording_id === recording_id && now.state === 'recording', 'goes on')).elapsed_s;
    await recordingWhen((now) => now.elapsed_s > before + 2, 'goes on for two seconds more');
    await stopRecording(weir, camera);
    const counters = (await countersOf(recording_id)).flat();
    assert.deepEqual(breaksOf(counters), []);
    const { spans } = await coverageOf(recording_id);
    assert.deepEqual(
      spans.filter((span) => span.state === 'missing' && span.cause !== 'starting'),
      [],
    );
  });

  test('the spoke is killed: the file up to there plays, the gap has its cause, the recording goes on', async () => {
    const { recording_id } = await weir.api<Recording>('POST', `/api/v1/streams/${camera}/recording`, { pre_roll_s: 0 });
    await recordingWhen((now) => now.elapsed_s >= 2, 'runs');
    process.kill(pidOf(/cli\.js spoke/), 'SIGKILL');
    await recordingWhen((now) => now.segments >= 1 && now.state === 'recording', 'goes on', 30_000);
    const before = (await recordingWhen((now) => now.state === 'recording', 'runs')).elapsed_s;
    await recordingWhen((now) => now.elapsed_s > before + 1, 'goes on for a second more');
    await stopRecording(weir, camera);
    const [first, ...others] = await countersOf(recording_id);
    assert.ok(first !== undefined && first.length > frameRate, 'the file that was being written');
    for (const counters of [first, ...others]) assert.deepEqual(breaksOf(counters), []);
    assert.equal(
      (await segmentsOf(recording_id)).items.some((segment) => segment.recovered),
      true,
    );
    const { spans } = await coverageOf(recording_id);
    assert.ok(
      spans.some((span) => span.state === 'missing' && span.cause === 'spoke_killed'),
      JSON.stringify(spans),
    );
  });

  test('a timed recording ends by itself, also without the hub', async () => {
    const { recording_id } = await weir.api<Recording>('POST', `/api/v1/streams/${camera}/recording`, { duration_s: 3 });
    await weir.kill9();
    await weir.start();
    const { items } = await waitFor(
      async () => {
        const list = await segmentsOf(recording_id);
        return list.total > 0 && (await recording()) === null ? list : undefined;
      },
      { deadlineMs: 20_000, what: 'its end' },
    );
    const seconds = items.reduce((sum, segment) => sum + segment.duration_s, 0);
    assert.ok(Math.abs(seconds - 3) < 1.2, `${seconds} s`);
  });

  test('a span over several files is one timeline, and one MP4', async () => {
    const { items } = await weir.api<SegmentList>('GET', `/api/v1/recordings/segments?stream_id=${camera}&limit=500`);
    const ordered = [...items].sort((a, b) => a.started_at.localeCompare(b.started_at)).filter((segment) => segment.format === 'fmp4');
    const [first, , third] = ordered;
    assert.ok(first !== undefined && third !== undefined);
    const [from, to] = [first.started_at, third.ended_at];
    const query = `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
    const played = await readCounters(`${weir.url}/api/v1/streams/${camera}/recorded/index.m3u8?${query}`, [
      '-headers',
      `Authorization: Bearer ${weir.localToken}\r\n`,
    ]);
    assert.deepEqual(breaksOf(played), []);
    assert.ok(played.length >= first.frames + frameRate, `${played.length} pictures`);
    const asked = await weir.api<Export>('POST', '/api/v1/exports', { stream_id: camera, from, to });
    const made = await waitFor(
      async () => {
        const now = await weir.api<Export>('GET', `/api/v1/exports/${asked.export_id}`);
        assert.notEqual(now.state, 'failed', now.error ?? '');
        return now.state === 'done' ? now : undefined;
      },
      { deadlineMs: 30_000, what: 'the export' },
    );
    const answer = await weir.request('GET', made.download_url ?? '');
    assert.equal(answer.status, 200);
    const file = join(weir.dataFolder, 'export.mp4');
    await writeFile(file, Buffer.from(await answer.arrayBuffer()));
    assert.deepEqual(breaksOf(await readCounters(file)), []);
  });

  test('a part of a file is served, and nothing outside the folder', async () => {
    const { items } = await weir.api<SegmentList>('GET', `/api/v1/recordings/segments?stream_id=${camera}&limit=1`);
    const [segment] = items;
    assert.ok(segment !== undefined);
    const headers = { authorization: `Bearer ${weir.localToken}`, range: 'bytes=4-7' };
    const part = await fetch(`${weir.url}${segment.download_url}`, { headers });
    assert.equal(part.status, 206);
    assert.equal(await part.text(), 'ftyp');
    assert.equal((await fetch(`${weir.url}${segment.download_url}`)).status, 401, 'not without login');
    for (const name of ['..%2F..%2Fweir.db', '%2e%2e%2fweir.db', 'nothing-here'])
      assert.ok([400, 404].includes((await weir.request('GET', `/files/recordings/${name}`)).status), name);
  });

  test('a snapshot of an idle camera starts it', async () => {
    await weir.api('PATCH', `/api/v1/cameras/${camera}`, { always_on: false });
    const png = await weir.api<{ filename: string; width: number; download_url: string }>('POST', `/api/v1/streams/${camera}/snapshots`, {
      filename: 'gate',
      format: 'png',
    });
    assert.equal(png.filename, 'gate.png');
    assert.equal(png.width, 320);
    const picture = Buffer.from(await (await weir.request('GET', png.download_url)).arrayBuffer());
    assert.equal(picture.subarray(1, 4).toString(), 'PNG');
    assert.equal((await weir.request('POST', `/api/v1/streams/${camera}/snapshots`, { filename: 'gate', format: 'png' })).status, 409);
    assert.equal((await weir.request('DELETE', '/api/v1/snapshots/gate.png')).status, 200);
    assert.equal((await weir.request('GET', '/api/v1/snapshots/gate.png')).status, 404);
  });

  test('a protected file stays, another is deleted and its time is told so', async () => {
    const { items } = await weir.api<SegmentList>('GET', `/api/v1/recordings/segments?stream_id=${camera}&limit=500`);
    const [kept, gone] = items;
    assert.ok(kept !== undefined && gone !== undefined);
    await weir.api('PATCH', `/api/v1/recordings/segments/${kept.filename}`, { protected: true });
    assert.equal((await weir.request('DELETE', `/api/v1/recordings/segments/${kept.filename}`)).status, 409);
    await weir.api('DELETE', `/api/v1/recordings/segments/${gone.filename}`);
    const query = `from=${encodeURIComponent(gone.started_at)}&to=${encodeURIComponent(gone.ended_at)}`;
    const { spans } = await weir.api<Coverage>('GET', `/api/v1/streams/${camera}/coverage?${query}`);
    assert.ok(
      spans.some((span) => span.cause === 'deleted'),
      JSON.stringify(spans),
    );
  });

  async function coverageOf(recordingId: string): Promise<Coverage> {
    const { items } = await segmentsOf(recordingId);
    const times = items.flatMap((segment) => [segment.started_at, segment.ended_at]).sort();
    const query = `from=${encodeURIComponent(times[0] ?? '')}&to=${encodeURIComponent(times.at(-1) ?? '')}`;
    return weir.api<Coverage>('GET', `/api/v1/streams/${camera}/coverage?${query}`);
  }
});
