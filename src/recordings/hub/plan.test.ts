import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type RecordingPolicy, WeirError, weekdays } from '../../contracts/index.js';
import { plannedId, windowsWithin } from './plan.js';
import { checkTimeZone, fromWallMs, toWallMs } from './time-zone.js';

const hour = 3600_000;
const all = [...weekdays];
const schedule = (from: string, to: string, days = all): RecordingPolicy => ({ mode: 'schedule', windows: [{ days, from, to }] });
const spans = (policy: RecordingPolicy, zone: string, from: string, to: string) =>
  windowsWithin(policy, zone, Date.parse(from), Date.parse(to)).map((one) => [
    new Date(one.from_ms).toISOString(),
    new Date(one.until_ms).toISOString(),
  ]);

const cases: [string, RecordingPolicy, string, string, string, string[][]][] = [
  [
    'working hours in Berlin, summer',
    schedule('08:00', '17:30'),
    'Europe/Berlin',
    '2026-07-01T00:00:00Z',
    '2026-07-01T23:00:00Z',
    [['2026-07-01T06:00:00.000Z', '2026-07-01T15:30:00.000Z']],
  ],
  [
    'a window over midnight that has begun the day before',
    schedule('22:00', '06:00'),
    'UTC',
    '2026-07-02T01:00:00Z',
    '2026-07-02T23:00:00Z',
    [
      ['2026-07-01T22:00:00.000Z', '2026-07-02T06:00:00.000Z'],
      ['2026-07-02T22:00:00.000Z', '2026-07-03T06:00:00.000Z'],
    ],
  ],
  [
    'a window belongs to the day it begins on',
    schedule('22:00', '06:00', ['fri']),
    'UTC',
    '2026-11-21T00:00:00Z',
    '2026-11-22T00:00:00Z',
    [['2026-11-20T22:00:00.000Z', '2026-11-21T06:00:00.000Z']],
  ],
  [
    '24:00 is the begin of the next day',
    schedule('00:00', '24:00', ['mon']),
    'UTC',
    '2026-11-23T00:00:00Z',
    '2026-11-24T00:00:00Z',
    [['2026-11-23T00:00:00.000Z', '2026-11-24T00:00:00.000Z']],
  ],
  [
    'equal times are a whole day',
    schedule('07:00', '07:00', ['mon']),
    'UTC',
    '2026-11-23T08:00:00Z',
    '2026-11-23T09:00:00Z',
    [['2026-11-23T07:00:00.000Z', '2026-11-24T07:00:00.000Z']],
  ],
  [
    'the hour left out in spring: a window within it is none',
    schedule('02:10', '02:50'),
    'Europe/Berlin',
    '2026-03-29T00:00:00Z',
    '2026-03-29T12:00:00Z',
    [],
  ],
  [
    'the clock jumps forward within a window',
    schedule('01:30', '03:30'),
    'Europe/Berlin',
    '2026-03-29T00:00:00Z',
    '2026-03-29T12:00:00Z',
    [['2026-03-29T00:30:00.000Z', '2026-03-29T01:30:00.000Z']],
  ],
  [
    'a begin in the hour left out is the moment of the jump',
    schedule('02:30', '04:00'),
    'Europe/Berlin',
    '2026-03-29T00:00:00Z',
    '2026-03-29T12:00:00Z',
    [['2026-03-29T01:00:00.000Z', '2026-03-29T02:00:00.000Z']],
  ],
  [
    'the hour lived twice in autumn is recorded twice',
    schedule('02:00', '03:00'),
    'Europe/Berlin',
    '2026-10-25T00:00:00Z',
    '2026-10-25T12:00:00Z',
    [['2026-10-25T00:00:00.000Z', '2026-10-25T02:00:00.000Z']],
  ],
  [
    'half-hour zones',
    schedule('09:00', '10:00', ['wed']),
    'Asia/Kolkata',
    '2026-07-01T00:00:00Z',
    '2026-07-02T00:00:00Z',
    [['2026-07-01T03:30:00.000Z', '2026-07-01T04:30:00.000Z']],
  ],
  ['always and off have no windows', { mode: 'always' }, 'UTC', '2026-07-01T00:00:00Z', '2026-07-02T00:00:00Z', []],
];
for (const [name, policy, zone, from, to, expected] of cases) test(name, () => assert.deepEqual(spans(policy, zone, from, to), expected));

test('wall clock and instant: there and back, in any zone at any time', () => {
  const zones = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'America/St_Johns',
  );
  const minutes = fc.integer({ min: Date.UTC(2020, 0, 1) / 60_000, max: Date.UTC(2035, 0, 1) / 60_000 });
  fc.assert(
    fc.property(zones, minutes, (zone, minute) => {
      const atMs = minute * 60_000;
      const { first, last } = fromWallMs(toWallMs(atMs, zone), zone);
      assert.ok(first === atMs || last === atMs, `${zone} ${new Date(atMs).toISOString()}`);
      assert.ok(last - first <= 2 * hour);
    }),
    { numRuns: 500 },
  );
});

test('plans of neighbouring times agree on the windows that touch both', () => {
  const clock = fc
    .integer({ min: 0, max: 1439 })
    .map((minute) => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`);
  const window = fc.record({ days: fc.subarray(all, { minLength: 1 }), from: clock, to: clock });
  fc.assert(
    fc.property(fc.array(window, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 400 * 24 }), (windows, hours) => {
      const policy: RecordingPolicy = { mode: 'schedule', windows };
      const at = Date.UTC(2026, 0, 1) + hours * hour;
      const early = windowsWithin(policy, 'Europe/Berlin', at, at + 24 * hour);
      const late = windowsWithin(policy, 'Europe/Berlin', at + hour, at + 25 * hour);
      const both = (one: { from_ms: number; until_ms: number }) => one.until_ms > at + hour && one.from_ms < at + 24 * hour;
      assert.deepEqual(early.filter(both), late.filter(both));
    }),
    { numRuns: 200 },
  );
});

test('an id is that of stream and begin, and fits everywhere', () => {
  assert.equal(plannedId('cam', 1), plannedId('cam', 1));
  assert.notEqual(plannedId('cam', 1), plannedId('cam', 2));
  assert.match(plannedId('cam', 1), /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
});

test('an unknown time zone is refused', () => {
  assert.throws(
    () => checkTimeZone('Mars/Olympus'),
    (error: unknown) => error instanceof WeirError && error.code === 'invalid_argument',
  );
});
