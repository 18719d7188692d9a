import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { waitFor } from '../../testkit/index.js';
import type { JobChange } from './queue-videos.js';
import { type LibraryBench, output, session, withLibrary } from './testing/bench.js';

const apply = ({ store, queueVideos }: LibraryBench, videoId: string, change: JobChange) =>
  store.transaction((tx) => queueVideos.apply(tx, videoId, change));

describe('a request of the bus', () => {
  it('makes a video once, with the title that it names, and leaves the one there is', () =>
    withLibrary(async ({ store, queueVideos }) => {
      const register = (video_id: string, metadata: Record<string, unknown>) =>
        store.transaction((tx) => queueVideos.register(tx, { video_id, owner: 'user-456', source_path: `/in/${video_id}.mp4`, metadata }));
      await register('v1', { title: ' My Video ', other: 1 });
      await register('v1', { title: 'again' });
      await register('v2', { title: 7 });
      const [first, second] = [await store.videos.get('v1'), await store.videos.get('v2')];
      assert.deepEqual([first?.title, first?.owner, first?.metadata], ['My Video', 'user-456', { title: ' My Video ', other: 1 }]);
      assert.deepEqual([second?.title, second?.source?.path, second?.source?.owned], ['v2', '/in/v2.mp4', false]);
    }));
});

describe('what a job does to a video', () => {
  it('goes from queued to ready, and says so with each step', () =>
    withLibrary(async (bench) => {
      const { store } = bench;
      await store.videos.insert({ video_id: 'a', title: 'a', owner: 'anna', state: 'uploaded' });
      const states: (string | undefined)[] = [];
      const steps: JobChange[] = [
        { kind: 'queued', job_id: 'j' },
        { kind: 'started', job_id: 'j' },
        { kind: 'playable', job_id: 'j', output: output(1), folder: '/staging' },
        { kind: 'published', job_id: 'j', output: output(1), folder: '/made', source_deleted: false },
      ];
      for (const step of steps) {
        await apply(bench, 'a', step);
        states.push((await store.videos.get('a'))?.state);
      }
      assert.deepEqual(states, ['queued', 'processing', 'processing', 'ready']);
      assert.equal((await store.videos.get('a'))?.output_path, '/made');
    }));

  it('takes nothing from one that is published: it stays playable when a later job fails or is cancelled', () =>
    withLibrary(async (bench) => {
      const { folder } = await bench.publish('a');
      const ends: JobChange[] = [
        { kind: 'failed', job_id: 'j', error: 'no' },
        { kind: 'cancelled', job_id: 'j' },
      ];
      for (const end of ends) {
        for (const step of [
          { kind: 'started', job_id: 'j' } as const,
          { kind: 'playable', job_id: 'j', output: output(2), folder: '/staging' } as const,
          end,
        ]) {
          await apply(bench, 'a', step);
          const video = await bench.store.videos.get('a');
          assert.deepEqual([video?.state, video?.output?.revision, video?.output_path], ['ready', 1, folder], step.kind);
        }
      }
    }));

  it('shows no half result of a job that failed, was cancelled or starts again', () =>
    withLibrary(async (bench) => {
      await bench.store.videos.insert({ video_id: 'a', title: 'a', owner: 'anna', state: 'uploaded' });
      const ends: [JobChange, string][] = [
        [{ kind: 'failed', job_id: 'j', error: 'no' }, 'failed'],
        [{ kind: 'cancelled', job_id: 'j' }, 'uploaded'],
        [{ kind: 'started', job_id: 'j' }, 'processing'],
      ];
      for (const [end, state] of ends) {
        await apply(bench, 'a', { kind: 'playable', job_id: 'j', output: output(1), folder: '/staging' });
        await apply(bench, 'a', end);
        const video = await bench.store.videos.get('a');
        assert.deepEqual([video?.state, video?.output, video?.output_path], [state, null, null]);
      }
    }));

  it('deletes the source only when that was asked and no other video keeps it', () =>
    withLibrary(async (bench) => {
      const { folder } = await bench.publish('a');
      await bench.publish('b');
      await bench.store.videos.attachSource('b', 's-a', 'same.mp4');
      const published = { kind: 'published', job_id: 'j', output: output(2), folder, source_deleted: true } as const;
      await apply(bench, 'a', published);
      assert.equal((await bench.store.videos.get('a'))?.source?.kept, false);
      await apply(bench, 'b', published);
      await waitFor(async () => !(await readdir(bench.uploads)).includes('a'), { what: 'the source and its folder are gone' });
    }));

  it('is nothing for a video that is gone meanwhile', () =>
    withLibrary(async (bench) => {
      await apply(bench, 'gone', { kind: 'failed', job_id: 'j', error: 'no' });
      assert.equal(await bench.store.videos.get('gone'), undefined);
      const seen = await bench.queueVideos.visible(session('operator', 'anna'), ['gone']);
      assert.deepEqual([...seen], []);
    }));
});
