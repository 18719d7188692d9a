import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sharedVideoSchema, WeirError } from '../../contracts/index.js';
import { call, type LibraryBench, session, withLibrary } from './testing/bench.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const anna = session('operator', 'anna');
const stranger = session('viewer', 'anonymous', { user_id: null });

const open = ({ library }: LibraryBench, link_token: string) =>
  call(library.operations.linked_video_revision_file, stranger, { params: { link_token, revision: 1, filename: 'master.m3u8' } });

async function link({ library }: LibraryBench, video_id: string, body: { expires_in_s?: number | null } = {}) {
  const made = await call(library.operations.create_video_link, anna, { params: { video_id }, body });
  return { ...made, token: made.watch_url.slice('/watch/'.length) };
}

describe('a link', () => {
  it('shows one video to whoever has it, until it is revoked', () =>
    withLibrary(async (bench) => {
      await bench.publish('a', 'link');
      const { token, link_id } = await link(bench, 'a');
      assert.ok('open' in (await open(bench, token)));
      const { linked_video, linked_video_file } = bench.library.operations;
      assert.deepEqual(await call(linked_video_file, stranger, { params: { link_token: token, filename: 'master.m3u8' } }), {
        location: 'r1/master.m3u8',
        anyOrigin: false,
      });
      const facts = await call(linked_video, stranger, { params: { link_token: token } });
      assert.deepEqual(sharedVideoSchema.strict().parse(facts), facts);
      assert.deepEqual([facts.revision, facts.master], [1, 'master.m3u8']);
      assert.doesNotMatch(JSON.stringify(facts), /anna|\/uploads|\/videos\//, 'neither the owner nor any folder');
      await call(bench.library.operations.delete_video_link, anna, { params: { video_id: 'a', link_id } });
      await assert.rejects(open(bench, token), withCode('permission_denied'));
      await assert.rejects(call(bench.library.operations.delete_video_link, anna, { params: { video_id: 'a', link_id } }), withCode('not_found'));
    }));

  it('is refused once its time is over, and not shown any more', () =>
    withLibrary(async (bench) => {
      await bench.publish('a', 'link');
      const { token } = await link(bench, 'a', { expires_in_s: 0 });
      await assert.rejects(open(bench, token), withCode('permission_denied'));
      const forEver = await link(bench, 'a', { expires_in_s: null });
      assert.equal(forEver.expires_at, null);
      const { items } = await call(bench.library.operations.list_video_links, anna, { params: { video_id: 'a' } });
      assert.deepEqual(
        items.map((item) => item.link_id),
        [forEver.link_id],
      );
    }));

  it('cannot be made up from another, nor from its id', () =>
    withLibrary(async (bench) => {
      await bench.publish('a', 'link');
      const [one, other] = [await link(bench, 'a'), await link(bench, 'a')];
      const signature = other.token.split('.')[1] ?? '';
      for (const token of [one.link_id, `${one.link_id}.`, `${one.link_id}.${signature}`, `${one.token}x`, `${one.token}.x`.slice(1), '.', '']) {
        await assert.rejects(open(bench, token), withCode('permission_denied'), token);
      }
    }));

  it('is worth nothing for what is private, in the trash, or gone', () =>
    withLibrary(async (bench) => {
      await bench.publish('a', 'link');
      const { token } = await link(bench, 'a');
      const { update_video, delete_video, restore_video, create_video_link } = bench.library.operations;
      const params = { video_id: 'a' };
      await call(update_video, anna, { params, body: { visibility: 'private' } });
      await assert.rejects(open(bench, token), withCode('not_found'));
      await assert.rejects(call(create_video_link, anna, { params }), withCode('failed_precondition'));
      await call(update_video, anna, { params, body: { visibility: 'public' } });
      await call(delete_video, anna, { params });
      await assert.rejects(open(bench, token), withCode('not_found'));
      await call(restore_video, anna, { params });
      assert.ok('open' in (await open(bench, token)));
      await call(delete_video, anna, { params, query: { forever: 'true' } });
      await assert.rejects(open(bench, token), (error: unknown) => error instanceof WeirError);
    }));
});
