/** The database, and who may do what. */
import { type Access, openAccess } from '../access/index.js';
import type { Config, Roots } from '../contracts/index.js';
import { openStore, type Store } from '../store/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Closers } from './closers.js';
import type { DataFolder } from './data-folder.js';
import { localSpokeId } from './local-spoke.js';
import { localWorkerId } from './local-worker.js';

export interface HubAccessOptions {
  readonly config: Config;
  readonly data: DataFolder;
  readonly roots: Roots;
  readonly log: Logger;
  /** A spoke runs beside the hub and needs a login. */
  readonly localSpoke: boolean;
  /** A worker on videos runs beside the hub and needs a login. */
  readonly localWorker: boolean;
}

/** Opens both before the broker starts, so that it knows its users from the beginning. */
export async function openHubAccess(options: HubAccessOptions, closers: Closers): Promise<{ store: Store; access: Access }> {
  const { config, data, roots, log, localSpoke, localWorker } = options;
  const { database, access: settings } = config;
  const store = await openStore(database.url === undefined ? { path: data.database } : { url: database.url });
  closers.push({ close: () => store.stop() });
  const access = await openAccess({
    store,
    roots,
    sessionHours: settings.session_hours,
    busCredentialsS: settings.bus_credentials_s,
    localTokenPath: data.localToken,
    signingSecret: data.secret('stream-token-key'),
    jwtSecret: settings.jwt_secret,
    onFailure: (error) => log.warn({ err: error }, 'work of access control failed and is tried again'),
  });
  closers.push({ close: () => access.stop() });
  await access.admitConfiguredBusUsers(settings.bus_users);
  if (localSpoke && config.nats.url === undefined) {
    // All of them until the first look at who serves what, so that a spoke that is adopted is not cut off from its streams.
    const streams = (await store.streams.all()).map((stream) => stream.stream_id);
    await access.setSpokeLogin({ spokeId: localSpokeId, streams, password: data.secret('local-spoke-password') });
  }
  if (localWorker && config.nats.url === undefined) {
    await access.setWorkerLogin({ workerId: localWorkerId, password: data.secret('local-worker-password') });
  }
  return { store, access };
}
