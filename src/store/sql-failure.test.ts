import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type ErrorCode, WeirError } from '../contracts/index.js';
import { isCollision, toPostgresError, toSqlError } from './sql-failure.js';

const failure = (code: string, message = 'said by the database') => Object.assign(new Error(message), { code });

const table: readonly (readonly [string, ErrorCode])[] = [
  ['SQLITE_FULL', 'resource_exhausted'],
  ['SQLITE_BUSY', 'unavailable'],
  ['SQLITE_BUSY_SNAPSHOT', 'unavailable'],
  ['SQLITE_CORRUPT', 'unavailable'],
  ['SQLITE_NOTADB', 'unavailable'],
  ['SQLITE_IOERR_FSYNC', 'unavailable'],
  ['SQLITE_READONLY_DBMOVED', 'unavailable'],
  ['SQLITE_CANTOPEN', 'unavailable'],
  ['SQLITE_CONSTRAINT_UNIQUE', 'already_exists'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'already_exists'],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 'failed_precondition'],
  ['SQLITE_CONSTRAINT_NOTNULL', 'internal'],
  ['SQLITE_ERROR', 'internal'],
  ['EACCES', 'unavailable'],
  ['ENOSPC', 'resource_exhausted'],
  ['23505', 'already_exists'],
  ['23503', 'failed_precondition'],
  ['23502', 'internal'],
  ['40001', 'unavailable'],
  ['40P01', 'unavailable'],
  ['53100', 'resource_exhausted'],
  ['53300', 'unavailable'],
  ['57014', 'deadline_exceeded'],
  ['57P01', 'unavailable'],
  ['08006', 'unavailable'],
  ['28P01', 'failed_precondition'],
  ['3D000', 'failed_precondition'],
  ['42703', 'internal'],
  ['ECONNREFUSED', 'unavailable'],
];

for (const [code, expected] of table) {
  it(`${code} is ${expected}`, () => {
    const cause = failure(code);
    const error = toSqlError(cause);
    assert.equal(error.code, expected);
    assert.equal(error.cause, cause);
    // What the database says may quote values; it stays inside.
    assert.doesNotMatch(error.toProblem().detail, /said by the database/);
  });
}

it('our own errors pass unchanged', () => {
  const own = new WeirError('not_found', 'gone');
  assert.equal(toSqlError(own), own);
  assert.equal(toPostgresError(own), own);
});

it('a host with several addresses is told by the first of its failures', () => {
  assert.equal(toSqlError(new AggregateError([failure('ECONNREFUSED'), failure('ECONNREFUSED')])).code, 'unavailable');
});

it('a bare error is a broken connection for PostgreSQL only; a fault of ours is not', () => {
  assert.equal(toPostgresError(new Error('no words we look at')).code, 'unavailable');
  assert.equal(toSqlError(new Error('no words we look at')).code, 'internal');
  assert.equal(toPostgresError(new TypeError('x is not a function')).code, 'internal');
});

it('only collisions are run again', () => {
  assert.equal(isCollision(toSqlError(failure('40001'))), true);
  assert.equal(isCollision(toSqlError(failure('40P01'))), true);
  assert.equal(isCollision(toSqlError(failure('SQLITE_BUSY'))), false);
  assert.equal(isCollision(failure('40001')), false);
});
