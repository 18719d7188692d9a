/** Logins of browsers to the bus. */
import type { Kysely } from 'kysely';
import type { Role } from '../contracts/index.js';
import { type Database, formatScope, parseScope } from './database.js';
import type { BusLoginRepository } from './repositories.js';

export function createBusLoginRepository(db: Kysely<Database>): BusLoginRepository {
  return {
    async put(login) {
      const row = { ...login, streams: formatScope(login.streams) };
      await db
        .insertInto('bus_logins')
        .values(row)
        .onConflict((conflict) => conflict.column('viewer').doUpdateSet(row))
        .execute();
    },
    async all() {
      const rows = await db.selectFrom('bus_logins').selectAll().orderBy('created_at').orderBy('viewer').execute();
      return rows.map((row) => ({ ...row, role: row.role as Role, streams: parseScope(row.streams) }));
    },
    async delete(viewers) {
      if (viewers.length === 0) return;
      await db
        .deleteFrom('bus_logins')
        .where('viewer', 'in', [...viewers])
        .execute();
    },
  };
}
