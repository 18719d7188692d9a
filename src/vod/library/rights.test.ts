import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { call, type LibraryBench, session, withLibrary } from './testing/bench.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const anna = session('operator', 'anna', { streams: ['cam1'] });
const bert = session('operator', 'bert', { streams: ['cam1'] });
const viewer = session('viewer', 'vera');
const chief = session('operator', 'carl');
const nobody = session('viewer', 'anna', { user_id: null });

async function seen({ library }: LibraryBench, by: typeof anna, query: object = {}): Promise<string[]> {
  const page = await call(library.operations.list_videos, by, { query: { limit: 50, sort: 'newest', ...query } as never });
  return page.items.map((video) => video.video_id).sort();
}

describe('a video', () => {
  it('is seen by its owner and whoever looks after all; others see only what is public', () =>
    withLibrary(async (bench) => {
      await bench.publish('own', 'private');
      await bench.publish('linked', 'link');
      await bench.publish('open', 'public');
      const all = ['linked', 'open', 'own'];
      assert.deepEqual([await seen(bench, anna), await seen(bench, chief)], [all, all]);
      for (const by of [bert, viewer]) assert.deepEqual(await seen(bench, by), ['open'], by.username);
      const { get_video, video_file } = bench.library.operations;
      for (const by of [bert, viewer, nobody]) {
        for (const video_id of ['own', 'linked']) {
          await assert.rejects(call(get_video, by, { params: { video_id } }), withCode('not_found'));
          await assert.rejects(call(video_file, by, { params: { video_id, filename: 'master.m3u8' } }), withCode('not_found'));
        }
        assert.equal((await call(get_video, by, { params: { video_id: 'open' } })).title, 'open');
      }
    }));

  it('belongs to the token that brought it, and never to who did not sign in', () =>
    withLibrary(async (bench) => {
      for (const [video_id, owner] of [
        ['by-token', 'token:bound'],
        ['by-nobody', 'anonymous'],
      ] as const) {
        await bench.store.videos.insert({ video_id, title: video_id, owner, state: 'uploaded' });
      }
      const token = session('operator', 'token:bound', { user_id: null, streams: ['cam1'] });
      const anonymous = session('viewer', 'anonymous', { user_id: null, streams: [] });
      const { get_video, update_video } = bench.library.operations;
      assert.deepEqual(await seen(bench, token), ['by-token']);
      assert.equal((await call(update_video, token, { params: { video_id: 'by-token' }, body: { title: 'mine' } })).title, 'mine');
      await assert.rejects(call(get_video, anonymous, { params: { video_id: 'by-nobody' } }), withCode('not_found'));
    }));

  it('is not changed by who only sees it, and is not there for who does not', () =>
    withLibrary(async (bench) => {
      await bench.publish('own', 'private');
      await bench.publish('open', 'public');
      const { update_video, delete_video, video_source, create_video_link, process_video } = bench.library.operations;
      for (const [video_id, code] of [
        ['open', 'permission_denied'],
        ['own', 'not_found'],
      ] as const) {
        const params = { video_id };
        await assert.rejects(call(update_video, bert, { params, body: { title: 'mine' } }), withCode(code));
        await assert.rejects(call(delete_video, bert, { params }), withCode(code));
        await assert.rejects(call(video_source, bert, { params }), withCode(code));
        await assert.rejects(call(create_video_link, bert, { params }), withCode(code));
        await assert.rejects(call(process_video, bert, { params }), withCode(code));
      }
      assert.deepEqual(bench.enqueued, []);
      assert.equal((await bench.store.videos.get('open'))?.title, 'open');
    }));

  it('is gone for everybody else as soon as it lies in the trash', () =>
    withLibrary(async (bench) => {
      await bench.publish('open', 'public');
      const { delete_video, get_video, restore_video } = bench.library.operations;
      const params = { video_id: 'open' };
      await call(delete_video, anna, { params });
      await assert.rejects(call(get_video, viewer, { params }), withCode('not_found'));
      assert.deepEqual([await seen(bench, viewer, { trash: 'true' }), await seen(bench, anna, { trash: 'true' })], [[], ['open']]);
      await call(restore_video, anna, { params });
      assert.equal((await call(get_video, viewer, { params })).deleted_at, null);
    }));
});
