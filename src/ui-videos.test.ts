/** The pure parts of the pages of videos, loaded as Vite loads them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runnerImport } from 'vite';

interface Cue {
  from: number;
  to: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}
interface StoryboardModule {
  parseStoryboard(text: string, base: string): Cue[];
  cueAt(cues: readonly Cue[], time: number): Cue | undefined;
}
interface KeysModule {
  actionOfKey(key: string): { kind: string; [detail: string]: unknown } | undefined;
  nextSpeed(speed: number, step: 1 | -1): number;
}
interface LookModule {
  lookAgain(look: () => void, isLively: boolean): () => void;
}
interface SoonModule {
  soon(work: () => void, waitMs?: number): () => void;
}
interface RateModule {
  addSample(rate: { samples: readonly unknown[] }, at: number, bytes: number): { samples: readonly unknown[] };
  bytesPerSecond(rate: unknown): number | undefined;
  secondsLeft(rate: unknown, total: number): number | undefined;
}
interface WordsModule {
  parseTags(text: string): string[];
  wordsOfReason(reason: string): string;
  wordsOfError(error: string): string;
  formatLeft(etaS: number | null | undefined): string;
}
interface RoutingModule {
  matchPlace(path: string): { page: string; params: Record<string, string> };
  movedPage(id: string, tab?: string): string | undefined;
  videoHref(id: string, tab?: string): string;
}
interface NewestModule {
  stayingAddress(url: string): string | undefined;
}

// Tests run from the root of the checkout.
async function load<T>(file: string): Promise<T> {
  return (await runnerImport<T>(join(process.cwd(), 'src/ui', file), { configFile: false, logLevel: 'error' })).module;
}

const { parseStoryboard, cueAt } = await load<StoryboardModule>('videos/player/storyboard.ts');
const { actionOfKey, nextSpeed } = await load<KeysModule>('videos/player/keys.ts');
const { addSample, bytesPerSecond, secondsLeft } = await load<RateModule>('videos/transfer-rate.ts');
const { parseTags, wordsOfReason, wordsOfError, formatLeft } = await load<WordsModule>('videos/video-words.ts');
const { lookAgain } = await load<LookModule>('core/look-again.ts');
const { soon } = await load<SoonModule>('core/soon.ts');
const { stayingAddress } = await load<NewestModule>('videos/player/newest.ts');
const { matchPlace, movedPage, videoHref } = await load<RoutingModule>('core/routing.ts');

const base = 'http://hub/v/a.b/storyboard.vtt';
const vtt = [
  'WEBVTT',
  '',
  '00:00:00.000 --> 00:00:05.000',
  'storyboard_1.jpg#xywh=0,0,160,90',
  '',
  '00:00:05.000 --> 00:00:10.000',
  'storyboard_1.jpg#xywh=160,0,160,90',
  '',
  '01:00:00.500 --> 01:00:05.000',
  'storyboard_2.jpg#xywh=0,90,160,90',
  '',
  '01:00:05.000 --> 01:00:10.000',
  'words without a picture',
].join('\n');

test('a storyboard is read with addresses beside it, whatever ends its lines, and other cues are skipped', () => {
  for (const text of [vtt, vtt.replaceAll('\n', '\r\n')]) {
    const cues = parseStoryboard(text, base);
    assert.equal(cues.length, 3);
    assert.deepEqual(cues[1], { from: 5, to: 10, url: 'http://hub/v/a.b/storyboard_1.jpg', x: 160, y: 0, width: 160, height: 90 });
    assert.equal(cues[2]?.from, 3600.5);
  }
  assert.deepEqual(parseStoryboard('', base), []);
});

test('the picture of a time is the last one that has begun', () => {
  const cues = parseStoryboard(vtt, base);
  for (const [time, from] of [
    [-1, 0],
    [0, 0],
    [4.999, 0],
    [5, 5],
    [1800, 5],
    [3600.5, 3600.5],
    [99_999, 3600.5],
  ] as const)
    assert.equal(cueAt(cues, time)?.from, from, String(time));
  assert.equal(cueAt([], 3), undefined);
});

test('keys of the player do what players do, and all others nothing', () => {
  for (const [key, action] of [
    [' ', { kind: 'toggle' }],
    ['K', { kind: 'toggle' }],
    ['j', { kind: 'seek_by', seconds: -10 }],
    ['l', { kind: 'seek_by', seconds: 10 }],
    ['ArrowLeft', { kind: 'seek_by', seconds: -5 }],
    ['0', { kind: 'seek_to', fraction: 0 }],
    ['7', { kind: 'seek_to', fraction: 0.7 }],
    ['<', { kind: 'speed', step: -1 }],
    ['c', { kind: 'captions' }],
    ['Enter', undefined],
    ['F5', undefined],
    ['g', undefined],
    ['constructor', undefined],
  ] as const)
    assert.deepEqual(actionOfKey(key), action, key);
});

test('speeds go by steps and end at both ends', () => {
  assert.equal(nextSpeed(1, 1), 1.25);
  assert.equal(nextSpeed(1, -1), 0.75);
  assert.equal(nextSpeed(3, 1), 3);
  assert.equal(nextSpeed(0.25, -1), 0.25);
  assert.equal(nextSpeed(1.1, 1), 1.25);
});

test('the speed of a transfer is that of the last seconds', () => {
  let rate: { samples: readonly unknown[] } = { samples: [] };
  for (let second = 0; second <= 10; second += 1) rate = addSample(rate, second * 1000, second * 1_000_000);
  for (let second = 11; second <= 20; second += 1) rate = addSample(rate, second * 1000, 10_000_000 + (second - 10) * 2_000_000);
  assert.equal(bytesPerSecond(rate), 2_000_000);
  assert.equal(secondsLeft(rate, 40_000_000), 5);
});

test('the speed is unknown at first, after a step back, and nothing is promised while nothing moves', () => {
  const first = addSample({ samples: [] }, 0, 0);
  assert.equal(bytesPerSecond(first), undefined);
  assert.equal(bytesPerSecond(addSample(first, 100, 5_000_000)), undefined);
  const back = addSample(addSample(first, 5000, 9_000_000), 6000, 4_000_000);
  assert.equal(bytesPerSecond(back), undefined);
  assert.equal(secondsLeft(addSample(first, 3000, 0), 1000), undefined);
});

test('tags are trimmed, and stand there once', () => {
  assert.deepEqual(parseTags(' a, b c ,, a,d '), ['a', 'b c', 'd']);
  assert.deepEqual(parseTags(' , '), []);
});

test('a reason without words of its own is still readable', () => {
  assert.equal(wordsOfReason('not_a_video'), 'The file is no video');
  assert.equal(wordsOfReason('sandbox_missing_here'), 'Sandbox missing here');
  assert.equal(wordsOfError('source_missing: /a: b is not there'), 'The source is gone: /a: b is not there');
  assert.equal(wordsOfError('Plain words: as they came'), 'Plain words: as they came');
});

test('time left is said only when it is known', () => {
  assert.equal(formatLeft(41.2), '0:42 left');
  assert.equal(formatLeft(7200), '2 h left');
  for (const unknown of [null, undefined, Number.POSITIVE_INFINITY, Number.NaN]) assert.equal(formatLeft(unknown), '');
});

test('addresses of videos lead to their pages, also with the dot in a link', () => {
  for (const [path, page, params] of [
    ['/videos', 'videos', {}],
    ['/uploads', 'videos_upload', {}],
    ['/queue/dead', 'videos_queue_tab', { tab: 'dead' }],
    // A video may be called as it likes.
    [videoHref('upload'), 'video', { id: 'upload' }],
    [videoHref('queue', 'jobs'), 'video_tab', { id: 'queue', tab: 'jobs' }],
    [videoHref('v1'), 'video', { id: 'v1' }],
    [videoHref('v1', 'share'), 'video_tab', { id: 'v1', tab: 'share' }],
    ['/watch/0f.a_b-c', 'watch', { token: '0f.a_b-c' }],
    ['/embed/v1', 'embed', { token: 'v1' }],
  ] as const)
    assert.deepEqual([matchPlace(path).page, matchPlace(path).params], [page, params], path);
});

test('what no event tells is looked at soon while something goes on, ever more seldom else, and never in a hidden tab', (context) => {
  const { document: before } = globalThis as { document?: unknown };
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const show = (visibilityState: string) => {
    page.visibilityState = visibilityState;
    page.dispatchEvent(new Event('visibilitychange'));
  };
  context.after(() => Object.assign(globalThis, { document: before }));
  Object.assign(globalThis, { document: page });
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) context.mock.timers.tick(1000);
  };
  let looks = 0;
  const count = () => {
    const since = looks;
    looks = 0;
    return since;
  };
  const look = () => {
    looks += 1;
  };
  const stopLively = lookAgain(look, true);
  pass(20);
  assert.equal(count(), 5);
  stopLively();
  pass(60);
  assert.equal(count(), 0);
  const stop = lookAgain(look, false);
  pass(120);
  assert.equal(count(), 5, 'after 4, 12, 28, 60 and 120 seconds');
  show('hidden');
  pass(600);
  assert.equal(count(), 0);
  show('visible');
  assert.equal(count(), 1);
  pass(4);
  assert.equal(count(), 1, 'and from there on as at first');
  stop();
});

test('many reasons within a moment make one run', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  const run = soon(() => {
    runs += 1;
  }, 400);
  for (let reason = 0; reason < 50; reason += 1) run();
  context.mock.timers.tick(400);
  assert.equal(runs, 1);
  run();
  context.mock.timers.tick(400);
  assert.equal(runs, 2);
});

test('addresses from before, where a video may be now, lead to what was there', () => {
  for (const [id, tab, expected] of [
    ['upload', undefined, '/uploads'],
    ['queue', undefined, '/queue'],
    ['queue', 'dead', '/queue/dead'],
    ['holiday', undefined, undefined],
  ] as const)
    assert.equal(movedPage(id, tab), expected, id);
});

test('the address that stays is the one without the revision, also for a video that is called like one', () => {
  for (const [address, expected] of [
    ['/files/videos/v1/r7/master.m3u8', '/files/videos/v1/master.m3u8'],
    ['https://hub/v/0f.a_b/r12/master.m3u8', 'https://hub/v/0f.a_b/master.m3u8'],
    ['/files/videos/r1/r2/master.m3u8', '/files/videos/r1/master.m3u8'],
    ['/files/videos/v1/master.m3u8', undefined],
  ] as const)
    assert.equal(stayingAddress(address), expected, address);
});
