/**
 * The pure parts of the browser interface. It is no part of the Node program, so its modules are loaded as Vite loads them;
 * the interfaces below say what is asked of them.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runnerImport } from 'vite';

interface EdgeModule {
  decideEdge(input: { position: number; ranges: [number, number][]; target: number; joining: boolean }): {
    rate: number;
    seek: number | undefined;
    lag: number;
  };
  nextTarget(target: number, event: 'stall' | 'calm', frameS: number): number;
}
interface GridModule {
  fitGrid(count: number, width: number, height: number): { columns: number; rows: number };
  moveTile(tiles: readonly string[], id: string, to: number): readonly string[];
  parseWall(text: string | null): { layout: unknown; tiles: readonly string[] } | undefined;
}
interface FormatModule {
  formatRelative(time: number, now: number): string;
  formatUptime(ms: number): string;
  formatBitrate(kbps: number): string;
  formatBytes(bytes: number): string;
  suggestId(name: string): string;
  nameSource(device: string): string;
  maskSource(device: string): string;
}
interface SeriesModule {
  emptySeries(): { times: number[]; columns: Record<string, (number | null)[]> };
  appendMetrics(series: unknown, messages: unknown[], stepS: number): number;
  trimSeries(series: unknown, from: number): void;
  growthPerMinute(times: number[], totals: (number | null)[]): (number | null)[];
}
interface FormModule {
  parseForm(form: unknown): { config?: Record<string, unknown>; errors?: Record<string, string> };
  toForm(config: unknown): Record<string, string>;
  changedFields(before: unknown, after: unknown): string[];
  nameFields(fields: string[]): string;
}
interface RoutingModule {
  matchPlace(path: string, search?: string): { page: string; path: string; params: Record<string, string> };
}
interface LinesModule {
  mergeLines(lines: unknown[], added: unknown[], nextKey: () => number): { message: string }[];
  splitFound(message: string, text: string): string[];
}
interface BackoffModule {
  backoffMs(failures: number, visible: boolean, random: () => number): number;
}

// Tests run from the root of the checkout.
async function load<T>(file: string): Promise<T> {
  return (await runnerImport<T>(join(process.cwd(), 'src/ui', file), { configFile: false, logLevel: 'error' })).module;
}

const { decideEdge, nextTarget } = await load<EdgeModule>('player/edge.ts');
const { fitGrid, moveTile, parseWall } = await load<GridModule>('wall/grid.ts');
const format = await load<FormatModule>('core/format.ts');
const series = await load<SeriesModule>('streams/series.ts');
const form = await load<FormModule>('streams/config-form.ts');
const { matchPlace } = await load<RoutingModule>('core/routing.ts');
const lines = await load<LinesModule>('streams/log-lines.ts');
const { backoffMs } = await load<BackoffModule>('core/backoff.ts');

test('the live edge: speed within limits, jumps only where they pay', () => {
  const cases: [name: string, position: number, ranges: [number, number][], joining: boolean, rate: number, seek: number | undefined][] = [
    ['nothing buffered', 0, [], false, 1, undefined],
    ['at the right distance', 9.85, [[0, 10]], false, 1, undefined],
    ['too close slows down', 9.95, [[0, 10]], false, 0.95, undefined],
    ['a little late runs faster', 9.65, [[0, 10]], false, 1.08, undefined],
    ['late never exceeds the fastest', 8.5, [[0, 10]], false, 1.1, undefined],
    ['more than 2 s late jumps', 7.5, [[0, 10]], false, 1, 9.85],
    ['joining jumps sooner', 9, [[0, 10]], true, 1, 9.85],
    ['before the first range jumps in', 0, [[5, 5.1]], false, 1, 5],
    [
      'plays out what stands before a hole',
      3.5,
      [
        [0, 4],
        [4.5, 5],
      ],
      false,
      1.1,
      undefined,
    ],
    [
      'jumps over the hole',
      3.99,
      [
        [0, 4],
        [4.5, 5],
      ],
      false,
      1,
      4.85,
    ],
  ];
  for (const [name, position, ranges, joining, rate, seek] of cases) {
    const decision = decideEdge({ position, ranges, target: 0.15, joining });
    assert.ok(Math.abs(decision.rate - rate) < 0.001, `${name}: rate ${decision.rate}`);
    if (seek === undefined) assert.equal(decision.seek, undefined, name);
    else assert.ok(Math.abs((decision.seek ?? Number.NaN) - seek) < 0.001, `${name}: seek ${decision.seek}`);
  }
});

test('the distance to keep grows with stalls, shrinks in calm, and never below two and a half frames', () => {
  assert.equal(nextTarget(0.2, 'stall', 0.033), 0.2 * 1.5);
  assert.equal(nextTarget(0.7, 'stall', 0.033), 0.8);
  assert.equal(nextTarget(0.14, 'calm', 0.033), 0.14);
  assert.equal(nextTarget(0.14, 'calm', 0.2), 0.5);
});

test('a wall takes the grid with the largest pictures', () => {
  for (const [count, width, height, columns, rows] of [
    [1, 1300, 800, 1, 1],
    [2, 1300, 800, 1, 2],
    [2, 1800, 600, 2, 1],
    [4, 1300, 800, 2, 2],
    [8, 1300, 800, 3, 3],
    [16, 1300, 800, 4, 4],
    [3, 390, 800, 1, 3],
  ] as const) {
    assert.deepEqual(fitGrid(count, width, height), { columns, rows }, `${count} in ${width}x${height}`);
  }
});

test('tiles move, and what is remembered is taken over only where it makes sense', () => {
  assert.deepEqual(moveTile(['a', 'b', 'c'], 'a', 2), ['b', 'c', 'a']);
  assert.deepEqual(moveTile(['a', 'b', 'c'], 'c', -5), ['c', 'a', 'b']);
  assert.deepEqual(moveTile(['a', 'b'], 'x', 0), ['a', 'b']);
  assert.deepEqual(parseWall('{"layout":9,"tiles":["a","a",3,"b"]}'), { layout: 9, tiles: ['a', 'b'] });
  assert.deepEqual(parseWall('{"layout":"huge","tiles":[]}'), { layout: 'auto', tiles: [] });
  for (const text of [null, '', 'x', '{}', '[]', 'null']) assert.equal(parseWall(text), undefined, String(text));
});

test('numbers and times as people read them', () => {
  assert.equal(format.formatRelative(0, 1000), 'just now');
  assert.equal(format.formatRelative(0, 90_000), '1 min ago');
  assert.equal(format.formatRelative(30_000, 0), 'in 30 s');
  assert.equal(format.formatUptime(3_723_000), '1 h 02 min');
  assert.equal(format.formatBitrate(949.6), '950 kbit/s');
  assert.equal(format.formatBitrate(2500), '2.50 Mbit/s');
  assert.equal(format.formatBytes(1_240_000), '1.2 MB');
});

test('sources get names without their secrets', () => {
  assert.equal(format.nameSource('rtsp://user:geheim@10.0.0.4/live?x=1'), '10.0.0.4/live');
  assert.equal(format.nameSource('/dev/video0'), 'video0');
  assert.equal(format.maskSource('rtsp://user:geheim@10.0.0.4/live'), 'rtsp://user:***@10.0.0.4/live');
  assert.equal(format.suggestId('Büro – Eingang 2'), 'buro-eingang-2');
  assert.equal(format.suggestId('—'), '');
});

test('curves: in order, thinned, with holes where nothing was measured', () => {
  const made = series.emptySeries();
  const at = (s: number, fps: number) => ({ stream_id: 'a', timestamp: new Date(s * 1000).toISOString(), fps });
  assert.equal(series.appendMetrics(made, [at(100, 30), at(100.2, 30), at(101, 29), at(99, 1)], 1), 2);
  assert.equal(series.appendMetrics(made, [at(120, 28)], 1), 1);
  assert.deepEqual(made.times, [100, 101, 102, 120]);
  assert.deepEqual(made.columns.fps, [30, 29, null, 28]);
  series.trimSeries(made, 101.5);
  assert.deepEqual(made.times, [102, 120]);
});

test('totals become growth per minute, also over a restart', () => {
  assert.deepEqual(series.growthPerMinute([0, 60, 120, 180], [5, 7, 3, null]), [null, 2, 3, null]);
});

test('a configuration survives the form, and faults are named by field', () => {
  const config = { device: 'rtsp://cam/1', resolution: '1280x720', framerate: 25, bitrate: 2500, audio: 'none' };
  assert.deepEqual(form.parseForm(form.toForm(config)).config, config);
  const faulty = form.parseForm({ ...form.toForm(config), resolution: 'banana', bitrate: 'much' });
  assert.deepEqual(Object.keys(faulty.errors ?? {}).sort(), ['bitrate', 'resolution']);
  assert.ok('device' in (form.parseForm(form.toForm({})).errors ?? {}));
  assert.deepEqual(form.changedFields(config, { ...config, bitrate: 3000, codec: 'h264' }), ['bitrate', 'codec']);
  assert.equal(form.nameFields(['device', 'bitrate', 'audio']), 'source, bitrate and sound');
});

test('addresses lead to their pages', () => {
  assert.equal(matchPlace('/').page, 'wall');
  assert.equal(matchPlace('/streams/new').page, 'add');
  const typed = matchPlace('/streams/add/');
  assert.deepEqual([typed.page, typed.path, typed.params], ['add', '/streams/new', {}]);
  assert.equal(matchPlace('/streams/address').params.id, 'address');
  assert.deepEqual(matchPlace('/streams/cam%201/log/').params, { id: 'cam 1', tab: 'log' });
  assert.equal(matchPlace('/nowhere/at/all').page, 'unknown');
});

test('log lines: none twice, in order, found text apart', () => {
  let key = 0;
  const nextKey = () => ++key;
  const line = (second: number, message: string) => ({ timestamp: new Date(second * 1000).toISOString(), message });
  const first = lines.mergeLines([], [line(2, 'b'), line(3, 'c')], nextKey);
  const merged = lines.mergeLines(first, [line(1, 'a'), line(2, 'b')], nextKey);
  assert.deepEqual(
    merged.map((one) => one.message),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(lines.splitFound('An Error, an error', 'ERROR'), ['An ', 'Error', ', an ', 'error', '']);
});

test('attempts spread out and slow down, more so while nobody looks', () => {
  assert.equal(
    backoffMs(0, true, () => 0),
    100,
  );
  assert.equal(
    backoffMs(50, true, () => 1),
    2000,
  );
  assert.equal(
    backoffMs(50, false, () => 1),
    10_000,
  );
});
