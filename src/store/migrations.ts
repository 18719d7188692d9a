/** The history of the tables: one list for SQLite and PostgreSQL. Published entries are never edited, only followed by new ones. */
import { type Kysely, type Migration, Migrator, sql } from 'kysely';
import { WeirError } from '../contracts/index.js';
import type { Database } from './database.js';
import { createJobTables, freeCallbacksFromJobs } from './job-tables.js';
import { createRecordingTables } from './recording-tables.js';
import { addVideoOrigin, addVideoPoster, createVideoTables } from './video-tables.js';

export type DialectName = 'sqlite' | 'postgres';

/** Where the steps already taken are written down. */
const table = 'weir_migration';

/** Brings the tables up to date. Throws `failed_precondition` when the database carries steps that this program does not know. */
export async function migrate(db: Kysely<Database>, dialect: DialectName): Promise<void> {
  const steps = migrations(dialect);
  const applied = await appliedSteps(db, dialect);
  const unknown = applied.filter((name) => !(name in steps));
  if (unknown.length > 0) {
    throw new WeirError('failed_precondition', `The database was written by a newer Weir (it has ${unknown.join(', ')})`, {
      hint: 'start the newer version again, or restore a backup made before the upgrade',
    });
  }
  if (applied.length === Object.keys(steps).length) return;
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => steps },
    migrationTableName: table,
    migrationLockTableName: `${table}_lock`,
    // Else a table of that name in another schema of the same PostgreSQL would be taken for ours.
    ...(dialect === 'postgres' ? { migrationTableSchema: await currentSchema(db) } : {}),
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw WeirError.from(error);
}

async function appliedSteps(db: Kysely<Database>, dialect: DialectName): Promise<string[]> {
  const search =
    dialect === 'sqlite'
      ? sql<{ present: number }>`select count(*) as present from sqlite_master where type = 'table' and name = ${table}`
      : sql<{ present: number }>`select count(*) as present from pg_tables where schemaname = current_schema() and tablename = ${table}`;
  const found = await search.execute(db);
  if (found.rows[0]?.present !== 1) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)} order by name`.execute(db);
  return rows.map((row) => row.name);
}

async function currentSchema(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db);
  const name = rows[0]?.name;
  if (typeof name === 'string') return name;
  throw new WeirError('failed_precondition', 'The PostgreSQL user has no schema to make tables in', { hint: 'create one, or set its search_path' });
}

function migrations(dialect: DialectName): Record<string, Migration> {
  return {
    '0001_streams_access_outbox': { up: (db: Kysely<unknown>) => createFirstTables(db, dialect) },
    '0002_cameras': { up: createCameraTables },
    '0003_recordings': { up: (db: Kysely<unknown>) => createRecordingTables(db, dialect) },
    '0004_settings': { up: (db: Kysely<unknown>) => createSettingsTables(db, dialect) },
    '0005_bus_user_grants': { up: addBusUserGrants },
    '0006_jobs': { up: (db: Kysely<unknown>) => createJobTables(db, dialect) },
    '0007_videos': { up: (db: Kysely<unknown>) => createVideoTables(db, dialect) },
    '0008_video_origin': { up: addVideoOrigin },
    '0009_refusals_call_back': { up: (db: Kysely<unknown>) => freeCallbacksFromJobs(db, dialect) },
    '0010_video_poster': { up: addVideoPoster },
  };
}

async function createCameraTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('cameras')
    .addColumn('camera_id', 'text', (column) => column.primaryKey())
    .addColumn('number', 'integer', (column) => column.notNull().unique())
    .addColumn('identity', 'text', (column) => column.notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text')
    .addColumn('spoke_id', 'text')
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('resolution', 'text')
    .addColumn('framerate', 'double precision')
    .addColumn('always_on', 'integer', (column) => column.notNull())
    .addColumn('capabilities', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('connected_at', 'text')
    .addColumn('last_seen_at', 'text')
    .addColumn('deleted_at', 'text')
    .execute();
  await db.schema
    .createTable('external_streams')
    .addColumn('url', 'text', (column) => column.primaryKey())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('discovered_at', 'text', (column) => column.notNull())
    .addColumn('last_seen', 'text', (column) => column.notNull())
    .addColumn('camera_id', 'text')
    .addColumn('capabilities', 'text', (column) => column.notNull())
    .execute();
}

async function createFirstTables(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await createStreamTables(db, dialect);
  await createAccessTables(db, dialect);
  await createPlumbingTables(db, dialect);
}

/** A table with a primary key that counts up. */
function numbered(db: Kysely<unknown>, dialect: DialectName, name: string, key: string) {
  return dialect === 'sqlite'
    ? db.schema.createTable(name).addColumn(key, 'integer', (column) => column.primaryKey().autoIncrement())
    : db.schema.createTable(name).addColumn(key, 'bigserial', (column) => column.primaryKey());
}

async function createStreamTables(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await db.schema
    .createTable('streams')
    .addColumn('stream_id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('config', 'text', (column) => column.notNull())
    .addColumn('desired', 'text', (column) => column.notNull())
    .addColumn('on_demand', 'integer', (column) => column.notNull())
    .addColumn('managed', 'integer', (column) => column.notNull())
    .addColumn('spoke', 'text')
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .execute();
  await numbered(db, dialect, 'alerts', 'alert_no')
    .addColumn('alert_id', 'text', (column) => column.notNull().unique())
    .addColumn('severity', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('hint', 'text')
    .addColumn('stream_id', 'text', (column) => column.notNull())
    .addColumn('count', 'integer', (column) => column.notNull())
    .addColumn('raised_at', 'text', (column) => column.notNull())
    .addColumn('last_raised_at', 'text', (column) => column.notNull())
    .addColumn('cleared_at', 'text')
    .addColumn('acknowledged_at', 'text')
    .addColumn('acknowledged_by', 'text')
    .execute();
  await sql`create unique index alerts_open on alerts (kind, stream_id) where cleared_at is null`.execute(db);
  await db.schema.createIndex('alerts_cleared').on('alerts').column('cleared_at').execute();
  await db.schema
    .createTable('spokes')
    .addColumn('spoke_id', 'text', (column) => column.primaryKey())
    .addColumn('spoke', 'text', (column) => column.notNull())
    .addColumn('last_seen_at', 'text', (column) => column.notNull())
    .execute();
}

async function createAccessTables(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('user_id', 'text', (column) => column.primaryKey())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('username_key', 'text', (column) => column.notNull().unique())
    .addColumn('password_hash', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('streams', 'text')
    .addColumn('disabled', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('last_login_at', 'text')
    .execute();
  await db.schema
    .createTable('sessions')
    .addColumn('session_id', 'text', (column) => column.primaryKey())
    .addColumn('token_hash', 'text', (column) => column.notNull().unique())
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.user_id').onDelete('cascade'))
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .addColumn('ends_at', 'text', (column) => column.notNull())
    .addColumn('last_seen_at', 'text', (column) => column.notNull())
    .addColumn('address', 'text')
    .addColumn('user_agent', 'text')
    .execute();
  await db.schema.createIndex('sessions_user').on('sessions').column('user_id').execute();
  await db.schema.createIndex('sessions_expiry').on('sessions').column('expires_at').execute();
  await db.schema
    .createTable('tokens')
    .addColumn('token_id', 'text', (column) => column.primaryKey())
    .addColumn('secret_hash', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('streams', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text')
    .addColumn('last_used_at', 'text')
    .execute();
  await createBusTables(db);
  await numbered(db, dialect, 'audit', 'audit_id')
    .addColumn('time', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('target', 'text')
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('address', 'text')
    .addColumn('detail', 'text')
    .execute();
  await db.schema.createIndex('audit_time').on('audit').column('time').execute();
}

async function createBusTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('bus_users')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('password_hash', 'text', (column) => column.notNull())
    .addColumn('publish', 'text', (column) => column.notNull())
    .addColumn('subscribe', 'text', (column) => column.notNull())
    .addColumn('allow_responses', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('bus_logins')
    .addColumn('viewer', 'text', (column) => column.primaryKey())
    .addColumn('principal_id', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('password_hash', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('streams', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .execute();
}

async function createPlumbingTables(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await numbered(db, dialect, 'outbox', 'outbox_id')
    .addColumn('event_id', 'text', (column) => column.notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('params', 'text', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('last_error', 'text')
    .addColumn('sent_at', 'text')
    .addColumn('dead_at', 'text')
    .execute();
  await sql`create index outbox_waiting on outbox (outbox_id) where sent_at is null and dead_at is null`.execute(db);
  await db.schema
    .createTable('settings')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .execute();
}

async function createSettingsTables(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await numbered(db, dialect, 'settings_versions', 'version')
    .addColumn('time', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('comment', 'text')
    .addColumn('changes', 'text', (column) => column.notNull())
    .addColumn('settings', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('detail', 'text')
    .execute();
}

/** Null in the rows that are there: what they were admitted for was not written down. */
async function addBusUserGrants(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('bus_users').addColumn('grants', 'text').execute();
}
