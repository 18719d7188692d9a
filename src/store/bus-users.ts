/** Plain NATS clients with a permission list of their own. */
import type { Kysely } from 'kysely';
import { type Database, toFlag } from './database.js';
import type { BusUserRepository } from './repositories.js';
import { namesTaken } from './sql-failure.js';

export function createBusUserRepository(db: Kysely<Database>): BusUserRepository {
  return {
    async insert(user) {
      await db
        .insertInto('bus_users')
        .values({
          ...user,
          publish: JSON.stringify(user.publish),
          subscribe: JSON.stringify(user.subscribe),
          allow_responses: toFlag(user.allow_responses),
        })
        .execute()
        .catch(namesTaken('name', user.name, 'bus user'));
    },
    async all() {
      const rows = await db.selectFrom('bus_users').selectAll().orderBy('name').execute();
      return rows.map((row) => ({
        ...row,
        publish: JSON.parse(row.publish) as string[],
        subscribe: JSON.parse(row.subscribe) as string[],
        allow_responses: row.allow_responses === 1,
      }));
    },
    async delete(name) {
      const result = await db.deleteFrom('bus_users').where('name', '=', name).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}
