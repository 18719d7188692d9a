/** Everything a worker on videos needs to know, in one value: written by the hub for its local worker, or read from the configuration. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Config, configSchema, isToken, type Roots, WeirError } from '../contracts/index.js';
import type { BusLoginSettings } from './connect-bus.js';
import { dataFolderAt } from './data-folder.js';
import { rootsOf } from './roots.js';
import { loginOf } from './spoke-settings.js';

export interface WorkerSettings {
  readonly worker_id: string;
  readonly login: BusLoginSettings;
  readonly inbox_prefix?: string | undefined;
  readonly roots: Roots;
  readonly ffmpeg: Config['ffmpeg'];
  /** Jobs at once; 0: by measured load. */
  readonly slots: number;
  /** Folders it may read sources from and write results to; nothing else, whoever asks. */
  readonly folders: { readonly sources: readonly string[]; readonly outputs: readonly string[] };
  readonly log_level: Config['log']['level'];
  /** Rotated log file; undefined: standard error. */
  readonly log_file?: string | undefined;
  /** Folder for notes of running FFmpegs. */
  readonly pid_folder: string;
  /** Where it is remembered which encoders work. */
  readonly encoders_file: string;
}

/** What a configuration says about a worker of its own, in a container or on another machine. */
export function workerSettingsOf(config: Config, given: { readonly workerId?: string | undefined }): WorkerSettings {
  const { nats } = config;
  if (nats.url === undefined) {
    throw new WeirError('invalid_argument', 'A worker needs the address of NATS', {
      field: 'nats.url',
      hint: 'Set NATS_URL, for example nats://hub:4222',
    });
  }
  const data = dataFolderAt(config.data_dir);
  return {
    worker_id: given.workerId ?? [nats.user, hostname().split('.')[0]].find((name) => name !== undefined && isToken(name)) ?? 'worker',
    login: loginOf(nats),
    roots: rootsOf(config),
    ffmpeg: config.ffmpeg,
    slots: config.vod.slots,
    folders: videoFolders(config),
    log_level: config.log.level,
    pid_folder: data.workerPids,
    encoders_file: data.workerEncoders,
  };
}

/** Where sources may lie and results may go. */
export function videoFolders(config: Config): { sources: string[]; outputs: string[]; uploads: string; library: string } {
  const { vod, data_dir: data } = config;
  const uploads = vod.upload_folder ?? join(data, 'uploads');
  const library = vod.folder ?? join(data, 'videos');
  return { uploads, library, sources: [uploads, ...vod.source_folders], outputs: [library, ...vod.output_folders] };
}

/** Reads what the hub wrote. */
export function readWorkerSettings(file: string): WorkerSettings {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as WorkerSettings;
    configSchema.shape.ffmpeg.parse(value.ffmpeg);
    return value;
  } catch (cause) {
    throw new WeirError('invalid_argument', `${file} holds no settings of a worker`, { field: 'settings', received: file, cause });
  }
}
