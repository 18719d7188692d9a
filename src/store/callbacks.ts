/** Deliveries to callback addresses, and when the next attempt is. */
import type { Kysely, Selectable } from 'kysely';
import { type Callback, WeirError } from '../contracts/index.js';
import type { Database } from './database.js';
import type { CallbackRecord, CallbackRepository } from './jobs-repository.js';
import { parseNumberCursor, toPage } from './page.js';

export function createCallbackRepository(db: Kysely<Database>): CallbackRepository {
  const rows = () => db.selectFrom('callbacks').selectAll();
  return {
    async insert(callback) {
      await db.insertInto('callbacks').values(callback).execute();
    },
    async get(id) {
      const row = await rows().where('callback_id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : toCallback(row);
    },
    async list({ limit, cursor, state, job_id }) {
      const before = parseNumberCursor(cursor);
      let query = rows()
        .orderBy('callback_no', 'desc')
        .limit(limit + 1);
      if (before !== undefined) query = query.where('callback_no', '<', before);
      if (state !== undefined) query = query.where('state', '=', state);
      if (job_id !== undefined) query = query.where('job_id', '=', job_id);
      return toPage(await query.execute(), limit, (row) => row.callback_no, toCallback);
    },
    async due(nowMs, limit) {
      const found = await rows().where('state', '=', 'waiting').where('next_ms', '<=', nowMs).orderBy('next_ms').limit(limit).execute();
      return found.map(toCallback);
    },
    async nextDue() {
      const row = await db
        .selectFrom('callbacks')
        .select(({ fn }) => fn.min('next_ms').as('at'))
        .where('state', '=', 'waiting')
        .executeTakeFirst();
      return row?.at === null || row?.at === undefined ? null : Number(row.at);
    },
    async take({ callback_id, next_ms }, untilMs) {
      const result = await db
        .updateTable('callbacks')
        .set({ next_ms: untilMs })
        .where('callback_id', '=', callback_id)
        .where('state', '=', 'waiting')
        .where('next_ms', '=', next_ms)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async update(id, changes) {
      const row = await db.updateTable('callbacks').set(changes).where('callback_id', '=', id).returningAll().executeTakeFirst();
      if (row === undefined) throw new WeirError('not_found', `There is no callback ${id}`);
      return toCallback(row);
    },
    async disableUrl(url, reason) {
      await db
        .updateTable('callbacks')
        .set({ state: 'disabled', next_ms: null, last_error: reason })
        .where('url', '=', url)
        .where('state', '=', 'waiting')
        .execute();
    },
    async count(state) {
      const row = await db
        .selectFrom('callbacks')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .where('state', '=', state)
        .executeTakeFirstOrThrow();
      return row.total;
    },
    async prune(before) {
      const result = await db.deleteFrom('callbacks').where('created_at', '<', before).where('state', '!=', 'waiting').executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  };
}

function toCallback({ callback_no: _number, ...row }: Selectable<Database['callbacks']>): CallbackRecord {
  return {
    ...row,
    event: row.event as Callback['event'],
    state: row.state as Callback['state'],
    next_at: row.next_ms === null ? null : new Date(row.next_ms).toISOString(),
  };
}
