/** What happened to jobs: events, log lines, failed attempts. */
import { type Kysely, sql } from 'kysely';
import type { JobEvent, JobLog } from '../contracts/index.js';
import type { Database } from './database.js';
import type { JobRepository } from './jobs-repository.js';

const maxEvents = 1000;

export function jobHistoryParts(db: Kysely<Database>) {
  return {
    async addEvent(jobId, event) {
      await db
        .insertInto('job_events')
        .values({ job_id: jobId, ...event })
        .execute();
    },
    async events(jobId) {
      const rows = await db.selectFrom('job_events').selectAll().where('job_id', '=', jobId).orderBy('event_no', 'desc').limit(maxEvents).execute();
      return rows.reverse().map(({ event_no: _number, job_id: _job, ...event }) => ({ ...event, kind: event.kind as JobEvent['kind'] }));
    },
    async addLogs(lines) {
      if (lines.length === 0) return;
      await db
        .insertInto('job_logs')
        .values(lines.map(({ job_id, level, message, timestamp }) => ({ job_id, level, message, timestamp })))
        .execute();
    },
    async logs(jobId, limit) {
      const rows = await db.selectFrom('job_logs').selectAll().where('job_id', '=', jobId).orderBy('log_no', 'desc').limit(limit).execute();
      return rows.reverse().map(({ log_no: _number, ...line }) => ({ ...line, level: line.level as JobLog['level'] }));
    },
    async trimLogs(jobId, keep) {
      const newest = await db
        .selectFrom('job_logs')
        .select('log_no')
        .where('job_id', '=', jobId)
        .orderBy('log_no', 'desc')
        .offset(keep)
        .limit(1)
        .executeTakeFirst();
      if (newest === undefined) return;
      await db.deleteFrom('job_logs').where('job_id', '=', jobId).where('log_no', '<=', newest.log_no).execute();
    },
    async failures(sinceMs) {
      const rows = await db
        .selectFrom('job_failures')
        .select(({ fn }) => ['reason', fn.countAll<number>().as('total')])
        .where('at_ms', '>=', sinceMs)
        .groupBy('reason')
        .orderBy(sql`total`, 'desc')
        .execute();
      return Object.fromEntries(rows.map(({ reason, total }) => [reason, total]));
    },
    async addFailure(failure) {
      await db.insertInto('job_failures').values(failure).execute();
    },
  } satisfies Partial<JobRepository>;
}
