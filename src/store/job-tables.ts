/** The tables of jobs, their history, dead letters and callbacks. */
import { type ColumnDefinitionBuilder, type Generated, type Kysely, sql } from 'kysely';
import type { DeadLetter } from '../contracts/index.js';
import type { CallbackRecord, JobRecord } from './jobs-repository.js';

/** Columns that hold JSON. */
type Json = 'quality' | 'request' | 'progress' | 'error' | 'cost' | 'commands';

interface JobTable extends Omit<JobRecord, Json | 'job_no' | 'state' | 'origin'> {
  job_no: Generated<number>;
  state: string;
  origin: string;
  quality: string | null;
  request: string;
  progress: string | null;
  error: string | null;
  cost: string | null;
  commands: string;
}

export interface JobTables {
  jobs: JobTable;
  /** Counts up with each revision given out; stays when jobs are forgotten. */
  video_revisions: { video_id: string; revision: number };
  job_tickets: { journal: string; sequence: number; digest: string; job_id: string | null; at_ms: number };
  job_events: {
    event_no: Generated<number>;
    job_id: string;
    at: string;
    kind: string;
    attempt: number;
    revision: number;
    worker_id: string | null;
    detail: string | null;
  };
  job_logs: { log_no: Generated<number>; job_id: string; level: string; message: string; timestamp: string };
  job_failures: { failure_no: Generated<number>; job_id: string; at_ms: number; reason: string };
  dead_letters: Omit<DeadLetter, 'stderr'> & { letter_no: Generated<number>; stderr: string };
  callbacks: Omit<CallbackRecord, 'event' | 'state' | 'next_at'> & { callback_no: Generated<number>; event: string; state: string };
}

type DialectName = 'sqlite' | 'postgres';

export async function createJobTables(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await createQueue(db, dialect);
  await createHistory(db, dialect);
  await createLetters(db, dialect);
}

/** A table with a primary key that counts up. */
function numbered(db: Kysely<unknown>, dialect: DialectName, name: string, key: string) {
  return dialect === 'sqlite'
    ? db.schema.createTable(name).addColumn(key, 'integer', (column) => column.primaryKey().autoIncrement())
    : db.schema.createTable(name).addColumn(key, 'bigserial', (column) => column.primaryKey());
}

async function createQueue(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await numbered(db, dialect, 'jobs', 'job_no')
    .addColumn('job_id', 'text', (column) => column.notNull().unique())
    .addColumn('video_id', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('profile', 'text', (column) => column.notNull())
    .addColumn('quality', 'text')
    .addColumn('priority', 'integer', (column) => column.notNull())
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('request', 'text', (column) => column.notNull())
    .addColumn('source_path', 'text', (column) => column.notNull())
    .addColumn('output_path', 'text')
    .addColumn('place', 'text', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('max_attempts', 'integer', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('worker_id', 'text')
    .addColumn('instance', 'text')
    .addColumn('ticket_seq', 'bigint')
    .addColumn('ticket_delivery', 'integer', (column) => column.notNull())
    .addColumn('ticket_ms', 'bigint', (column) => column.notNull())
    .addColumn('progress', 'text')
    .addColumn('error', 'text')
    .addColumn('cost', 'text')
    .addColumn('commands', 'text', (column) => column.notNull())
    .addColumn('duration_s', 'double precision')
    .addColumn('queued_ms', 'bigint', (column) => column.notNull())
    .addColumn('started_ms', 'bigint')
    .addColumn('ended_ms', 'bigint')
    .addColumn('due_ms', 'bigint', (column) => column.notNull())
    .addColumn('lease_ms', 'bigint')
    .execute();
  // Only the few that have not ended: the queue is looked at with each claim, the history grows for ever.
  await sql`create index jobs_waiting on jobs (owner, priority, queued_ms) where state in ('queued', 'retrying')`.execute(db);
  await sql`create index jobs_running on jobs (job_no) where state in ('running', 'publishing')`.execute(db);
  await db.schema.createIndex('jobs_state').on('jobs').columns(['state', 'job_no']).execute();
  await db.schema.createIndex('jobs_video').on('jobs').columns(['video_id', 'job_no']).execute();
  await db.schema.createIndex('jobs_ended').on('jobs').column('ended_ms').execute();
  await db.schema.createIndex('jobs_started').on('jobs').column('started_ms').execute();
  await db.schema
    .createTable('video_revisions')
    .addColumn('video_id', 'text', (column) => column.primaryKey())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('job_tickets')
    .addColumn('journal', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('job_id', 'text')
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('job_tickets_key', ['journal', 'sequence', 'digest'])
    .execute();
  await db.schema.createIndex('job_tickets_at').on('job_tickets').column('at_ms').execute();
}

async function createHistory(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await numbered(db, dialect, 'job_events', 'event_no')
    .addColumn('job_id', 'text', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('worker_id', 'text')
    .addColumn('detail', 'text')
    .execute();
  await db.schema.createIndex('job_events_job').on('job_events').columns(['job_id', 'event_no']).execute();
  await numbered(db, dialect, 'job_logs', 'log_no')
    .addColumn('job_id', 'text', (column) => column.notNull())
    .addColumn('level', 'text', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('timestamp', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('job_logs_job').on('job_logs').columns(['job_id', 'log_no']).execute();
  await numbered(db, dialect, 'job_failures', 'failure_no')
    .addColumn('job_id', 'text', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('job_failures_at').on('job_failures').column('at_ms').execute();
}

async function createLetters(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await numbered(db, dialect, 'dead_letters', 'letter_no')
    .addColumn('dead_letter_id', 'text', (column) => column.notNull().unique())
    .addColumn('job_id', 'text')
    .addColumn('video_id', 'text')
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('code', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('detail', 'text', (column) => column.notNull())
    .addColumn('stderr', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('replayed_at', 'text')
    .execute();
  await db.schema.createIndex('dead_letters_job').on('dead_letters').column('job_id').execute();
  await createCallbacks(db, dialect, 'of a job');
}

async function createCallbacks(db: Kysely<unknown>, dialect: DialectName, about: 'of a job' | 'of any request'): Promise<void> {
  const named = (column: ColumnDefinitionBuilder) => (about === 'of a job' ? column.notNull() : column);
  await numbered(db, dialect, 'callbacks', 'callback_no')
    .addColumn('callback_id', 'text', (column) => column.notNull().unique())
    .addColumn('job_id', 'text', named)
    .addColumn('video_id', 'text', named)
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('last_status', 'integer')
    .addColumn('last_error', 'text')
    .addColumn('next_ms', 'bigint')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('delivered_at', 'text')
    .addColumn('body', 'text', (column) => column.notNull())
    .execute();
  await sql`create index callbacks_waiting on callbacks (next_ms) where state = 'waiting'`.execute(db);
  await db.schema.createIndex('callbacks_job').on('callbacks').column('job_id').execute();
}

/** A request that was not taken has no job, and maybe names no video. SQLite cannot take back `not null`, so its table is made anew. */
export async function freeCallbacksFromJobs(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  if (dialect === 'postgres') {
    await sql`alter table callbacks alter column job_id drop not null, alter column video_id drop not null`.execute(db);
    return;
  }
  await sql`drop index callbacks_waiting`.execute(db);
  await sql`drop index callbacks_job`.execute(db);
  await sql`alter table callbacks rename to callbacks_before`.execute(db);
  await createCallbacks(db, dialect, 'of any request');
  await sql`insert into callbacks select * from callbacks_before`.execute(db);
  await sql`drop table callbacks_before`.execute(db);
}
