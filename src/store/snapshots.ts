/** Kept pictures. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { type Database, toFlag } from './database.js';
import type { SnapshotRecord, SnapshotRepository } from './recordings-repository.js';
import { namesTaken } from './sql-failure.js';

export function createSnapshotRepository(db: Kysely<Database>): SnapshotRepository {
  const oldest = () => db.selectFrom('snapshots').selectAll().where('protected', '=', 0).orderBy('taken_ms').orderBy('filename').limit(1000);
  return {
    async insert(snapshot) {
      await db
        .insertInto('snapshots')
        .values({ ...snapshot, protected: toFlag(snapshot.protected) })
        .execute()
        .catch(namesTaken('filename', snapshot.filename, 'snapshot'));
    },
    async get(filename) {
      const row = await db.selectFrom('snapshots').selectAll().where('filename', '=', filename).executeTakeFirst();
      return row === undefined ? undefined : toSnapshot(row);
    },
    async delete(filename) {
      const result = await db.deleteFrom('snapshots').where('filename', '=', filename).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async list({ limit, offset, streams }) {
      if (streams?.length === 0) return { items: [], total: 0 };
      const all = db.selectFrom('snapshots').$if(streams !== null, (query) => query.where('stream_id', 'in', [...(streams ?? [])]));
      const { total } = await all.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
      const rows = await all.selectAll().orderBy('taken_ms', 'desc').orderBy('filename', 'desc').limit(limit).offset(offset).execute();
      return { items: rows.map(toSnapshot), total };
    },
    async beyond(keep) {
      const { total } = await db
        .selectFrom('snapshots')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      if (total <= keep) return [];
      return (
        await oldest()
          .limit(Math.min(1000, total - keep))
          .execute()
      ).map(toSnapshot);
    },
    async olderThan(ms) {
      return (await oldest().where('taken_ms', '<', ms).execute()).map(toSnapshot);
    },
    async totalBytes(streams = null) {
      if (streams?.length === 0) return 0;
      let query = db.selectFrom('snapshots').select(sql<number>`cast(coalesce(sum(size_bytes), 0) as bigint)`.as('total'));
      if (streams !== null) query = query.where('stream_id', 'in', [...streams]);
      return (await query.executeTakeFirstOrThrow()).total;
    },
  };
}

function toSnapshot(row: Selectable<Database['snapshots']>): SnapshotRecord {
  return { ...row, format: row.format as SnapshotRecord['format'], protected: row.protected === 1 };
}
