/** Identifiers that become bus tokens, file names and URL parts; one alphabet for all of them. */
import { z } from 'zod';
import { WeirError } from './errors.js';

export const tokenPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** 1 to 64 characters of `A-Z a-z 0-9 _ -`, starting with a letter or digit: safe as NATS token, JetStream name, file name and URL part. */
export const idSchema = z.string().regex(tokenPattern, 'use 1 to 64 letters, digits, "_" or "-", starting with a letter or digit');

/** No stream is made under these: the interface has pages there (`/streams/new`). */
export const reservedStreamIds: ReadonlySet<string> = new Set(['new', 'add']);

export const streamIdSchema = idSchema.describe('id of the stream');
export const spokeIdSchema = idSchema.describe('id of the spoke');

/** True when `value` may stand as one token of a subject. */
export function isToken(value: string): boolean {
  return tokenPattern.test(value);
}

/** Throws `invalid_argument` when `value` may not stand as one token of a subject. */
export function checkToken(field: string, value: string): string {
  if (isToken(value)) return value;
  throw new WeirError('invalid_argument', `${field} must be 1 to 64 letters, digits, "_" or "-", starting with a letter or digit`, {
    field,
    received: value.slice(0, 120),
  });
}

/** RFC 3339 time, as every `timestamp` on the wire. Written by us with milliseconds and `Z`. */
export const timestampSchema = z.iso.datetime({ offset: true });
