/** Files that videos were made from, shared by reference: the last video that lets go of one gives it up. */
import type { Kysely } from 'kysely';
import { WeirError } from '../contracts/index.js';
import { type Database, nowText } from './database.js';
import { namesTaken } from './sql-failure.js';
import { toSource, toVideo, videoRows } from './video-rows.js';
import type { Released, SourceRecord, VideoRepository } from './videos-repository.js';

export function sourceParts(db: Kysely<Database>) {
  const kept = () => db.selectFrom('video_sources').selectAll().where('released_at', 'is', null);
  return {
    async addSource(source) {
      await db
        .insertInto('video_sources')
        .values({ ...source, owned: source.owned ? 1 : 0, created_at: nowText(), released_at: null })
        .execute()
        .catch(namesTaken('path', source.path, 'source'));
    },
    async getSource(sourceId) {
      const row = await db.selectFrom('video_sources').selectAll().where('source_id', '=', sourceId).executeTakeFirst();
      return row === undefined ? undefined : toSource(row);
    },
    async sourceAt(path) {
      const row = await kept().where('path', '=', path).executeTakeFirst();
      return row === undefined ? undefined : toSource(row);
    },
    async sourceOf(sha256, sizeBytes): Promise<SourceRecord | undefined> {
      const row = await kept().where('sha256', '=', sha256).where('size_bytes', '=', sizeBytes).orderBy('created_at').executeTakeFirst();
      return row === undefined ? undefined : toSource(row);
    },
    async setSourceHash(sourceId, sha256) {
      await db.updateTable('video_sources').set({ sha256 }).where('source_id', '=', sourceId).execute();
    },
    async attachSource(videoId, sourceId, name) {
      // Writing the row first makes two transactions that take and let go of one source wait for each other.
      const source = await db
        .updateTable('video_sources')
        .set({ released_at: null })
        .where('source_id', '=', sourceId)
        .where('released_at', 'is', null)
        .returning('size_bytes')
        .executeTakeFirst();
      if (source === undefined) throw new WeirError('failed_precondition', 'The file is gone meanwhile', { field: 'source_id', received: sourceId });
      const before = await holdOf(db, videoId);
      await db
        .updateTable('videos')
        .set({ source_id: sourceId, source_name: name, source_kept: 1, size_bytes: source.size_bytes, updated_at: nowText() })
        .where('video_id', '=', videoId)
        .execute();
      return before.source_kept === 1 && before.source_id !== sourceId ? letGo(db, before.source_id) : { path: null };
    },
    async releaseSource(videoId) {
      const before = await holdOf(db, videoId);
      await db.updateTable('videos').set({ source_kept: 0, updated_at: nowText() }).where('video_id', '=', videoId).execute();
      return before.source_kept === 1 ? letGo(db, before.source_id) : { path: null };
    },
    async ownedPaths(after, limit) {
      const rows = await kept().where('owned', '=', 1).where('path', '>', after).orderBy('path').limit(limit).execute();
      return rows.map((row) => row.path);
    },
    async withSourceAt(path) {
      const rows = await videoRows(db)
        .where('video_sources.path', '=', path)
        .where('video_sources.released_at', 'is', null)
        .where('videos.source_kept', '=', 1)
        .execute();
      return rows.map(toVideo);
    },
    async withContent(sha256, sizeBytes) {
      const rows = await videoRows(db)
        .where('video_sources.sha256', '=', sha256)
        .where('video_sources.size_bytes', '=', sizeBytes)
        .where('videos.source_kept', '=', 1)
        .where('videos.deleted_at', 'is', null)
        .orderBy('videos.video_no', 'desc')
        .limit(100)
        .execute();
      return rows.map(toVideo);
    },
  } satisfies Partial<VideoRepository>;
}

async function holdOf(db: Kysely<Database>, videoId: string): Promise<{ source_id: string | null; source_kept: number }> {
  const row = await db.selectFrom('videos').select(['source_id', 'source_kept']).where('video_id', '=', videoId).executeTakeFirst();
  if (row === undefined) throw new WeirError('not_found', `There is no video ${videoId}`, { facts: { resource: 'video', id: videoId } });
  return row;
}

/** Call it when a video has let go of the source; the path comes back when it was the last one and the file is ours. */
export async function letGo(db: Kysely<Database>, sourceId: string | null): Promise<Released> {
  if (sourceId === null) return { path: null };
  const others = db.selectFrom('videos').where('source_id', '=', sourceId).where('source_kept', '=', 1).select('video_id');
  // In a statement of its own, before the look at the others: whoever attaches the source meanwhile waits for this row, or was before us.
  await db
    .updateTable('video_sources')
    .set((eb) => ({ created_at: eb.ref('created_at') }))
    .where('source_id', '=', sourceId)
    .execute();
  const row = await db
    .updateTable('video_sources')
    .set({ released_at: nowText() })
    .where('source_id', '=', sourceId)
    .where('released_at', 'is', null)
    .where(({ not, exists }) => not(exists(others)))
    .returning(['path', 'owned'])
    .executeTakeFirst();
  return { path: row !== undefined && row.owned === 1 ? row.path : null };
}
