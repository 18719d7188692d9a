/** Messages that leave when their transaction commits. */
import type { Kysely, Selectable } from 'kysely';
import type { ChannelName } from '../contracts/index.js';
import { type Database, nowText } from './database.js';
import type { OutboxRepository, OutboxRow } from './repositories.js';

/** `onAdd` hears of each event added, before its transaction commits. */
export function createOutboxRepository(db: Kysely<Database>, onAdd: () => void): OutboxRepository {
  const waiting = () => db.selectFrom('outbox').where('sent_at', 'is', null).where('dead_at', 'is', null);
  return {
    async add({ event_id, name, params, message }) {
      await db
        .insertInto('outbox')
        .values({
          event_id,
          name,
          params: JSON.stringify(params),
          message: JSON.stringify(message ?? null),
          created_at: nowText(),
          attempts: 0,
          last_error: null,
          sent_at: null,
          dead_at: null,
        })
        .execute();
      onAdd();
    },
    async next(limit) {
      return (await waiting().selectAll().orderBy('outbox_id').limit(limit).execute()).map(toEvent);
    },
    async markSent(outboxIds) {
      if (outboxIds.length === 0) return;
      await db
        .updateTable('outbox')
        .set({ sent_at: nowText() })
        .where('outbox_id', 'in', [...outboxIds])
        .execute();
    },
    async markFailed(outboxId, reason, dead) {
      await db
        .updateTable('outbox')
        .set((eb) => ({ attempts: eb('attempts', '+', 1), last_error: reason.slice(0, 1024), dead_at: dead ? nowText() : null }))
        .where('outbox_id', '=', outboxId)
        .execute();
    },
    async depth() {
      const row = await waiting()
        .select(({ fn }) => [fn.countAll<number>().as('waiting'), fn.min('created_at').as('oldest')])
        .executeTakeFirstOrThrow();
      const dead = await db
        .selectFrom('outbox')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .where('dead_at', 'is not', null)
        .executeTakeFirstOrThrow();
      const oldest = row.oldest as string | null;
      return { waiting: row.waiting, oldest_s: oldest === null ? 0 : Math.max(0, (Date.now() - Date.parse(oldest)) / 1000), dead: dead.total };
    },
    async prune(before) {
      const result = await db
        .deleteFrom('outbox')
        .where(({ eb, or }) => or([eb('sent_at', '<', before), eb('dead_at', '<', before)]))
        .executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  };
}

function toEvent(row: Selectable<Database['outbox']>): OutboxRow {
  return {
    outbox_id: row.outbox_id,
    event_id: row.event_id,
    name: row.name as ChannelName,
    params: JSON.parse(row.params) as OutboxRow['params'],
    message: JSON.parse(row.message) as OutboxRow['message'],
    created_at: row.created_at,
    attempts: row.attempts,
  };
}
