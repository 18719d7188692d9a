/** Opens the database. */
import type { Repositories, Transaction } from './repositories.js';

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
   * Runs `work` in one transaction: all of it is kept, or nothing when `work` throws. Use only the repositories handed to `work`
   * in there; the store's own would wait for ever and therefore throw `internal`. Keep it short: on SQLite everyone else waits.
   * On PostgreSQL `work` may be run again after a serialisation failure or deadlock.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Calls back after each commit that left something in the outbox. Returns the way to unsubscribe. */
  onOutbox(listener: () => void): () => void;
  /** Runs `work` unless another hub on the same database runs one under that name; false when so. */
  exclusive(name: string, work: (repositories: Repositories) => Promise<void>): Promise<boolean>;
  /** One read; throws `unavailable` when the database does not answer. */
  check(): Promise<void>;
  /** Waits for what runs, then closes. Safe to call twice. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens the database and brings its tables up to date. Throws `failed_precondition` when a newer Weir has written it. */
export declare function openStore(options: OpenStoreOptions): Promise<Store>;
