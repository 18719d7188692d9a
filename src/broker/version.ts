/** Which nats-server it is, and what it can do. */
import { WeirError } from '../contracts/errors.js';
import { findProgram, spawnProcess } from '../supervisor/index.js';

export interface ServerVersion {
  major: number;
  minor: number;
  patch: number;
}

/** Oldest server that Weir works with. */
export const oldestVersion: ServerVersion = { major: 2, minor: 9, patch: 10 };

export const installHint =
  'Install nats-server (Debian, Ubuntu: apt install nats-server; macOS: brew install nats-server), or set nats.binary, or use an existing NATS with nats.url';

/** The first `x.y.z` in a text, or undefined. */
export function parseVersion(text: string): ServerVersion | undefined {
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) };
}

export function formatVersion(version: ServerVersion): string {
  return `${version.major}.${version.minor}.${version.patch}`;
}

export function isAtLeast(version: ServerVersion, floor: ServerVersion): boolean {
  if (version.major !== floor.major) return version.major > floor.major;
  if (version.minor !== floor.minor) return version.minor > floor.minor;
  return version.patch >= floor.patch;
}

/** What the configuration may use; older servers refuse to start over a key that they do not know. */
export interface ServerFeatures {
  /** `sync_interval` of JetStream. */
  syncInterval: boolean;
  /** A limit to the number of rotated log files. */
  logFileCount: boolean;
  /** Ends with code 0 after SIGTERM; before, with 1. */
  cleanExitCode: boolean;
}

export function featuresOf(version: ServerVersion): ServerFeatures {
  const from = (minor: number) => isAtLeast(version, { major: 2, minor, patch: 0 });
  return { syncInterval: from(10), logFileCount: from(11), cleanExitCode: from(11) };
}

export interface ServerProgram {
  path: string;
  version: ServerVersion;
}

/**
 * Finds nats-server (default: on PATH) and asks for its version.
 * Fails with `not_found` when it is missing, `permission_denied` when it may not be run, `unsupported` when it is too old or not nats-server.
 */
export async function findServerProgram(binary = 'nats-server', signal?: AbortSignal): Promise<ServerProgram> {
  const path = locate(binary);
  const run = await spawnProcess({
    command: path,
    args: ['--version'],
    stdout: 'lines',
    timeoutMs: 5000,
    ...(signal === undefined ? {} : { signal }),
  });
  const report = await run.exited;
  if (report.stoppedByUs === 'aborted') throw new WeirError('cancelled', 'The start of the broker was cancelled');
  const text = report.tail.join(' ');
  const version = report.exitCode === 0 ? parseVersion(text) : undefined;
  if (version === undefined || !text.includes('nats-server')) {
    throw new WeirError('unsupported', `${path} does not answer as nats-server does: ${text || 'no answer'}`, { hint: installHint });
  }
  if (!isAtLeast(version, oldestVersion)) {
    throw new WeirError('unsupported', `${path} is nats-server ${formatVersion(version)}; Weir needs ${formatVersion(oldestVersion)} or newer`, {
      hint: installHint,
    });
  }
  return { path, version };
}

function locate(binary: string): string {
  try {
    return findProgram(binary);
  } catch (error) {
    const found = WeirError.from(error);
    if (found.code !== 'not_found') throw found;
    throw new WeirError('not_found', `nats-server was not found (looked for ${binary})`, { hint: installHint, cause: error });
  }
}
