/** The repository of videos; searching, sources and links in files of their own. */
import { type Kysely, sql, type Updateable } from 'kysely';
import { type VideoState, WeirError } from '../contracts/index.js';
import { type Database, nowText } from './database.js';
import { namesTaken } from './sql-failure.js';
import { linkParts } from './video-links.js';
import { toVideo, videoRows } from './video-rows.js';
import { searchColumns, searchParts, toSearchText } from './video-search.js';
import { letGo, sourceParts } from './video-sources.js';
import type { VideoChanges, VideoRecord, VideoRepository } from './videos-repository.js';

export function createVideoRepository(db: Kysely<Database>): VideoRepository {
  return { ...videoParts(db), ...searchParts(db), ...sourceParts(db), ...linkParts(db), ...totalParts(db) };
}

function videoParts(db: Kysely<Database>) {
  const get = async (videoId: string): Promise<VideoRecord | undefined> => {
    const row = await videoRows(db).where('videos.video_id', '=', videoId).executeTakeFirst();
    return row === undefined ? undefined : toVideo(row);
  };
  const change = async (videoId: string, changes: VideoChanges, states?: readonly VideoState[]): Promise<VideoRecord | undefined> => {
    // Words and tags are made anew from all three texts, so those that stay are needed as well.
    const before = touchesWords(changes) ? await get(videoId) : undefined;
    let query = db.updateTable('videos').set(toColumns(changes, before)).where('video_id', '=', videoId);
    if (states !== undefined) query = query.where('state', 'in', [...states]);
    const result = await query.executeTakeFirst();
    if (result.numUpdatedRows === 0n) return undefined;
    if (changes.tags !== undefined) await putTags(db, videoId, changes.tags);
    return get(videoId);
  };
  return {
    async insert(video) {
      const now = video.created_at ?? nowText();
      const record: VideoRecord = {
        description: '',
        tags: [],
        visibility: 'private',
        origin: 'hub',
        metadata: {},
        facts: null,
        job_id: null,
        ...video,
        source: null,
        output: null,
        output_path: null,
        poster: null,
        progress: null,
        error: null,
        created_at: now,
        updated_at: now,
        published_at: null,
        deleted_at: null,
      };
      const { source: _, ...columns } = record;
      await db
        .insertInto('videos')
        .values({
          ...columns,
          ...searchColumns(record),
          tags: JSON.stringify(record.tags),
          facts: jsonOf(record.facts),
          output: null,
          poster: null,
          metadata: JSON.stringify(record.metadata),
          source_id: null,
          source_name: null,
          source_kept: 0,
          duration_ms: durationMs(record.facts?.duration_s),
          size_bytes: 0,
          output_bytes: 0,
        })
        .execute()
        .catch(namesTaken('video_id', record.video_id, 'video'));
      if (record.tags.length > 0) await putTags(db, record.video_id, record.tags);
      return record;
    },
    get,
    async update(videoId, changes) {
      const updated = await change(videoId, changes);
      if (updated !== undefined) return updated;
      throw new WeirError('not_found', `There is no video ${videoId}`, { facts: { resource: 'video', id: videoId } });
    },
    updateIf: (videoId, states, changes) => (states.length === 0 ? Promise.resolve(undefined) : change(videoId, changes, states)),
    async delete(videoId) {
      const row = await db.deleteFrom('videos').where('video_id', '=', videoId).returning(['source_id', 'source_kept']).executeTakeFirst();
      if (row === undefined) return undefined;
      // SQLite keeps foreign keys only where it was told to; no row must stay behind in any case.
      await db.deleteFrom('video_tags').where('video_id', '=', videoId).execute();
      await db.deleteFrom('video_links').where('video_id', '=', videoId).execute();
      return row.source_kept === 1 ? letGo(db, row.source_id) : { path: null };
    },
    async withOutputAt(folders) {
      if (folders.length === 0) return [];
      const rows = await videoRows(db)
        .where('videos.output_path', 'in', [...folders])
        .execute();
      return rows.map(toVideo);
    },
    async trashedBefore(before, limit) {
      const rows = await videoRows(db).where('videos.deleted_at', '<', before).orderBy('videos.deleted_at').limit(limit).execute();
      return rows.map(toVideo);
    },
    async ids(after, limit) {
      const rows = await db.selectFrom('videos').select('video_id').where('video_id', '>', after).orderBy('video_id').limit(limit).execute();
      return rows.map((row) => row.video_id);
    },
  } satisfies Partial<VideoRepository>;
}

function totalParts(db: Kysely<Database>) {
  return {
    async usedBytes(owner) {
      const results = await db
        .selectFrom('videos')
        .where('owner', '=', owner)
        .select(sql<number>`cast(coalesce(sum(output_bytes), 0) as bigint)`.as('bytes'))
        .executeTakeFirstOrThrow();
      const held = db.selectFrom('videos').where('owner', '=', owner).where('source_kept', '=', 1).select('source_id');
      const sources = await db
        .selectFrom('video_sources')
        .where('owned', '=', 1)
        .where('source_id', 'in', held)
        .select(sql<number>`cast(coalesce(sum(size_bytes), 0) as bigint)`.as('bytes'))
        .executeTakeFirstOrThrow();
      return Number(results.bytes) + Number(sources.bytes);
    },
    async countByState() {
      const rows = await db
        .selectFrom('videos')
        .where('deleted_at', 'is', null)
        .groupBy('state')
        .select(({ fn }) => ['state', fn.countAll<number>().as('videos')])
        .execute();
      return Object.fromEntries(rows.map((row) => [row.state, Number(row.videos)]));
    },
  } satisfies Partial<VideoRepository>;
}

function touchesWords(changes: VideoChanges): boolean {
  return changes.title !== undefined || changes.description !== undefined || changes.tags !== undefined;
}

function toColumns(changes: VideoChanges, before: VideoRecord | undefined): Updateable<Database['videos']> {
  const { tags, facts, output, poster, metadata, ...plain } = changes;
  const words =
    before === undefined ? {} : searchColumns({ ...before, ...defined({ title: changes.title, description: changes.description, tags }) });
  return {
    ...plain,
    ...words,
    ...(tags === undefined ? {} : { tags: JSON.stringify(tags) }),
    ...(facts === undefined ? {} : { facts: jsonOf(facts), duration_ms: durationMs(facts?.duration_s) }),
    ...(output === undefined ? {} : { output: jsonOf(output), output_bytes: output?.size_bytes ?? 0 }),
    ...(poster === undefined ? {} : { poster: jsonOf(poster) }),
    ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
    updated_at: nowText(),
  };
}

function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

async function putTags(db: Kysely<Database>, videoId: string, tags: readonly string[]): Promise<void> {
  await db.deleteFrom('video_tags').where('video_id', '=', videoId).execute();
  if (tags.length === 0) return;
  await db
    .insertInto('video_tags')
    .values(tags.map((tag) => ({ video_id: videoId, tag, tag_key: toSearchText(tag) })))
    .execute();
}

function jsonOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

function durationMs(seconds: number | undefined): number {
  return Math.round((seconds ?? 0) * 1000);
}
