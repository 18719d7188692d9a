/** Single values of the hub itself. */
import type { Kysely } from 'kysely';
import { type Database, nowText } from './database.js';
import type { SettingRepository } from './repositories.js';

export function createSettingRepository(db: Kysely<Database>): SettingRepository {
  return {
    async get(key) {
      const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst();
      return row === undefined ? undefined : (JSON.parse(row.value) as unknown);
    },
    async set(key, value) {
      const row = { value: JSON.stringify(value), updated_at: nowText() };
      await db
        .insertInto('settings')
        .values({ key, ...row })
        .onConflict((conflict) => conflict.column('key').doUpdateSet(row))
        .execute();
    },
    async delete(key) {
      const result = await db.deleteFrom('settings').where('key', '=', key).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
