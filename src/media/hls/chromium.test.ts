import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { makeTempFolder, removeFolder, waitFor } from '../../testkit/index.js';
import { type Fixture, type FixtureKind, fixtureSeconds, makeFixture, makeSource } from './testing/fixture.js';

const program = '/usr/bin/chromium';
const skip = existsSync(program) ? false : 'Chromium is not installed here';
const kinds = ['ts', 'cmaf', 'aes'] as const;
const types: Record<string, string> = {
  m3u8: 'application/vnd.apple.mpegurl',
  ts: 'video/mp2t',
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
  vtt: 'text/vtt',
};

const page = `<!doctype html><video id="video" muted></video><script src="/hls.js"></script><script>
  const video = document.getElementById('video');
  const hls = new Hls({ maxBufferLength: 4, startLevel: 0, enableWorker: false });
  window.hls = hls;
  window.problems = [];
  window.levels = [];
  hls.on(Hls.Events.ERROR, (_event, data) => window.problems.push(data.details + (data.fatal ? ' fatal' : '') + (data.reason === undefined ? '' : ': ' + data.reason) + ' at ' + video.currentTime.toFixed(3)));
  hls.on(Hls.Events.FRAG_CHANGED, (_event, data) => { if (data.frag.type === 'main') window.levels.push(data.frag.level); });
  hls.loadSource(location.hash.slice(1) + '/master.m3u8');
  hls.attachMedia(video);
</script>`;

let parent = '';
let server: Server;
let origin = '';
let browser: Browser | undefined;
const fixtures = new Map<FixtureKind, Fixture>();

before(async () => {
  if (skip !== false) return;
  parent = await makeTempFolder('chromium');
  const source = await makeSource(parent);
  for (const kind of kinds) fixtures.set(kind, await makeFixture(parent, source, kind));
  server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    if (path === '/') return void response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    if (path === '/hls.js') return void response.end(readFileSync('node_modules/hls.js/dist/hls.min.js'));
    const [, kind = '', file = ''] = path.split('/');
    try {
      const bytes = readFileSync(join(parent, basename(kind), basename(file)));
      const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
      const type = { 'content-type': types[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream' };
      if (start === undefined || end === undefined) return void response.writeHead(200, type).end(bytes);
      response
        .writeHead(206, { ...type, 'content-range': `bytes ${start}-${end}/${bytes.length}` })
        .end(bytes.subarray(Number(start), Number(end) + 1));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  origin = `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`;
  browser = await chromium.launch({
    executablePath: program,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--autoplay-policy=no-user-gesture-required'],
  });
});

after(async () => {
  await browser?.close();
  if (skip !== false) return;
  server.closeAllConnections();
  server.close();
  await removeFolder(parent);
});

/**
 * What hls.js reports of good streams, and mends by itself. It begins with the first decoding time, so that the first picture comes as much
 * later as pictures are reordered (80 ms here, less than the hole that it plays over); but when data come slowly, it seeks over that.
 * It cuts sound and picture of a segment at different times for the same reason, and after a change of quality takes the missing 80 ms
 * for a segment that brought nothing. On a slow machine, requests are given up, and data waited for.
 */
const harmless = [
  /^aborted at /,
  /^bufferStalledError(?:: .*)? at /,
  /^bufferSeekOverHole: fragment loaded with buffer holes, seeking from 0 to 0\.1\d* at /,
  /^bufferAppendNoProgress at /,
];

interface State {
  readonly time: number;
  readonly duration: number;
  readonly ended: boolean;
  readonly seeking: boolean;
  readonly buffered: readonly (readonly [number, number])[];
  readonly problems: readonly string[];
  /** Of the fragments that were shown, by height. */
  readonly shown: readonly number[];
  readonly heights: readonly number[];
  readonly iframes: number;
  readonly subtitles: readonly string[];
  readonly sounds: readonly string[];
  readonly cues: number;
}

const look = `(() => {
  const { currentTime: time, duration, ended, seeking, buffered, textTracks } = video;
  const heights = hls.levels.map((level) => level.height);
  return {
    time, duration, ended, seeking, heights,
    buffered: Array.from({ length: buffered.length }, (_none, index) => [buffered.start(index), buffered.end(index)]),
    problems: window.problems,
    shown: window.levels.map((level) => heights[level]),
    iframes: (hls.iframeVariants ?? []).length,
    subtitles: hls.subtitleTracks.map((track) => track.lang),
    sounds: hls.audioTracks.map((track) => track.lang),
    cues: Array.from(textTracks).reduce((sum, track) => sum + (track.cues?.length ?? 0), 0),
  };
})()`;

async function until(tab: Page, what: string, holds: (state: State) => boolean): Promise<State> {
  let last: State | undefined;
  return await waitFor(
    async () => {
      last = (await tab.evaluate(look)) as State;
      return holds(last) ? last : undefined;
    },
    { deadlineMs: 60_000, everyMs: 100, what },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${JSON.stringify(last)}`);
  });
}

for (const kind of kinds) {
  test(`hls.js plays ${kind}: quality up and down, a seek, the end, no gap`, { skip }, async () => {
    const tab = await browser?.newPage();
    assert.ok(tab !== undefined);
    const { output } = fixtures.get(kind) ?? {};
    await tab.goto(`${origin}/#/${kind}`);
    await until(tab, 'the variants', ({ heights }) => heights.length === 2);
    await tab.evaluate(
      'hls.currentLevel = hls.levels.findIndex((level) => level.height === 144); if (hls.subtitleTracks.length > 0) hls.subtitleTrack = 0; video.play()',
    );
    await until(tab, 'pictures of the small rendition', ({ time, shown }) => time > 0.5 && shown.at(-1) === 144);
    await tab.evaluate('hls.nextLevel = hls.levels.findIndex((level) => level.height === 270)');
    const up = await until(tab, 'pictures of the large rendition', ({ shown }) => shown.at(-1) === 270);
    await tab.evaluate('hls.nextLevel = hls.levels.findIndex((level) => level.height === 144)');
    await until(tab, 'pictures of the small rendition again', ({ shown, time }) => shown.at(-1) === 144 && time > up.time);
    assert.equal(up.iframes, 2, 'both I-frame playlists are seen');
    const texts = (output?.subtitles ?? []).map(({ language }) => language);
    if (texts.length > 0) await until(tab, 'the text', ({ cues }) => cues > 0);
    assert.deepEqual([up.subtitles, up.sounds], [texts, (output?.audio ?? []).map(({ language }) => language)]);
    await tab.evaluate('video.currentTime = 9.3');
    const sought = await until(tab, 'pictures behind the seek', ({ time, seeking }) => !seeking && time > 9.4);
    assert.ok(sought.time < fixtureSeconds + 0.1);
    const end = await until(tab, 'the end', ({ ended }) => ended);
    assert.ok(Math.abs(end.duration - fixtureSeconds) < 0.1, `${end.duration} s long`);
    const last = end.buffered.at(-1) ?? [0, 0];
    assert.ok(last[0] <= 9.4 && last[1] >= fixtureSeconds - 0.1, `one piece from the seek to the end, not ${JSON.stringify(end.buffered)}`);
    await tab.evaluate('video.currentTime = 0.2; video.play()');
    const again = await until(tab, 'the beginning again', ({ time, seeking }) => !seeking && time > 0.6 && time < 5);
    assert.ok(again.buffered.length <= 2, `holes in ${JSON.stringify(again.buffered)}`);
    assert.ok((again.buffered[0]?.[0] ?? 1) <= 0.1, `no picture before ${again.buffered[0]?.[0]}`);
    const problems = again.problems.filter((problem) => !harmless.some((known) => known.test(problem)));
    assert.deepEqual(problems, [], 'nothing went wrong on the way');
    await tab.close();
  });
}
