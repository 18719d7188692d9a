/** Streams as they are defined. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { type Stream, WeirError } from '../contracts/index.js';
import { type Database, nowText, toFlag } from './database.js';
import { parseTextCursor, toPage } from './page.js';
import type { StreamChanges, StreamRecord, StreamRepository } from './repositories.js';
import { namesTaken } from './sql-failure.js';

export function createStreamRepository(db: Kysely<Database>): StreamRepository {
  const get = async (streamId: string) => {
    const row = await db.selectFrom('streams').selectAll().where('stream_id', '=', streamId).executeTakeFirst();
    return row === undefined ? undefined : toRecord(row);
  };
  return {
    async insert(stream) {
      const now = nowText();
      const record: StreamRecord = { ...stream, revision: 1, created_at: now, updated_at: now };
      await db
        .insertInto('streams')
        .values(toRow(record))
        .execute()
        .catch(namesTaken('stream_id', record.stream_id, 'stream'));
      return record;
    },
    get,
    async list({ limit, cursor, text, ids }) {
      const after = parseTextCursor(cursor);
      let query = db
        .selectFrom('streams')
        .selectAll()
        .orderBy('stream_id')
        .limit(limit + 1);
      if (after !== undefined) query = query.where('stream_id', '>', after);
      // An empty list is a real bound: it must find nothing.
      if (ids !== undefined && ids !== null)
        query = ids.length === 0 ? query.where('stream_id', 'is', null) : query.where('stream_id', 'in', [...ids]);
      if (text !== undefined && text !== '') {
        // The configuration stays out of it: a search must not find out passwords inside source addresses.
        const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
        query = query.where(sql<boolean>`(lower(name) like ${pattern} escape '\\' or lower(stream_id) like ${pattern} escape '\\')`);
      }
      return toPage(await query.execute(), limit, (row) => row.stream_id, toRecord);
    },
    async all() {
      return (await db.selectFrom('streams').selectAll().orderBy('stream_id').execute()).map(toRecord);
    },
    async count() {
      const row = await db
        .selectFrom('streams')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      return row.total;
    },
    async update(streamId, changes, expectedRevision) {
      let query = db
        .updateTable('streams')
        .set(toChangedColumns(changes))
        .set((eb) => ({ revision: eb('revision', '+', 1), updated_at: nowText() }))
        .where('stream_id', '=', streamId);
      if (expectedRevision !== undefined) query = query.where('revision', '=', expectedRevision);
      const row = await query.returningAll().executeTakeFirst();
      if (row !== undefined) return toRecord(row);
      const present = await get(streamId);
      if (present === undefined) throw new WeirError('not_found', `There is no stream ${streamId}`);
      throw new WeirError('failed_precondition', `The stream has changed: it is at revision ${present.revision} now`, {
        field: 'revision',
        received: expectedRevision,
        hint: 'read it again and repeat the change',
      });
    },
    async delete(streamId) {
      const result = await db.deleteFrom('streams').where('stream_id', '=', streamId).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function toRow(record: StreamRecord): Selectable<Database['streams']> {
  return { ...record, config: JSON.stringify(record.config), on_demand: toFlag(record.on_demand), managed: toFlag(record.managed) };
}

function toRecord(row: Selectable<Database['streams']>): StreamRecord {
  return {
    ...row,
    config: JSON.parse(row.config) as Stream['config'],
    desired: row.desired as Stream['desired'],
    on_demand: row.on_demand === 1,
    managed: row.managed === 1,
  };
}

function toChangedColumns({ config, on_demand, managed, ...rest }: StreamChanges) {
  return {
    ...rest,
    ...(config === undefined ? {} : { config: JSON.stringify(config) }),
    ...(on_demand === undefined ? {} : { on_demand: toFlag(on_demand) }),
    ...(managed === undefined ? {} : { managed: toFlag(managed) }),
  };
}
