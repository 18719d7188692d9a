/** Texts that a child reads as a file descriptor: on no disk, under no name, in no argument list. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where the system offers it. */
const sharedMemory = '/dev/shm';

/** An open, readable descriptor of a file that no longer has a name (it had one, readable by us alone, for the moment of its making). */
export function openMemoryFile(text: string): number {
  const folder = makeFolder();
  try {
    const path = join(folder, 'text');
    const writer = openSync(path, 'wx', 0o600);
    try {
      writeSync(writer, text);
    } finally {
      closeSync(writer);
    }
    return openSync(path, 'r');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(sharedMemory, 'weir-'));
  } catch {
    return mkdtempSync(join(tmpdir(), 'weir-'));
  }
}
