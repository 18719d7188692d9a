/** What was given up, with the message as it came. */
import type { Kysely, Selectable } from 'kysely';
import type { DeadLetter } from '../contracts/index.js';
import type { Database } from './database.js';
import type { DeadLetterRepository } from './jobs-repository.js';
import { parseNumberCursor, toPage } from './page.js';

export function createDeadLetterRepository(db: Kysely<Database>): DeadLetterRepository {
  const rows = () => db.selectFrom('dead_letters').selectAll();
  return {
    async insert(letter) {
      await db
        .insertInto('dead_letters')
        .values({ ...letter, stderr: JSON.stringify(letter.stderr) })
        .execute();
    },
    async get(id) {
      const row = await rows().where('dead_letter_id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : toLetter(row);
    },
    async list({ limit, cursor }) {
      const before = parseNumberCursor(cursor);
      let query = rows()
        .orderBy('letter_no', 'desc')
        .limit(limit + 1);
      if (before !== undefined) query = query.where('letter_no', '<', before);
      return toPage(await query.execute(), limit, (row) => row.letter_no, toLetter);
    },
    async markReplayed(id, at) {
      const result = await db
        .updateTable('dead_letters')
        .set({ replayed_at: at })
        .where('dead_letter_id', '=', id)
        .where('replayed_at', 'is', null)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async markReplayedOfJob(jobId, at) {
      await db.updateTable('dead_letters').set({ replayed_at: at }).where('job_id', '=', jobId).where('replayed_at', 'is', null).execute();
    },
    async delete(id) {
      return (await db.deleteFrom('dead_letters').where('dead_letter_id', '=', id).executeTakeFirst()).numDeletedRows > 0n;
    },
    async count() {
      const row = await db
        .selectFrom('dead_letters')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .where('replayed_at', 'is', null)
        .executeTakeFirstOrThrow();
      return row.total;
    },
    async prune(before) {
      return Number((await db.deleteFrom('dead_letters').where('at', '<', before).executeTakeFirst()).numDeletedRows);
    },
  };
}

function toLetter({ letter_no: _number, ...row }: Selectable<Database['dead_letters']>): DeadLetter {
  return { ...row, stderr: JSON.parse(row.stderr) as string[] };
}
