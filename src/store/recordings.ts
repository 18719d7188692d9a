/** Orders, finished files and gaps. Sums and day counts are kept beside the rows, in the same transaction, so that no list counts them. */
import { type ExpressionBuilder, type Kysely, type Selectable, sql } from 'kysely';
import type { RecordingPolicy } from '../contracts/index.js';
import { type Database, toFlag } from './database.js';
import { packKeyframes, unpackKeyframes } from './keyframes.js';
import type {
  GapRecord,
  PolicyRecord,
  RecordingChanges,
  RecordingRecord,
  RecordingRepository,
  SegmentQuery,
  SegmentRecord,
} from './recordings-repository.js';
import { namesTaken } from './sql-failure.js';

export const dayMs = 86_400_000;
/** Files of one stream overlap by a pre-roll at most, so few of them can begin before a moment and still show it. */
const overlapping = 4;

type Segments = ExpressionBuilder<Database, 'segments'>;

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

function segmentParts(db: Kysely<Database>) {
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
    segments: (query: SegmentQuery) => listSegments(db, query),
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

function upkeepParts(db: Kysely<Database>) {
  return {
    async markLost(filename, lostMs) {
      await db.updateTable('segments').set({ lost_ms: lostMs }).where('filename', '=', filename).execute();
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

function gapParts(db: Kysely<Database>) {
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

async function addGap(db: Kysely<Database>, gap: GapRecord): Promise<void> {
  if (gap.to_ms <= gap.from_ms) return;
  await db.insertInto('gaps').values(gap).execute();
}

async function countDay(db: Kysely<Database>, segment: SegmentRecord, sign: 1 | -1): Promise<void> {
  const size = sign * segment.size_bytes;
  await db
    .insertInto('segment_days')
    .values({ stream_id: segment.stream_id, day: Math.floor(segment.started_ms / dayMs), segments: sign, size_bytes: size })
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

async function listSegments(db: Kysely<Database>, query: SegmentQuery) {
  if (query.streams?.length === 0) return { items: [], total: 0 };
  const isCounted = query.recording_id === undefined && query.protected === undefined;
  const total = isCounted ? await countByDays(db, query) : await countRows(db, query);
  const place = isCounted ? await jump(db, query) : { before_ms: query.to_ms, offset: query.offset };
  const items = await matching(db, { ...query, to_ms: place.before_ms })
    .selectAll()
    .orderBy('started_ms', 'desc')
    .orderBy('segment_no', 'desc')
    .limit(query.limit)
    .offset(place.offset)
    .execute();
  return { items: items.map(toSegment), total };
}

function matching(db: Kysely<Database>, query: Pick<SegmentQuery, 'streams' | 'recording_id' | 'from_ms' | 'to_ms' | 'protected'>) {
  const conditions = (eb: Segments) => {
    const { streams, recording_id, from_ms, to_ms } = query;
    const found = [];
    if (streams?.length === 1) found.push(eb('stream_id', '=', streams[0] ?? ''));
    // An expression, so that the rows are read in order of time and not stream by stream and then sorted.
    else if (streams !== null) found.push(eb(sql<string>`(stream_id || '')`, 'in', [...streams]));
    if (recording_id !== undefined) found.push(eb('recording_id', '=', recording_id));
    if (from_ms !== undefined) found.push(eb('ended_ms', '>', from_ms));
    if (to_ms !== undefined) found.push(eb('started_ms', '<', to_ms));
    if (query.protected !== undefined) found.push(query.protected ? sql<boolean>`protected = 1` : sql<boolean>`protected = 0`);
    return eb.and(found);
  };
  return db.selectFrom('segments').where(conditions);
}

async function countRows(db: Kysely<Database>, query: SegmentQuery): Promise<number> {
  if (query.recording_id !== undefined && query.from_ms === undefined && query.to_ms === undefined && query.protected === undefined) {
    // The rows of one recording stand together in its index.
    const row = await matching(db, query)
      .select(({ fn }) => fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    return row.total;
  }
  if (query.protected === false) {
    const { protected: _which, ...all } = query;
    const whole = query.recording_id === undefined ? await countByDays(db, all) : await countRows(db, all);
    return whole - (await countRows(db, { ...query, protected: true }));
  }
  const row = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return row.total;
}

/** Those that began before the end, less those that had ended at the begin: whole days from their counts, the rest from the index. */
async function countByDays(db: Kysely<Database>, query: SegmentQuery): Promise<number> {
  const { from_ms, to_ms, streams } = query;
  const before = await countBegunBefore(db, streams, to_ms);
  if (from_ms === undefined) return before;
  const begun = await countBegunBefore(db, streams, Math.min(from_ms, to_ms ?? from_ms));
  return before - begun + (await countOver(db, streams, Math.min(from_ms, to_ms ?? from_ms), from_ms));
}

/** Segments that began before `beginMs` and end after `atMs`: of each stream only the last few can. */
async function countOver(db: Kysely<Database>, streams: readonly string[] | null, beginMs: number, atMs: number): Promise<number> {
  const ids = streams ?? (await db.selectFrom('segment_days').select('stream_id').distinct().execute()).map((row) => row.stream_id);
  let count = 0;
  for (const streamId of ids) {
    const rows = await db
      .selectFrom('segments')
      .select('ended_ms')
      .where('stream_id', '=', streamId)
      .where('started_ms', '<', beginMs)
      .orderBy('started_ms', 'desc')
      .orderBy('segment_no', 'desc')
      .limit(overlapping)
      .execute();
    count += rows.filter((row) => row.ended_ms > atMs).length;
  }
  return count;
}

async function countBegunBefore(db: Kysely<Database>, streams: readonly string[] | null, beforeMs: number | undefined): Promise<number> {
  const day = beforeMs === undefined ? undefined : Math.floor(beforeMs / dayMs);
  const { total } = await db
    .selectFrom('segment_days')
    .select(sql<number>`cast(coalesce(sum(segments), 0) as bigint)`.as('total'))
    .$if(streams !== null, (query) => query.where('stream_id', 'in', [...(streams ?? [])]))
    .$if(day !== undefined, (query) => query.where('day', '<', day ?? 0))
    .executeTakeFirstOrThrow();
  if (beforeMs === undefined || day === undefined) return total;
  const rest = await matching(db, { streams, to_ms: beforeMs })
    .where('started_ms', '>=', day * dayMs)
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return total + rest.total;
}

/** Skips whole days by their counts, so that the last page costs what the first does. */
async function jump(db: Kysely<Database>, query: SegmentQuery): Promise<{ before_ms: number | undefined; offset: number }> {
  const { from_ms, to_ms, streams, offset } = query;
  const start = { before_ms: to_ms, offset };
  if (offset === 0) return start;
  const days = await db
    .selectFrom('segment_days')
    .select(['day', sql<number>`cast(sum(segments) as bigint)`.as('segments')])
    .$if(streams !== null, (selected) => selected.where('stream_id', 'in', [...(streams ?? [])]))
    .$if(to_ms !== undefined, (selected) => selected.where('day', '<=', Math.floor((to_ms ?? 0) / dayMs)))
    .groupBy('day')
    .orderBy('day', 'desc')
    .execute();
  // Rows that begin at or after `to_ms` count in their day but do not match; they are skipped as well.
  const place = { before_ms: to_ms, offset: offset + (await countAfterWithinDay(db, streams, to_ms)) };
  let hasJumped = false;
  for (const { day, segments } of days) {
    // Below the begin some rows of a day do not match, so their number says nothing there.
    if (segments > place.offset || (from_ms !== undefined && day * dayMs <= from_ms)) break;
    place.offset -= segments;
    place.before_ms = day * dayMs;
    hasJumped = true;
  }
  return hasJumped ? place : start;
}

async function countAfterWithinDay(db: Kysely<Database>, streams: readonly string[] | null, toMs: number | undefined): Promise<number> {
  if (toMs === undefined) return 0;
  const nextDay = (Math.floor(toMs / dayMs) + 1) * dayMs;
  const { total } = await matching(db, { streams, to_ms: nextDay })
    .where('started_ms', '>=', toMs)
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return total;
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

function toSegment({ segment_no: _number, ...row }: Selectable<Database['segments']>): SegmentRecord {
  return { ...row, format: row.format as SegmentRecord['format'], protected: row.protected === 1, recovered: row.recovered === 1 };
}

function toSegmentRow(segment: SegmentRecord) {
  return { ...segment, protected: toFlag(segment.protected), recovered: toFlag(segment.recovered) };
}
