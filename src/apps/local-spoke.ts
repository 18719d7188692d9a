/** The spoke that `weir up` keeps beside the hub: a process of its own that outlives a crashed hub and is adopted by the next. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../contracts/index.js';
import { type SupervisedProcess, superviseProcess, writeFileAtomic } from '../supervisor/index.js';
import type { BusLoginSettings } from './connect-bus.js';
import type { DataFolder } from './data-folder.js';
import { deviceSettings, mediaFolders, recordingSettings, type SpokeSettings } from './spoke-settings.js';
import { cliFile, version } from './version.js';

/** Its id is also part of its bus login: `spoke-local`. */
export const localSpokeId = 'local';

export interface LocalSpokeOptions {
  readonly config: Config;
  readonly data: DataFolder;
  readonly login: BusLoginSettings;
  readonly inboxPrefix: string | undefined;
}

/** Writes its settings (0600) and starts or adopts it. A running one with other settings is replaced, unless it can go on with its own. */
export function superviseLocalSpoke(options: LocalSpokeOptions): SupervisedProcess {
  const { data } = options;
  const settings = settingsOf(options);
  writeFileAtomic(data.spokeSettings, `${JSON.stringify(settings, null, 2)}\n`);
  mkdirSync(data.spokePids, { recursive: true, mode: 0o700 });
  // What it says outside its log, when it dies, goes to a file: a pipe to us would end it with us.
  const output = { file: join(data.logFolder, 'spoke.stderr') };
  return superviseProcess({
    name: 'the local spoke',
    recordFile: data.spokeRecord,
    fingerprint: fingerprintOf(settings),
    command: () => ({
      command: process.execPath,
      args: [cliFile, 'spoke', '--settings', data.spokeSettings],
      cwd: data.path,
      stdout: output,
      stderr: output,
    }),
    restart: { immediate: 1, initialMs: 250, maxMs: 5000 },
    ladder: [
      { signal: 'SIGTERM', waitMs: 5000 },
      { signal: 'SIGKILL', waitMs: 2000 },
    ],
  });
}

/**
 * What a running spoke must have been started with to be kept. The limits of storage reach it with each assignment, and how much it logs
 * is not worth a gap in every recording: it takes that up when it is next started.
 */
export function fingerprintOf(settings: SpokeSettings): string {
  const { log_level: _level, recordings, ...rest } = settings;
  const text = JSON.stringify({ ...rest, recordings_folder: recordings.folder });
  return createHash('sha256').update(`${version} ${process.version} ${cliFile} ${text}`).digest('hex');
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
