/** The worker on videos that `weir up` keeps beside the hub: a process of its own that outlives a crashed hub and is adopted by the next. */
import { join } from 'node:path';
import type { Config } from '../contracts/index.js';
import type { SupervisedProcess } from '../supervisor/index.js';
import type { BusLoginSettings } from './connect-bus.js';
import type { DataFolder } from './data-folder.js';
import { superviseLocalAgent } from './local-agent.js';
import { rootsOf } from './roots.js';
import { videoFolders, type WorkerSettings } from './vod-worker-settings.js';

/** Its id is also part of its bus login: `worker-local`. */
export const localWorkerId = 'local';

export interface LocalWorkerOptions {
  readonly config: Config;
  readonly data: DataFolder;
  readonly login: BusLoginSettings;
  readonly inboxPrefix: string | undefined;
}

/** Starts or adopts it. A running one with other settings ends its jobs first, unless it could not even tell of them. */
export function superviseLocalWorker(options: LocalWorkerOptions): SupervisedProcess {
  const { data } = options;
  const settings = settingsOf(options);
  return superviseLocalAgent({
    data,
    name: 'the local worker',
    command: 'vod-worker',
    settings,
    settingsFile: data.workerSettings,
    recordFile: data.workerRecord,
    pidFolder: data.workerPids,
    keptWhile: keptWhile(settings),
    staysWhile: JSON.stringify(settings),
  });
}

/** What a running worker must have been started with to be of any use: without it, it does not reach the hub. */
export function keptWhile({ worker_id, login, inbox_prefix, roots }: WorkerSettings): string {
  return JSON.stringify({ worker_id, login, inbox_prefix, roots });
}

/** What it is started with. */
export function settingsOf({ config, data, login, inboxPrefix }: LocalWorkerOptions): WorkerSettings {
  const { sources, outputs } = videoFolders(config);
  return {
    worker_id: localWorkerId,
    login,
    inbox_prefix: inboxPrefix,
    roots: rootsOf(config),
    ffmpeg: config.ffmpeg,
    slots: config.vod.slots,
    folders: { sources, outputs },
    log_level: config.log.level,
    log_file: join(data.logFolder, 'worker.log'),
    pid_folder: data.workerPids,
    encoders_file: data.workerEncoders,
  };
}
