/**
 * What other users of the machine can read of a process's arguments. They stand in the memory of the process, which its parent may
 * write to; `/proc/PID/cmdline` shows that memory. Linux only, and only where the kernel lets a parent write (it does by default).
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { basename } from 'node:path';

/** How long the program may take to start. */
const startMs = 2000;
const lookMs = 1;

export interface CoveredArguments {
  /** Milliseconds from the call to the moment when only the program's name was shown; undefined when that could not be done. */
  readonly hiddenAfterMs: number | undefined;
  /** Overwrites these strings in the arguments for good and shows the rest again. False when that could not be done. */
  erase(secrets: readonly string[]): boolean;
}

/**
 * Hides all arguments of a process that is just starting `program` (perhaps through another that becomes it), as soon as it has
 * begun. They stay as they are for the process itself, but for the last one, which gets longer: it must be one that nobody heeds.
 * Never fails; see `hiddenAfterMs`.
 */
export async function coverArguments(pid: number, program: string): Promise<CoveredArguments> {
  const begin = performance.now();
  for (;;) {
    if (isRunning(pid, program)) break;
    if (performance.now() - begin > startMs || argumentsOf(pid) === undefined) return notCovered;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  // A list that does not end as it began is taken for a title that the program gave itself, of which only the first string is shown.
  const isHidden = withArguments(pid, ({ write, length }) => write(Buffer.from(' '), length - 1));
  if (!isHidden) return notCovered;
  const hiddenAfterMs = performance.now() - begin;
  return { hiddenAfterMs, erase: (secrets) => withArguments(pid, (memory) => eraseFrom(memory, secrets)) };
}

/** Overwrites these strings in what others see of our own arguments; what we have read of them stays. False when it could not be done. */
export function eraseOwnArguments(secrets: readonly string[]): boolean {
  return secrets.length > 0 && withArguments(process.pid, (memory) => eraseFrom(memory, secrets));
}

const notCovered: CoveredArguments = { hiddenAfterMs: undefined, erase: () => false };

interface ArgumentMemory {
  readonly length: number;
  read(): Buffer;
  write(bytes: Buffer, at: number): void;
}

function eraseFrom({ read, write, length }: ArgumentMemory, secrets: readonly string[]): void {
  const bytes = read();
  for (const secret of secrets) {
    const cover = Buffer.alloc(Buffer.byteLength(secret), '*');
    for (let at = bytes.indexOf(secret); cover.length > 0 && at >= 0; at = bytes.indexOf(secret, at + cover.length)) write(cover, at);
  }
  write(Buffer.alloc(1), length - 1);
}

/** False when the process is gone or its memory is not ours to write. */
function withArguments(pid: number, work: (memory: ArgumentMemory) => void): boolean {
  let file: number | undefined;
  try {
    const bounds = boundsOf(pid);
    if (bounds === undefined) return false;
    const { start, length } = bounds;
    const memory = openSync(`/proc/${pid}/mem`, 'r+');
    file = memory;
    work({
      length,
      read: () => {
        const bytes = Buffer.alloc(length);
        return bytes.subarray(0, readSync(memory, bytes, 0, length, start));
      },
      write: (bytes, at) => void writeSync(memory, bytes, 0, bytes.length, start + at),
    });
    return true;
  } catch {
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Fields 48 and 49 of `stat`, counted from the one behind the name; zero when they are not ours to know. */
function boundsOf(pid: number): { start: number; length: number } | undefined {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const start = Number(fields[45]);
  const length = Number(fields[46]) - start;
  return start > 0 && length > 1 ? { start, length } : undefined;
}

function isRunning(pid: number, program: string): boolean {
  const [name = ''] = argumentsOf(pid) ?? [];
  return basename(name) === basename(program);
}

/** Undefined when there is no such process. */
function argumentsOf(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  } catch {
    return undefined;
  }
}
