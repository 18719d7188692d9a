/** One HTTP route, and the parts that many routes share. */
import { z } from 'zod';
import type { Role } from '../roles.js';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Path below the hub's root with `{parameter}` parts. */
  readonly path: string;
  /** Least role; `anyone` needs no login. */
  readonly role: Role | 'anyone';
  readonly summary: string;
  readonly tag: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Schema of the JSON answer; absent where the answer is not JSON (`produces`) or empty (204). */
  readonly answer?: z.ZodType;
  readonly status?: 200 | 201 | 202 | 204;
  /** Media type of an answer that is not JSON. */
  readonly produces?: string;
  /** Media type of a body that is not JSON: it is handed to the operation as it comes, unread. */
  readonly consumes?: string;
  /** Also answers clients that are not signed in yet within this many requests per minute and address. */
  readonly rateLimitPerMinute?: number;
}

/** Pages: `limit` items from `cursor`; `next_cursor` is null on the last page. */
export const pageQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(100), cursor: z.string().max(200).optional() });
export function page<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}
