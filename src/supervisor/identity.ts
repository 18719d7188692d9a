/** Naming a process so that a later one with the same number is not taken for it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process on this host: its number and when it began. Two processes never share both. */
export interface ProcessIdentity {
  pid: number;
  /** Opaque; equal only for one and the same process of one boot. */
  started: string;
}

let boot: string | undefined;

/** Start ticks repeat after a reboot, so they count only together with the boot they belong to. */
function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
  return boot;
}

/** The fields of /proc/<pid>/stat after the command name, which may itself hold spaces and parentheses; undefined when there is no such process. */
export function readStat(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/**
 * Identity of the process that has this number now, or undefined when none has (a zombie counts as none).
 * Reads /proc; where there is none, asks `ps`.
 */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform !== 'linux') return identityByPs(pid);
  const fields = readStat(pid);
  const [state, startTicks] = [fields?.[0], fields?.[19]];
  if (state === undefined || startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, started: `${startTicks}@${bootId()}` };
}

function identityByPs(pid: number): ProcessIdentity | undefined {
  try {
    const [state = 'Z', ...started] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' })
      .trim()
      .split(/\s+/);
    return state.startsWith('Z') ? undefined : { pid, started: started.join(' ') };
  } catch {
    return undefined;
  }
}

/** True while that very process lives. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  return processIdentity(identity.pid)?.started === identity.started;
}

/** True for a value that was an identity before it was written to a file. */
export function isProcessIdentity<T>(value: T): value is T & ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, started } = value as unknown as Partial<Record<keyof ProcessIdentity, unknown>>;
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 && typeof started === 'string';
}

/** Program and arguments of a living process, for people to read; undefined when it is gone or not ours to see. At most 200 characters. */
export function describeProcess(pid: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
    const text = words.join(' ') || readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return text.length > 200 ? `${text.slice(0, 197)}...` : text;
  } catch {
    return undefined;
  }
}

/** Processes of this host whose argument list holds these arguments, one after the other. Empty where there is no /proc. */
export function findProcessesByArguments(...sought: readonly string[]): ProcessIdentity[] {
  // Arguments end with a NUL each, so a match begins after one and cannot be part of a longer argument.
  const pattern = `\0${sought.join('\0')}\0`;
  return numericEntries('/proc').flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(pattern)) return [];
      return processIdentity(pid) ?? [];
    } catch {
      return [];
    }
  });
}

/**
 * The process that listens on this TCP port, or undefined when nobody does, or the system does not let us look.
 * Walks /proc, so it takes milliseconds to tens of them: for error messages, not for loops.
 */
export function findListener(port: number): { pid: number; command: string } | undefined {
  const inodes = new Set([...listeningInodes('/proc/net/tcp', port), ...listeningInodes('/proc/net/tcp6', port)].map((inode) => `socket:[${inode}]`));
  if (inodes.size === 0) return undefined;
  for (const pid of numericEntries('/proc')) {
    for (const fd of numericEntries(`/proc/${pid}/fd`)) {
      try {
        if (inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`))) return { pid, command: describeProcess(pid) ?? 'unknown program' };
      } catch {
        // Closed in between, or not ours.
      }
    }
  }
  return undefined;
}

function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listening = '0A';
  try {
    return readFileSync(table, 'latin1')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[1]?.endsWith(suffix) === true && columns[3] === listening)
      .flatMap((columns) => columns[9] ?? []);
  } catch {
    return [];
  }
}

function numericEntries(folder: string): number[] {
  try {
    return readdirSync(folder)
      .map(Number)
      .filter((entry) => Number.isInteger(entry));
  } catch {
    return [];
  }
}
