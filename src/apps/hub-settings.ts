/** Follows the configuration while the hub runs, and brings what can be changed at once into effect. */
import type { Access } from '../access/index.js';
import type { Bus } from '../bus/index.js';
import type { CameraSettings, Cameras } from '../cameras/index.js';
import type { Config } from '../contracts/index.js';
import type { Gateway } from '../gateways/index.js';
import type { HttpServer } from '../http/index.js';
import type { Recordings } from '../recordings/hub/index.js';
import type { Store } from '../store/index.js';
import type { StreamsHub } from '../streams/hub/index.js';
import type { LevelledLogger } from '../telemetry/index.js';
import type { ConfigInputs, LoadedConfig } from './config.js';
import { recordingsSettings } from './hub-domains.js';
import type { HubVideos } from './hub-videos.js';
import { atOnce, type Settings, startSettings } from './settings/index.js';

export interface FollowedParts {
  readonly loaded: LoadedConfig;
  readonly inputs: ConfigInputs;
  readonly store: Store;
  readonly bus: Bus;
  readonly log: LevelledLogger;
}

/** Who follows changes; each part has one way to be told. */
export interface ConfigurableParts {
  readonly log: Pick<LevelledLogger, 'setLevel'>;
  readonly access: Pick<Access, 'configure'>;
  readonly streams: Pick<StreamsHub, 'configure' | 'kick'>;
  readonly cameras: Pick<Cameras, 'configure'>;
  readonly recordings: Pick<Recordings, 'configure'>;
  readonly videos: Pick<HubVideos, 'configure'>;
  readonly gateway: Pick<Gateway, 'configure'>;
  /** Undefined where JSON-RPC is not served. */
  readonly rpc: Pick<NonNullable<HttpServer['rpc']>, 'configure'> | undefined;
}

/** Starts to follow the file; stop it before the database. Nothing is applied before {@link applyChanges}. */
export async function followSettings(parts: FollowedParts): Promise<Settings> {
  const { loaded, inputs, store, bus, log } = parts;
  return await startSettings({
    inputs,
    loaded,
    store,
    log,
    alerts: {
      raise: ({ kind, message, hint }) => bus.publish('alert_warning', {}, { kind, message, hint, timestamp: new Date().toISOString() }),
      clear: (kind) => bus.publish('alert_warning', {}, { kind, message: 'over', cleared: true, timestamp: new Date().toISOString() }),
    },
  });
}

/** Brings changes into effect from now on: every key that the table calls `at_once` has its listener here, and no other. */
export function applyChanges(settings: Settings, parts: ConfigurableParts, started: Config): void {
  const { log, access, streams, cameras, recordings, videos, gateway, rpc } = parts;
  let held = recordingsSettings(started);
  const record = (part: Partial<typeof held>) => {
    held = { ...held, ...part };
    recordings.configure(held);
  };
  let watched = camerasSettings(started);
  const watch = (part: Partial<typeof watched>) => {
    watched = { ...watched, ...part };
    cameras.configure(watched);
  };
  const on = <S extends keyof typeof atOnce>(section: S, listener: (now: Config[S]) => void) =>
    settings.onChange(
      section,
      ({ now }) => listener(now),
      atOnce[section].map((name) => `${section}.${name}`),
    );
  on('log', ({ level }) => log.setLevel(level === 'warning' ? 'warn' : level));
  on('access', ({ session_hours }) => access.configure({ sessionHours: session_hours }));
  on('streams', (now) => streams.configure(now));
  on('cameras', (now) => watch({ settings: now }));
  on('external_discovery', (now) => watch({ external: now }));
  on('recordings', (now) => record({ recordings: now }));
  on('snapshots', (now) => record({ snapshots: now }));
  on('storage', (now) => {
    record({ storage: now });
    // Spokes hear of it with their assignments.
    streams.kick();
  });
  on('vod', (now) => videos.configure(now));
  on('gateway', (now) => gateway.configure(now));
  if (rpc !== undefined) on('rpc', (now) => rpc.configure(now));
}

function camerasSettings({ cameras, external_discovery }: Config): CameraSettings {
  return { settings: cameras, external: external_discovery };
}
