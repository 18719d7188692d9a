/** Promise: recordings keep true times when the clock is set, follow their schedule in its time zone without the hub, and are kept as long as they shall be. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { weekdays } from '../contracts/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
import { breaksOf } from './pictures.js';
import { RecordedCamera } from './recorded-camera.js';
import { createShiftedClock, type ShiftedClock } from './shifted-clock.js';
import { startWeir, type Weir } from './weir.js';

const [minuteMs, hourMs] = [60_000, 3_600_000];
/** A quarter of an hour off, so that nobody mistakes it for another. */
const zone = 'Asia/Kathmandu';

/** Weekday and HH:MM there. */
function placeInWeek(ms: number): { day: (typeof weekdays)[number]; time: string } {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const found = new Map(parts.formatToParts(ms).map(({ type, value }) => [type, value]));
  const day = weekdays.find((name) => name === found.get('weekday')?.toLowerCase());
  assert.ok(day);
  return { day, time: `${found.get('hour')}:${found.get('minute')}` };
}

describe('recordings and the clock', () => {
  let folder: string;
  let weir: Weir;
  let clock: ShiftedClock;
  let camera: RecordedCamera;

  before(async () => {
    folder = await makeTempFolder('weir-e2e-clock-');
    clock = createShiftedClock(folder);
    // Noon of a day of no special kind there, so that no midnight lies within the test.
    const noon = new Date(Date.now() + 24 * hourMs);
    noon.setUTCHours(12, 0, 30, 0);
    clock.set(noon.getTime());
    weir = await startWeir({
      env: {
        ...clock.env,
        WEIR_STREAMS_TEST_PICTURE: 'false',
        WEIR_STORAGE_MIN_FREE_BYTES: '0',
        WEIR_STORAGE_BLOCK_PERCENT: '100',
      },
    });
    camera = await RecordedCamera.add(weir);
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
    await removeFolder(folder);
  });

  for (const [name, jumpMs] of [
    ['an hour ahead', hourMs],
    ['half an hour back', -hourMs / 2],
  ] as const) {
    test(`set ${name}: the recording runs on without losing a frame, and its times are those of the clock`, async () => {
      const began = clock.now();
      const { recording_id } = await camera.start();
      await camera.goesOn(1.5);
      clock.jump(jumpMs);
      await camera.goesOn(1.5);
      const now = await camera.is('recording');
      assert.ok(now.elapsed_s < 60, `the jump is no recorded time: ${now.elapsed_s} s`);
      await camera.stop();
      const ended = clock.now();
      const files = await camera.segments(recording_id);
      assert.deepEqual(breaksOf((await camera.counters(recording_id)).flat()), []);
      const times = files.flatMap((one) => [Date.parse(one.started_at), Date.parse(one.ended_at)]);
      const [earliest, latest] = [Math.min(...times), Math.max(...times)];
      assert.ok(
        files.some((one) => Math.abs(Date.parse(one.started_at) - began) < 30_000),
        'what was before has the time of before',
      );
      assert.ok(
        files.some((one) => Math.abs(Date.parse(one.ended_at) - ended) < 30_000),
        'what came after has the time of after',
      );
      const seconds = files.reduce((sum, one) => sum + one.duration_s, 0);
      assert.ok(seconds < 60, `${seconds} s in the files`);
      if (jumpMs > 0) {
        const { spans, missing_s } = await camera.coverage(earliest, latest);
        assert.ok(Math.abs(missing_s - jumpMs / 1000) < 60, JSON.stringify(spans));
        assert.ok(
          spans.every((span) => span.state !== 'missing' || span.cause === 'clock_changed'),
          JSON.stringify(spans),
        );
      }
    });
  }

  test('a window of a schedule begins while no hub runs, and ends to the minute', async () => {
    // To half a minute before a full one, five minutes on.
    clock.set(Math.ceil(clock.now() / minuteMs) * minuteMs + 5 * minuteMs + 30_000);
    await waitFor(
      async () => Math.abs(Date.parse((await weir.api<{ timestamp: string }>('GET', '/health/detailed')).timestamp) - clock.now()) < 5000,
      { what: 'the jump' },
    );
    const begin = Math.ceil(clock.now() / minuteMs) * minuteMs;
    const [from, to] = [placeInWeek(begin), placeInWeek(begin + minuteMs)];
    const before = new Set((await camera.segments()).map((one) => one.filename));
    await weir.api('PUT', `/api/v1/streams/${camera.id}/recording/policy`, {
      mode: 'schedule',
      time_zone: zone,
      windows: [{ days: [from.day], from: from.time, to: to.time }],
    });
    assert.equal(await camera.recording(), null, 'not yet');
    // The order is with the spoke once it keeps it on its disk.
    const parts = () => {
      const names = readdirSync(join(weir.dataFolder, 'recordings', camera.id), { recursive: true }).map(String);
      return names.filter((name) => name.endsWith('.part'));
    };
    const folderOfCamera = join(weir.dataFolder, 'recordings', camera.id);
    const note = () => {
      const names = readdirSync(folderOfCamera, { recursive: true }).map(String);
      return names
        .filter((name) => /note/.test(name))
        .map((name) => readFileSync(join(folderOfCamera, name), 'utf8'))
        .join('\n');
    };
    await waitFor(() => note().includes('"schedule"'), { deadlineMs: 20_000, what: 'the order on the disk of the spoke' });
    await weir.kill9();
    clock.set(begin - 2000);
    await waitFor(() => parts().length > 0, { deadlineMs: 60_000, everyMs: 50, what: 'a file that is being written, without a hub' });
    await weir.start();
    const running = await camera.is('recording');
    assert.equal(running.origin, 'schedule');
    await camera.goesOn(1);
    clock.set(begin + minuteMs - 2000);
    await waitFor(async () => (await camera.recording()) === null, { deadlineMs: 30_000, everyMs: 50, what: 'the end of the window' });
    const files = await waitFor(
      async () => {
        const found = (await camera.segments()).filter((one) => !before.has(one.filename));
        return found.length > 0 && parts().length === 0 ? found : undefined;
      },
      { deadlineMs: 20_000, what: 'its files' },
    );
    const times = files.flatMap((one) => [Date.parse(one.started_at), Date.parse(one.ended_at)]);
    assert.ok(
      Math.min(...times) >= begin - 1500,
      `begins at ${new Date(Math.min(...times)).toISOString()}, the window at ${new Date(begin).toISOString()}`,
    );
    assert.ok(Math.max(...times) <= begin + minuteMs + 2500, `ends at ${new Date(Math.max(...times)).toISOString()}`);
    await weir.api('PUT', `/api/v1/streams/${camera.id}/recording/policy`, { mode: 'off' });
  });

  test('by age: what is older is deleted, what is protected or younger stays', async () => {
    const [kept, ...others] = await camera.segments();
    assert.ok(kept !== undefined && others.length > 0);
    await weir.api('PATCH', `/api/v1/recordings/segments/${kept.filename}`, { protected: true });
    clock.jump(3 * hourMs);
    const { recording_id } = await camera.start();
    await camera.goesOn(1);
    await camera.stop();
    // 0.1 days are 2.4 hours.
    await weir.api('PUT', '/api/v1/storage/retention', { policy_type: 'age', enabled: true, max_age_days: 0.1 });
    const cleaned = await weir.api<{ files_deleted: number }>('POST', '/api/v1/storage/cleanup');
    assert.equal(cleaned.files_deleted, others.length);
    const left = await camera.segments();
    assert.deepEqual(
      left.map((one) => one.recording_id === recording_id || one.filename === kept.filename),
      left.map(() => true),
    );
    assert.equal(
      left.some((one) => one.recording_id === recording_id),
      true,
    );
  });
});
