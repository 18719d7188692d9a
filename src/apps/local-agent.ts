/** An agent that `weir up` keeps beside the hub: a process of its own that outlives a crashed hub and is adopted by the next. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type SupervisedProcess, superviseProcess, writeFileAtomic } from '../supervisor/index.js';
import type { DataFolder } from './data-folder.js';
import { cliFile, version } from './version.js';

export interface LocalAgentOptions {
  readonly data: DataFolder;
  /** For people: `the local spoke`. */
  readonly name: string;
  /** Subcommand of `weir` that runs it; also the name of the file for what it says outside its log. */
  readonly command: 'spoke' | 'vod-worker';
  /** Everything it is started with; written where it reads it, mode 0600. */
  readonly settings: object;
  readonly settingsFile: string;
  /** Where its process is noted, for the next hub. */
  readonly recordFile: string;
  /** Folder for its notes of running FFmpegs; made when missing. */
  readonly pidFolder: string;
  /** Text that must be the same for a running one to be kept. */
  readonly keptWhile: string;
  /** Text that must be the same for a kept one to stay for good; with another, it is told by SIGHUP to end after its work. Default: nothing. */
  readonly staysWhile?: string;
}

/** Starts or adopts it. One that runs with other settings is replaced, at once or after its work. */
export function superviseLocalAgent(options: LocalAgentOptions): SupervisedProcess {
  const { data, name, command, settings, settingsFile, recordFile, pidFolder, keptWhile, staysWhile } = options;
  writeFileAtomic(settingsFile, `${JSON.stringify(settings, null, 2)}\n`);
  mkdirSync(pidFolder, { recursive: true, mode: 0o700 });
  // What it says outside its log, when it dies, goes to a file: a pipe to us would end it with us.
  const output = { file: join(data.logFolder, `${command}.stderr`) };
  return superviseProcess({
    name,
    recordFile,
    fingerprint: fingerprintOf(keptWhile),
    ...(staysWhile === undefined ? {} : { renewal: { fingerprint: fingerprintOf(staysWhile), signal: 'SIGHUP' as const } }),
    command: () => ({
      command: process.execPath,
      args: [cliFile, command, '--settings', settingsFile],
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

/** Also another program, or another version of it, is no longer the same. */
export function fingerprintOf(text: string): string {
  return createHash('sha256').update(`${version} ${process.version} ${cliFile} ${text}`).digest('hex');
}
