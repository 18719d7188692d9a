/** Live streams of the hub, given what they need of the other parts. */
import { statfs } from 'node:fs/promises';
import type { Recordings } from '../recordings/hub/index.js';
import { type StreamsHub, startStreamsHub } from '../streams/hub/index.js';
import type { DomainParts } from './hub-domains.js';
import type { HubHealth } from './hub-health.js';
import { mediaFolders } from './spoke-settings.js';

/** Starts them after the recordings, which they ask what is to be recorded before anybody is told to start. */
export function startHubStreams(parts: DomainParts & { readonly health: HubHealth }, recordings: Recordings): Promise<StreamsHub> {
  const { config, data, log, store, access, bus, facts, isLocal, health } = parts;
  const hasOwnBroker = config.nats.url === undefined;
  return startStreamsHub({
    bus,
    store,
    log: log.child({ component: 'streams' }),
    access: {
      mayWatch: (viewer, streamId) => access.mayWatch(viewer, streamId),
      ...(hasOwnBroker ? { bindSpoke: async (spokeId, streamIds) => void (await access.bindSpoke(spokeId, streamIds)) } : {}),
    },
    settings: { ...config.streams, media_folders: mediaFolders(config) },
    facts,
    recordings,
    checkFiles: isLocal,
    health: () => health.now(),
    disk: () => diskSpace(data.path),
  });
}

async function diskSpace(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const stats = await statfs(path);
  return { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize };
}
