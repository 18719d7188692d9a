/** The spoke that `weir up` keeps beside the hub: a process of its own that outlives a crashed hub and is adopted by the next. */
import { join } from 'node:path';
import type { Config } from '../contracts/index.js';
import type { SupervisedProcess } from '../supervisor/index.js';
import type { BusLoginSettings } from './connect-bus.js';
import type { DataFolder } from './data-folder.js';
import { superviseLocalAgent } from './local-agent.js';
import { deviceSettings, mediaFolders, recordingSettings, type SpokeSettings } from './spoke-settings.js';

/** Its id is also part of its bus login: `spoke-local`. */
export const localSpokeId = 'local';

export interface LocalSpokeOptions {
  readonly config: Config;
  readonly data: DataFolder;
  readonly login: BusLoginSettings;
  readonly inboxPrefix: string | undefined;
}

/** Starts or adopts it. A running one with other settings is replaced, unless it can go on with its own. */
export function superviseLocalSpoke(options: LocalSpokeOptions): SupervisedProcess {
  const { data } = options;
  const settings = settingsOf(options);
  return superviseLocalAgent({
    data,
    name: 'the local spoke',
    command: 'spoke',
    settings,
    settingsFile: data.spokeSettings,
    recordFile: data.spokeRecord,
    pidFolder: data.spokePids,
    keptWhile: keptWhile(settings),
  });
}

/**
 * What a running spoke must have been started with to be kept. The limits of storage reach it with each assignment, and how much it logs
 * is not worth a gap in every recording: it takes that up when it is next started.
 */
export function keptWhile(settings: SpokeSettings): string {
  const { log_level: _level, recordings, ...rest } = settings;
  return JSON.stringify({ ...rest, recordings_folder: recordings.folder });
}

/** What it is started with. */
export function settingsOf({ config, data, login, inboxPrefix }: LocalSpokeOptions): SpokeSettings {
  return {
    spoke_id: localSpokeId,
    streams: [],
    login,
    inbox_prefix: inboxPrefix,
    root: config.nats.root,
    media_folders: mediaFolders(config),
    source_hosts: config.streams.source_hosts,
    pre_roll_s: config.streams.pre_roll_s,
    pre_roll_bytes: config.streams.pre_roll_bytes,
    ffmpeg: config.ffmpeg,
    log_level: config.log.level,
    log_file: join(data.logFolder, 'spoke.log'),
    pid_folder: data.spokePids,
    remember_file: data.recordedStreams,
    recordings: recordingSettings(config),
    devices: deviceSettings(config),
  };
}
