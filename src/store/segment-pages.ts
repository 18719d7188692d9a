/** Pages of segments by number, and how many there are: whole days by their counts, so that neither grows with the archive. */
import { type ExpressionBuilder, type Kysely, type Selectable, sql } from 'kysely';
import type { Database } from './database.js';
import type { OffsetPage, SegmentQuery } from './recordings-repository.js';

const dayMs = 86_400_000;
/** Files of one stream overlap by a pre-roll at most, so few of them can begin before a moment and still show it. */
export const overlapping = 4;

type Segments = ExpressionBuilder<Database, 'segments'>;

/** Days since 1970. */
export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}

/** Newest first; the total is exact without reading all that match. */
export async function listSegments(db: Kysely<Database>, query: SegmentQuery): Promise<OffsetPage<Selectable<Database['segments']>>> {
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
  return { items, total };
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
  const day = beforeMs === undefined ? undefined : dayOf(beforeMs);
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
    .$if(to_ms !== undefined, (selected) => selected.where('day', '<=', dayOf(to_ms ?? 0)))
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
  const nextDay = (dayOf(toMs) + 1) * dayMs;
  const { total } = await matching(db, { streams, to_ms: nextDay })
    .where('started_ms', '>=', toMs)
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return total;
}
