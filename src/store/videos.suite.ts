/** What every database must do alike with videos and uploads. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type SourceFacts, type VideoOutput, WeirError } from '../contracts/index.js';
import type { Store } from './open-store.js';
import type { NewVideo, UploadRecord, VideoQuery } from './videos-repository.js';

type Each = (title: string, body: (store: Store) => Promise<void>) => void;

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

const video = (video_id: string, extra: Partial<NewVideo> = {}): NewVideo => ({
  video_id,
  title: `Video ${video_id}`,
  owner: 'ada',
  state: 'uploaded',
  ...extra,
});

const facts = (duration_s: number): SourceFacts => ({
  container: 'mov',
  duration_s,
  size_bytes: 1,
  bitrate_kbps: 1,
  start_s: 0,
  video: null,
  audio: [],
  subtitles: [],
  warnings: [],
});

const upload = (extra: Partial<UploadRecord> = {}): Omit<UploadRecord, 'created_at' | 'updated_at'> => ({
  upload_id: randomUUID(),
  video_id: randomUUID(),
  method: 'tus',
  state: 'receiving',
  name: 'a.mp4',
  content_type: null,
  size_bytes: 1000,
  received_bytes: 0,
  sha256: null,
  owner: 'ada',
  draft: {},
  metadata: null,
  path: '/x',
  unverified_from: null,
  url: null,
  validator: null,
  error: null,
  expires_at: null,
  ...extra,
});

export function describeVideos(each: Each): void {
  describeRows(each);
  describeSearch(each);
  describeSources(each);
  describeUploads(each);
}

function describeRows(each: Each): void {
  each('a video comes back as it was put in, and changes only where it was changed', async ({ videos }) => {
    const put = await videos.insert(video('v', { tags: ['x', 'y'], description: 'd', visibility: 'public', metadata: { a: [1] } }));
    assert.deepEqual(await videos.get('v'), put);
    await assert.rejects(videos.insert(video('v')), withCode('already_exists'));
    const output = { revision: 2, size_bytes: 5_000_000_000 } as VideoOutput;
    const changed = await videos.update('v', { facts: facts(2.5), output, output_path: '/o', progress: 12.5, title: 'T', metadata: {} });
    assert.deepEqual(await videos.get('v'), changed);
    assert.deepEqual(
      [changed.facts?.duration_s, changed.output, changed.progress, changed.title, changed.tags],
      [2.5, output, 12.5, 'T', ['x', 'y']],
    );
    assert.equal((await videos.update('v', { facts: null, output: null })).facts, null);
    await assert.rejects(videos.update('gone', { title: 'x' }), withCode('not_found'));
    assert.equal(await videos.updateIf('v', ['ready'], { state: 'failed' }), undefined);
    assert.equal((await videos.updateIf('v', ['uploaded'], { state: 'queued' }))?.state, 'queued');
    assert.deepEqual(await videos.countByState(), { queued: 1 });
    assert.deepEqual(await videos.delete('v'), { path: null });
    assert.equal(await videos.delete('v'), undefined);
  });

  each('links belong to their video and go with it', async ({ videos }) => {
    await videos.insert(video('v'));
    const link = { link_id: 'l', video_id: 'v', name: 'n', created_at: '2026-01-01T00:00:00.000Z', created_by: 'ada', expires_at: null };
    await videos.addLink(link);
    await videos.addLink({ ...link, link_id: 'm', created_at: '2026-01-02T00:00:00.000Z' });
    assert.deepEqual(await videos.getLink('l'), link);
    assert.deepEqual(
      (await videos.links('v')).map((one) => one.link_id),
      ['m', 'l'],
    );
    assert.equal(await videos.deleteLink('other', 'l'), false);
    assert.equal(await videos.deleteLink('v', 'l'), true);
    await videos.delete('v');
    assert.equal(await videos.getLink('m'), undefined);
  });
}

function describeSearch(each: Each): void {
  const ids = async ({ videos }: Store, query: Partial<VideoQuery>) =>
    (await videos.list({ limit: 50, sort: 'oldest', ...query })).items.map((one) => one.video_id);
  const at = (second: number) => ({ created_at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString() });

  each('words are found in title, description and tags, whatever their case and accents; what looks like a pattern is plain text', async (store) => {
    await store.videos.insert(video('a', { ...at(1), title: 'Café am Fluß', tags: ['Urlaub'] }));
    await store.videos.insert(video('b', { ...at(2), title: '100% Regen', description: 'am See_ufer' }));
    await store.videos.insert(video('c', { ...at(3), title: 'ДОМ', description: 'back\\slash' }));
    const cases: [string, string[]][] = [
      ['cafe', ['a']],
      ['CAFÉ fluss', ['a']],
      ['urlaub am', ['a']],
      ['am', ['a', 'b']],
      ['100%', ['b']],
      ['%', ['b']],
      ['_', ['b']],
      ['дом', ['c']],
      ['\\', ['c']],
      ['cafe regen', []],
      ["' or 1=1 --", []],
      ['   ', ['a', 'b', 'c']],
    ];
    for (const [search, expected] of cases) assert.deepEqual(await ids(store, { search }), expected, search);
    await store.videos.update('a', { title: 'Neu' });
    assert.deepEqual(await ids(store, { search: 'cafe' }), []);
    assert.deepEqual(await ids(store, { search: 'neu urlaub' }), ['a']);
    await store.videos.update('a', { tags: ['Arbeit'] });
    assert.deepEqual(await ids(store, { search: 'urlaub' }), []);
  });

  each('filters hold together, tags are counted, and who is no operator sees own and public ones', async (store) => {
    await store.videos.insert(video('a', { ...at(1), tags: ['x', 'y'], visibility: 'public' }));
    await store.videos.insert(video('b', { ...at(2), tags: ['X'], owner: 'bob', state: 'ready' }));
    await store.videos.insert(video('c', { ...at(3), tags: ['y'], owner: 'bob', visibility: 'link' }));
    assert.deepEqual(await ids(store, { tag: 'x' }), ['a', 'b']);
    assert.deepEqual(await ids(store, { owner: 'bob', state: 'ready' }), ['b']);
    assert.deepEqual(await ids(store, { visibility: 'link' }), ['c']);
    assert.deepEqual(await ids(store, { seenBy: 'ada' }), ['a']);
    assert.deepEqual(await ids(store, { seenBy: 'bob' }), ['a', 'b', 'c']);
    assert.deepEqual(await store.videos.tags({ seenBy: 'ada' }), [
      { tag: 'x', videos: 1 },
      { tag: 'y', videos: 1 },
    ]);
    assert.deepEqual((await store.videos.tags({}))[0], { tag: 'y', videos: 2 });
    await store.videos.update('b', { deleted_at: '2026-02-01T00:00:00.000Z' });
    assert.deepEqual(await ids(store, {}), ['a', 'c']);
    assert.deepEqual(await ids(store, { trash: true }), ['b']);
    assert.deepEqual(
      (await store.videos.trashedBefore('2026-02-02T00:00:00.000Z', 10)).map((one) => one.video_id),
      ['b'],
    );
    assert.deepEqual(await store.videos.trashedBefore('2026-01-02T00:00:00.000Z', 10), []);
  });

  each('every order comes in pages that neither repeat nor leave out a video', async (store) => {
    for (let index = 0; index < 23; index++) {
      const id = `v${index}`;
      // Many are alike in what they are sorted by.
      await store.videos.insert(video(id, { ...at(index % 3), title: `t${index % 4}`, facts: facts(index % 5) }));
    }
    for (const sort of ['newest', 'oldest', 'title', 'longest', 'largest'] as const) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.videos.list({ limit: 4, sort, cursor });
        assert.equal(page.total, 23);
        seen.push(...page.items.map((one) => one.video_id));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      assert.equal(new Set(seen).size, 23, sort);
      assert.equal(seen.length, 23, sort);
    }
    const longest = (await store.videos.list({ limit: 50, sort: 'longest' })).items.map((one) => one.facts?.duration_s ?? 0);
    assert.deepEqual(
      longest,
      [...longest].sort((a, b) => b - a),
    );
    const byTitle = await store.videos.list({ limit: 4, sort: 'title' });
    await assert.rejects(store.videos.list({ limit: 4, sort: 'longest', cursor: byTitle.next_cursor ?? '' }), withCode('invalid_argument'));
    await assert.rejects(store.videos.list({ limit: 4, cursor: 'nonsense' }), withCode('invalid_argument'));
  });
}

function describeSources(each: Each): void {
  const source = (source_id: string, extra: object = {}) => ({
    source_id,
    path: `/s/${source_id}`,
    size_bytes: 100,
    sha256: 'abc',
    owned: true,
    ...extra,
  });

  each('a source goes with the last video that keeps it, and is never taken afterwards', async ({ videos }) => {
    for (const id of ['a', 'b', 'c']) await videos.insert(video(id));
    await videos.addSource(source('s'));
    await assert.rejects(videos.addSource(source('t', { path: '/s/s' })), withCode('already_exists'));
    assert.deepEqual(await videos.attachSource('a', 's', 'a.mp4'), { path: null });
    await videos.attachSource('b', 's', 'b.mp4');
    assert.deepEqual((await videos.get('b'))?.source, {
      source_id: 's',
      path: '/s/s',
      size_bytes: 100,
      sha256: 'abc',
      owned: true,
      name: 'b.mp4',
      kept: true,
    });
    assert.deepEqual(
      (await videos.withContent('abc', 100)).map((one) => one.video_id),
      ['b', 'a'],
    );
    assert.equal(await videos.usedBytes('ada'), 100, 'a shared file counts once');
    assert.deepEqual(await videos.releaseSource('a'), { path: null });
    assert.deepEqual(await videos.releaseSource('a'), { path: null }, 'twice is once');
    assert.equal((await videos.get('a'))?.source?.kept, false);
    assert.deepEqual(await videos.delete('b'), { path: '/s/s' });
    assert.equal(await videos.sourceAt('/s/s'), undefined);
    assert.equal(await videos.sourceOf('abc', 100), undefined);
    await assert.rejects(videos.attachSource('c', 's', 'c.mp4'), withCode('failed_precondition'));
    assert.equal((await videos.get('a'))?.source?.sha256, 'abc', 'what it was made of is still told');
    await videos.addSource(source('t', { path: '/s/s' }));
  });

  each('another source takes the place of the former; one that is not ours is never given up', async ({ videos }) => {
    await videos.insert(video('a'));
    await videos.addSource(source('s'));
    await videos.addSource(source('t', { owned: false }));
    await videos.attachSource('a', 's', 'a.mp4');
    assert.deepEqual(await videos.ownedPaths('', 10), ['/s/s']);
    assert.deepEqual(await videos.attachSource('a', 't', 'b.mp4'), { path: '/s/s' });
    assert.deepEqual(await videos.attachSource('a', 't', 'b.mp4'), { path: null });
    assert.equal(await videos.usedBytes('ada'), 0);
    assert.deepEqual(await videos.delete('a'), { path: null });
  });

  each('videos are found by the file they are made of, and by the folder of their result', async ({ videos }) => {
    for (const id of ['a', 'b', 'c']) await videos.insert(video(id, id === 'c' ? { origin: 'bus' } : {}));
    await videos.addSource(source('s'));
    for (const id of ['a', 'c']) await videos.attachSource(id, 's', 'x.mp4');
    await videos.update('b', { output_path: '/out/b' });
    await videos.update('c', { output_path: '/out/c' });
    const ids = (found: readonly { video_id: string; origin: string }[]) => found.map((one) => `${one.video_id} ${one.origin}`).sort();
    assert.deepEqual(ids(await videos.withSourceAt('/s/s')), ['a hub', 'c bus']);
    await videos.releaseSource('a');
    assert.deepEqual(ids(await videos.withSourceAt('/s/s')), ['c bus']);
    assert.deepEqual(ids(await videos.withOutputAt(['/out', '/out/c', '/out/c/d'])), ['c bus']);
    assert.deepEqual(await videos.withOutputAt([]), []);
  });

  each('of taking and giving up a source at once, one is second', async (store) => {
    for (let round = 0; round < 8; round++) {
      const [giver, taker, id] = [`g${round}`, `t${round}`, `s${round}`];
      await store.videos.insert(video(giver));
      await store.videos.insert(video(taker));
      await store.videos.addSource(source(id));
      await store.videos.attachSource(giver, id, 'x');
      const [given, taken] = await Promise.allSettled([
        store.transaction((tx) => tx.videos.delete(giver)),
        store.transaction((tx) => tx.videos.attachSource(taker, id, 'x')),
      ]);
      assert.equal(given.status, 'fulfilled');
      const isGone = given.status === 'fulfilled' && given.value?.path !== null;
      assert.equal(isGone, taken.status === 'rejected', 'a file that is given up is held by nobody');
    }
  });
}

function describeUploads(each: Each): void {
  each('an upload comes back, changes only in the states that were named, and is listed newest first', async ({ uploads }) => {
    const draft = { title: 'T', quality: ['720p'] };
    const first = await uploads.insert(upload({ draft, error: { code: 'x', reason: null, detail: 'd' }, size_bytes: 5_000_000_000 }));
    assert.deepEqual(await uploads.get(first.upload_id), first);
    assert.deepEqual([await uploads.madeVideo(first.video_id), await uploads.madeVideo(first.upload_id)], [true, false]);
    const second = await uploads.insert(upload({ owner: 'bob' }));
    assert.equal(await uploads.update(first.upload_id, { state: 'done' }, ['paused']), undefined);
    assert.equal((await uploads.update(first.upload_id, { state: 'checking', error: null }, ['receiving']))?.error, null);
    assert.equal((await uploads.update(first.upload_id, { received_bytes: 7 }))?.received_bytes, 7);
    const page = await uploads.list({ limit: 1 });
    assert.deepEqual([page.items[0]?.upload_id, page.next_cursor === null], [second.upload_id, false]);
    assert.equal((await uploads.list({ limit: 1, cursor: page.next_cursor ?? '' })).items[0]?.upload_id, first.upload_id);
    assert.deepEqual(
      (await uploads.list({ limit: 9, state: 'checking' })).items.map((one) => one.upload_id),
      [first.upload_id],
    );
    assert.equal((await uploads.list({ limit: 9, owner: 'bob' })).items.length, 1);
    assert.equal((await uploads.unfinished()).length, 2);
  });

  each('what unfinished uploads have declared is reserved', async ({ uploads }) => {
    await uploads.insert(upload({ size_bytes: 6_000_000_000, received_bytes: 1_000_000_000 }));
    await uploads.insert(upload({ size_bytes: null, received_bytes: 50, owner: 'bob' }));
    await uploads.insert(upload({ state: 'done' }));
    await uploads.insert(upload({ state: 'checking', method: 'path', size_bytes: 7 }));
    assert.deepEqual(await uploads.reservedBytes(), { total: 6_000_000_050, missing: 5_000_000_000 });
    assert.deepEqual(await uploads.reservedBytes('bob'), { total: 50, missing: 0 });
    assert.deepEqual([await uploads.unfinishedOf('ada'), await uploads.unfinishedOf('bob')], [2, 1]);
  });

  each('uploads expire while bytes could still come, and are forgotten when they have ended', async ({ uploads }) => {
    const past = '2026-01-01T00:00:00.000Z';
    const late = await uploads.insert(upload({ expires_at: past, state: 'paused' }));
    await uploads.insert(upload({ expires_at: past, state: 'checking' }));
    await uploads.insert(upload({ expires_at: '2999-01-01T00:00:00.000Z' }));
    assert.deepEqual(
      (await uploads.expired(new Date().toISOString(), 10)).map((one) => one.upload_id),
      [late.upload_id],
    );
    await uploads.update(late.upload_id, { state: 'expired' });
    assert.equal(await uploads.prune('2026-01-02T00:00:00.000Z'), 0);
    assert.equal(await uploads.prune('2999-01-01T00:00:00.000Z'), 1);
    assert.equal((await uploads.unfinished()).length, 2);
  });
}
