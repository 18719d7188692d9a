/** Jobs: the queue itself, what may start, and which message opens what. */
import { type Expression, type Kysely, type Selectable, type SqlBool, sql } from 'kysely';
import { type JobState, jobStates, WeirError } from '../contracts/index.js';
import type { Database } from './database.js';
import { jobHistoryParts } from './job-history.js';
import type { JobChanges, JobFigures, JobRecord, JobRepository, NewJob, StartFilter } from './jobs-repository.js';
import { parseNumberCursor, toPage } from './page.js';

const waitingStates: JobState[] = ['queued', 'retrying'];
const runningStates: JobState[] = ['running', 'publishing'];
const endedStates: JobState[] = ['done', 'dead', 'cancelled'];

/** Literals, not bound values: only then are the indexes of the waiting and of the running used. */
const isWaiting = sql<SqlBool>`state in ('queued', 'retrying')`;
const isRunning = sql<SqlBool>`state in ('running', 'publishing')`;

export function createJobRepository(db: Kysely<Database>): JobRepository {
  const rows = () => db.selectFrom('jobs').selectAll();
  return {
    async insert(job) {
      const row = await db.insertInto('jobs').values(toRow(job)).returningAll().executeTakeFirstOrThrow();
      return toJob(row);
    },
    async get(jobId) {
      const row = await rows().where('job_id', '=', jobId).executeTakeFirst();
      return row === undefined ? undefined : toJob(row);
    },
    async update(jobId, changes) {
      const row = await db.updateTable('jobs').set(toCells(changes)).where('job_id', '=', jobId).returningAll().executeTakeFirst();
      if (row === undefined) throw new WeirError('not_found', `There is no job ${jobId}`);
      return toJob(row);
    },
    async list({ limit, cursor, state, video_id }) {
      const before = parseNumberCursor(cursor);
      let query = rows()
        .orderBy('job_no', 'desc')
        .limit(limit + 1);
      if (before !== undefined) query = query.where('job_no', '<', before);
      if (state !== undefined) query = query.where('state', '=', state);
      if (video_id !== undefined) query = query.where('video_id', '=', video_id);
      return toPage(await query.execute(), limit, (row) => row.job_no, toJob);
    },
    async running() {
      return (await rows().where(isRunning).orderBy('job_no').execute()).map(toJob);
    },
    async activeOf(videoId) {
      const states = [...waitingStates, ...runningStates];
      return (await rows().where('video_id', '=', videoId).where('state', 'in', states).orderBy('job_no').execute()).map(toJob);
    },
    async activeAt(place) {
      const states = [...waitingStates, ...runningStates];
      return (await rows().where('state', 'in', states).where('place', '=', place).orderBy('job_no').execute()).map(toJob);
    },
    waiting: (limit) =>
      db
        .selectFrom('jobs')
        .select(['job_no', 'job_id', 'video_id', 'place', 'owner', 'priority', 'queued_ms', 'due_ms'])
        .where(isWaiting)
        .orderBy('queued_ms')
        .orderBy('job_no')
        .limit(limit)
        .execute(),
    ...startParts(db),
    ...ticketParts(db),
    ...jobHistoryParts(db),
    async totals(nowMs) {
      const counted = await db
        .selectFrom('jobs')
        .select(({ fn }) => ['state', fn.countAll<number>().as('total')])
        .groupBy('state')
        .execute();
      const oldest = await db
        .selectFrom('jobs')
        .select(({ fn }) => fn.min('queued_ms').as('queued_ms'))
        .where(isWaiting)
        .where('due_ms', '<=', nowMs)
        .executeTakeFirst();
      const states = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
      for (const { state, total } of counted) states[state as JobState] = total;
      return { states, oldest_queued_ms: (oldest?.queued_ms as number | null | undefined) ?? null };
    },
    async figures(sinceMs, limit) {
      const found = await rows()
        .where(({ eb, or }) => or([eb('started_ms', '>=', sinceMs), eb('ended_ms', '>=', sinceMs)]))
        .orderBy('job_no', 'desc')
        .limit(limit)
        .execute();
      return found.map(toJob) satisfies JobFigures[];
    },
    async prune(endedBeforeMs) {
      const old = db.selectFrom('jobs').select('job_id').where('ended_ms', '<', endedBeforeMs).where('state', 'in', endedStates);
      for (const table of ['job_events', 'job_logs', 'job_failures', 'callbacks'] as const) {
        await db.deleteFrom(table).where('job_id', 'in', old).execute();
      }
      const result = await db.deleteFrom('jobs').where('ended_ms', '<', endedBeforeMs).where('state', 'in', endedStates).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  };
}

function startParts(db: Kysely<Database>) {
  const startable = ({ nowMs, busyVideos, busyPlaces }: StartFilter) => {
    const parts: Expression<SqlBool>[] = [isWaiting, sql<SqlBool>`due_ms <= ${nowMs}`];
    if (busyVideos.length > 0) parts.push(sql<SqlBool>`video_id not in (${sql.join(busyVideos)})`);
    if (busyPlaces.length > 0) parts.push(sql<SqlBool>`place not in (${sql.join(busyPlaces)})`);
    return parts;
  };
  return {
    async groups(filter) {
      const found = await db
        .selectFrom('jobs')
        .select(({ fn }) => ['owner', 'priority', fn.min('queued_ms').as('queued_ms')])
        .where(({ and }) => and(startable(filter)))
        .groupBy(['owner', 'priority'])
        .execute();
      return found.map((row) => ({ ...row, queued_ms: Number(row.queued_ms) }));
    },
    async oldest({ owner, priority }, filter) {
      const row = await db
        .selectFrom('jobs')
        .selectAll()
        .where(({ and }) => and(startable(filter)))
        .where('owner', '=', owner)
        .where('priority', '=', priority)
        .orderBy('queued_ms')
        .orderBy('job_no')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? undefined : toJob(row);
    },
    async lastStarts(limit) {
      const found = await db
        .selectFrom('jobs')
        .select(['owner', 'started_ms'])
        .where('started_ms', 'is not', null)
        .orderBy('started_ms', 'desc')
        .limit(limit)
        .execute();
      const last = new Map<string, number>();
      for (const { owner, started_ms } of found) if (!last.has(owner)) last.set(owner, Number(started_ms));
      return last;
    },
    async forgetTickets(belowSequence) {
      await db.updateTable('jobs').set({ ticket_seq: null, ticket_ms: 0 }).where(isWaiting).where('ticket_seq', '<', belowSequence).execute();
    },
    async withoutTicket(filter, { ticketBeforeMs, unknownOnly, limit }) {
      let query = db
        .selectFrom('jobs')
        .selectAll()
        .where(({ and }) => and(startable(filter)))
        .where('ticket_ms', '<=', ticketBeforeMs);
      if (unknownOnly) query = query.where('ticket_seq', 'is', null);
      return (await query.orderBy('queued_ms').orderBy('job_no').limit(limit).execute()).map(toJob);
    },
    async nextDue(nowMs) {
      const due = await db
        .selectFrom('jobs')
        .select(({ fn }) => fn.min('due_ms').as('at'))
        .where(isWaiting)
        .where('due_ms', '>', nowMs)
        .executeTakeFirst();
      const lease = await db
        .selectFrom('jobs')
        .select(({ fn }) => fn.min('lease_ms').as('at'))
        .where(isRunning)
        .executeTakeFirst();
      const times = [due?.at, lease?.at].filter((at) => at !== null && at !== undefined).map(Number);
      return times.length === 0 ? null : Math.min(...times);
    },
    async nextRevision(videoId) {
      const row = await db
        .insertInto('video_revisions')
        .values({ video_id: videoId, revision: 1 })
        .onConflict((conflict) => conflict.column('video_id').doUpdateSet((eb) => ({ revision: eb('video_revisions.revision', '+', 1) })))
        .returning('revision')
        .executeTakeFirstOrThrow();
      return row.revision;
    },
  } satisfies Partial<JobRepository>;
}

function ticketParts(db: Kysely<Database>) {
  return {
    async addTicket(ticket) {
      const row = await db
        .insertInto('job_tickets')
        .values(ticket)
        .onConflict((conflict) => conflict.columns(['journal', 'sequence', 'digest']).doNothing())
        .returning('sequence')
        .executeTakeFirst();
      return row !== undefined;
    },
    async ticket({ journal, sequence, digest }) {
      const row = await db
        .selectFrom('job_tickets')
        .select('job_id')
        .where('journal', '=', journal)
        .where('sequence', '=', sequence)
        .where('digest', '=', digest)
        .executeTakeFirst();
      return row?.job_id;
    },
    async moveTicket(journal, sequence, jobId) {
      await db.updateTable('job_tickets').set({ job_id: jobId }).where('journal', '=', journal).where('sequence', '=', sequence).execute();
    },
    async pruneTickets(beforeMs) {
      return Number((await db.deleteFrom('job_tickets').where('at_ms', '<', beforeMs).executeTakeFirst()).numDeletedRows);
    },
  } satisfies Partial<JobRepository>;
}

const jsonColumns = ['quality', 'request', 'progress', 'error', 'cost', 'commands'] as const;

function toRow(job: NewJob) {
  const { quality, request, progress, error, cost, commands, ...rest } = job;
  return {
    ...rest,
    quality: toText(quality),
    request: JSON.stringify(request),
    progress: toText(progress),
    error: toText(error),
    cost: toText(cost),
    commands: JSON.stringify(commands),
  };
}

function toText(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function toCells(changes: JobChanges) {
  const cells: Record<string, unknown> = { ...changes };
  for (const column of jsonColumns) if (column in cells) cells[column] = toText(cells[column]);
  return cells;
}

function toJob(row: Selectable<Database['jobs']>): JobRecord {
  const parse = <T>(text: string | null) => (text === null ? null : (JSON.parse(text) as T));
  return {
    ...row,
    state: row.state as JobState,
    origin: row.origin as JobRecord['origin'],
    quality: parse(row.quality),
    request: JSON.parse(row.request) as JobRecord['request'],
    progress: parse(row.progress),
    error: parse(row.error),
    cost: parse(row.cost),
    commands: JSON.parse(row.commands) as string[],
  };
}
