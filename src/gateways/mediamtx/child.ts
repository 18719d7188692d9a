/** A MediaMTX of our own: found, configured, started, kept running, adopted by the next hub. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { WeirError } from '../../contracts/index.js';
import {
  adoptProcess,
  findProcessesByArguments,
  findProgram,
  isProcessIdentity,
  isSameProcess,
  type ProcessIdentity,
  type StopLadder,
  type SupervisedProcess,
  type SupervisedState,
  spawnProcess,
  superviseProcess,
  writeFileAtomic,
} from '../../supervisor/index.js';
import type { GatewaySettings } from '../gateway.js';
import { type AuthListener, type AuthListenerOptions, authPath, openAuthListener } from './auth-listener.js';
import { formatConfigFile } from './config-file.js';
import { choosePorts, type MtxPorts } from './ports.js';
import { checkVersion, type MtxVersion, parseVersion } from './version.js';

export interface MtxChildOptions {
  readonly settings: GatewaySettings;
  /** Absolute. */
  readonly folder: string;
  /** Goes into the address of the question. */
  readonly callbackSecret: string;
  readonly ask: AuthListenerOptions['ask'];
  /** Stands in every command that it runs. */
  readonly mark: string;
  readonly signal?: AbortSignal | undefined;
}

export interface MtxChild {
  readonly version: MtxVersion;
  readonly ports: MtxPorts;
  readonly apiUrl: string;
  readonly process: SupervisedProcess;
  /** Last words of a run that ended badly; null when there are none. */
  lastError(): string | null;
  /** Keeps the log small. */
  tidy(): void;
  /** It takes no new connections while it ends, and ends what it runs. */
  stop(): Promise<void>;
  detach(): Promise<void>;
}

const ladder: StopLadder = [
  { signal: 'SIGINT', waitMs: 3000 },
  { signal: 'SIGTERM', waitMs: 1000 },
  { signal: 'SIGKILL', waitMs: 5000 },
];
const versionMs = 20_000;
const maxLogBytes = 4 * 1024 * 1024;

interface ChildFiles {
  readonly config: string;
  readonly log: string;
  readonly record: string;
  readonly ports: string;
}

interface PortsRecord {
  readonly ports: MtxPorts;
  readonly authPort: number;
}

/**
 * Starts MediaMTX or adopts the one of an earlier hub. Throws `not_found` (no program), `unsupported` (too old), `failed_precondition`
 * (a port is taken: by whom). Does not wait until it answers.
 */
export async function startMtxChild(options: MtxChildOptions): Promise<MtxChild> {
  const { settings, folder } = options;
  const program = findProgram(settings.binary ?? 'mediamtx');
  const version = await readVersion(program, options.signal);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const files: ChildFiles = {
    config: join(folder, 'mediamtx.yml'),
    log: join(folder, 'mediamtx.log'),
    record: join(folder, 'mediamtx.json'),
    ports: join(folder, 'ports.json'),
  };
  const last = readPorts(files.ports);
  const listener = await openAuthListener({ wantedPort: last?.authPort, ask: options.ask });
  try {
    return await launch({ ...options, program, version, files, last, listener });
  } catch (error) {
    await listener.close();
    throw error;
  }
}

interface Launch extends MtxChildOptions {
  readonly program: string;
  readonly version: MtxVersion;
  readonly files: ChildFiles;
  readonly last: PortsRecord | undefined;
  readonly listener: AuthListener;
}

async function launch(options: Launch): Promise<MtxChild> {
  const { settings, folder, program, version, files, last, listener, mark } = options;
  const authUrl = `http://127.0.0.1:${listener.port}${authPath}?secret=${options.callbackSecret}`;
  const textFor = (ports: MtxPorts) => formatConfigFile({ version, ports, bind: settings.bind, host: settings.host, authUrl });
  const fingerprintOf = (ports: MtxPorts) =>
    createHash('sha256')
      .update(`${program}\n${version.text}\n${textFor(ports)}`)
      .digest('hex');

  const running = readRecord(files.record);
  // Adopted only when it is what we would start now, on ports that are still wanted.
  const isSame = running !== undefined && last !== undefined && wants(settings, last.ports) && running.fingerprint === fingerprintOf(last.ports);
  await endStrays(files.config, isSame ? running : undefined);
  if (!isSame) await endCommands(mark);
  const ports = isSame ? last.ports : await choosePorts(wantedPorts(settings), settings.bind, last?.ports);
  writeFileAtomic(files.ports, JSON.stringify({ ports, authPort: listener.port } satisfies PortsRecord));

  const supervised = superviseProcess({
    name: 'mediamtx',
    recordFile: files.record,
    fingerprint: fingerprintOf(ports),
    restart: { immediate: 1, initialMs: 250, maxMs: 10_000 },
    ladder,
    command: async () => {
      await endCommands(mark);
      // Throws the name of whoever took a port meanwhile.
      await choosePorts(ports, settings.bind, undefined);
      trim(files.log, maxLogBytes / 4);
      // Written only before a start: a running one would read it again and forget the paths it was given.
      writeFileAtomic(files.config, textFor(ports));
      return { command: program, args: [files.config], cwd: folder, stdout: { file: files.log }, stderr: { file: files.log } };
    },
  });
  return {
    version,
    ports,
    apiUrl: `http://127.0.0.1:${ports.api}`,
    process: supervised,
    lastError: () => lastErrorIn(files.log, supervised.state),
    tidy: () => trim(files.log, maxLogBytes),
    async stop() {
      await supervised.stop('the hub stops');
      await endCommands(mark);
      await listener.close();
    },
    async detach() {
      supervised.detach();
      await listener.close();
    },
  };
}

function wantedPorts({ api_port, rtsp_port, webrtc_port, hls_port, rtmp_port, srt_port }: GatewaySettings): MtxPorts {
  const webrtcMedia = webrtc_port === 0 ? 0 : webrtc_port === 8889 ? 8189 : -1;
  // Without these two it is of no use.
  const needed = (port: number) => (port === 0 ? -1 : port);
  return { api: needed(api_port), rtsp: needed(rtsp_port), webrtc: webrtc_port, webrtcMedia, hls: hls_port, rtmp: rtmp_port, srt: srt_port };
}

function wants(settings: GatewaySettings, ports: MtxPorts): boolean {
  const wanted = wantedPorts(settings);
  return (Object.keys(wanted) as (keyof MtxPorts)[]).every((name) => (wanted[name] === -1 ? ports[name] > 0 : wanted[name] === ports[name]));
}

/** What the program says of itself; one that says nothing sensible is a build of somebody's own. */
async function readVersion(program: string, signal: AbortSignal | undefined): Promise<MtxVersion> {
  const lines: string[] = [];
  const run = await spawnProcess({
    command: program,
    args: ['--version'],
    stdout: 'lines',
    onLine: (line) => lines.push(line),
    // A small machine has much to do when it starts.
    timeoutMs: versionMs,
    ...(signal === undefined ? {} : { signal }),
  });
  const report = await run.exited;
  if (report.stoppedByUs !== null || report.exitCode !== 0) {
    throw new WeirError('unavailable', `${program} did not tell its version`, { hint: 'gateway.binary must name MediaMTX', cause: report });
  }
  const text = lines[0]?.trim() ?? '';
  return checkVersion(parseVersion(text) ?? { text: text === '' ? 'of an unknown version' : text, number: [1, 15, 2] });
}

function readPorts(file: string): PortsRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as Partial<PortsRecord>;
    const ports = record.ports === undefined ? [] : Object.values(record.ports);
    return ports.length === 7 && [...ports, record.authPort].every((port) => Number.isInteger(port)) ? (record as PortsRecord) : undefined;
  } catch {
    return undefined;
  }
}

function readRecord(file: string): (ProcessIdentity & { fingerprint: string }) | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessIdentity & { fingerprint: string }>;
    return isProcessIdentity(record) && isSameProcess(record) ? { ...record, fingerprint: record.fingerprint ?? '' } : undefined;
  } catch {
    return undefined;
  }
}

/** Two of them would fight for the ports. */
async function endStrays(configFile: string, known: ProcessIdentity | undefined): Promise<void> {
  const strays = findProcessesByArguments(configFile).filter(({ pid }) => pid !== process.pid && pid !== known?.pid);
  await Promise.all(strays.map((stray) => adoptProcess(stray, 10)?.stop({ reason: 'unknown to the hub', ladder })));
}

/** A MediaMTX that was killed leaves its commands behind, and with them the devices open. */
async function endCommands(mark: string): Promise<void> {
  const left = findProcessesByArguments('-metadata', `title=${mark}`).filter(({ pid }) => pid !== process.pid);
  await Promise.all(left.map((one) => adoptProcess(one, 10)?.stop({ reason: 'left behind', ladder })));
}

function trim(file: string, maxBytes: number): void {
  try {
    if (statSync(file).size > maxBytes) truncateSync(file);
  } catch {
    // There is none yet.
  }
}

function lastErrorIn(log: string, state: SupervisedState): string | null {
  if (state.kind !== 'backoff' && state.kind !== 'crash_loop') return null;
  if (state.last.report === null) return state.last.message;
  try {
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    const said = lines.slice(-20).findLast((line) => /\bERR\b/.test(line)) ?? lines.at(-1) ?? '';
    return [state.last.message, said].filter((part) => part !== '').join('; ');
  } catch {
    return state.last.message;
  }
}
