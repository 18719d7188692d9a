/** What retention and the look over the disk need of the finished files. */
import { type Kysely, sql } from 'kysely';
import type { Database } from './database.js';
import { addGap } from './gaps.js';
import type { RecordingRepository } from './recordings-repository.js';
import { countDay, toSegment } from './segments.js';

export function upkeepParts(db: Kysely<Database>) {
  return {
    async markLost(filename, lostMs) {
      await db.updateTable('segments').set({ lost_ms: lostMs }).where('filename', '=', filename).execute();
    },
    async lostBytes() {
      const bytes = sql<number>`cast(coalesce(sum(size_bytes), 0) as bigint)`.as('bytes');
      return (await db.selectFrom('segments').select(bytes).where('lost_ms', 'is not', null).executeTakeFirstOrThrow()).bytes;
    },
    async removeSegment(filename, gap) {
      const row = await db.deleteFrom('segments').where('filename', '=', filename).returningAll().executeTakeFirst();
      if (row === undefined) return undefined;
      // SQLite keeps foreign keys only where it was told to; the row must not stay behind in any case.
      await db.deleteFrom('segment_keyframes').where('filename', '=', filename).execute();
      const removed = toSegment(row);
      await countDay(db, removed, -1);
      const { stream_id, spoke_id, recording_id, started_ms: from_ms, ended_ms: to_ms } = removed;
      await addGap(db, { stream_id, spoke_id, recording_id, from_ms, to_ms, ...gap });
      return removed;
    },
    async oldest({ limit, before_ms, stream_id, not_streams }) {
      let query = db.selectFrom('segments').selectAll().where('protected', '=', 0).orderBy('started_ms').orderBy('segment_no').limit(limit);
      if (before_ms !== undefined) query = query.where('started_ms', '<', before_ms).where('ended_ms', '<', before_ms);
      if (stream_id !== undefined) query = query.where('stream_id', '=', stream_id);
      if (not_streams !== undefined && not_streams.length > 0) query = query.where('stream_id', 'not in', [...not_streams]);
      return (await query.execute()).map(toSegment);
    },
    filenames: (after, limit) =>
      db
        .selectFrom('segments')
        .select(['filename', 'spoke_id', 'path', 'size_bytes', 'lost_ms'])
        .where('filename', '>', after)
        .orderBy('filename')
        .limit(limit)
        .execute(),
    async totals() {
      const rows = await db
        .selectFrom('segment_days')
        .select(({ fn }) => [
          'stream_id',
          sql<number>`cast(sum(segments) as bigint)`.as('segments'),
          sql<number>`cast(sum(size_bytes) as bigint)`.as('size_bytes'),
          fn.min('day').as('day'),
        ])
        .where('segments', '>', 0)
        .groupBy('stream_id')
        .orderBy('stream_id')
        .execute();
      return Promise.all(
        rows.map(async ({ stream_id, segments, size_bytes }) => {
          const first = await db
            .selectFrom('segments')
            .select('started_ms')
            .where('stream_id', '=', stream_id)
            .orderBy('started_ms')
            .limit(1)
            .execute();
          return { stream_id, segments, size_bytes, oldest_ms: first[0]?.started_ms ?? null };
        }),
      );
    },
    async bytesSince(day) {
      const rows = await db
        .selectFrom('segment_days')
        .select(['stream_id', sql<number>`cast(sum(size_bytes) as bigint)`.as('size_bytes')])
        .where('day', '>=', day)
        .groupBy('stream_id')
        .execute();
      return new Map(rows.map((row) => [row.stream_id, row.size_bytes]));
    },
  } satisfies Partial<RecordingRepository>;
}
