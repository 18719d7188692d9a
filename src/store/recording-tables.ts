/** The tables of recordings, snapshots and exports. Times are whole milliseconds since 1970: spans are compared and summed all the time. */
import { type Generated, type Kysely, sql } from 'kysely';
import type { ExportRecord, GapRecord, RecordingRecord, SegmentRecord, SnapshotRecord } from './recordings-repository.js';

/** A record as its row: flags are 0 or 1, words of a closed list are texts. */
type Row<Record> = { [Column in keyof Record]: Cell<Record[Column]> };
type Cell<Value> = Value extends boolean ? number : Value extends string ? string : Value;

interface SegmentTable extends Row<SegmentRecord> {
  segment_no: Generated<number>;
}
interface GapTable extends Row<GapRecord> {
  gap_no: Generated<number>;
}
interface ExportTable extends Row<ExportRecord> {
  export_no: Generated<number>;
}

export interface RecordingTables {
  recordings: Row<RecordingRecord>;
  recording_policies: { stream_id: string; policy: string; planned_ms: number; updated_ms: number };
  /** How far the list of a spoke was taken over. */
  recording_cursors: { spoke_id: string; stream_id: string; sequence: number };
  segments: SegmentTable;
  /** Apart from `segments`, so that lists read short rows. */
  segment_keyframes: { filename: string; packed: Uint8Array };
  /** Number and size of the segments that began on a day (days since 1970): totals and far pages without a full count. */
  segment_days: { stream_id: string; day: number; segments: number; size_bytes: number };
  gaps: GapTable;
  snapshots: Row<SnapshotRecord>;
  exports: ExportTable;
}

export async function createRecordingTables(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await createOrderTables(db);
  await createSegmentTables(db, dialect);
  await createPictureTables(db, dialect);
}

/** A table with a primary key that counts up. */
function numbered(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres', name: string, key: string) {
  return dialect === 'sqlite'
    ? db.schema.createTable(name).addColumn(key, 'integer', (column) => column.primaryKey().autoIncrement())
    : db.schema.createTable(name).addColumn(key, 'bigserial', (column) => column.primaryKey());
}

async function createOrderTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('recordings')
    .addColumn('recording_id', 'text', (column) => column.primaryKey())
    .addColumn('stream_id', 'text', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('format', 'text', (column) => column.notNull())
    .addColumn('segment_s', 'integer', (column) => column.notNull())
    .addColumn('segment_bytes', 'bigint', (column) => column.notNull())
    .addColumn('pre_roll_s', 'real', (column) => column.notNull())
    .addColumn('from_ms', 'bigint', (column) => column.notNull())
    .addColumn('until_ms', 'bigint')
    .addColumn('duration_ms', 'bigint')
    .addColumn('ended_ms', 'bigint')
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('cause', 'text')
    .addColumn('error', 'text')
    .addColumn('filename', 'text')
    .addColumn('started_ms', 'bigint')
    .addColumn('stopped_ms', 'bigint')
    .addColumn('elapsed_ms', 'bigint', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addColumn('segments', 'integer', (column) => column.notNull())
    .addColumn('requested_by', 'text', (column) => column.notNull())
    .addColumn('requested_ms', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('recordings_time').on('recordings').columns(['from_ms', 'recording_id']).execute();
  await db.schema.createIndex('recordings_stream').on('recordings').columns(['stream_id', 'from_ms']).execute();
  await sql`create index recordings_open on recordings (stream_id) where ended_ms is null`.execute(db);
  await db.schema
    .createTable('recording_policies')
    .addColumn('stream_id', 'text', (column) => column.primaryKey())
    .addColumn('policy', 'text', (column) => column.notNull())
    .addColumn('planned_ms', 'bigint', (column) => column.notNull())
    .addColumn('updated_ms', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('recording_cursors')
    .addColumn('spoke_id', 'text', (column) => column.notNull())
    .addColumn('stream_id', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('recording_cursors_key', ['spoke_id', 'stream_id'])
    .execute();
}

async function createSegmentTables(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await numbered(db, dialect, 'segments', 'segment_no')
    .addColumn('filename', 'text', (column) => column.notNull().unique())
    .addColumn('recording_id', 'text', (column) => column.notNull())
    .addColumn('stream_id', 'text', (column) => column.notNull())
    .addColumn('spoke_id', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('format', 'text', (column) => column.notNull())
    .addColumn('started_ms', 'bigint', (column) => column.notNull())
    .addColumn('ended_ms', 'bigint', (column) => column.notNull())
    .addColumn('duration_ms', 'bigint', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addColumn('frames', 'integer', (column) => column.notNull())
    .addColumn('width', 'integer')
    .addColumn('height', 'integer')
    .addColumn('codecs', 'text', (column) => column.notNull())
    .addColumn('init_bytes', 'integer', (column) => column.notNull())
    .addColumn('protected', 'integer', (column) => column.notNull())
    .addColumn('recovered', 'integer', (column) => column.notNull())
    .addColumn('lost_ms', 'bigint')
    .execute();
  await db.schema.createIndex('segments_time').on('segments').columns(['started_ms', 'segment_no']).execute();
  await db.schema.createIndex('segments_stream').on('segments').columns(['stream_id', 'started_ms', 'segment_no']).execute();
  await db.schema.createIndex('segments_recording').on('segments').columns(['recording_id', 'started_ms', 'segment_no']).execute();
  await sql`create index segments_protected on segments (started_ms, segment_no) where protected = 1`.execute(db);
  await db.schema
    .createTable('segment_keyframes')
    .addColumn('filename', 'text', (column) => column.primaryKey().references('segments.filename').onDelete('cascade'))
    .addColumn('packed', dialect === 'sqlite' ? 'blob' : 'bytea', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('segment_days')
    .addColumn('stream_id', 'text', (column) => column.notNull())
    .addColumn('day', 'integer', (column) => column.notNull())
    .addColumn('segments', 'integer', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('segment_days_key', ['stream_id', 'day'])
    .execute();
  await numbered(db, dialect, 'gaps', 'gap_no')
    .addColumn('stream_id', 'text', (column) => column.notNull())
    .addColumn('spoke_id', 'text', (column) => column.notNull())
    .addColumn('recording_id', 'text', (column) => column.notNull())
    .addColumn('from_ms', 'bigint', (column) => column.notNull())
    .addColumn('to_ms', 'bigint', (column) => column.notNull())
    .addColumn('cause', 'text', (column) => column.notNull())
    .addColumn('detail', 'text')
    .execute();
  await db.schema.createIndex('gaps_stream').on('gaps').columns(['stream_id', 'to_ms']).execute();
}

async function createPictureTables(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await db.schema
    .createTable('snapshots')
    .addColumn('filename', 'text', (column) => column.primaryKey())
    .addColumn('stream_id', 'text', (column) => column.notNull())
    .addColumn('format', 'text', (column) => column.notNull())
    .addColumn('width', 'integer', (column) => column.notNull())
    .addColumn('height', 'integer', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addColumn('taken_ms', 'bigint', (column) => column.notNull())
    .addColumn('taken_by', 'text', (column) => column.notNull())
    .addColumn('protected', 'integer', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('snapshots_time').on('snapshots').columns(['taken_ms', 'filename']).execute();
  await db.schema.createIndex('snapshots_stream').on('snapshots').columns(['stream_id', 'taken_ms']).execute();
  await numbered(db, dialect, 'exports', 'export_no')
    .addColumn('export_id', 'text', (column) => column.notNull().unique())
    .addColumn('stream_id', 'text', (column) => column.notNull())
    .addColumn('from_ms', 'bigint', (column) => column.notNull())
    .addColumn('to_ms', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('progress', 'real', (column) => column.notNull())
    .addColumn('error', 'text')
    .addColumn('filename', 'text', (column) => column.unique())
    .addColumn('size_bytes', 'bigint')
    .addColumn('missing_ms', 'bigint', (column) => column.notNull())
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_ms', 'bigint')
    .execute();
}
