/** Finished files and their keyframes. Sums and day counts are kept beside the rows, in the same transaction, so that no list counts them. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { type Database, toFlag } from './database.js';
import { packKeyframes, unpackKeyframes } from './keyframes.js';
import type { RecordingRepository, SegmentQuery, SegmentRecord } from './recordings-repository.js';
import { dayOf, listSegments, overlapping } from './segment-pages.js';

export function segmentParts(db: Kysely<Database>) {
  const rows = () => db.selectFrom('segments').selectAll();
  const segment = async (filename: string) => {
    const row = await rows().where('filename', '=', filename).executeTakeFirst();
    return row === undefined ? undefined : toSegment(row);
  };
  return {
    async addSegment(added, keyframes) {
      const result = await db
        .insertInto('segments')
        .values(toSegmentRow(added))
        .onConflict((conflict) => conflict.column('filename').doNothing())
        .executeTakeFirst();
      if ((result.numInsertedOrUpdatedRows ?? 0n) === 0n) return false;
      if (keyframes.length > 0)
        await db
          .insertInto('segment_keyframes')
          .values({ filename: added.filename, packed: Buffer.from(packKeyframes(keyframes)) })
          .execute();
      await countDay(db, added, 1);
      await countRecording(db, added);
      return true;
    },
    segment,
    async segments(query: SegmentQuery) {
      const { items, total } = await listSegments(db, query);
      return { items: items.map(toSegment), total };
    },
    async segmentsWithin(streamId, fromMs, toMs) {
      const before = await rows()
        .where('stream_id', '=', streamId)
        .where('started_ms', '<', fromMs)
        .orderBy('started_ms', 'desc')
        .orderBy('segment_no', 'desc')
        .limit(overlapping)
        .execute();
      const inside = await rows()
        .where('stream_id', '=', streamId)
        .where('started_ms', '>=', fromMs)
        .where('started_ms', '<', toMs)
        .orderBy('started_ms')
        .orderBy('segment_no')
        .execute();
      return [...before.filter((row) => row.ended_ms > fromMs).reverse(), ...inside].map(toSegment);
    },
    async segmentAt(streamId, atMs, reachMs) {
      const found = await rows()
        .where('stream_id', '=', streamId)
        .where('started_ms', '<=', atMs)
        .where('lost_ms', 'is', null)
        .orderBy('started_ms', 'desc')
        .orderBy('segment_no', 'desc')
        .limit(overlapping)
        .execute();
      const row = found.find((one) => one.ended_ms > atMs) ?? found.find((one) => one.ended_ms >= atMs - reachMs);
      return row === undefined ? undefined : toSegment(row);
    },
    async keyframes(filename) {
      const row = await db.selectFrom('segment_keyframes').select('packed').where('filename', '=', filename).executeTakeFirst();
      return row === undefined ? [] : unpackKeyframes(row.packed);
    },
    async setKeyframes(filename, initBytes, keyframes) {
      const packed = Buffer.from(packKeyframes(keyframes));
      await db.updateTable('segments').set({ init_bytes: initBytes }).where('filename', '=', filename).execute();
      await db
        .insertInto('segment_keyframes')
        .values({ filename, packed })
        .onConflict((conflict) => conflict.column('filename').doUpdateSet({ packed }))
        .execute();
    },
    async protect(filename, isProtected) {
      const row = await db
        .updateTable('segments')
        .set({ protected: toFlag(isProtected) })
        .where('filename', '=', filename)
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? undefined : toSegment(row);
    },
  } satisfies Partial<RecordingRepository>;
}

/** Adds a segment to the counts of its day, or takes it away. */
export async function countDay(db: Kysely<Database>, segment: SegmentRecord, sign: 1 | -1): Promise<void> {
  const size = sign * segment.size_bytes;
  await db
    .insertInto('segment_days')
    .values({ stream_id: segment.stream_id, day: dayOf(segment.started_ms), segments: sign, size_bytes: size })
    .onConflict((conflict) =>
      conflict.columns(['stream_id', 'day']).doUpdateSet((eb) => ({
        segments: eb('segment_days.segments', '+', sign),
        size_bytes: eb('segment_days.size_bytes', '+', size),
      })),
    )
    .execute();
}

async function countRecording(db: Kysely<Database>, segment: SegmentRecord): Promise<void> {
  await db
    .updateTable('recordings')
    .set((eb) => ({
      segments: eb('segments', '+', 1),
      size_bytes: eb('size_bytes', '+', segment.size_bytes),
      elapsed_ms: eb('elapsed_ms', '+', segment.duration_ms),
      filename: segment.filename,
      started_ms: sql<number>`coalesce(started_ms, ${segment.started_ms})`,
      stopped_ms: segment.ended_ms,
    }))
    .where('recording_id', '=', segment.recording_id)
    .execute();
}

function toSegmentRow(segment: SegmentRecord) {
  return { ...segment, protected: toFlag(segment.protected), recovered: toFlag(segment.recovered) };
}

export function toSegment({ segment_no: _number, ...row }: Selectable<Database['segments']>): SegmentRecord {
  return { ...row, format: row.format as SegmentRecord['format'], protected: row.protected === 1, recovered: row.recovered === 1 };
}
