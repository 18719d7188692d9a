/** The worker on videos that `weir up` keeps beside the hub: a process of its own that outlives a crashed hub and is adopted by the next. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../contracts/index.js';
import { type SupervisedProcess, superviseProcess, writeFileAtomic } from '../supervisor/index.js';
import type { BusLoginSettings } from './connect-bus.js';
import type { DataFolder } from './data-folder.js';
import { rootsOf } from './roots.js';
import { cliFile, version } from './version.js';
import { videoFolders, type WorkerSettings } from './vod-worker-settings.js';

/** Its id is also part of its bus login: `worker-local`. */
export const localWorkerId = 'local';

export interface LocalWorkerOptions {
  readonly config: Config;
  readonly data: DataFolder;
  readonly login: BusLoginSettings;
  readonly inboxPrefix: string | undefined;
}

/** Writes its settings (0600) and starts or adopts it. A running one with other settings is replaced; its job goes to the next. */
export function superviseLocalWorker(options: LocalWorkerOptions): SupervisedProcess {
  const { data } = options;
  const settings = settingsOf(options);
  const text = JSON.stringify(settings, null, 2);
  writeFileAtomic(data.workerSettings, `${text}\n`);
  mkdirSync(data.workerPids, { recursive: true, mode: 0o700 });
  // A pipe to us would end it with us.
  const output = { file: join(data.logFolder, 'worker.stderr') };
  return superviseProcess({
    name: 'the local worker',
    recordFile: data.workerRecord,
    fingerprint: createHash('sha256').update(`${version} ${process.version} ${cliFile} ${text}`).digest('hex'),
    command: () => ({
      command: process.execPath,
      args: [cliFile, 'vod-worker', '--settings', data.workerSettings],
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

function settingsOf({ config, data, login, inboxPrefix }: LocalWorkerOptions): WorkerSettings {
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
  };
}
