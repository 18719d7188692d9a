/** A lock file that names its holder and dies with it. */
import { linkSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { WeirError } from '../contracts/errors.js';
import { inFolder } from './file-error.js';
import { describeProcess, isProcessIdentity, isSameProcess, type ProcessIdentity, processIdentity } from './identity.js';

export interface FileLock {
  readonly path: string;
  /** Gives the lock back; a second call does nothing. */
  release(): void;
}

interface LockContent extends ProcessIdentity {
  host: string;
  /** Process numbers mean something only within one of these: containers that share a volume do not see each other. */
  namespace: string;
  purpose: string;
}

/** A holder that cannot be looked at proves its life by touching the file this often. */
const touchEveryMs = 2000;
const staleAfterMs = 10_000;

/**
 * Takes the lock for as long as this process lives, or until released. A lock whose holder is gone is taken over.
 * Fails with `failed_precondition` naming the process that holds it; one in another container or host counts as gone 10 s after its last sign of life.
 */
export function acquireFileLock(path: string, purpose = 'weir'): FileLock {
  const me = processIdentity(process.pid);
  if (me === undefined) throw new WeirError('internal', 'This process cannot see itself, so it can hold no lock');
  const content: LockContent = { ...me, host: hostname(), namespace: pidNamespace(), purpose };
  const text = JSON.stringify(content);
  inFolder(dirname(path), () => mkdirSync(dirname(path), { recursive: true }));
  // Bounded: each round ends with the lock, with a living holder, or with a dead one's file out of the way.
  for (let round = 0; round < 5; round++) {
    if (inFolder(dirname(path), () => createWith(path, text))) return held(path, text);
    const found = readText(path);
    if (found === undefined) continue;
    const holder = parseContent(found);
    if (holder !== undefined && isAlive(holder, path)) throw lockedError(path, holder);
    takeAway(path, found);
  }
  throw new WeirError('unavailable', `The lock ${path} changes hands too fast`, { hint: 'Try again' });
}

/** A link either brings the whole content or fails: no one ever reads half a lock. */
function createWith(path: string, text: string): boolean {
  const beside = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(beside, text, { mode: 0o600 });
  try {
    linkSync(beside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Removes a dead holder's lock, unless another one took it over since it was read. */
function takeAway(path: string, seen: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = readText(aside);
  if (moved !== seen && moved !== undefined) {
    try {
      linkSync(aside, path);
    } catch {
      // A third one was faster; its holder will be seen in the next round.
    }
  }
  rmSync(aside, { force: true });
}

function held(path: string, text: string): FileLock {
  const timer = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // The folder is gone, and the lock with it.
    }
  }, touchEveryMs);
  timer.unref();
  let released = false;
  return {
    path,
    release() {
      if (released) return;
      released = true;
      clearInterval(timer);
      if (readText(path) === text) rmSync(path, { force: true });
    },
  };
}

function isAlive(holder: LockContent, path: string): boolean {
  if (holder.host === hostname() && holder.namespace === pidNamespace()) return isSameProcess(holder);
  try {
    return Date.now() - statSync(path).mtimeMs < staleAfterMs;
  } catch {
    return false;
  }
}

function lockedError(path: string, holder: LockContent): WeirError {
  const here = holder.host === hostname() && holder.namespace === pidNamespace();
  const command = here ? describeProcess(holder.pid) : undefined;
  const who = `process ${holder.pid}${here ? '' : ` on ${holder.host}`}${command === undefined ? '' : ` (${command})`}`;
  return new WeirError('failed_precondition', `${path} is held for ${holder.purpose} by ${who}`, {
    hint: `Only one may use this folder at a time: stop that process first, or choose another folder`,
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parseContent(text: string): LockContent | undefined {
  try {
    const value = JSON.parse(text) as Partial<LockContent>;
    return isProcessIdentity(value) && typeof value.host === 'string' ? (value as LockContent) : undefined;
  } catch {
    return undefined;
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
