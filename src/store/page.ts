/** Lists that are read page by page. */
import { WeirError } from '../contracts/index.js';

export interface PageQuery {
  /** Most items of this page. */
  readonly limit: number;
  /** `next_cursor` of the page before; left out for the first. */
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  readonly items: T[];
  /** Null on the last page. */
  readonly next_cursor: string | null;
}

/** Cuts one more row than asked into a page; `key` names the place of a row in the order of the list. */
export function toPage<Row, T>(rows: readonly Row[], limit: number, key: (row: Row) => string | number, toItem: (row: Row) => T): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(toItem), next_cursor: more ? Buffer.from(String(key(last))).toString('base64url') : null };
}

/** The key that a cursor carries; undefined for the first page. Throws `invalid_argument` for what no page ever gave out. */
export function parseTextCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (key === '' || Buffer.from(key).toString('base64url') !== cursor) throw cursorError(cursor);
  return key;
}

/** As {@link parseTextCursor}, for lists that are ordered by a number. */
export function parseNumberCursor(cursor: string | undefined): number | undefined {
  const key = parseTextCursor(cursor);
  if (key === undefined || cursor === undefined) return undefined;
  const number = Number(key);
  if (!/^\d+$/.test(key) || !Number.isSafeInteger(number)) throw cursorError(cursor);
  return number;
}

function cursorError(cursor: string): WeirError {
  return new WeirError('invalid_argument', 'cursor is not one that a page gave out', { field: 'cursor', received: cursor.slice(0, 120) });
}
