/** Plain NATS clients with a permission list of their own. */
import type { Kysely } from 'kysely';
import type { BusUserGrants } from '../contracts/index.js';
import { type Database, toFlag } from './database.js';
import type { BusUserRecord, BusUserRepository } from './repositories.js';
import { namesTaken } from './sql-failure.js';

export function createBusUserRepository(db: Kysely<Database>): BusUserRepository {
  return {
    async insert(user) {
      await db
        .insertInto('bus_users')
        .values({ ...user, ...toColumns(user) })
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
        grants: row.grants === null ? null : (JSON.parse(row.grants) as BusUserGrants),
      }));
    },
    async regrant(user) {
      await db.updateTable('bus_users').set(toColumns(user)).where('name', '=', user.name).execute();
    },
    async delete(name) {
      const result = await db.deleteFrom('bus_users').where('name', '=', name).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function toColumns({ publish, subscribe, allow_responses, grants }: BusUserRecord) {
  return {
    publish: JSON.stringify(publish),
    subscribe: JSON.stringify(subscribe),
    allow_responses: toFlag(allow_responses),
    grants: grants === null ? null : JSON.stringify(grants),
  };
}
