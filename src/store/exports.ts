/** Exports and how far they are. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Database } from './database.js';
import { parseNumberCursor, toPage } from './page.js';
import type { ExportRecord, ExportRepository } from './recordings-repository.js';
import { namesTaken } from './sql-failure.js';

export function createExportRepository(db: Kysely<Database>): ExportRepository {
  const rows = () => db.selectFrom('exports').selectAll();
  return {
    async insert(record) {
      await db
        .insertInto('exports')
        .values(record)
        .execute()
        .catch(namesTaken('name', record.name, 'export'));
    },
    async get(exportId) {
      const row = await rows().where('export_id', '=', exportId).executeTakeFirst();
      return row === undefined ? undefined : toExport(row);
    },
    async byFilename(filename) {
      const row = await rows().where('filename', '=', filename).executeTakeFirst();
      return row === undefined ? undefined : toExport(row);
    },
    async update(exportId, changes, states) {
      let query = db.updateTable('exports').set(changes).where('export_id', '=', exportId);
      if (states !== undefined) query = query.where('state', 'in', [...states]);
      return (await query.executeTakeFirst()).numUpdatedRows > 0n;
    },
    async delete(exportId) {
      return (await db.deleteFrom('exports').where('export_id', '=', exportId).executeTakeFirst()).numDeletedRows > 0n;
    },
    async list({ limit, cursor, streams }) {
      const before = parseNumberCursor(cursor);
      let query = rows()
        .orderBy('export_no', 'desc')
        .limit(limit + 1);
      if (before !== undefined) query = query.where('export_no', '<', before);
      if (streams !== null) query = streams.length === 0 ? query.where('stream_id', 'is', null) : query.where('stream_id', 'in', [...streams]);
      return toPage(await query.execute(), limit, (row) => row.export_no, toExport);
    },
    async unfinished() {
      return (await rows().where('state', 'in', ['queued', 'running']).orderBy('export_no').execute()).map(toExport);
    },
    async expired(nowMs) {
      return (await rows().where('expires_ms', '<=', nowMs).orderBy('export_no').limit(1000).execute()).map(toExport);
    },
    async totalBytes(streams = null) {
      if (streams?.length === 0) return 0;
      let query = db.selectFrom('exports').select(sql<number>`cast(coalesce(sum(size_bytes), 0) as bigint)`.as('total'));
      if (streams !== null) query = query.where('stream_id', 'in', [...streams]);
      return (await query.executeTakeFirstOrThrow()).total;
    },
  };
}

function toExport({ export_no: _number, ...row }: Selectable<Database['exports']>): ExportRecord {
  return { ...row, state: row.state as ExportRecord['state'] };
}
