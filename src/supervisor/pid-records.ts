/** Records of running children in a folder, so that what a killed parent left behind is found and ended. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inFolder } from './file-error.js';
import { isProcessIdentity, isSameProcess, type ProcessIdentity, processIdentity } from './identity.js';
import { signalGroup } from './stop-ladder.js';

/** One recorded child: itself, its owner, and what it was, for people. */
export interface PidRecord extends ProcessIdentity {
  owner: ProcessIdentity;
  command: string;
}

/** Notes a child of this process (or of `owner`) in `folder`; call the returned function when it has ended. */
export function recordProcess(folder: string, child: ProcessIdentity, command: string, owner = processIdentity(process.pid)): () => void {
  const file = join(folder, `${child.pid}.json`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileAtomic(file, JSON.stringify({ pid: child.pid, started: child.started, owner, command }));
  return () => rmSync(file, { force: true });
}

/** Writes beside and renames, so that a reader never sees half a file. New files are 0600. */
export function writeFileAtomic(file: string, text: string): void {
  const beside = `${file}.${process.pid}.tmp`;
  writeFileSync(beside, text, { mode: 0o600 });
  renameSync(beside, file);
}

/**
 * Kills the group of each recorded child whose owner is gone, waits up to a second for it, and removes its record.
 * Children of living owners are left alone. Returns what was killed. Makes the folder; fails with `permission_denied` where it cannot.
 */
export async function sweepOrphans(folder: string): Promise<PidRecord[]> {
  inFolder(folder, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
  const names = await readdir(folder).catch(() => []);
  const killed: PidRecord[] = [];
  for (const name of names) {
    if (!name.endsWith('.json')) continue;
    const file = join(folder, name);
    const record = readRecord(file);
    if (record !== undefined && isSameProcess(record.owner)) continue;
    if (record !== undefined && isSameProcess(record)) {
      signalGroup(record.pid, 'SIGKILL');
      for (let look = 0; look < 100 && isSameProcess(record); look++) await delay(10);
      killed.push(record);
    }
    rmSync(file, { force: true });
  }
  return killed;
}

function readRecord(file: string): PidRecord | undefined {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<PidRecord>;
    return isProcessIdentity(value) && isProcessIdentity(value.owner) ? (value as PidRecord) : undefined;
  } catch {
    return undefined;
  }
}
