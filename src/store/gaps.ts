/** When nothing was recorded that was wanted, and why. */
import type { Kysely } from 'kysely';
import type { Database } from './database.js';
import type { GapRecord, RecordingRepository } from './recordings-repository.js';

export function gapParts(db: Kysely<Database>) {
  return {
    addGap: (gap) => addGap(db, gap),
    async gapsWithin(streamId, fromMs, toMs) {
      const rows = await db
        .selectFrom('gaps')
        .selectAll()
        .where('stream_id', '=', streamId)
        .where('to_ms', '>', fromMs)
        .where('from_ms', '<', toMs)
        .orderBy('from_ms')
        .orderBy('gap_no')
        .execute();
      return rows.map(({ gap_no: _number, ...row }) => ({ ...row, cause: row.cause as GapRecord['cause'] }));
    },
    async pruneGaps(beforeMs) {
      const result = await db.deleteFrom('gaps').where('to_ms', '<', beforeMs).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  } satisfies Partial<RecordingRepository>;
}

/** An empty one is none. */
export async function addGap(db: Kysely<Database>, gap: GapRecord): Promise<void> {
  if (gap.to_ms <= gap.from_ms) return;
  await db.insertInto('gaps').values(gap).execute();
}
