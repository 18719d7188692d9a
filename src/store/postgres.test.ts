import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WeirError } from '../contracts/index.js';
import { freePort, startTestPostgres, type TestPostgres, waitFor, withoutPostgres } from '../testkit/index.js';
import { openStore, type Store } from './open-store.js';
import { describeStore } from './store.suite.js';

let server: TestPostgres;

describe('PostgreSQL', { skip: withoutPostgres, concurrency: false }, () => {
  before(async () => {
    server = await startTestPostgres();
  });
  after(() => server.stop());

  describeStore('PostgreSQL', async () => {
    const { schema, url } = await server.newSchema();
    const open = () => openStore({ url, poolSize: 4 });
    const store = await open();
    return {
      store,
      reopen: open,
      drop: async () => {
        await store.stop();
        await server.query(`drop schema ${schema} cascade`);
      },
    };
  });

  it('is refused when a newer Weir wrote it', async () => {
    await withSchema(async (schema, store) => {
      await server.query(`insert into ${schema}.weir_migration (name, timestamp) values ('9999_future', 'x')`);
      await assert.rejects(openStore({ url: server.urlOf(schema) }), withCode('failed_precondition'));
      assert.equal(await store.streams.count(), 0);
    });
  });

  it('several hubs may open an empty database at once', async () => {
    const { schema } = await server.newSchema();
    const stores = await Promise.all(Array.from({ length: 3 }, () => openStore({ url: server.urlOf(schema), poolSize: 2 })));
    for (const store of stores) {
      await store.check();
      await store.stop();
    }
    await server.query(`drop schema ${schema} cascade`);
  });

  it('a deadlock between two transactions is run again, not reported', async () => {
    await withSchema(async (_schema, store) => {
      await store.settings.set('a', 0);
      await store.settings.set('b', 0);
      let met = 0;
      let go: () => void = () => undefined;
      const both = new Promise<void>((resolve) => {
        go = resolve;
      });
      const crossing = (first: string, second: string) =>
        store.transaction(async (tx) => {
          await tx.settings.set(first, 1);
          if (++met === 2) go();
          await both;
          await tx.settings.set(second, 1);
        });
      await Promise.all([crossing('a', 'b'), crossing('b', 'a')]);
      assert.ok(met >= 3, 'one of the two ran again');
    });
  });

  it('a connection cut by the server is unavailable once and replaced', async () => {
    await withSchema(async (_schema, store) => {
      const cut = store.transaction(async (tx) => {
        await tx.settings.set('a', 1);
        await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'weir'`);
        await tx.settings.set('b', 1);
      });
      await assert.rejects(cut, withCode('unavailable'));
      await waitFor(() => store.check().then(() => true), { what: 'a new connection' });
      assert.equal(await store.settings.get('a'), undefined);
    });
  });

  it('wrong password or no server is told by code', async () => {
    await assert.rejects(openStore({ url: server.urlOf('public').replace('/postgres', '/nosuchdatabase') }), withCode('failed_precondition'));
    const free = await freePort();
    await assert.rejects(openStore({ url: `postgres://weir@127.0.0.1:${free}/weir` }), withCode('unavailable'));
  });
});

const withCode = (code: string) => (error: unknown) => {
  assert.ok(error instanceof WeirError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

async function withSchema(body: (schema: string, store: Store) => Promise<void>): Promise<void> {
  const { schema } = await server.newSchema();
  const store = await openStore({ url: server.urlOf(schema), poolSize: 4 });
  try {
    await body(schema, store);
  } finally {
    await store.stop();
    await server.query(`drop schema ${schema} cascade`);
  }
}
