/** API tokens; of their secrets only hashes. */
import type { Kysely, Selectable } from 'kysely';
import type { Role } from '../contracts/index.js';
import { type Database, formatScope, parseScope } from './database.js';
import type { TokenRecord, TokenRepository } from './repositories.js';

export function createTokenRepository(db: Kysely<Database>): TokenRepository {
  return {
    async insert(token) {
      await db
        .insertInto('tokens')
        .values({ ...token, streams: formatScope(token.streams) })
        .execute();
    },
    async get(tokenId) {
      const row = await db.selectFrom('tokens').selectAll().where('token_id', '=', tokenId).executeTakeFirst();
      return row === undefined ? undefined : toRecord(row);
    },
    async all() {
      return (await db.selectFrom('tokens').selectAll().orderBy('created_at', 'desc').orderBy('token_id').execute()).map(toRecord);
    },
    async touch(tokenId, lastUsedAt) {
      await db.updateTable('tokens').set({ last_used_at: lastUsedAt }).where('token_id', '=', tokenId).execute();
    },
    async delete(tokenId) {
      const result = await db.deleteFrom('tokens').where('token_id', '=', tokenId).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function toRecord(row: Selectable<Database['tokens']>): TokenRecord {
  return { ...row, role: row.role as Role, streams: parseScope(row.streams) };
}
