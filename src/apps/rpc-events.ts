/** Feeds JSON-RPC with what happens in the hub: cameras, recordings, snapshots, health, gateway. */
import type { Cameras } from '../cameras/index.js';
import type { Gateway } from '../gateways/index.js';
import { createRpcEventFeed, type RpcEvents } from '../http/index.js';
import type { Recordings } from '../recordings/hub/index.js';
import type { Logger } from '../telemetry/index.js';
import type { HubHealth } from './hub-health.js';
import { buildDate, version } from './version.js';

export interface HubRpcEvents {
  readonly events: RpcEvents;
  /** The hub is ready. */
  started(): void;
  /** The hub is about to stop. */
  stopping(reason: string): void;
  stop(): void;
}

/** Listens to all of them until stopped. */
export function feedRpc(hub: {
  readonly cameras: Cameras;
  readonly recordings: Recordings;
  readonly gateway: Gateway;
  readonly health: HubHealth;
  readonly log: Logger;
}): HubRpcEvents {
  const { cameras, recordings, gateway, health, log } = hub;
  const feed = createRpcEventFeed(
    (error) => log.warn({ err: error }, 'a client of JSON-RPC could not be told of an event'),
    (cameraId, host) => cameras.get(cameraId, host)?.streams,
  );
  const ends = [
    cameras.onChange(feed.camera),
    recordings.onChange(feed.recording),
    gateway.onEvent(feed.gateway),
    health.onChange(() => feed.health(health.now())),
  ];
  return {
    events: feed.events,
    started: () => feed.startup(version, buildDate()),
    stopping: feed.shutdown,
    stop() {
      for (const end of ends) end();
    },
  };
}
