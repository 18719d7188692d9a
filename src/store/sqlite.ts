/** SQLite through better-sqlite3: one file, one connection, write-ahead log. */
import { chmod, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { CompiledQuery, type Dialect, type SqliteDatabase, SqliteDialect } from 'kysely';
import { FairLock } from './fair-lock.js';
import { GuardedDriver, type TransactionScope } from './guarded-driver.js';
import { toSqlError } from './sql-failure.js';

/** While another program holds the file this thread stands still, so not for long. */
const busyTimeoutMs = 1000;
const maxStatements = 500;

/** Opens or makes the file (0600, its folder 0700). Throws `unavailable` when it is damaged or cannot be written. */
export async function openSqliteDialect(path: string, scope: TransactionScope): Promise<Dialect> {
  try {
    if (path !== ':memory:') await makePrivateFile(path);
    // Loaded only where it is used: a hub on PostgreSQL needs no SQLite in its memory.
    const { default: Sqlite } = await import('better-sqlite3');
    const database = new Sqlite(path, { timeout: busyTimeoutMs });
    try {
      prepare(database);
    } catch (error) {
      database.close();
      throw error;
    }
    return guardedDialect(database, scope);
  } catch (error) {
    throw toSqlError(error);
  }
}

/** The log beside the file takes over the file's mode. */
async function makePrivateFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'a', 0o600);
  await file.close();
  await chmod(path, 0o600);
}

function prepare(database: BetterSqlite3.Database): void {
  database.pragma('journal_mode = WAL');
  // With a write-ahead log this loses at most the last commits on power loss, never the file.
  database.pragma('synchronous = NORMAL');
  database.pragma('foreign_keys = ON');
  database.pragma('journal_size_limit = 67108864');
  // Reads the header: a damaged file is found here and not at the first request.
  database.pragma('schema_version');
}

function guardedDialect(database: BetterSqlite3.Database, scope: TransactionScope): Dialect {
  const dialect = new SqliteDialect({ database: withStatementCache(database) });
  const lock = new FairLock();
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () =>
      new GuardedDriver({
        inner: dialect.createDriver(),
        scope,
        translate: toSqlError,
        lock,
        // Takes the write lock at once: a transaction that reads first could otherwise not write after another program did.
        begin: async (connection) => {
          await connection.executeQuery(CompiledQuery.raw('begin immediate'));
        },
      }),
  };
}

/** Compiling a statement costs more than running it; the texts are few because values are bound. */
function withStatementCache(database: BetterSqlite3.Database): SqliteDatabase {
  const statements = new Map<string, ReturnType<SqliteDatabase['prepare']>>();
  return {
    close: () => void database.close(),
    prepare(sql) {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      const statement = database.prepare(sql) as ReturnType<SqliteDatabase['prepare']>;
      for (const oldest of statements.keys()) {
        if (statements.size < maxStatements) break;
        statements.delete(oldest);
      }
      statements.set(sql, statement);
      return statement;
    },
  };
}
