/** Access control without a running hub: opens the database of the data folder, under the hub's own lock. */
import { openAccess } from '../../access/index.js';
import { type Config, type RouteName, WeirError } from '../../contracts/index.js';
import type { Operations, RequestContext } from '../../http/index.js';
import { openStore } from '../../store/index.js';
import { acquireFileLock } from '../../supervisor/index.js';
import { makeDataFolder } from '../data-folder.js';
import { createAccessOperations } from '../hub-operations.js';
import { rootsOf } from '../roots.js';
import type { Client } from './client.js';

/** Opens it. Fails with `failed_precondition` when a hub works on the folder after all. */
export async function openOfflineClient(config: Config): Promise<Client> {
  const data = makeDataFolder(config.data_dir);
  const lock = acquireFileLock(data.hubLock, 'the command line');
  try {
    const store = await openStore(config.database.url === undefined ? { path: data.database } : { url: config.database.url });
    const access = await openAccess({ store, roots: rootsOf(config) });
    const operations = createAccessOperations(access, () => undefined) as Partial<Operations>;
    return {
      where: data.path,
      async call(name, input = {}) {
        const operation = operations[name] as ((input: unknown, context: RequestContext) => unknown) | undefined;
        if (operation === undefined) throw needsHub(name);
        return (await operation({ params: input.params, query: input.query, body: input.body }, localContext)) as never;
      },
      fetch: async (name) => {
        throw needsHub(name);
      },
      close: async () => {
        await access.stop();
        await store.stop();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function needsHub(name: RouteName): WeirError {
  return new WeirError('unavailable', `${name} needs a running hub`, { hint: 'Start it with `weir up`' });
}

/** The owner of the data folder may all that an admin may. */
const localContext: RequestContext = {
  principal: { kind: 'token', id: 'local', session: { user_id: null, username: 'local', role: 'admin', streams: null, expires_at: null } },
  address: 'local',
  requestId: 'local',
  traceId: 'local',
  signal: new AbortController().signal,
  header: () => undefined,
  setSession: () => undefined,
  clearSession: () => undefined,
};
