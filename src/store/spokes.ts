/** Spokes as they were last seen. */
import type { Kysely } from 'kysely';
import type { Spoke } from '../contracts/index.js';
import type { Database } from './database.js';
import type { SpokeRepository } from './repositories.js';

export function createSpokeRepository(db: Kysely<Database>): SpokeRepository {
  return {
    async put(spoke) {
      const row = { spoke: JSON.stringify(spoke), last_seen_at: spoke.last_seen_at };
      await db
        .insertInto('spokes')
        .values({ spoke_id: spoke.spoke_id, ...row })
        .onConflict((conflict) => conflict.column('spoke_id').doUpdateSet(row))
        .execute();
    },
    async all() {
      const rows = await db.selectFrom('spokes').select('spoke').orderBy('spoke_id').execute();
      return rows.map((row) => JSON.parse(row.spoke) as Spoke);
    },
    async delete(spokeId) {
      const result = await db.deleteFrom('spokes').where('spoke_id', '=', spokeId).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
