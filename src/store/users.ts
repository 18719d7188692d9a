/** People who may sign in. */
import type { Kysely, Selectable } from 'kysely';
import { type Role, WeirError } from '../contracts/index.js';
import { type Database, formatScope, parseScope, toFlag } from './database.js';
import type { UserChanges, UserRecord, UserRepository } from './repositories.js';
import { namesTaken } from './sql-failure.js';

export function createUserRepository(db: Kysely<Database>): UserRepository {
  return {
    async insert(user) {
      await db
        .insertInto('users')
        .values({
          ...user,
          username_key: user.username.toLowerCase(),
          streams: formatScope(user.streams),
          disabled: toFlag(user.disabled),
        })
        .execute()
        .catch(namesTaken('username', user.username, 'user'));
    },
    async get(userId) {
      const row = await db.selectFrom('users').selectAll().where('user_id', '=', userId).executeTakeFirst();
      return row === undefined ? undefined : toUserRecord(row);
    },
    async findByName(username) {
      const row = await db.selectFrom('users').selectAll().where('username_key', '=', username.toLowerCase()).executeTakeFirst();
      return row === undefined ? undefined : toUserRecord(row);
    },
    async all() {
      return (await db.selectFrom('users').selectAll().orderBy('username_key').execute()).map(toUserRecord);
    },
    async update(userId, changes) {
      const row = await db.updateTable('users').set(toChangedColumns(changes)).where('user_id', '=', userId).returningAll().executeTakeFirst();
      if (row === undefined) throw new WeirError('not_found', `There is no user ${userId}`);
      return toUserRecord(row);
    },
    async delete(userId) {
      const result = await db.deleteFrom('users').where('user_id', '=', userId).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async countAdmins() {
      const row = await db
        .selectFrom('users')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .where('role', '=', 'admin')
        .where('disabled', '=', 0)
        .executeTakeFirstOrThrow();
      return row.total;
    },
  };
}

/** A row of `users`, also as part of a join. */
export function toUserRecord(row: Selectable<Database['users']>): UserRecord {
  return {
    user_id: row.user_id,
    username: row.username,
    password_hash: row.password_hash,
    role: row.role as Role,
    streams: parseScope(row.streams),
    disabled: row.disabled === 1,
    created_at: row.created_at,
    last_login_at: row.last_login_at,
  };
}

function toChangedColumns({ streams, disabled, ...rest }: UserChanges) {
  const columns = {
    ...rest,
    ...(streams === undefined ? {} : { streams: formatScope(streams) }),
    ...(disabled === undefined ? {} : { disabled: toFlag(disabled) }),
  };
  if (Object.keys(columns).length === 0) throw new WeirError('invalid_argument', 'Name at least one change');
  return columns;
}
