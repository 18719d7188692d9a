/** Finding videos: filters, words, and pages in each order. Alike on both databases, since the words are prepared here. */
import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import { WeirError } from '../contracts/index.js';
import type { Database } from './database.js';
import { parseTextCursor, toPage } from './page.js';
import { toVideo, type VideoRow, videoRows } from './video-rows.js';
import type { VideoFilter, VideoQuery, VideoRepository } from './videos-repository.js';

/** Text as it is searched and sorted: without case, accents and double spaces. `ß` and `ss` are one, as are the widths of a letter. */
export function toSearchText(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/ß/g, 'ss').replace(/\s+/gu, ' ').trim();
}

/** More words than these only make the search slower. */
const maxWords = 12;

type VideoSelect<O> = SelectQueryBuilder<Database & { videos: Database['videos'] }, 'videos', O>;

/** Column that orders the list, and whether it falls. */
const orders = {
  newest: { column: 'created_at', falls: true },
  oldest: { column: 'created_at', falls: false },
  title: { column: 'title_key', falls: false },
  longest: { column: 'duration_ms', falls: true },
  largest: { column: 'size_bytes', falls: true },
} as const;

export function searchParts(db: Kysely<Database>) {
  return {
    async list(query) {
      const { total } = await filtered(db.selectFrom('videos'), query)
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      const rows = await pageOf(db, query);
      const { column } = orders[query.sort ?? 'newest'];
      return { ...toPage(rows, query.limit, (row) => JSON.stringify([row[column], row.video_no]), toVideo), total };
    },
    async tags(filter) {
      const matching = filtered(db.selectFrom('videos'), filter).select('videos.video_id');
      const rows = await db
        .selectFrom('video_tags')
        .where('video_id', 'in', matching)
        .groupBy('tag')
        .select(({ fn }) => ['tag', fn.countAll<number>().as('videos')])
        .orderBy('videos', 'desc')
        .orderBy('tag')
        .limit(200)
        .execute();
      return rows.map(({ tag, videos }) => ({ tag, videos: Number(videos) }));
    },
  } satisfies Partial<VideoRepository>;
}

function pageOf(db: Kysely<Database>, query: VideoQuery): Promise<VideoRow[]> {
  const { column, falls } = orders[query.sort ?? 'newest'];
  const direction = falls ? 'desc' : 'asc';
  let rows = filtered(videoRows(db) as unknown as VideoSelect<VideoRow>, query)
    .orderBy(`videos.${column}`, direction)
    .orderBy('videos.video_no', direction)
    .limit(query.limit + 1);
  const after = placeOf(query.cursor, column === 'created_at' || column === 'title_key' ? 'string' : 'number');
  if (after !== undefined) {
    const sign = sql.raw(falls ? '<' : '>');
    rows = rows.where(sql<boolean>`(${sql.ref(`videos.${column}`)}, videos.video_no) ${sign} (${after[0]}, ${after[1]})`);
  }
  return rows.execute();
}

/** Key and number of the last row of the page before. */
function placeOf(cursor: string | undefined, type: 'string' | 'number'): readonly [string | number, number] | undefined {
  const text = parseTextCursor(cursor);
  if (text === undefined) return undefined;
  try {
    const [key, number] = JSON.parse(text) as unknown[];
    if (typeof key === type && typeof number === 'number' && Number.isSafeInteger(number)) return [key as string | number, number];
  } catch {
    // Refused below.
  }
  throw new WeirError('invalid_argument', 'cursor is not one that a page of this order gave out', {
    field: 'cursor',
    received: cursor?.slice(0, 120),
  });
}

function filtered<O>(from: VideoSelect<O>, filter: VideoFilter): VideoSelect<O> {
  let query = from.where('videos.deleted_at', filter.trash === true ? 'is not' : 'is', null);
  if (filter.state !== undefined) query = query.where('videos.state', '=', filter.state);
  if (filter.visibility !== undefined) query = query.where('videos.visibility', '=', filter.visibility);
  if (filter.owner !== undefined) query = query.where('videos.owner', '=', filter.owner);
  const { seenBy } = filter;
  if (seenBy !== undefined) {
    query = query.where(({ eb, or }) => {
      const own = eb('videos.owner', '=', seenBy);
      // What others threw away is not public any more.
      return filter.trash === true ? own : or([own, eb('videos.visibility', '=', 'public')]);
    });
  }
  if (filter.tag !== undefined) query = query.where(taggedWith(toSearchText(filter.tag)));
  for (const word of wordsOf(filter.search)) {
    const pattern = `%${word.replace(/[\\%_]/g, '\\$&')}%`;
    query = query.where(sql<boolean>`videos.search_text like ${pattern} escape '\\'`);
  }
  return query;
}

function taggedWith(key: string) {
  return sql<boolean>`exists (select 1 from video_tags where video_tags.video_id = videos.video_id and video_tags.tag_key = ${key})`;
}

function wordsOf(search: string | undefined): string[] {
  return search === undefined ? [] : [...new Set(toSearchText(search).split(' '))].filter((word) => word !== '').slice(0, maxWords);
}

/** The columns that searching and sorting need, made from what is shown. */
export function searchColumns(video: {
  title: string;
  description: string;
  tags: readonly string[];
}): Pick<Selectable<Database['videos']>, 'title_key' | 'search_text'> {
  return { title_key: toSearchText(video.title), search_text: toSearchText([video.title, ...video.tags, video.description].join(' ')) };
}
