/** Promise: a schedule is kept to the minute in its time zone, also when the hub is killed meanwhile, and recordings are kept as long as they shall be. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { weekdays } from '../contracts/index.js';
import { assertWithin, makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
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

describe('recordings by the clock', () => {
  let folder: string;
  let weir: Weir;
  let clock: ShiftedClock;
  let camera: RecordedCamera;

  before(async () => {
    folder = await makeTempFolder('weir-e2e-clock-');
    clock = createShiftedClock(folder);
    const roomy = {
      WEIR_STORAGE_MIN_FREE_BYTES: '0',
      WEIR_VOD_MIN_FREE_BYTES: '0',
      WEIR_STORAGE_BLOCK_PERCENT: '100',
      WEIR_STORAGE_WARN_PERCENT: '99',
    };
    weir = await startWeir({ env: { ...clock.env, ...roomy, WEIR_STREAMS_TEST_PICTURE: 'false' } });
    camera = await RecordedCamera.add(weir);
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
    await removeFolder(folder);
  });

  test('a window of a schedule begins by itself and ends to the minute, with the hub killed in between', async () => {
    const begin = Math.ceil((Date.now() + 3000) / minuteMs) * minuteMs;
    const [from, to] = [placeInWeek(begin), placeInWeek(begin + minuteMs)];
    await weir.api('PUT', `/api/v1/streams/${camera.id}/recording/policy`, {
      mode: 'schedule',
      time_zone: zone,
      windows: [{ days: [from.day], from: from.time, to: to.time }],
    });
    const early = await camera.recording();
    assert.ok(early === null || Date.now() >= begin, 'not before its time');
    const running = await camera.when((now) => now.state === 'recording', 'the window', 90_000);
    assert.equal(running.origin, 'schedule');
    await weir.kill9();
    await waitFor(() => Date.now() > begin + minuteMs + 3000, { deadlineMs: 90_000, everyMs: 500, what: 'the end of the window' });
    await weir.start();
    const files = await waitFor(
      async () => {
        const found = await camera.segments(running.recording_id);
        return found.length > 0 && (await camera.recording()) === null ? found : undefined;
      },
      { deadlineMs: 30_000, everyMs: 100, what: 'its files' },
    );
    const times = files.flatMap((one) => [Date.parse(one.started_at), Date.parse(one.ended_at)]);
    const [first, last] = [Math.min(...times), Math.max(...times)];
    assert.ok(first >= begin - 1500, `begins at ${new Date(first).toISOString()}, the window at ${new Date(begin).toISOString()}`);
    const ends = `the end at ${new Date(last).toISOString()} beside that of the window at ${new Date(begin + minuteMs).toISOString()}`;
    await assertWithin(Math.abs(last - begin - minuteMs), 2500, ends);
    const { spans } = await camera.coverage(begin + minuteMs + 2500, begin + minuteMs + 3000);
    assert.deepEqual(
      spans.map((span) => span.state),
      ['unwanted'],
    );
    await weir.api('PUT', `/api/v1/streams/${camera.id}/recording/policy`, { mode: 'off' });
  });

  test('by age: what is older is deleted, what is protected stays, and its time says so', async () => {
    for (let count = 0; count < 2; count++) {
      await camera.start();
      await camera.goesOn(0.5);
      await camera.stop();
    }
    const [kept, ...others] = await camera.segments();
    assert.ok(kept !== undefined && others.length >= 2);
    await weir.api('PATCH', `/api/v1/recordings/segments/${kept.filename}`, { protected: true });
    // 0.1 days are 2.4 hours.
    await weir.api('PUT', '/api/v1/storage/retention', { policy_type: 'age', enabled: true, max_age_days: 0.1 });
    const cleanup = () => weir.api<{ files_deleted: number }>('POST', '/api/v1/storage/cleanup');
    assert.equal((await cleanup()).files_deleted, 0, 'nothing is old yet');
    clock.jump(3 * hourMs);
    const told = async () => Date.parse((await weir.api<{ timestamp: string }>('GET', '/health/detailed')).timestamp);
    await waitFor(async () => (await told()) > Date.now() + 2 * hourMs, { what: 'the jump' });
    assert.equal((await cleanup()).files_deleted, others.length);
    assert.deepEqual(
      (await camera.segments()).map((one) => one.filename),
      [kept.filename],
    );
    const [gone] = others;
    assert.ok(gone);
    const { spans } = await camera.coverage(Date.parse(gone.started_at) + 50, Date.parse(gone.ended_at) - 50);
    assert.deepEqual(
      spans.map((span) => span.cause),
      ['deleted'],
    );
  });
});
