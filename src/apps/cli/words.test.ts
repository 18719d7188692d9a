import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toWindow } from './recording-commands.js';
import { formatBytes, formatDuration, toSeconds, toTime } from './words.js';

test('times are read as people write them', () => {
  const now = Date.parse('2026-05-01T12:00:00Z');
  const cases: [text: string, time: string][] = [
    ['now', '2026-05-01T12:00:00.000Z'],
    ['90s', '2026-05-01T11:58:30.000Z'],
    ['2h', '2026-05-01T10:00:00.000Z'],
    ['1d', '2026-04-30T12:00:00.000Z'],
    ['2026-05-01T14:00:00+02:00', '2026-05-01T12:00:00.000Z'],
    ['2026-05-01 14:00', new Date(2026, 4, 1, 14).toISOString()],
    ['2026-05-01', new Date(2026, 4, 1).toISOString()],
  ];
  for (const [text, time] of cases) assert.equal(toTime(text, 'from', now), time, text);
  for (const text of ['', 'yesterday', '5', '14:00', '2026-13-01']) assert.throws(() => toTime(text, 'from', now), /write a time like/, text);
});

test('durations and amounts, in and out', () => {
  assert.deepEqual([toSeconds('90', 'x'), toSeconds('1.5m', 'x'), toSeconds('2h', 'x'), toSeconds('1d', 'x')], [90, 90, 7200, 86_400]);
  assert.throws(() => toSeconds('soon', 'duration'), /write seconds/);
  assert.deepEqual([0, 59, 60, 3599, 3600, 90_061].map(formatDuration), ['0 s', '59 s', '1:00', '59:59', '1:00:00', '1 d 1:01:01']);
  assert.deepEqual([0, 1023, 1536, 200 * 1024, 5 * 1024 ** 3].map(formatBytes), ['0 B', '1023 B', '1.5 KiB', '200 KiB', '5.0 GiB']);
});

test('windows of a schedule', () => {
  assert.deepEqual(toWindow('mon-fri 08:00-18:00'), { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '18:00' });
  assert.deepEqual(toWindow('Sat,sun 22:00-06:00').days, ['sat', 'sun']);
  assert.deepEqual(toWindow('fri-mon 00:00-24:00').days, ['fri', 'sat', 'sun', 'mon']);
  assert.equal(toWindow('daily 00:00-24:00').days.length, 7);
  for (const text of ['mon', 'mon 8-18', 'noday 08:00-18:00', 'mon-xxx 08:00-18:00'])
    assert.throws(() => toWindow(text), /write days and times/, text);
});
