import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WeirError } from '../../contracts/errors.js';
import type { SourceFacts } from '../../contracts/video.js';
import { makeTempFolder, removeFolder } from '../../testkit/index.js';
import { inspectSource } from './inspect.js';
import { counterInput, ffmpeg, inspect, limits } from './testing/bed.js';

let folder: string;
let canaryHits = 0;
const canary = createServer((_request, response) => {
  canaryHits += 1;
  response.end();
});
let canaryUrl: string;

before(async () => {
  folder = await makeTempFolder('inspect');
  canary.listen(0, '127.0.0.1');
  await once(canary, 'listening');
  canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
  const sound = ['-f', 'lavfi', '-i', 'sine=440:d=2'];
  await ffmpeg([
    ...counterInput({ rate: '25', seconds: 2 }),
    ...sound,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-g',
    '25',
    '-c:a',
    'aac',
    join(folder, 'good.mp4'),
  ]);
});
after(async () => {
  canary.close();
  await removeFolder(folder);
});

const file = (name: string) => join(folder, name);
const good = () => readFile(file('good.mp4'));
const playlist = (uri: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n${uri}\n#EXT-X-ENDLIST\n`;
const manifest = (url: string) =>
  `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>${url}/x.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`;

interface Row {
  readonly name: string;
  readonly make: (path: string) => Promise<unknown>;
  readonly ext?: string;
  /** Reason of the refusal, or what must hold of an accepted one. */
  readonly expect: readonly string[] | ((facts: SourceFacts) => void);
  readonly limits?: Partial<typeof limits>;
}

/** A file of one track with huge pictures, quickly made. */
const bomb = (path: string) => ffmpeg(['-f', 'lavfi', '-i', 'color=s=8192x8192:r=1:d=1', '-c:v', 'mjpeg', '-f', 'matroska', path]);

const rows: readonly Row[] = [
  { name: '1 no byte', make: (path) => writeFile(path, ''), expect: ['empty'] },
  {
    name: '2 random bytes',
    make: (path) => writeFile(path, randomBytes(100_000)),
    expect: ['not_a_video', 'decode_failed', 'no_video_or_audio', 'container_not_allowed'],
  },
  { name: '3 MP4 without its end, index behind', make: async (path) => writeFile(path, (await good()).subarray(0, 20_000)), expect: ['truncated'] },
  {
    name: '4 MP4 without its end, index in front',
    make: async (path) => {
      await ffmpeg(['-i', file('good.mp4'), '-c', 'copy', '-movflags', '+faststart', path]);
      await truncate(path, Math.round((await readFile(path)).length / 2));
    },
    expect: ['truncated'],
  },
  {
    name: '5 damaged in the middle',
    make: async (path) => {
      const bytes = await good();
      for (let at = 8000; at < 9000; at += 5) bytes[at] = 0xff;
      await writeFile(path, bytes);
    },
    expect: (facts) => assert.equal(facts.video?.width, 320),
  },
  {
    name: '6 playlist that names another upload',
    make: (path) => writeFile(path, playlist('good.mp4')),
    expect: ['container_not_allowed', 'not_a_video'],
  },
  {
    name: '6b playlist that names a file of the system',
    make: (path) => writeFile(path, playlist('/etc/passwd')),
    ext: 'm3u8',
    expect: ['container_not_allowed', 'not_a_video'],
  },
  {
    name: '7 concat script',
    make: (path) => writeFile(path, "ffconcat version 1.0\nfile 'good.mp4'\n"),
    expect: ['container_not_allowed', 'not_a_video'],
  },
  { name: '8 DASH manifest with an address', make: (path) => writeFile(path, manifest(canaryUrl)), expect: ['container_not_allowed', 'not_a_video'] },
  {
    name: '8b playlist with an address',
    make: (path) => writeFile(path, playlist(`${canaryUrl}/x.ts`)),
    ext: 'm3u8',
    expect: ['container_not_allowed', 'not_a_video'],
  },
  {
    name: '9 playlist that names itself',
    make: (path) => writeFile(path, `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${path}\n`),
    expect: ['container_not_allowed', 'not_a_video'],
  },
  {
    name: '10 SDP',
    make: (path) =>
      writeFile(path, 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n'),
    expect: ['container_not_allowed', 'not_a_video'],
  },
  {
    name: '11 text',
    make: (path) => writeFile(path, 'All work and no play.\n'.repeat(500)),
    ext: 'txt',
    expect: ['container_not_allowed', 'not_a_video'],
  },
  {
    name: '12 drawing',
    make: (path) => writeFile(path, `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><image href="${canaryUrl}/x.png"/></svg>`),
    ext: 'svg',
    expect: ['container_not_allowed', 'not_a_video'],
  },
  {
    name: '12b MP4 with a script behind it',
    make: async (path) => writeFile(path, Buffer.concat([await good(), Buffer.from('<script>alert(1)</script>'.repeat(20))])),
    expect: (facts) => assert.equal(facts.duration_s, 2),
  },
  { name: '13 picture of 67 million pixels', make: bomb, ext: 'mkv', expect: ['too_many_pixels'] },
  {
    name: '14 24 hours in a small file',
    make: (path) => ffmpeg(['-f', 'lavfi', '-i', 'color=s=32x32:r=1/10:d=86400', '-c:v', 'libx264', '-preset', 'ultrafast', path]),
    expect: ['too_long'],
  },
  {
    name: '15 240 frames a second',
    make: (path) => ffmpeg([...counterInput({ rate: '240', seconds: 1 }), '-preset', 'ultrafast', path]),
    expect: (facts) => assert.equal(facts.video?.frame_rate, 240),
  },
  {
    name: '16 853x479, ten bits, 4:4:4',
    make: (path) => ffmpeg(['-f', 'lavfi', '-i', 'nullsrc=s=853x479:r=25:d=0.5', '-pix_fmt', 'yuv444p10le', '-c:v', 'ffv1', path]),
    ext: 'mkv',
    expect: (facts) => assert.deepEqual([facts.video?.width, facts.video?.height, facts.video?.pixel_format], [853, 479, 'yuv444p10le']),
  },
  {
    name: '17 encrypted',
    make: (path) =>
      ffmpeg([
        '-i',
        file('good.mp4'),
        '-c',
        'copy',
        '-encryption_scheme',
        'cenc-aes-ctr',
        '-encryption_key',
        '0'.repeat(32),
        '-encryption_kid',
        '1'.repeat(32),
        path,
      ]),
    expect: ['encrypted'],
  },
  {
    name: '18 one pixel',
    make: (path) => ffmpeg(['-f', 'lavfi', '-i', 'color=s=2x2:r=25:d=0.2', '-c:v', 'ffv1', path]),
    ext: 'mkv',
    expect: ['too_small'],
  },
  {
    name: '19 forty tracks',
    make: (path) => ffmpeg(['-f', 'lavfi', '-i', 'sine=d=0.2', ...Array.from({ length: 40 }, () => ['-map', '0']).flat(), '-c:a', 'flac', path]),
    ext: 'mkv',
    expect: ['too_many_streams'],
  },
  {
    name: '20 header that lies about its length',
    make: async (path) => {
      const bytes = await good();
      const at = bytes.indexOf('mvhd') + 4;
      bytes.writeUInt32BE(bytes.readUInt32BE(at + 12) * 18_000, at + 16);
      await writeFile(path, bytes);
    },
    expect: (facts) => assert.deepEqual([facts.duration_s, facts.warnings.length], [2, 1]),
  },
  {
    name: '21 Matroska without its end',
    make: async (path) => {
      await ffmpeg(['-i', file('good.mp4'), '-c', 'copy', path]);
      await truncate(path, 30_000);
    },
    ext: 'mkv',
    expect: ['truncated'],
  },
  {
    name: '22 a name that FFmpeg could take for more',
    make: async (path) => writeFile(path, await good()),
    ext: '%03d,concat:x|y?z=1#.mp4',
    expect: (facts) => assert.equal(facts.duration_s, 2),
  },
];

describe('what is not taken is refused with its reason, in time, and asks nobody', () => {
  const table: string[] = [];
  for (const row of rows) {
    test(row.name, async () => {
      const path = file(`${row.name.split(' ')[0]}.${row.ext ?? 'mp4'}`);
      await row.make(path);
      const startedAt = performance.now();
      const outcome = await inspectSource(path, { ffprobe: 'ffprobe', limits: { ...limits, maxDurationS: 40_000, ...row.limits } }).catch(
        (error: unknown) => error,
      );
      const seconds = (performance.now() - startedAt) / 1000;
      if (outcome instanceof WeirError) {
        table.push(`${row.name.padEnd(46)} ${outcome.code.padEnd(12)} ${String(outcome.facts?.reason).padEnd(22)} ${seconds.toFixed(2)} s`);
        assert.ok(typeof row.expect !== 'function', `refused: ${outcome.message}`);
        assert.equal(outcome.code, 'unsupported', outcome.stack);
        assert.ok(row.expect.includes(String(outcome.facts?.reason)), `${String(outcome.facts?.reason)}: ${outcome.message}`);
        assert.ok(outcome.hint !== undefined && outcome.errors[0]?.field === 'source');
        return;
      }
      table.push(`${row.name.padEnd(46)} ${'taken'.padEnd(35)} ${seconds.toFixed(2)} s`);
      assert.ok(typeof row.expect === 'function', `taken: ${JSON.stringify(outcome)}`);
      row.expect(outcome as SourceFacts);
    });
  }
  after(() => {
    process.stdout.write(`${table.map((line) => `# ${line}`).join('\n')}\n`);
  });
  test('the canary was never asked', () => assert.equal(canaryHits, 0));
});

test('a refusal says what the file seems to be, and which kinds are taken', async () => {
  const said = async (name: string, content: string) => {
    await writeFile(file(name), content);
    const error = await inspect(file(name)).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof WeirError);
    assert.match(error.hint ?? '', /MP4.*MKV.*WAV/);
    return error.message;
  };
  assert.equal(await said('said.m3u8', playlist('good.mp4')), 'The file seems to be a playlist (M3U or HLS), which is not taken');
  assert.match(await said('said.ffconcat', "\ufeffffconcat version 1.0\nfile 'good.mp4'\n"), /a list of files for FFmpeg \(ffconcat\)/);
  assert.match(await said('said.sdp', 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 5004 RTP/AVP 96\n'), /a description of a session \(SDP\)/);
  assert.match(await said('said.mpd', manifest(canaryUrl)), /a DASH manifest/);
});

test('a file that is not there, and a look that is cancelled', async () => {
  await assert.rejects(inspect(file('nowhere.mp4')), (error) => error instanceof WeirError && error.code === 'not_found');
  await assert.rejects(
    inspectSource(file('good.mp4'), { ffprobe: 'ffprobe', limits, signal: AbortSignal.abort() }),
    (error) => error instanceof WeirError && error.code === 'cancelled',
  );
  await assert.rejects(
    inspectSource(folder, { ffprobe: 'ffprobe', limits }),
    (error) => error instanceof WeirError && error.facts?.reason === 'unreadable',
  );
});
