/** Who did what, or tried to. */
import type { Kysely } from 'kysely';
import type { AuditEntry } from '../contracts/index.js';
import { type Database, nowText } from './database.js';
import { parseNumberCursor, toPage } from './page.js';
import type { AuditRepository } from './repositories.js';

/** Longest detail kept. */
const maxDetail = 1024;

export function createAuditRepository(db: Kysely<Database>): AuditRepository {
  return {
    async append(entry) {
      const { time, detail, ...rest } = entry;
      await db
        .insertInto('audit')
        .values({ ...rest, time: time ?? nowText(), detail: detail === null ? null : detail.slice(0, maxDetail) })
        .execute();
    },
    async list({ limit, cursor }) {
      const before = parseNumberCursor(cursor);
      let query = db
        .selectFrom('audit')
        .selectAll()
        .orderBy('audit_id', 'desc')
        .limit(limit + 1);
      if (before !== undefined) query = query.where('audit_id', '<', before);
      return toPage(
        await query.execute(),
        limit,
        (row) => row.audit_id,
        (row) => ({ ...row, outcome: row.outcome as AuditEntry['outcome'] }),
      );
    },
    async prune({ before, keep }) {
      let forgotten = 0n;
      if (before !== undefined) {
        forgotten += (await db.deleteFrom('audit').where('time', '<', before).executeTakeFirst()).numDeletedRows;
      }
      if (keep !== undefined) {
        const firstTooMany = await db.selectFrom('audit').select('audit_id').orderBy('audit_id', 'desc').offset(keep).limit(1).executeTakeFirst();
        if (firstTooMany !== undefined) {
          forgotten += (await db.deleteFrom('audit').where('audit_id', '<=', firstTooMany.audit_id).executeTakeFirst()).numDeletedRows;
        }
      }
      return Number(forgotten);
    },
  };
}
