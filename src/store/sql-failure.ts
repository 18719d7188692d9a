/** The one translator from failures of SQLite and PostgreSQL to our error codes; by code, never by message. */
import { type ErrorCode, WeirError } from '../contracts/index.js';

interface Verdict {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

const diskFull: Verdict = { code: 'resource_exhausted', message: 'The disk of the database is full', hint: 'free some space; nothing was changed' };
const busy: Verdict = { code: 'unavailable', message: 'The database is busy with another program', hint: 'try again; is a second hub running?' };
const damaged: Verdict = {
  code: 'unavailable',
  message: 'The database file is damaged or is not a database',
  hint: 'stop Weir and restore the file from a backup',
};
const unreadable: Verdict = {
  code: 'unavailable',
  message: 'The database file cannot be read or written',
  hint: 'look at the disk and at the rights of the data folder',
};
const taken: Verdict = { code: 'already_exists', message: 'There is one by that name already' };
const bound: Verdict = { code: 'failed_precondition', message: 'Something else still refers to it, or what it refers to is gone' };
const unreachable: Verdict = { code: 'unavailable', message: 'The database cannot be reached', hint: 'check database.url and the server behind it' };
const collided: Verdict = { code: 'unavailable', message: 'Another change came first', hint: 'try again' };
const refused: Verdict = {
  code: 'failed_precondition',
  message: 'The database refused the login',
  hint: 'check the user, password and name in database.url',
};

/** By the whole code, else by its first part: `SQLITE_IOERR_WRITE` is found under `SQLITE_IOERR`. */
const sqliteVerdicts: Readonly<Record<string, Verdict>> = {
  SQLITE_FULL: diskFull,
  SQLITE_BUSY: busy,
  SQLITE_LOCKED: busy,
  SQLITE_CORRUPT: damaged,
  SQLITE_NOTADB: damaged,
  SQLITE_READONLY: unreadable,
  SQLITE_CANTOPEN: unreadable,
  SQLITE_IOERR: unreadable,
  SQLITE_PERM: unreadable,
  SQLITE_CONSTRAINT_UNIQUE: taken,
  SQLITE_CONSTRAINT_PRIMARYKEY: taken,
  SQLITE_CONSTRAINT_FOREIGNKEY: bound,
  EACCES: unreadable,
  EROFS: unreadable,
  ENOSPC: diskFull,
};

/** By the whole SQLSTATE or error code of Node, else by its class: the first two characters. */
const postgresVerdicts: Readonly<Record<string, Verdict>> = {
  '08': unreachable,
  '23505': taken,
  '23503': bound,
  '28': refused,
  '3D': refused,
  '40001': collided,
  '40P01': collided,
  '53100': diskFull,
  '53': { code: 'unavailable', message: 'The database has no room for another connection or query', hint: 'try again' },
  '55P03': busy,
  '57014': { code: 'deadline_exceeded', message: 'The database took too long' },
  '57P': unreachable,
  XX: damaged,
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  EPIPE: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  ETIMEDOUT: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ENOENT: unreachable,
};

/** What a failing query or connection means. What is not known becomes `internal` and keeps its cause. */
export function toSqlError(thrown: unknown): WeirError {
  if (thrown instanceof WeirError) return thrown;
  const code = codeOf(thrown);
  const verdict = code === undefined ? undefined : verdictOf(code);
  return verdict === undefined ? WeirError.from(thrown) : toError(verdict, thrown);
}

function toError({ code, message, hint }: Verdict, cause: unknown): WeirError {
  return new WeirError(code, message, { cause, ...(hint === undefined ? {} : { hint }) });
}

/** As {@link toSqlError}; pg reports a broken or late connection as a bare error without a code, whatever the server says has one. */
export function toPostgresError(thrown: unknown): WeirError {
  const isBare = thrown instanceof Error && thrown.constructor === Error && codeOf(thrown) === undefined;
  return isBare ? toError(unreachable, thrown) : toSqlError(thrown);
}

/** For `catch` of an insertion: says which field holds what is taken already. Other failures stay as they are. */
export function namesTaken(field: string, received: string, what: string): (thrown: unknown) => never {
  return (thrown) => {
    const error = toSqlError(thrown);
    if (error.code !== 'already_exists') throw error;
    throw new WeirError('already_exists', `There is a ${what} ${received} already`, { field, received, cause: error });
  };
}

/** True when running the whole transaction again may succeed. */
export function isCollision(error: unknown): boolean {
  const code = error instanceof WeirError ? codeOf(error.cause) : undefined;
  return code === '40001' || code === '40P01';
}

function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const code = (thrown as { code?: unknown }).code;
  if (typeof code === 'string') return code;
  // Node reports a host with several addresses as one error with many inside.
  if (thrown instanceof AggregateError) return codeOf(thrown.errors[0]);
  return undefined;
}

function verdictOf(code: string): Verdict | undefined {
  if (code.startsWith('SQLITE_')) return sqliteVerdicts[code] ?? sqliteVerdicts[code.split('_').slice(0, 2).join('_')];
  return postgresVerdicts[code] ?? postgresVerdicts[code.slice(0, 3)] ?? postgresVerdicts[code.slice(0, 2)] ?? sqliteVerdicts[code];
}
