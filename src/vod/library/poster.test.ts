import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { waitFor, withTempFolder } from '../../testkit/index.js';
import { call, type LibraryBench, output, session, withLibrary } from './testing/bench.js';

const anna = session('operator', 'anna');

/** Instead of FFmpeg: writes its arguments into the picture. */
async function fakeFfmpeg(folder: string): Promise<{ ffmpeg: string }> {
  const ffmpeg = join(folder, 'ffmpeg');
  await writeFile(ffmpeg, '#!/bin/sh\nfor last; do :; done\necho "$@" > "$(echo "$last" | sed s/^file://)"\n');
  await chmod(ffmpeg, 0o755);
  return { ffmpeg };
}

const thumbnailTime = ({ store, queueVideos }: LibraryBench) => store.transaction((tx) => queueVideos.thumbnailTime(tx, 'a'));

async function startJob({ store }: LibraryBench): Promise<void> {
  const none = { quality: null, worker_id: null, instance: null, ticket_seq: null, progress: null, error: null, cost: null, lease_ms: null } as const;
  await store.jobs.insert({
    ...none,
    job_id: 'j',
    video_id: 'a',
    state: 'running',
    profile: 'default',
    priority: 0,
    owner: 'anna',
    origin: 'api',
    request: {},
    source_path: '/in/a.mp4',
    output_path: null,
    place: 'a',
    attempt: 1,
    max_attempts: 3,
    revision: 2,
    ticket_delivery: 1,
    ticket_ms: 0,
    commands: [],
    duration_s: null,
    queued_ms: Date.now(),
    started_ms: Date.now(),
    ended_ms: null,
    due_ms: 0,
  });
}

async function publishSecond({ store, queueVideos, videos }: LibraryBench): Promise<string> {
  const folder = join(videos, 'a', 'r2');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'thumbnail.jpg'), 'of the encoder');
  const change = { kind: 'published', job_id: 'j', output: output(2), folder, source_deleted: false } as const;
  await store.transaction((tx) => queueVideos.apply(tx, 'a', change));
  return folder;
}

describe('the picture that a person chose', () => {
  it('is told to later encodes, also one that was chosen by its time with an encode; the newest choice holds', () =>
    withLibrary(async (bench) => {
      await bench.publish('a');
      await bench.store.videos.update('a', { output: output(1, { posters: [{ file: 'poster_1.jpg', at_s: 4.5 }] }) });
      const { set_poster, process_video } = bench.library.operations;
      const params = { video_id: 'a' };
      assert.equal(await thumbnailTime(bench), null);
      await call(set_poster, anna, { params, body: { candidate: 'poster_1.jpg' } });
      assert.equal(await thumbnailTime(bench), '4.500');
      // The queue of this bench takes nothing: then the choice stays as it was.
      await assert.rejects(call(process_video, anna, { params, body: { thumbnail_time: '1:02' } }));
      assert.equal(await thumbnailTime(bench), '4.500');
      assert.deepEqual(
        bench.enqueued.map(({ thumbnail_time }) => thumbnail_time),
        ['1:02'],
      );
    }));

  it('while the next encode ran already is shown with its result too', () =>
    withTempFolder(async (folder) =>
      withLibrary(
        async (bench) => {
          await bench.publish('a');
          await startJob(bench);
          await call(bench.library.operations.set_poster, anna, { params: { video_id: 'a' }, body: { at_s: 3 } });
          const result = await publishSecond(bench);
          const shown = await waitFor(
            async () => {
              const { output: now } = (await bench.store.videos.get('a')) ?? {};
              return now?.thumbnail?.startsWith('thumbnail_') === true ? now : undefined;
            },
            { what: 'the chosen picture' },
          );
          assert.equal(shown.revision, 2);
          assert.match(await readFile(join(result, shown.thumbnail ?? ''), 'utf8'), /-ss 3\.000/);
        },
        { ffmpeg: await fakeFfmpeg(folder) },
      ),
    ));

  it('is taken anew when an encode was published in the meantime', () =>
    withTempFolder(async (folder) => {
      const program = await fakeFfmpeg(folder);
      const hold = join(folder, 'hold');
      await writeFile(hold, '');
      const script = await readFile(program.ffmpeg, 'utf8');
      await writeFile(program.ffmpeg, script.replace('#!/bin/sh\n', `#!/bin/sh\ntouch ${folder}/begun\nwhile [ -e ${hold} ]; do sleep 0.02; done\n`));
      await withLibrary(
        async (bench) => {
          await bench.publish('a');
          const choosing = call(bench.library.operations.set_poster, anna, { params: { video_id: 'a' }, body: { at_s: 3 } });
          await waitFor(() => readFile(join(folder, 'begun')).catch(() => undefined), { what: 'the first picture' });
          await publishSecond(bench);
          await rm(hold);
          const video = await choosing;
          assert.equal(video.output?.revision, 2, 'nobody is led back to the old result');
          assert.match(video.thumbnail_url ?? '', /\/r2\/thumbnail_/);
        },
        { ffmpeg: program },
      );
    }));
});
