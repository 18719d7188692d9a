/** PostgreSQL through pg: a pool of connections. */
import { type Dialect, PostgresDialect } from 'kysely';
import { GuardedDriver, type TransactionScope } from './guarded-driver.js';
import { toPostgresError } from './sql-failure.js';

export interface PostgresOptions {
  readonly url: string;
  readonly poolSize: number;
}

/** Type number of 64-bit integers, which pg would hand over as text. */
const int8 = 20;

export async function openPostgresDialect(options: PostgresOptions, scope: TransactionScope): Promise<Dialect> {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    application_name: 'weir',
    connectionTimeoutMillis: 5000,
    statement_timeout: 15_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    // Counters and counts stay far below 2^53.
    types: { getTypeParser: (type: number, format?: 'text' | 'binary') => (type === int8 ? Number : pg.types.getTypeParser(type, format as 'text')) },
  });
  // An idle connection that breaks is replaced at the next query, which also reports what is wrong.
  pool.on('error', () => undefined);
  // The same for one that breaks between two queries of a transaction; unheard, it would end the process.
  pool.on('connect', (client) => void client.on('error', () => undefined));
  const dialect = new PostgresDialect({ pool });
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => new GuardedDriver({ inner: dialect.createDriver(), scope, translate: toPostgresError }),
  };
}
