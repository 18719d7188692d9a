/** The pure parts behind the pages of recordings and configuration, loaded as Vite loads them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runnerImport } from 'vite';

interface Span {
  from: number;
  to: number;
}
interface ZoneModule {
  dayBounds(day: string, zone: string): Span;
  dayOf(time: number, zone: string): string;
  addDays(day: string, count: number): string;
  isDay(text: string): boolean;
  timeOfWall(year: number, month: number, day: number, hour: number, minute: number, zone: string): number;
  toField(time: number, zone: string): string;
  fromField(text: string, zone: string): number | undefined;
}
interface GeometryModule {
  xOf(time: number, view: Span, width: number): number;
  timeAt(x: number, view: Span, width: number): number;
  zoomView(view: Span, factor: number, anchor: number, bounds: Span): Span;
  panView(view: Span, byMs: number, bounds: Span): Span;
  ticksOf(view: Span, width: number, zone: string, leastPx?: number, locale?: string): { time: number; label: string }[];
  barsOf(spans: object[], view: Span, width: number): { x: number; width: number; state: string }[];
  spanAt(spans: object[], time: number): { state: string } | undefined;
  nextBegin(spans: object[], time: number, state: string, direction: number): number | undefined;
  sumSpans(spans: object[], within: Span): Record<string, number>;
}
interface MapModule {
  positionOf(pieces: object[], time: number): number | undefined;
  timeOf(pieces: object[], position: number): number | undefined;
}
interface Window {
  days: string[];
  from: string;
  to: string;
}
interface WeekModule {
  windowsToWeek(windows: Window[]): [number, number][][];
  weekToWindows(week: unknown): Window[];
  paint(week: unknown, day: number, from: number, to: number, on: boolean): [number, number][][];
  hoursOf(week: unknown): number;
  formatWindow(window: Window): string;
}
interface SchemaModule {
  editorOf(schema: object): { kind: string; values?: unknown[]; min?: number; max?: number };
  parseText(text: string, editor: object): { value?: unknown; error?: string };
  toText(value: unknown, editor: object): string;
}
interface DiffModule {
  diffValues(before: unknown, after: unknown): { sign: string; text: string }[];
  isSame(a: unknown, b: unknown): boolean;
}

async function load<T>(file: string): Promise<T> {
  return (await runnerImport<T>(join(process.cwd(), 'src/ui', file), { configFile: false, logLevel: 'error' })).module;
}

const zones = await load<ZoneModule>('recordings/zone.ts');
const geometry = await load<GeometryModule>('recordings/geometry.ts');
const map = await load<MapModule>('recordings/media-map.ts');
const weeks = await load<WeekModule>('recordings/week.ts');
const schema = await load<SchemaModule>('config/schema.ts');
const diff = await load<DiffModule>('config/diff.ts');

const hour = 3_600_000;
const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString());

test('a day lasts 23, 24 or 25 hours, and begins where its zone says', () => {
  const cases: [day: string, zone: string, from: string, hours: number][] = [
    ['2026-11-20', 'UTC', '2026-11-20T00:00:00.000Z', 24],
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z', 23],
    ['2026-10-25', 'Europe/Berlin', '2026-10-24T22:00:00.000Z', 25],
    ['2026-03-08', 'America/New_York', '2026-03-08T05:00:00.000Z', 23],
    ['2026-11-01', 'America/New_York', '2026-11-01T04:00:00.000Z', 25],
    ['2026-06-01', 'Asia/Kathmandu', '2026-05-31T18:15:00.000Z', 24],
    // Half an hour back, and a day without a midnight.
    ['2026-04-05', 'Australia/Lord_Howe', '2026-04-04T13:00:00.000Z', 24.5],
    ['2024-09-08', 'America/Santiago', '2024-09-08T04:00:00.000Z', 23],
  ];
  for (const [day, zone, from, hours] of cases) {
    const bounds = zones.dayBounds(day, zone);
    assert.equal(iso(bounds.from), from, `${day} in ${zone}`);
    assert.equal((bounds.to - bounds.from) / hour, hours, `${day} in ${zone}`);
    assert.equal(zones.dayOf(bounds.from, zone), day);
    assert.equal(zones.dayOf(bounds.to - 1, zone), day);
  }
  assert.equal(zones.addDays('2026-02-28', 1), '2026-03-01');
  assert.equal(zones.addDays('2026-01-01', -1), '2025-12-31');
  assert.deepEqual(['2026-02-29', '2024-02-29', '2026-13-01', 'x'].map(zones.isDay), [false, true, false, false]);
});

test('a clock time that comes twice means the first, one that is left out the moment after', () => {
  assert.equal(iso(zones.timeOfWall(2026, 10, 25, 2, 30, 'Europe/Berlin')), '2026-10-25T00:30:00.000Z');
  assert.equal(iso(zones.timeOfWall(2026, 3, 29, 2, 30, 'Europe/Berlin')), '2026-03-29T01:00:00.000Z');
  const noon = Date.parse('2026-07-01T10:20:30Z');
  assert.equal(zones.toField(noon, 'Europe/Berlin'), '2026-07-01T12:20:30');
  assert.equal(zones.fromField('2026-07-01T12:20:30', 'Europe/Berlin'), noon);
  assert.equal(zones.fromField('', 'Europe/Berlin'), undefined);
});

test('zooming keeps the time under the finger and stays within the day', () => {
  const day = { from: 0, to: 24 * hour };
  const near = geometry.zoomView(day, 0.25, 6 * hour, day);
  assert.deepEqual(near, { from: 4.5 * hour, to: 10.5 * hour });
  assert.equal(geometry.xOf(6 * hour, near, 1000), 250);
  assert.equal(geometry.timeAt(250, near, 1000), 6 * hour);
  assert.deepEqual(geometry.zoomView(near, 100, 6 * hour, day), day);
  const nearest = geometry.zoomView(day, 1e-9, 0, day);
  assert.deepEqual(nearest, { from: 0, to: 10_000 });
  assert.deepEqual(geometry.panView(near, 100 * hour, day), { from: 18 * hour, to: 24 * hour });
});

test('ticks stand on even clock times, also where the clocks change', () => {
  const berlin = zones.dayBounds('2026-10-25', 'Europe/Berlin');
  const labels = geometry.ticksOf(berlin, 2600, 'Europe/Berlin', 84, 'de-DE').map((tick) => tick.label);
  assert.deepEqual(labels.slice(0, 5), ['00:00', '01:00', '02:00', '02:00', '03:00']);
  assert.equal(labels.length, 26);
  const few = geometry.ticksOf(zones.dayBounds('2026-03-29', 'Europe/Berlin'), 390, 'Europe/Berlin', 84, 'de-DE').map((tick) => tick.label);
  assert.deepEqual(few, ['00:00', '06:00', '12:00', '18:00', '00:00']);
  const minute = { from: Date.parse('2026-06-01T10:00:07Z'), to: Date.parse('2026-06-01T10:00:57Z') };
  assert.deepEqual(
    geometry.ticksOf(minute, 400, 'Asia/Kathmandu', 64, 'de-DE').map((tick) => tick.label),
    ['15:45:10', '15:45:20', '15:45:30', '15:45:40', '15:45:50'],
  );
  assert.deepEqual(geometry.ticksOf(minute, 400, 'Asia/Kathmandu', 64, 'en-US').map((tick) => tick.label.replace(/\s/g, ' '))[0], '3:45:10 PM');
});

const spans = [
  { from: 0, to: 600_000, state: 'present' },
  { from: 600_000, to: 600_200, state: 'missing', cause: 'spoke_killed' },
  { from: 600_200, to: 900_000, state: 'present' },
  { from: 900_000, to: 1_200_000, state: 'present' },
  { from: 1_200_000, to: 2_000_000, state: 'unwanted' },
  { from: 2_000_000, to: 2_400_000, state: 'missing', cause: 'source_silent' },
];

test('neighbours are one bar, and a gap of a fifth of a second is seen over a whole day', () => {
  const bars = geometry.barsOf(spans, { from: 0, to: 24 * hour }, 1000);
  assert.equal(bars.filter((bar) => bar.state === 'present').length, 1);
  assert.ok(bars.filter((bar) => bar.state === 'missing').every((bar) => bar.width >= 2));
  assert.deepEqual(geometry.barsOf(spans, { from: 1_200_000, to: 2_000_000 }, 1000), []);
});

test('the next gap and the next recording are found from anywhere', () => {
  assert.equal(geometry.spanAt(spans, 600_100)?.state, 'missing');
  assert.equal(geometry.spanAt(spans, 2_400_000), undefined);
  const cases: [time: number, state: string, direction: number, found: number | undefined][] = [
    [0, 'missing', 1, 600_000],
    [600_000, 'missing', 1, 2_000_000],
    [2_100_000, 'missing', 1, undefined],
    [2_300_000, 'missing', -1, 2_000_000],
    [2_000_500, 'missing', -1, 600_000],
    [650_000, 'present', 1, undefined],
    [2_300_000, 'present', -1, 600_200],
  ];
  for (const [time, state, direction, found] of cases) {
    assert.equal(geometry.nextBegin(spans, time, state, direction), found, `${state} from ${time} ${direction}`);
  }
  assert.deepEqual(geometry.sumSpans(spans, { from: 300_000, to: 2_200_000 }), { present: 899.8, missing: 200.2, unwanted: 800 });
});

test('the player’s clock leaves gaps out; the wall clock does not', () => {
  const pieces = [
    { at: 10_000, start: 0, duration: 4 },
    { at: 14_000, start: 4, duration: 4 },
    { at: 60_000, start: 8, duration: 2 },
  ];
  for (const [time, position] of [
    [9_000, 0],
    [12_500, 2.5],
    [17_500, 7.5],
    [30_000, 8],
    [61_000, 9],
    [62_000, undefined],
  ] as const) {
    assert.equal(map.positionOf(pieces, time), position, `at ${time}`);
  }
  assert.equal(map.timeOf(pieces, 5), 15_000);
  assert.equal(map.timeOf(pieces, 8), 60_000);
  assert.equal(map.timeOf(pieces, 99), 62_000);
  assert.equal(map.timeOf([], 1), undefined);
});

test('a plan survives the grid, over midnight and over the end of the week', () => {
  const plans: Window[][] = [
    [],
    [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '18:00' }],
    [{ days: ['fri', 'sun'], from: '22:15', to: '05:45' }],
    [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '24:00' }],
    [
      { days: ['mon'], from: '07:00', to: '09:00' },
      { days: ['mon', 'wed'], from: '20:00', to: '21:30' },
    ],
  ];
  for (const plan of plans) assert.deepEqual(weeks.weekToWindows(weeks.windowsToWeek(plan)), plan);
  const long = weeks.windowsToWeek([
    { days: ['mon'], from: '06:00', to: '24:00' },
    { days: ['tue'], from: '00:00', to: '20:00' },
  ]);
  assert.deepEqual(weeks.windowsToWeek(weeks.weekToWindows(long)), long);
  assert.equal(weeks.hoursOf(long), 38);
  const cut = weeks.paint(long, 0, 600, 660, false);
  assert.deepEqual(cut[0], [
    [360, 600],
    [660, 1440],
  ]);
  assert.deepEqual(weeks.paint(cut, 0, 600, 660, true), long);
  assert.equal(weeks.formatWindow({ days: ['mon', 'tue', 'wed', 'sat'], from: '08:00', to: '18:00' }), 'Mon–Wed, Sat 08:00–18:00');
});

test('schemas become editors, and what is typed is checked before the hub is asked', () => {
  const flag = { anyOf: [{ type: 'boolean' }, { type: 'string', enum: ['true', 'false'] }] };
  const list = { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }] };
  const port = { type: 'integer', minimum: -1, maximum: 65_535 };
  const cases: [schema: object, kind: string, text: string, result: object][] = [
    [flag, 'switch', 'true', { value: true }],
    [{ anyOf: [flag, { type: 'string', const: 'auto' }] }, 'choice', 'auto', { value: 'auto' }],
    [{ anyOf: [flag, { type: 'string', const: 'auto' }] }, 'choice', 'false', { value: false }],
    [list, 'list', ' a\n\nb, c ', { value: ['a', 'b', 'c'] }],
    [port, 'number', '8080', { value: 8080 }],
    [port, 'number', '70000', { error: 'At most 65535' }],
    [port, 'number', '1.5', { error: 'Write a whole number' }],
    [{ type: 'number', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }, 'number', '1e9', { value: 1e9 }],
    [{ type: 'string', enum: ['fmp4', 'mkv'] }, 'choice', 'avi', { error: 'Choose one of fmp4, mkv' }],
    [{ type: 'string', pattern: '^[a-z]+$' }, 'text', 'A', { error: 'Not in the form this setting needs' }],
    [{ type: 'string' }, 'text', ' ', { value: null }],
    [{ type: 'array', items: { type: 'object' } }, 'json', '[1', { error: '' }],
  ];
  for (const [from, kind, text, result] of cases) {
    const editor = schema.editorOf(from);
    assert.equal(editor.kind, kind, JSON.stringify(from));
    const parsed = schema.parseText(text, editor);
    if ('error' in result && result.error === '') assert.match(parsed.error ?? '', /JSON/);
    else assert.deepEqual(parsed, result, JSON.stringify(from));
  }
  assert.equal(schema.toText(['a', 'b'], schema.editorOf(list)), 'a\nb');
});

test('a change shows what goes and what comes', () => {
  assert.deepEqual(diff.diffValues(8080, 9090), [
    { sign: '-', text: '8080' },
    { sign: '+', text: '9090' },
  ]);
  assert.deepEqual(diff.diffValues(['a', 'b', 'c'], ['a', 'c', 'd']), [
    { sign: ' ', text: 'a' },
    { sign: '-', text: 'b' },
    { sign: ' ', text: 'c' },
    { sign: '+', text: 'd' },
  ]);
  assert.ok(diff.isSame({ a: 1, b: [2] }, { b: [2], a: 1 }));
  assert.ok(diff.isSame(undefined, null));
  assert.ok(!diff.isSame([1, 2], [2, 1]));
});
