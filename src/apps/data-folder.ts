/** The data folder: what lies where, made with modes that keep others out. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WeirError } from '../contracts/index.js';
import { writeFileAtomic } from '../supervisor/index.js';

/** Everything that must survive, and everything that other processes of Weir look up. */
export interface DataFolder {
  readonly path: string;
  readonly database: string;
  readonly brokerFolder: string;
  readonly mediaFolder: string;
  readonly logFolder: string;
  /** Lock of the hub; one hub per folder. */
  readonly hubLock: string;
  /** Where the running hub is reached, for the command line. */
  readonly hubFile: string;
  /** Token by which the owner of the folder is admin. */
  readonly localToken: string;
  readonly spokeSettings: string;
  readonly spokeRecord: string;
  readonly spokePids: string;
  /** Streams that the local spoke records, with their sources. */
  readonly recordedStreams: string;
  readonly workerSettings: string;
  readonly workerRecord: string;
  readonly workerPids: string;
  /** Which encoders work for videos, as they were tried last. */
  readonly workerEncoders: string;
  readonly uploadsFolder: string;
  readonly videosFolder: string;
  readonly gatewayFolder: string;
  /** What the gateway records by itself. */
  readonly gatewayRecordings: string;
  readonly snapshotsFolder: string;
  readonly exportsFolder: string;
  readonly recordingsCache: string;
  /** A secret that is made (256 random bits) when it is missing, file mode 0600. */
  secret(name: string): string;
}

/** Names of everything below `path`; makes nothing. */
export function dataFolderAt(path: string): DataFolder {
  const secrets = join(path, 'secrets');
  return {
    path,
    database: join(path, 'weir.db'),
    brokerFolder: join(path, 'nats'),
    mediaFolder: join(path, 'media'),
    logFolder: join(path, 'logs'),
    hubLock: join(path, 'run', 'hub.lock'),
    hubFile: join(path, 'run', 'hub.json'),
    localToken: join(secrets, 'local-token'),
    spokeSettings: join(secrets, 'local-spoke.json'),
    spokeRecord: join(path, 'run', 'local-spoke.json'),
    spokePids: join(path, 'run', 'ffmpeg'),
    recordedStreams: join(secrets, 'recorded-streams.json'),
    workerSettings: join(secrets, 'local-worker.json'),
    workerRecord: join(path, 'run', 'local-worker.json'),
    workerPids: join(path, 'run', 'worker-ffmpeg'),
    workerEncoders: join(path, 'run', 'encoders.json'),
    uploadsFolder: join(path, 'uploads'),
    videosFolder: join(path, 'videos'),
    gatewayFolder: join(path, 'gateway'),
    gatewayRecordings: join(path, 'gateway', 'recordings'),
    snapshotsFolder: join(path, 'snapshots'),
    exportsFolder: join(path, 'exports'),
    recordingsCache: join(path, 'cache', 'recordings'),
    secret: (name) => readOrMakeSecret(join(secrets, name)),
  };
}

/** Makes the folder and its parts. Fails with `permission_denied` or `resource_exhausted` when it cannot be written. */
export function makeDataFolder(path: string): DataFolder {
  const data = dataFolderAt(path);
  try {
    for (const folder of [path, join(path, 'secrets'), join(path, 'run'), data.logFolder, data.mediaFolder])
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    // An older folder may have been made by hand, open to all.
    if ((statSync(join(path, 'secrets')).mode & 0o077) !== 0) chmodSync(join(path, 'secrets'), 0o700);
  } catch (cause) {
    throw folderError(path, cause);
  }
  return data;
}

function readOrMakeSecret(file: string): string {
  try {
    const text = readFileSync(file, 'utf8').trim();
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    if (text.length >= 32) return text;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw folderError(file, cause);
  }
  const made = randomBytes(32).toString('base64url');
  writeFileAtomic(file, `${made}\n`);
  return made;
}

function folderError(path: string, cause: unknown): WeirError {
  const code = (cause as NodeJS.ErrnoException).code;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new WeirError(full ? 'resource_exhausted' : 'permission_denied', `The data folder ${path} cannot be written: ${code ?? String(cause)}`, {
    field: 'data_dir',
    received: path,
    hint: full ? 'Free some space' : 'Choose another folder with WEIR_DATA_DIR or --data-dir',
    cause,
  });
}
