import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import * as HLS from 'hls-parser';
import { WeirError } from '../../contracts/errors.js';
import { makeTempFolder, removeFolder } from '../../testkit/index.js';
import { runProgram } from '../ffmpeg/run-program.js';
import { makePictures } from '../vod/pictures.js';
import { checkDecode } from './decode-check.js';
import { openPackager, withPictures } from './package.js';
import { plainRuns } from './run-media.js';
import {
  copyFixture,
  encodeFixture,
  type Fixture,
  type FixtureKind,
  fixtureSeconds,
  makeFixture,
  makeSource,
  type Source,
} from './testing/fixture.js';
import { packetBytes } from './ts-reader.js';

const kinds = ['ts', 'cmaf', 'aes', 'sound'] as const;
const run = plainRuns({ ffmpeg: 'ffmpeg' });
let parent = '';
let source: Source;
const fixtures = new Map<FixtureKind, Fixture>();

before(async () => {
  parent = await makeTempFolder('output');
  source = await makeSource(parent);
  for (const kind of kinds) fixtures.set(kind, await makeFixture(parent, source, kind));
});
after(async () => await removeFolder(parent));

function fixture(kind: FixtureKind): Fixture {
  const found = fixtures.get(kind);
  assert.ok(found);
  return found;
}

for (const kind of kinds) {
  test(`a strict parser takes every playlist of ${kind}`, () => {
    HLS.setOptions({ strictMode: true });
    const { folder } = fixture(kind);
    const playlists = readdirSync(folder).filter((name) => name.endsWith('.m3u8'));
    assert.ok(playlists.length >= 2, 'there are playlists');
    for (const name of playlists) {
      const parsed = HLS.parse(readFileSync(join(folder, name), 'utf8'));
      assert.equal(parsed.isMasterPlaylist, name === 'master.m3u8', name);
    }
  });

  test(`${kind} decodes, in time and in sync`, async () => {
    const { folder, output, facts, plan } = fixture(kind);
    await checkDecode(folder, output, facts, { ffmpeg: 'ffmpeg', durationS: plan.durationS });
    if (kind === 'cmaf') await checkDecode(folder, output, facts, { ffmpeg: 'ffmpeg', mode: 'full' });
  });
}

test('the output tells what was measured', () => {
  const { output } = fixture('ts');
  assert.equal(output.duration_s, fixtureSeconds);
  assert.deepEqual(
    output.renditions.map(({ name, width, height, frame_rate, segments, frames, encoder }) => ({
      name,
      width,
      height,
      frame_rate,
      segments,
      frames,
      encoder,
    })),
    [
      { name: '270p', width: 480, height: 270, frame_rate: 25, segments: 6, frames: 300, encoder: 'libx264' },
      { name: '144p', width: 256, height: 144, frame_rate: 25, segments: 6, frames: 300, encoder: 'libx264' },
    ],
  );
  for (const { codecs, bandwidth, average_bandwidth, size_bytes } of output.renditions) {
    assert.match(codecs, /^avc1\.64[0-9a-f]{4},mp4a\.40\.2$/);
    assert.ok(Math.abs(average_bandwidth - (size_bytes * 8) / fixtureSeconds) < average_bandwidth * 0.01, 'average of the sizes');
    assert.ok(bandwidth >= average_bandwidth, 'no peak below the average');
  }
  assert.deepEqual(output.subtitles, [{ name: 'subtitles', language: 'en', playlist: 'subtitles.m3u8', vtt: 'subtitles.vtt' }]);
});

test('the tail of the sound is no segment of its own', () => {
  const { folder, output } = fixture('cmaf');
  assert.deepEqual(
    output.audio.map(({ name, language }) => [name, language]),
    [
      ['audio', 'en'],
      ['audio_2', 'de'],
    ],
  );
  const lengths = [...readFileSync(join(folder, 'audio.m3u8'), 'utf8').matchAll(/#EXTINF:([\d.]+)/g)].map((match) => Number(match[1]));
  assert.equal(lengths.length, 6);
  assert.ok(lengths.every((length) => length > 1.9));
});

test('FFmpeg and a parser read the DASH manifest over the same files', async () => {
  const { folder, output } = fixture('cmaf');
  assert.equal(output.dash, 'manifest.mpd');
  const parser = new XMLParser({ ignoreAttributes: false, isArray: (name) => ['AdaptationSet', 'Representation', 'S'].includes(name) });
  const { MPD } = parser.parse(readFileSync(join(folder, 'manifest.mpd'), 'utf8'));
  const sets = MPD.Period.AdaptationSet as Record<string, never>[];
  assert.deepEqual(
    sets.map((set) => set['@_contentType']),
    ['video', 'audio', 'audio', 'text'],
  );
  assert.equal(MPD['@_type'], 'static');
  assert.equal(MPD['@_mediaPresentationDuration'], 'PT12.000S');
  const run = await runProgram(
    'ffmpeg',
    [
      '-nostdin',
      '-loglevel',
      'error',
      '-allowed_extensions',
      'ALL',
      '-i',
      join(folder, 'manifest.mpd'),
      '-map',
      '0:v:0',
      '-f',
      'framecrc',
      '-progress',
      'pipe:2',
      '/dev/null',
      '-y',
    ],
    { timeoutMs: 60_000 },
  );
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /frame=300\b/);
});

test('a growing output can be played before it is complete', async () => {
  const request = await encodeFixture(parent, source, 'groups');
  const { folder, plan } = request;
  const playlists = ['270p', '144p', 'audio', 'audio_2'].map((name) => join(folder, `${name}.m3u8`));
  const whole = await Promise.all(playlists.map(async (path) => await readFile(path, 'utf8')));
  await Promise.all(playlists.map(async (path) => await rm(path)));
  const packager = openPackager(request);
  assert.equal(await packager.growing(), undefined, 'nothing is finished yet');
  const cut = (text: string, segments: number) =>
    text
      .split('#EXTINF')
      .slice(0, segments + 1)
      .join('#EXTINF')
      .replace('#EXT-X-ENDLIST', '');
  for (const [index, path] of playlists.slice(0, 2).entries()) await writeFile(path, cut(whole[index] ?? '', 2));
  assert.equal(await packager.growing(), undefined, 'the sound is missing');
  for (const [index, path] of playlists.entries()) await writeFile(path, cut(whole[index] ?? '', 2));
  const growing = await packager.growing();
  assert.deepEqual([growing?.duration_s, growing?.renditions.length, growing?.renditions[0]?.segments], [4, 2, 2]);
  HLS.setOptions({ strictMode: true });
  assert.ok(HLS.parse(await readFile(join(folder, 'master.m3u8'), 'utf8')).isMasterPlaylist);
  const output = await packager.finish({ thumbnail: null, posters: [], storyboard: null });
  assert.equal(output.duration_s, plan.durationS);
  await checkDecode(folder, output, request.facts, { ffmpeg: 'ffmpeg' });
});

test('a segment that is missing in between is named', async () => {
  const folder = join(parent, 'hole');
  await copyFixture(fixture('ts'), folder);
  await rm(join(folder, '270p_002.ts'));
  await assert.rejects(openPackager({ ...fixture('ts').request, folder }).finish({ thumbnail: null, posters: [], storyboard: null }), (error) => {
    assert.ok(error instanceof WeirError);
    assert.deepEqual([error.code, error.facts?.reason, error.facts?.file], ['internal', 'segment_missing', '270p_002.ts']);
    return true;
  });
});

interface Damage {
  readonly reason: string;
  readonly name: string;
  readonly kind?: FixtureKind;
  readonly harm: (folder: string) => Promise<void>;
}

const swap = (one: string, other: string) => async (folder: string) => {
  const [first, second] = [await readFile(join(folder, one)), await readFile(join(folder, other))];
  await writeFile(join(folder, one), second);
  await writeFile(join(folder, other), first);
};
const leaveOut = (file: string, segment: string) => async (folder: string) => {
  const text = await readFile(join(folder, file), 'utf8');
  await writeFile(join(folder, file), text.replace(new RegExp(`#EXTINF.*\\n${segment}.*\\n`), ''));
};
const cutList = (file: string) => async (folder: string) => {
  const text = await readFile(join(folder, file), 'utf8');
  await writeFile(join(folder, file), text.replace(/(?:#EXTINF.*\n.*\n){2}#EXT-X-ENDLIST/, '#EXT-X-ENDLIST'));
};

const damages: readonly Damage[] = [
  { reason: 'segment_unreadable', name: 'a segment is gone', harm: async (folder) => await rm(join(folder, '144p_004.ts')) },
  {
    reason: 'decode_failed',
    name: 'bytes of a keyframe are overwritten',
    harm: async (folder) => {
      const path = join(folder, '270p_002.ts');
      const bytes = await readFile(path);
      // The payload of packets behind the head of the first keyframe, as a disk that returns noise.
      for (let packet = 4; packet < 40; packet += 1) {
        for (let at = packet * packetBytes + 20; at < (packet + 1) * packetBytes; at += 1) bytes[at] = ((at * 7919) >> 3) & 0xff;
      }
      await writeFile(path, bytes);
    },
  },
  {
    reason: 'duration_mismatch',
    name: 'all renditions end early',
    harm: async (folder) => {
      await cutList('270p.m3u8')(folder);
      await cutList('144p.m3u8')(folder);
    },
  },
  {
    reason: 'not_monotonic',
    name: "two segments are in each other's place",
    kind: 'cmaf',
    harm: swap('144p_002.m4s', '144p_003.m4s'),
  },
  { reason: 'misaligned', name: 'a rendition lists a segment less', kind: 'cmaf', harm: leaveOut('144p.m3u8', '144p_002') },
  { reason: 'out_of_sync', name: 'a segment of the sound is left out', kind: 'cmaf', harm: leaveOut('audio.m3u8', 'audio_002') },
];

for (const { reason, name, kind = 'ts', harm } of damages) {
  test(`the decode check says ${reason} when ${name}`, async () => {
    const { output, facts, plan } = fixture(kind);
    const folder = join(parent, 'damaged');
    await copyFixture(fixture(kind), folder);
    await harm(folder);
    await assert.rejects(checkDecode(folder, output, facts, { ffmpeg: 'ffmpeg', durationS: plan.durationS, mode: 'full' }), (error) => {
      assert.ok(error instanceof WeirError);
      assert.equal(error.facts?.reason, reason, error.message);
      return true;
    });
  });
}

for (const kind of ['ts', 'cmaf', 'aes'] as const) {
  test(`thumbnail, posters and storyboard of ${kind}`, async () => {
    const { folder, output } = fixture(kind);
    const pictures = await makePictures({ folder, output, profile: { storyboard: true, posters: 3 }, thumbnailTime: '00:00:05.5', run });
    assert.deepEqual([pictures.thumbnail, pictures.posters.length, pictures.storyboard?.sprite], ['thumbnail.jpg', 3, ['storyboard_1.jpg']]);
    assert.ok(await isWhite(join(folder, 'thumbnail.jpg')), 'the thumbnail is the very picture: the flash at 5.5 s');
    assert.ok(!(await isWhite(join(folder, 'poster_1.jpg'))), 'no poster is blank');
    assert.ok(
      readdirSync(folder).every((name) => !name.startsWith('.')),
      'nothing is left over',
    );
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    const whole = await withPictures(folder, output, pictures);
    assert.equal(
      whole.size_bytes,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    assert.ok(whole.size_bytes > output.size_bytes && whole.thumbnail === 'thumbnail.jpg');
    const cues = readFileSync(join(folder, 'storyboard.vtt'), 'utf8').split('\n\n').slice(1);
    assert.equal(cues.length, fixtureSeconds);
    assert.equal(cues[11]?.trim(), '00:00:11.000 --> 00:00:12.000\nstoryboard_1.jpg#xywh=160,90,160,90');
  });
}

test('sound alone has no pictures', async () => {
  const { folder, output } = fixture('sound');
  const pictures = await makePictures({ folder, output, profile: { storyboard: true, posters: 3 }, run });
  assert.deepEqual(pictures, { thumbnail: null, posters: [], storyboard: null });
});

async function isWhite(path: string): Promise<boolean> {
  const { stdout } = await runProgram(
    'ffmpeg',
    ['-nostdin', '-loglevel', 'error', '-i', path, '-vf', 'scale=1:1:flags=area,format=gray', '-f', 'rawvideo', 'pipe:1'],
    { timeoutMs: 30_000 },
  );
  return (stdout[0] ?? 0) > 220;
}
