/** The tables of videos and uploads. */
import { type Generated, type Kysely, sql } from 'kysely';

export interface VideoTables {
  videos: {
    video_no: Generated<number>;
    video_id: string;
    title: string;
    /** Title as it is sorted by. */
    title_key: string;
    description: string;
    /** JSON list. */
    tags: string;
    /** Words of title, description and tags, without case and accents. */
    search_text: string;
    visibility: string;
    state: string;
    owner: string;
    origin: string;
    source_id: string | null;
    source_name: string | null;
    source_kept: number;
    facts: string | null;
    output: string | null;
    output_path: string | null;
    poster: string | null;
    /** From facts and output, for lists that are sorted by them. */
    duration_ms: number;
    size_bytes: number;
    output_bytes: number;
    metadata: string;
    job_id: string | null;
    progress: number | null;
    error: string | null;
    created_at: string;
    updated_at: string;
    published_at: string | null;
    deleted_at: string | null;
  };
  video_tags: { video_id: string; tag: string; tag_key: string };
  video_sources: {
    source_id: string;
    path: string;
    size_bytes: number;
    sha256: string | null;
    owned: number;
    created_at: string;
    released_at: string | null;
  };
  video_links: { link_id: string; video_id: string; name: string; created_at: string; created_by: string; expires_at: string | null };
  uploads: {
    upload_no: Generated<number>;
    upload_id: string;
    video_id: string;
    method: string;
    state: string;
    name: string;
    content_type: string | null;
    size_bytes: number | null;
    received_bytes: number;
    sha256: string | null;
    owner: string;
    draft: string;
    metadata: string | null;
    path: string | null;
    unverified_from: number | null;
    url: string | null;
    validator: string | null;
    error: string | null;
    created_at: string;
    updated_at: string;
    expires_at: string | null;
  };
}

export async function createVideoTables(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await createVideos(db, dialect);
  await createSources(db);
  await createUploads(db, dialect);
}

/** A table with a primary key that counts up. */
function numbered(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres', name: string, key: string) {
  return dialect === 'sqlite'
    ? db.schema.createTable(name).addColumn(key, 'integer', (column) => column.primaryKey().autoIncrement())
    : db.schema.createTable(name).addColumn(key, 'bigserial', (column) => column.primaryKey());
}

async function createVideos(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await numbered(db, dialect, 'videos', 'video_no')
    .addColumn('video_id', 'text', (column) => column.notNull().unique())
    .addColumn('title', 'text', (column) => column.notNull())
    .addColumn('title_key', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('tags', 'text', (column) => column.notNull())
    .addColumn('search_text', 'text', (column) => column.notNull())
    .addColumn('visibility', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('source_id', 'text')
    .addColumn('source_name', 'text')
    .addColumn('source_kept', 'integer', (column) => column.notNull())
    .addColumn('facts', 'text')
    .addColumn('output', 'text')
    .addColumn('output_path', 'text')
    .addColumn('duration_ms', 'bigint', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addColumn('output_bytes', 'bigint', (column) => column.notNull())
    .addColumn('metadata', 'text', (column) => column.notNull())
    .addColumn('job_id', 'text')
    .addColumn('progress', 'double precision')
    .addColumn('error', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addColumn('published_at', 'text')
    .addColumn('deleted_at', 'text')
    .execute();
  await db.schema.createIndex('videos_newest').on('videos').columns(['created_at', 'video_no']).execute();
  await db.schema.createIndex('videos_owner').on('videos').columns(['owner', 'created_at']).execute();
  await db.schema.createIndex('videos_source').on('videos').column('source_id').execute();
  await sql`create index videos_trash on videos (deleted_at) where deleted_at is not null`.execute(db);
  await db.schema
    .createTable('video_tags')
    .addColumn('video_id', 'text', (column) => column.notNull().references('videos.video_id').onDelete('cascade'))
    .addColumn('tag', 'text', (column) => column.notNull())
    .addColumn('tag_key', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('video_tags_key', ['video_id', 'tag'])
    .execute();
  await db.schema.createIndex('video_tags_tag').on('video_tags').column('tag_key').execute();
}

async function createSources(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('video_sources')
    .addColumn('source_id', 'text', (column) => column.primaryKey())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addColumn('sha256', 'text')
    .addColumn('owned', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('released_at', 'text')
    .execute();
  await sql`create unique index video_sources_path on video_sources (path) where released_at is null`.execute(db);
  await db.schema.createIndex('video_sources_content').on('video_sources').columns(['sha256', 'size_bytes']).execute();
  await db.schema
    .createTable('video_links')
    .addColumn('link_id', 'text', (column) => column.primaryKey())
    .addColumn('video_id', 'text', (column) => column.notNull().references('videos.video_id').onDelete('cascade'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text')
    .execute();
  await db.schema.createIndex('video_links_video').on('video_links').column('video_id').execute();
}

async function createUploads(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await numbered(db, dialect, 'uploads', 'upload_no')
    .addColumn('upload_id', 'text', (column) => column.notNull().unique())
    .addColumn('video_id', 'text', (column) => column.notNull())
    .addColumn('method', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('content_type', 'text')
    .addColumn('size_bytes', 'bigint')
    .addColumn('received_bytes', 'bigint', (column) => column.notNull())
    .addColumn('sha256', 'text')
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('draft', 'text', (column) => column.notNull())
    .addColumn('metadata', 'text')
    .addColumn('path', 'text')
    .addColumn('unverified_from', 'bigint')
    .addColumn('url', 'text')
    .addColumn('validator', 'text')
    .addColumn('error', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text')
    .execute();
  await sql`create index uploads_unfinished on uploads (owner) where state in ('receiving', 'paused', 'checking')`.execute(db);
  await db.schema.createIndex('uploads_state').on('uploads').columns(['state', 'upload_no']).execute();
}

/** Who may replace a video depends on how it came. What no upload made, and lies where it was named, came by a message. */
export async function addVideoOrigin(db: Kysely<unknown>): Promise<void> {
  await sql`alter table videos add column origin text not null default 'hub'`.execute(db);
  await sql`
    update videos set origin = 'bus'
    where not exists (select 1 from uploads where uploads.video_id = videos.video_id)
      and exists (select 1 from video_sources where video_sources.source_id = videos.source_id and video_sources.owned = 0)
  `.execute(db);
  await db.schema.createIndex('videos_output').on('videos').column('output_path').execute();
  await db.schema.createIndex('uploads_video').on('uploads').column('video_id').execute();
}

/** The picture that a person chose, as JSON. */
export async function addVideoPoster(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('videos').addColumn('poster', 'text').execute();
}
