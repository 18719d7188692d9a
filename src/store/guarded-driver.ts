/**
 * What both dialects share below Kysely: failures are translated, a transaction in which a statement failed cannot commit,
 * and a query that would wait for its own transaction is refused instead.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import { WeirError } from '../contracts/index.js';
import type { FairLock } from './fair-lock.js';

/** Remembers, through every await, that the code runs inside a transaction. */
export class TransactionScope {
  readonly #storage = new AsyncLocalStorage<{ active: boolean }>();

  async run<T>(work: () => Promise<T>): Promise<T> {
    const scope = { active: true };
    try {
      return await this.#storage.run(scope, work);
    } finally {
      // What the work left running may use the store again.
      scope.active = false;
    }
  }

  get isActive(): boolean {
    return this.#storage.getStore()?.active === true;
  }
}

type Translate = (thrown: unknown) => WeirError;

class GuardedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #translate: Translate;
  /** First failure since the transaction began. */
  failure: WeirError | undefined;

  constructor(inner: DatabaseConnection, translate: Translate) {
    this.inner = inner;
    this.#translate = translate;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      return await this.inner.executeQuery<R>(query);
    } catch (error) {
      const failure = this.#translate(error);
      this.failure ??= failure;
      throw failure;
    }
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    try {
      yield* this.inner.streamQuery<R>(query, chunkSize);
    } catch (error) {
      throw this.#translate(error);
    }
  }
}

export interface GuardedDriverOptions {
  readonly inner: Driver;
  readonly scope: TransactionScope;
  readonly translate: Translate;
  /** Given where there is one connection for all. */
  readonly lock?: FairLock | undefined;
  /** Begins a transaction; default: as the inner driver does. */
  readonly begin?: ((connection: DatabaseConnection) => Promise<void>) | undefined;
}

export class GuardedDriver implements Driver {
  readonly #options: GuardedDriverOptions;

  constructor(options: GuardedDriverOptions) {
    this.#options = options;
  }

  async init(): Promise<void> {
    await this.#translated(() => this.#options.inner.init());
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#options.scope.isActive) {
      throw new WeirError('internal', 'Inside a transaction only the repositories handed to it may be used');
    }
    await this.#options.lock?.acquire();
    try {
      return new GuardedConnection(await this.#translated(() => this.#options.inner.acquireConnection()), this.#options.translate);
    } catch (error) {
      this.#options.lock?.release();
      throw error;
    }
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const guarded = connection as GuardedConnection;
    guarded.failure = undefined;
    await this.#translated(() => this.#options.begin?.(guarded.inner) ?? this.#options.inner.beginTransaction(guarded.inner, settings));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const guarded = connection as GuardedConnection;
    // PostgreSQL answers such a commit with a silent rollback; SQLite would keep the half that worked.
    if (guarded.failure !== undefined) throw guarded.failure;
    await this.#translated(() => this.#options.inner.commitTransaction(guarded.inner));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await this.#options.inner.rollbackTransaction((connection as GuardedConnection).inner);
    } catch {
      // After a full disk or a lost connection there is nothing left to roll back; the failure before is the one to report.
    }
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    try {
      await this.#options.inner.releaseConnection((connection as GuardedConnection).inner);
    } finally {
      this.#options.lock?.release();
    }
  }

  destroy(): Promise<void> {
    return this.#options.inner.destroy();
  }

  async #translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#options.translate(error);
    }
  }
}
