/** Everything a spoke needs to know, in one value: written by the hub for its local spoke, or read from the configuration. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Config, configSchema, isToken, type StreamConfig, WeirError } from '../contracts/index.js';
import type { BusLoginSettings } from './connect-bus.js';

export interface SpokeSettings {
  readonly spoke_id: string;
  /** Streams it is bound to; empty: what the hub assigns. */
  readonly streams: readonly string[];
  /** Configuration of the one stream it is bound to; without it the stream waits for a `start` that brings one. */
  readonly stream_config?: StreamConfig | undefined;
  readonly login: BusLoginSettings;
  readonly inbox_prefix?: string | undefined;
  readonly root: string;
  readonly media_folders: readonly string[];
  readonly source_hosts: readonly string[];
  readonly pre_roll_s: number;
  readonly pre_roll_bytes: number;
  readonly ffmpeg: Config['ffmpeg'];
  readonly log_level: Config['log']['level'];
  /** Rotated log file; undefined: standard error. */
  readonly log_file?: string | undefined;
  /** Folder for notes of running FFmpegs. */
  readonly pid_folder: string;
  /** File in which streams that are being recorded are remembered. */
  readonly remember_file: string;
  readonly recordings: {
    /** Where it writes; on this machine the hub reads there too. */
    readonly folder: string;
    readonly block_percent: number;
    readonly min_free_bytes: number;
    readonly check_s: number;
  };
  /** Watches the capture devices of its machine; undefined: it does not. */
  readonly devices?: { readonly reconcile_s: number; readonly probe_timeout_s: number } | undefined;
}

/** What the command line and the environment say beside the configuration. */
export interface GivenSpoke {
  readonly spokeId?: string | undefined;
  readonly streams: readonly string[];
  readonly streamConfig?: StreamConfig | undefined;
}

/** What a configuration says about a spoke of its own, in a container or on another machine. */
export function spokeSettingsOf(config: Config, given: GivenSpoke): SpokeSettings {
  const { nats, streams } = config;
  if (given.streamConfig !== undefined && given.streams.length !== 1) {
    throw new WeirError('invalid_argument', 'A configuration by flags is for exactly one stream', { field: 'stream', received: given.streams });
  }
  if (nats.url === undefined) {
    throw new WeirError('invalid_argument', 'A spoke needs the address of NATS', {
      field: 'nats.url',
      hint: 'Set NATS_URL, for example nats://hub:4222',
    });
  }
  const spokeId = given.spokeId ?? defaultSpokeId(nats.user, given.streams);
  return {
    spoke_id: spokeId,
    streams: given.streams,
    stream_config: given.streamConfig,
    login: loginOf(nats),
    root: nats.root,
    media_folders: mediaFolders(config),
    source_hosts: streams.source_hosts,
    pre_roll_s: streams.pre_roll_s,
    pre_roll_bytes: streams.pre_roll_bytes,
    ffmpeg: config.ffmpeg,
    log_level: config.log.level,
    pid_folder: join(config.data_dir, 'run', 'ffmpeg'),
    remember_file: join(config.data_dir, 'run', `recorded-streams.${spokeId}.json`),
    recordings: recordingSettings(config),
    // A spoke that is bound to streams speaks for these alone.
    devices: given.streams.length > 0 ? undefined : deviceSettings(config),
  };
}

/** Where a spoke records, and when it may not. */
export function recordingSettings(config: Config): SpokeSettings['recordings'] {
  const { block_percent, min_free_bytes, check_s } = config.storage;
  return { folder: recordingsFolder(config), block_percent, min_free_bytes, check_s };
}

/** Folder that recordings are kept in. */
export function recordingsFolder(config: Config): string {
  return config.recordings.folder ?? join(config.data_dir, 'recordings');
}

/** How a spoke looks after the capture devices of its machine; undefined: not at all. */
export function deviceSettings({ cameras }: Config): SpokeSettings['devices'] {
  return cameras.discover ? { reconcile_s: cameras.reconcile_s, probe_timeout_s: cameras.probe_timeout_s } : undefined;
}

/** Folders whose files may be streamed. */
export function mediaFolders(config: Config): string[] {
  return config.streams.media_folders.length > 0 ? config.streams.media_folders : [join(config.data_dir, 'media')];
}

/** The part of the configuration that tells how to log in to NATS. */
export function loginOf(nats: Config['nats']): BusLoginSettings {
  const { url, user, password, token, nkey_seed_file, credentials_file, tls } = nats;
  return { url, user, password, token, nkey_seed_file, credentials_file, tls };
}

/** The bus user's name, since its permissions are made for it; else the stream's, else the machine's. */
function defaultSpokeId(user: string | undefined, streams: readonly string[]): string {
  const candidates = [user, streams.length === 1 ? streams[0] : undefined, hostname().split('.')[0]];
  return candidates.find((name) => name !== undefined && isToken(name)) ?? 'spoke';
}

/** Reads what the hub wrote. */
export function readSpokeSettings(file: string): SpokeSettings {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as SpokeSettings;
    configSchema.shape.ffmpeg.parse(value.ffmpeg);
    return value;
  } catch (cause) {
    throw new WeirError('invalid_argument', `${file} holds no settings of a spoke`, { field: 'settings', received: file, cause });
  }
}
