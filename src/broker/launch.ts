/** Files of a broker: configuration, logs, and the note of where it listens. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, truncateSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { WeirError } from '../contracts/errors.js';
import { inFolder, isProcessIdentity, type ProcessIdentity, spawnProcess, writeFileAtomic } from '../supervisor/index.js';
import { type BrokerConfig, type BrokerPorts, formatBrokerConfig, type TlsFiles } from './config.js';
import type { BrokerUser } from './users.js';
import { formatVersion, type ServerProgram } from './version.js';

export interface LaunchOptions {
  /** Folder of the broker alone: configuration, store, logs. Made 0700 when missing. */
  folder: string;
  /** Address that clients are taken on; default 127.0.0.1. */
  host?: string;
  /** Default 4222, 8222 (WebSocket) and any (monitoring); -1 means any, and then the same again at the next start. */
  ports?: Partial<BrokerPorts>;
  /** Largest message; default 16 MiB. */
  maxPayloadBytes?: number;
  /** What memory-backed journals may reserve together; default half of the machine's memory, at least 1 GiB. */
  maxMemoryBytes?: number;
  /** What file-backed journals may reserve together; default 8 GiB. */
  maxFileBytes?: number;
  /** Default `interval`; `always` is refused with `unsupported` below 2.10. */
  sync?: 'interval' | 'always';
  /** Of the client listener. */
  tls?: TlsFiles;
  /** Of the WebSocket listener; without it that is plain, for a proxy on this machine. */
  websocketTls?: TlsFiles;
  /** Size at which the log starts anew; default 16 MiB. At most three old ones are kept. */
  logFileBytes?: number;
}

/** Everything about one broker that does not change while it runs. */
export interface LaunchPlan {
  program: ServerProgram;
  folder: string;
  configFile: string;
  stderrFile: string;
  recordFile: string;
  portsRecordFile: string;
  config: Omit<BrokerConfig, 'ports' | 'users'>;
  wantedPorts: BrokerPorts;
  /** Changes when a running server would have to be replaced to become as planned. */
  fingerprint: string;
}

const gibibyte = 1024 ** 3;

/** Settles defaults and paths, and makes the folders. Fails with `unsupported`, `permission_denied` or `resource_exhausted`. */
export function planLaunch(options: LaunchOptions, program: ServerProgram): LaunchPlan {
  const folder = resolve(options.folder);
  const sync = options.sync ?? 'interval';
  if (sync === 'always' && program.version.minor < 10 && program.version.major === 2) {
    throw new WeirError('unsupported', `nats-server ${formatVersion(program.version)} cannot sync each message; that needs 2.10`);
  }
  const config: LaunchPlan['config'] = {
    version: program.version,
    host: options.host ?? '127.0.0.1',
    maxPayloadBytes: options.maxPayloadBytes ?? 16 * 1024 * 1024,
    // In coarse steps: a machine's memory is not told to the byte alike each time, and a change would replace a running server.
    maxMemoryBytes: options.maxMemoryBytes ?? Math.max(gibibyte, Math.floor(totalmem() / gibibyte) * (gibibyte / 2)),
    maxFileBytes: options.maxFileBytes ?? 8 * gibibyte,
    sync,
    storeFolder: join(folder, 'store'),
    portsFolder: folder,
    logFile: join(folder, 'nats-server.log'),
    logFileBytes: options.logFileBytes ?? 16 * 1024 * 1024,
    tls: options.tls,
    websocketTls: options.websocketTls,
  };
  const wantedPorts = {
    client: options.ports?.client ?? 4222,
    websocket: options.ports?.websocket ?? 8222,
    monitor: options.ports?.monitor ?? -1,
  };
  inFolder(folder, () => mkdirSync(config.storeFolder, { recursive: true, mode: 0o700 }));
  const fixed = formatBrokerConfig({ ...config, ports: wantedPorts, users: [] });
  return {
    program,
    folder,
    configFile: join(folder, 'nats-server.conf'),
    stderrFile: join(folder, 'nats-server.stderr'),
    recordFile: join(folder, 'process.json'),
    portsRecordFile: join(folder, 'ports.json'),
    config,
    wantedPorts,
    fingerprint: createHash('sha256')
      .update(`${program.path} ${formatVersion(program.version)} ${fixed}`)
      .digest('hex'),
  };
}

/** Writes the configuration, readable by its owner only. */
export function writeConfig(plan: LaunchPlan, ports: BrokerPorts, users: readonly BrokerUser[]): void {
  const text = formatBrokerConfig({ ...plan.config, ports, users });
  inFolder(plan.folder, () => writeFileAtomic(plan.configFile, text));
}

/** Lets the server itself read the written configuration. Fails with `invalid_argument` and the line that it refuses. */
export async function checkConfig(plan: LaunchPlan): Promise<void> {
  const run = await spawnProcess({ command: plan.program.path, args: ['-c', plan.configFile, '-t'], timeoutMs: 10_000 });
  const report = await run.exited;
  if (report.exitCode === 0) return;
  const reason = report.tail.at(-1) ?? 'no reason given';
  throw new WeirError('invalid_argument', `nats-server refuses its configuration: ${reason}`, {
    hint: 'Check the settings below `nats`, and that certificate and key can be read',
  });
}

/** Bytes that this user may still write in the folder. */
export async function freeBytesOf(folder: string): Promise<number> {
  const stats = await statfs(folder);
  return stats.bavail * stats.bsize;
}

/** Where a process listens, and which ports its configuration asked for: a reload must name the latter again. */
export interface PortsRecord extends ProcessIdentity {
  ports: BrokerPorts;
  launchedWith: BrokerPorts;
}

export function writePortsRecord(plan: LaunchPlan, record: PortsRecord): void {
  inFolder(plan.folder, () => writeFileAtomic(plan.portsRecordFile, JSON.stringify(record)));
}

export function readPortsRecord(plan: LaunchPlan): PortsRecord | undefined {
  try {
    const value = JSON.parse(readFileSync(plan.portsRecordFile, 'utf8')) as Partial<PortsRecord>;
    return isProcessIdentity(value) && isPorts(value.ports) && isPorts(value.launchedWith) ? (value as PortsRecord) : undefined;
  } catch {
    return undefined;
  }
}

function isPorts(value: unknown): value is BrokerPorts {
  const ports = value as Partial<BrokerPorts> | undefined;
  return [ports?.client, ports?.websocket, ports?.monitor].every((port) => Number.isInteger(port));
}

/** Removes what earlier processes left: port notes of the dead, and rotated logs beyond three, which servers before 2.11 keep for ever. */
export function tidyFolder(plan: LaunchPlan): void {
  const names = readdirSync(plan.folder).sort();
  const stale = names.filter((name) => /^nats-server_\d+\.ports$/.test(name));
  const rotated = names.filter((name) => name.startsWith('nats-server.log.'));
  for (const name of [...stale, ...rotated.slice(0, -3)]) rmSync(join(plan.folder, name), { force: true });
  trimFile(plan.stderrFile, 1024 * 1024);
}

/** Only rotated logs, for a broker that has run long. */
export function tidyLogs(plan: LaunchPlan): void {
  const rotated = readdirSync(plan.folder)
    .filter((name) => name.startsWith('nats-server.log.'))
    .sort();
  for (const name of rotated.slice(0, -3)) rmSync(join(plan.folder, name), { force: true });
}

function trimFile(file: string, maxBytes: number): void {
  try {
    if (statSync(file).size > maxBytes) truncateSync(file);
  } catch {
    // There is none yet.
  }
}

/** Last lines of a text file, at most 4 KiB of it; empty when there is none. */
export function lastLines(file: string, count: number): string[] {
  let fd: number | undefined;
  try {
    fd = openSync(file, 'r');
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, 4096));
    readSync(fd, buffer, 0, buffer.length, Math.max(0, size - buffer.length));
    return buffer
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-count);
  } catch {
    return [];
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
