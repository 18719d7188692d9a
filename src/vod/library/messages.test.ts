import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { call, type LibraryBench, session, withLibrary } from './testing/bench.js';

type Asked = Parameters<LibraryBench['queueVideos']['checkMessage']>[1];

const ask = ({ store, queueVideos }: LibraryBench, asked: Partial<Asked>) =>
  store.transaction((tx) =>
    queueVideos.checkMessage(tx, { video_id: 'new', owner: 'eve', source_path: '/in/x.mp4', output_path: null, delete_source: false, ...asked }),
  );

const refused = (field: string) => (error: unknown) =>
  error instanceof WeirError && error.code === 'permission_denied' && error.facts?.reason === 'not_yours' && error.errors[0]?.field === field;
const inTrash = (error: unknown) =>
  error instanceof WeirError &&
  error.code === 'failed_precondition' &&
  error.facts?.reason === 'in_trash' &&
  /weir video restore/.test(error.hint ?? '');

/** A video that a message made for a user. */
async function send({ store, queueVideos }: LibraryBench, video_id: string, owner: string, output_path?: string): Promise<void> {
  await store.transaction(async (tx) => {
    await queueVideos.register(tx, { video_id, owner, source_path: `/in/${video_id}.mp4`, metadata: {} });
    if (output_path !== undefined) await tx.videos.update(video_id, { output_path });
  });
}

describe('a message, of which nobody knows who sent it', () => {
  it('makes videos, and replaces those that came by a message for the same user', () =>
    withLibrary(async (bench) => {
      await ask(bench, {});
      await send(bench, 'mine', 'eve', '/out/mine');
      await ask(bench, { video_id: 'mine', output_path: '/out/mine', source_path: '/in/mine.mp4', delete_source: true });
      await ask(bench, { video_id: 'other', output_path: '/out/mine', source_path: '/in/mine.mp4', delete_source: true });
      await ask(bench, { source_path: join(bench.uploads, 'raw', 'by-hand.mp4') });
    }));

  it('may not touch what was uploaded, also in the name of its owner, nor what came for another user', () =>
    withLibrary(async (bench) => {
      const { source } = await bench.publish('a');
      await send(bench, 'theirs', 'bert', '/out/theirs');
      const rows: [string, Partial<Asked>][] = [
        ['video_id', { video_id: 'a', owner: 'anna' }],
        ['video_id', { video_id: 'theirs' }],
        ['source_path', { source_path: source }],
        ['source_path', { source_path: source, owner: 'anna' }],
        ['source_path', { source_path: join(bench.videos, 'a', 'r1', '360p_000.ts') }],
        ['delete_source', { source_path: '/in/theirs.mp4', delete_source: true }],
        ['output_path', { output_path: '/out/theirs' }],
        ['output_path', { output_path: '/out/theirs/deeper' }],
      ];
      for (const [field, asked] of rows) await assert.rejects(ask(bench, asked), refused(field), JSON.stringify(asked));
      await ask(bench, { source_path: '/in/theirs.mp4' });
    }));

  it('may not read what is being uploaded', () =>
    withLibrary(async (bench) => {
      const upload_id = 'b1f0c6f0-0000-4000-8000-000000000001';
      const path = join(bench.uploads, upload_id, 'source');
      await mkdir(join(bench.uploads, upload_id), { recursive: true });
      await bench.store.uploads.insert({
        ...{ upload_id, video_id: 'coming', method: 'tus', state: 'receiving', name: 'a.mp4', content_type: null, size_bytes: 9 },
        ...{ received_bytes: 1, sha256: null, owner: 'anna', draft: {}, metadata: null, path, unverified_from: null, url: null },
        ...{ validator: null, error: null, expires_at: null },
      });
      await assert.rejects(ask(bench, { source_path: path }), refused('source_path'));
      const isOfHub = (id: string) => bench.store.transaction((tx) => bench.queueVideos.isOfHub(tx, id));
      await send(bench, 'sent', 'eve');
      assert.deepEqual([await isOfHub('coming'), await isOfHub('sent'), await isOfHub('unknown')], [true, false, false]);
    }));
});

describe('a video in the trash', () => {
  it('is not encoded, gets no picture and no link until it is restored', () =>
    withLibrary(async (bench) => {
      await bench.publish('a', 'link');
      await send(bench, 'sent', 'eve');
      const { delete_video, restore_video, process_video, set_poster, create_video_link } = bench.library.operations;
      const chief = session('operator', 'carl');
      const params = { video_id: 'a' };
      for (const video_id of ['a', 'sent']) await call(delete_video, chief, { params: { video_id }, query: {} });
      await assert.rejects(call(process_video, chief, { params, body: {} }), inTrash);
      await assert.rejects(call(set_poster, chief, { params, body: { candidate: 'poster_1.jpg' } }), inTrash);
      await assert.rejects(call(create_video_link, chief, { params, body: {} }), inTrash);
      await assert.rejects(ask(bench, { video_id: 'sent' }), inTrash);
      assert.deepEqual(bench.enqueued, []);
      await call(restore_video, chief, { params: { video_id: 'sent' } });
      await ask(bench, { video_id: 'sent' });
    }));
});
