import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Upload, Video, VideoOutput } from '../../contracts/index.js';
import { withTempFolder } from '../../testkit/index.js';
import { type FakeAnswers, startFakeHub } from './testing/fake-hub.js';
import { runCommand } from './testing/run-command.js';

const at = '2026-05-01T12:00:00.000Z';

const upload = (upload_id: string, state: Upload['state']): Upload => ({
  upload_id,
  video_id: `video-${upload_id}`,
  method: 'tus',
  state,
  name: 'holiday.mp4',
  size_bytes: 10,
  received_bytes: 5,
  bytes_per_s: null,
  sha256: null,
  owner: 'anna',
  error: null,
  created_at: at,
  updated_at: at,
  expires_at: null,
  url: null,
});

const output: VideoOutput = {
  revision: 1,
  profile: 'default',
  master: 'master.m3u8',
  dash: null,
  thumbnail: null,
  posters: [{ file: 'poster_1.jpg', at_s: 1 }],
  storyboard: null,
  renditions: [],
  audio: [],
  subtitles: [],
  duration_s: 12.34,
  size_bytes: 1,
  is_encrypted: false,
  published_at: at,
};

const video: Video = {
  video_id: 'v',
  title: 'V',
  description: '',
  tags: [],
  visibility: 'private',
  state: 'ready',
  owner: 'anna',
  source: null,
  facts: null,
  output,
  metadata: {},
  job_id: null,
  progress: null,
  error: null,
  created_at: at,
  updated_at: at,
  published_at: at,
  deleted_at: null,
  thumbnail_url: null,
  playback_url: null,
  watch_url: '/videos/v',
};

async function run(answers: FakeAnswers, line: string) {
  return await withTempFolder(async (folder) => {
    await using hub = await startFakeHub(answers);
    return { ...(await runCommand(line.split(' '), { WEIR_URL: hub.url, WEIR_TOKEN: 'wt_test' }, folder)), calls: hub.calls };
  });
}

test('unfinished uploads are listed, and one is cancelled', async () => {
  const known = [upload('u1', 'paused'), upload('u2', 'done'), upload('u3', 'checking')];
  const answers: FakeAnswers = {
    list_uploads: ({ query }) => ({ items: known.filter((one) => query.state === undefined || one.state === query.state), next_cursor: null }),
    delete_upload: () => undefined,
  };
  const unfinished = await run(answers, 'upload list');
  assert.match(unfinished.out, /u1 +paused/);
  assert.match(unfinished.out, /u3 +checking/);
  assert.doesNotMatch(unfinished.out, /u2/);
  assert.match((await run(answers, 'upload list --all')).out, /u2 +done/);
  const none = await run({ list_uploads: () => ({ items: [], next_cursor: null }) }, 'upload');
  assert.match(none.out, /no unfinished uploads/);
  const cancelled = await run(answers, 'upload cancel u1');
  assert.equal(cancelled.out, 'u1 is cancelled\n');
  assert.match(JSON.stringify(cancelled.calls), /delete_upload.*u1/);
});

test('a poster is chosen by one time or one candidate; else the choices are told', async () => {
  const answers: FakeAnswers = { get_video: () => video };
  for (const line of ['video poster v', 'video poster v --at 1 --candidate poster_1.jpg']) {
    const { error, err, calls } = await run(answers, line);
    assert.equal(error?.code, 'invalid_argument', line);
    assert.match(err, /Name one picture\n {2}--at SECONDS, from 0 to 12\.3, or --candidate poster_1\.jpg \(the picture at 1\.0 s\)/, line);
    assert.doesNotMatch(JSON.stringify(calls), /set_poster/);
  }
});

test('content that is there already is not sent again without a word', async () => {
  const existing = [{ ...video, video_id: 'old', title: 'Old' }];
  const answers: FakeAnswers = {
    check_upload: () => ({ allowed: true, reason: null, max_bytes: 100, quota_left_bytes: null, existing }),
    reuse_upload: () => ({ ...video, video_id: 'new' }),
    get_video: () => ({ ...video, video_id: 'new' }),
  };
  await withTempFolder(async (folder) => {
    const file = join(folder, 'a.mp4');
    await writeFile(file, 'abc');
    const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    const refused = await run(answers, `video upload ${file}`);
    assert.equal(refused.error?.code, 'already_exists');
    assert.match(refused.err, /a\.mp4 is here already as old "Old" \(ready\)\n {2}With --again another video is made of it/);
    assert.deepEqual(
      refused.calls.map((call) => [call.name, call.input.body]),
      [['check_upload', { size_bytes: 3, sha256 }]],
    );
    const json = await run(answers, `--json video upload ${file}`);
    assert.deepEqual((JSON.parse(json.err) as { facts: unknown }).facts, { existing: [{ video_id: 'old', title: 'Old', state: 'ready' }] });
    const again = await run(answers, `video upload ${file} --again --no-wait --title Twice`);
    assert.equal(again.error, undefined);
    assert.deepEqual(again.calls[1]?.input.body, { sha256, size_bytes: 3, draft: { title: 'Twice' } });
    assert.match(again.out, /Video +new/);
  });
});

test('a video is found by the beginning of its id and shown with addresses in full', async () => {
  const short = { ...video, video_id: 'de0612', output: { ...output, duration_s: 0.04 }, progress: 0, watch_url: '/videos/de0612' };
  const answers: FakeAnswers = { list_videos: () => ({ items: [short, { ...video, video_id: 'de0777' }], next_cursor: null, total: 2, tags: [] }) };
  const found = await run(answers, 'video show de06');
  assert.match(
    found.out,
    /Video +de0612\n[\s\S]*State +ready, waits to be encoded anew\n[\s\S]*Length +0\.04 s\n[\s\S]*Watch +http:\/\/127[^/]+\/videos\/de0612/,
  );
  assert.equal((await run(answers, 'video show de')).error?.code, 'not_found');
  assert.equal((await run(answers, 'video show beef')).error?.code, 'not_found');
  const both: FakeAnswers = { list_videos: () => ({ items: [short, { ...video, video_id: 'de0613' }], next_cursor: null, total: 2, tags: [] }) };
  assert.match((await run(both, 'video show de06')).err, /2 videos begin with de06/);
});
