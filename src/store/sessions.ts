/** Open sign-ins. */
import type { Kysely } from 'kysely';
import type { Database } from './database.js';
import type { SessionRepository } from './repositories.js';
import { toUserRecord } from './users.js';

const columns = [
  'sessions.session_id',
  'sessions.token_hash',
  'sessions.user_id',
  'sessions.created_at',
  'sessions.expires_at',
  'sessions.ends_at',
  'sessions.last_seen_at',
  'sessions.address',
  'sessions.user_agent',
] as const;

export function createSessionRepository(db: Kysely<Database>): SessionRepository {
  return {
    async insert(session) {
      await db.insertInto('sessions').values(session).execute();
    },
    async findByHash(tokenHash) {
      const row = await db
        .selectFrom('sessions')
        .innerJoin('users', 'users.user_id', 'sessions.user_id')
        .select(columns)
        .select([
          'users.username',
          'users.username_key',
          'users.password_hash',
          'users.role',
          'users.streams',
          'users.disabled',
          'users.created_at as user_created_at',
          'users.last_login_at',
        ])
        .where('sessions.token_hash', '=', tokenHash)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const { session_id, token_hash, user_id, created_at, expires_at, ends_at, last_seen_at, address, user_agent, ...user } = row;
      return {
        session: { session_id, token_hash, user_id, created_at, expires_at, ends_at, last_seen_at, address, user_agent },
        user: toUserRecord({ ...user, user_id, created_at: user.user_created_at }),
      };
    },
    async ofUser(userId) {
      return await db.selectFrom('sessions').select(columns).where('user_id', '=', userId).orderBy('created_at').execute();
    },
    async touch(sessionId, times) {
      await db.updateTable('sessions').set(times).where('session_id', '=', sessionId).execute();
    },
    async delete(sessionId) {
      const result = await db.deleteFrom('sessions').where('session_id', '=', sessionId).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async deleteOfUser(userId, exceptSessionId) {
      let query = db.deleteFrom('sessions').where('user_id', '=', userId);
      if (exceptSessionId !== undefined) query = query.where('session_id', '!=', exceptSessionId);
      return (await query.returning('session_id').execute()).map((row) => row.session_id);
    },
    async deleteExpired(now) {
      const rows = await db.deleteFrom('sessions').where('expires_at', '<=', now).returning('session_id').execute();
      return rows.map((row) => row.session_id);
    },
  };
}
