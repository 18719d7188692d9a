/** Opens the database. */
import { type Dialect, Kysely, sql } from 'kysely';
import { WeirError } from '../contracts/index.js';
import { createAlertRepository } from './alerts.js';
import { createAuditRepository } from './audit.js';
import { createBusLoginRepository } from './bus-logins.js';
import { createBusUserRepository } from './bus-users.js';
import { createCallbackRepository } from './callbacks.js';
import { createCameraRepository, createExternalStreamRepository } from './cameras.js';
import type { Database } from './database.js';
import { createDeadLetterRepository } from './dead-letters.js';
import { createExportRepository } from './exports.js';
import { TransactionScope } from './guarded-driver.js';
import { createJobRepository } from './jobs.js';
import { type DialectName, migrate } from './migrations.js';
import { createOutboxRepository } from './outbox.js';
import { openPostgresDialect } from './postgres.js';
import { createRecordingRepository } from './recordings.js';
import type { Repositories, Transaction } from './repositories.js';
import { createSessionRepository } from './sessions.js';
import { createSettingRepository } from './settings.js';
import { createSettingsVersionRepository } from './settings-versions.js';
import { createSnapshotRepository } from './snapshots.js';
import { createSpokeRepository } from './spokes.js';
import { isCollision } from './sql-failure.js';
import { openSqliteDialect } from './sqlite.js';
import { createStreamRepository } from './streams.js';
import { createTokenRepository } from './tokens.js';
import { createUploadRepository } from './uploads.js';
import { createUserRepository } from './users.js';
import { createVideoRepository } from './videos.js';

export interface OpenStoreOptions {
  /** `postgres://…`; left out: SQLite at `path`. */
  readonly url?: string | undefined;
  /** SQLite file, made (mode 0600) when missing; `:memory:` for one that is gone at the end. Needed when `url` is left out. */
  readonly path?: string | undefined;
  /** Most connections to PostgreSQL; default 10. */
  readonly poolSize?: number | undefined;
}

/** The open database. Repositories outside of `transaction` commit each call on their own. */
export interface Store extends Repositories {
  readonly dialect: 'sqlite' | 'postgres';
  /**
   * Runs `work` in one transaction: all of it is kept, or nothing when `work` throws or one of its statements failed. Use only the
   * repositories handed to `work` in there; the store's own would wait for ever and therefore throw `internal`. Keep it short: on
   * SQLite everyone else waits. On PostgreSQL `work` may be run again, up to three times, after a serialisation failure or deadlock.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Calls back after each commit that left something in the outbox. Returns the way to unsubscribe. */
  onOutbox(listener: () => void): () => void;
  /** Runs `work` unless somebody, also another hub on the same database, runs one under that name; false when so. */
  exclusive(name: string, work: (repositories: Repositories) => Promise<void>): Promise<boolean>;
  /** One read; throws `unavailable` when the database does not answer. */
  check(): Promise<void>;
  /** Waits for what runs, then closes. Safe to call twice. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const maxTries = 3;

/** Opens the database and brings its tables up to date. Throws `failed_precondition` when a newer Weir has written it. */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const scope = new TransactionScope();
  const dialectName: DialectName = options.url === undefined ? 'sqlite' : 'postgres';
  const db = new Kysely<Database>({ dialect: await openDialect(options, scope) });
  try {
    await migrate(db, dialectName);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return createStore(db, dialectName, scope);
}

function openDialect({ url, path, poolSize = 10 }: OpenStoreOptions, scope: TransactionScope): Promise<Dialect> {
  if (url !== undefined) {
    if (!/^postgres(?:ql)?:\/\//.test(url)) {
      throw new WeirError('invalid_argument', 'database.url must begin with postgres://', {
        field: 'database.url',
        hint: 'leave it out to use SQLite',
      });
    }
    return openPostgresDialect({ url, poolSize }, scope);
  }
  if (path === undefined) throw new WeirError('invalid_argument', 'Name a file or an address for the database', { field: 'database.url' });
  return openSqliteDialect(path, scope);
}

function createStore(db: Kysely<Database>, dialect: DialectName, scope: TransactionScope): Store {
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of listeners) listener();
  };
  const repositories = createRepositories(db, notify);
  const exclusive = dialect === 'sqlite' ? exclusiveHere(repositories) : exclusiveEverywhere(db);
  let stopping: Promise<void> | undefined;

  const store: Store = {
    ...repositories,
    dialect,
    async transaction(work) {
      for (let attempt = 1; ; attempt++) {
        let added = false;
        try {
          const result = await db.transaction().execute((trx) => {
            const inside = createRepositories(trx, () => {
              added = true;
            });
            return scope.run(() => work({ ...inside, lock: (name) => lock(trx, dialect, name) }));
          });
          if (added) notify();
          return result;
        } catch (error) {
          if (attempt >= maxTries || !isCollision(error)) throw error;
        }
      }
    },
    onOutbox(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    exclusive,
    async check() {
      await sql`select 1`.execute(db);
    },
    stop() {
      stopping ??= db.destroy();
      return stopping;
    },
    [Symbol.asyncDispose]: () => store.stop(),
  };
  return store;
}

function createRepositories(db: Kysely<Database>, onOutboxAdd: () => void): Repositories {
  return {
    streams: createStreamRepository(db),
    users: createUserRepository(db),
    sessions: createSessionRepository(db),
    tokens: createTokenRepository(db),
    bus_users: createBusUserRepository(db),
    bus_logins: createBusLoginRepository(db),
    alerts: createAlertRepository(db),
    audit: createAuditRepository(db),
    outbox: createOutboxRepository(db, onOutboxAdd),
    settings: createSettingRepository(db),
    settings_versions: createSettingsVersionRepository(db),
    spokes: createSpokeRepository(db),
    cameras: createCameraRepository(db),
    external_streams: createExternalStreamRepository(db),
    recordings: createRecordingRepository(db),
    snapshots: createSnapshotRepository(db),
    exports: createExportRepository(db),
    jobs: createJobRepository(db),
    dead_letters: createDeadLetterRepository(db),
    callbacks: createCallbackRepository(db),
    videos: createVideoRepository(db),
    uploads: createUploadRepository(db),
  };
}

async function lock(trx: Kysely<Database>, dialect: DialectName, name: string): Promise<void> {
  // SQLite admits one writing transaction at a time, so the lock is held already.
  if (dialect === 'postgres') await sql`select pg_advisory_xact_lock(hashtext(${name}))`.execute(trx);
}

/** One process owns an SQLite file, so a set of names is enough. */
function exclusiveHere(repositories: Repositories): Store['exclusive'] {
  const running = new Set<string>();
  return async (name, work) => {
    if (running.has(name)) return false;
    running.add(name);
    try {
      await work(repositories);
      return true;
    } finally {
      running.delete(name);
    }
  };
}

/** The lock ends with its transaction, whatever becomes of the process that holds it. */
function exclusiveEverywhere(db: Kysely<Database>): Store['exclusive'] {
  return (name, work) =>
    db.transaction().execute(async (trx) => {
      const { rows } = await sql<{ taken: boolean }>`select pg_try_advisory_xact_lock(hashtext(${name})) as taken`.execute(trx);
      if (rows[0]?.taken !== true) return false;
      await work(createRepositories(trx, () => undefined));
      return true;
    });
}
