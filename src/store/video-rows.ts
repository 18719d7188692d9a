/** Rows of videos, joined with their sources, and what they mean. */
import type { Kysely, Selectable } from 'kysely';
import type { SourceFacts, VideoOutput, VideoState, Visibility } from '../contracts/index.js';
import type { Database } from './database.js';
import type { SourceRecord, VideoRecord, VideoSource } from './videos-repository.js';

export interface VideoRow extends Selectable<Database['videos']> {
  held_path: string | null;
  held_bytes: number | null;
  held_sha256: string | null;
  held_owned: number | null;
}

/** All videos with their sources. */
export function videoRows(db: Kysely<Database>) {
  return db
    .selectFrom('videos')
    .leftJoin('video_sources', 'video_sources.source_id', 'videos.source_id')
    .selectAll('videos')
    .select([
      'video_sources.path as held_path',
      'video_sources.size_bytes as held_bytes',
      'video_sources.sha256 as held_sha256',
      'video_sources.owned as held_owned',
    ]);
}

export function toVideo(row: VideoRow): VideoRecord {
  return {
    video_id: row.video_id,
    title: row.title,
    description: row.description,
    tags: JSON.parse(row.tags) as string[],
    visibility: row.visibility as Visibility,
    state: row.state as VideoState,
    owner: row.owner,
    origin: row.origin === 'bus' ? 'bus' : 'hub',
    source: toVideoSource(row),
    facts: row.facts === null ? null : (JSON.parse(row.facts) as SourceFacts),
    output: row.output === null ? null : (JSON.parse(row.output) as VideoOutput),
    output_path: row.output_path,
    poster: row.poster === null ? null : (JSON.parse(row.poster) as VideoRecord['poster']),
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    job_id: row.job_id,
    progress: row.progress,
    error: row.error,
    created_at: row.created_at,
    updated_at: row.updated_at,
    published_at: row.published_at,
    deleted_at: row.deleted_at,
  };
}

function toVideoSource(row: VideoRow): VideoSource | null {
  if (row.source_id === null || row.held_path === null || row.held_bytes === null) return null;
  return {
    source_id: row.source_id,
    path: row.held_path,
    size_bytes: row.held_bytes,
    sha256: row.held_sha256,
    owned: row.held_owned === 1,
    name: row.source_name ?? '',
    kept: row.source_kept === 1,
  };
}

export function toSource(row: Selectable<Database['video_sources']>): SourceRecord {
  return { ...row, owned: row.owned === 1 };
}
