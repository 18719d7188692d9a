/** The repository of recordings: orders and policies here, finished files and gaps in files of their own. */
import type { Kysely, Selectable } from 'kysely';
import type { RecordingPolicy } from '../contracts/index.js';
import type { Database } from './database.js';
import { gapParts } from './gaps.js';
import type { PolicyRecord, RecordingChanges, RecordingRecord, RecordingRepository } from './recordings-repository.js';
import { segmentParts } from './segments.js';
import { namesTaken } from './sql-failure.js';
import { upkeepParts } from './upkeep.js';

export function createRecordingRepository(db: Kysely<Database>): RecordingRepository {
  return { ...orderParts(db), ...policyParts(db), ...segmentParts(db), ...upkeepParts(db), ...gapParts(db) };
}

function policyParts(db: Kysely<Database>) {
  return {
    async policies() {
      const rows = await db.selectFrom('recording_policies').selectAll().orderBy('stream_id').execute();
      return rows.map((row): PolicyRecord => ({ ...row, policy: JSON.parse(row.policy) as RecordingPolicy }));
    },
    async putPolicy({ stream_id, policy, planned_ms }) {
      const values = { policy: JSON.stringify(policy), planned_ms, updated_ms: Date.now() };
      await db
        .insertInto('recording_policies')
        .values({ stream_id, ...values })
        .onConflict((conflict) => conflict.column('stream_id').doUpdateSet(values))
        .execute();
    },
    async deletePolicy(streamId) {
      const result = await db.deleteFrom('recording_policies').where('stream_id', '=', streamId).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async cursor(spokeId, streamId) {
      const row = await db
        .selectFrom('recording_cursors')
        .select('sequence')
        .where('spoke_id', '=', spokeId)
        .where('stream_id', '=', streamId)
        .executeTakeFirst();
      return row?.sequence ?? 0;
    },
    async setCursor(spokeId, streamId, sequence) {
      await db
        .insertInto('recording_cursors')
        .values({ spoke_id: spokeId, stream_id: streamId, sequence })
        .onConflict((conflict) => conflict.columns(['spoke_id', 'stream_id']).doUpdateSet({ sequence }))
        .execute();
    },
    cursors: () => db.selectFrom('recording_cursors').selectAll().orderBy('spoke_id').orderBy('stream_id').execute(),
  } satisfies Partial<RecordingRepository>;
}

function orderParts(db: Kysely<Database>) {
  const rows = () => db.selectFrom('recordings').selectAll();
  return {
    async insert(recording) {
      await db
        .insertInto('recordings')
        .values(recording)
        .execute()
        .catch(namesTaken('recording_id', recording.recording_id, 'recording'));
    },
    async get(recordingId) {
      const row = await rows().where('recording_id', '=', recordingId).executeTakeFirst();
      return row === undefined ? undefined : toRecording(row);
    },
    async update(recordingId, changes: RecordingChanges) {
      if (Object.keys(changes).length === 0) return true;
      const result = await db.updateTable('recordings').set(changes).where('recording_id', '=', recordingId).executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async delete(recordingId) {
      const result = await db.deleteFrom('recordings').where('recording_id', '=', recordingId).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async open() {
      return (await rows().where('ended_ms', 'is', null).orderBy('from_ms').orderBy('recording_id').execute()).map(toRecording);
    },
    async within(streamId, fromMs, toMs) {
      const found = await rows()
        .where('stream_id', '=', streamId)
        .where('from_ms', '<', toMs)
        .where(({ eb, or }) => or([eb('ended_ms', 'is', null), eb('ended_ms', '>', fromMs)]))
        .where(({ eb, or }) => or([eb('until_ms', 'is', null), eb('until_ms', '>', fromMs)]))
        .orderBy('from_ms')
        .execute();
      return found.map(toRecording);
    },
    async list({ limit, offset, streams, nowMs }) {
      if (streams?.length === 0) return { items: [], total: 0 };
      const visible = db
        .selectFrom('recordings')
        .where('from_ms', '<=', nowMs)
        .$if(streams !== null, (query) => query.where('stream_id', 'in', [...(streams ?? [])]));
      const { total } = await visible.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
      const items = await visible.selectAll().orderBy('from_ms', 'desc').orderBy('recording_id', 'desc').limit(limit).offset(offset).execute();
      return { items: items.map(toRecording), total };
    },
  } satisfies Partial<RecordingRepository>;
}

function toRecording(row: Selectable<Database['recordings']>): RecordingRecord {
  return {
    ...row,
    origin: row.origin as RecordingRecord['origin'],
    format: row.format as RecordingRecord['format'],
    state: row.state as RecordingRecord['state'],
    cause: row.cause as RecordingRecord['cause'],
  };
}
