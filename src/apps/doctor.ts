/** `weir doctor`: looks at the machine and the configuration and says in words what is missing, unsafe or old. */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findServerProgram, formatVersion, parseVersion, type ServerVersion } from '../broker/index.js';
import { type Config, WeirError } from '../contracts/index.js';
import { findMachineFacts, findRememberedMachine } from '../media/index.js';
import { findListener, findOptionalProgram, hasParentDeathSignal } from '../supervisor/index.js';
import { advisoriesFor } from './advisories.js';
import { runningHub } from './cli/client.js';
import { type ConfigInputs, type LoadedConfig, loadConfig } from './config.js';
import { configKeys } from './config-keys.js';
import { connectBus } from './connect-bus.js';
import { type DataFolder, dataFolderAt } from './data-folder.js';
import { checkCameraParts, programVersion } from './doctor-cameras.js';
import type { Finding } from './finding.js';
import { rootsOf } from './roots.js';
import { loginOf } from './spoke-settings.js';
import { packageFolder } from './version.js';

const gibibyte = 1024 ** 3;
const loopback = /^(?:127\.|localhost$|::1$)/;

/** Looks at everything; never throws. The configuration's own faults are findings too. */
export async function examine(inputs: ConfigInputs): Promise<Finding[]> {
  const node = checkNode();
  let loaded: LoadedConfig;
  try {
    loaded = loadConfig(inputs);
  } catch (error) {
    const fault = WeirError.from(error);
    return [node, { check: 'config', level: 'error', message: fault.message, ...hintOf(fault) }];
  }
  const { config } = loaded;
  const data = dataFolderAt(config.data_dir);
  const parts = await Promise.all([
    [node, ...checkConfig(loaded)],
    config.nats.url === undefined ? checkServer(config) : checkExternal(config),
    checkFfmpeg(config, data),
    checkPorts(config, data),
    checkData(data),
    checkExposure(config, data),
    checkSurroundings(),
    checkCameraParts(config, data),
  ]);
  return parts.flat();
}

/** Findings for people, worst last so that they stand above the prompt. */
export function formatFindings(findings: readonly Finding[]): string {
  const marks = { ok: 'ok     ', warning: 'WARNING', error: 'ERROR  ' };
  const rank = { ok: 0, warning: 1, error: 2 };
  const sorted = [...findings].sort((a, b) => rank[a.level] - rank[b.level]);
  const lines = sorted.flatMap(({ level, check, message, hint }) => [
    `${marks[level]} ${check.padEnd(10)} ${message}`,
    ...(hint === undefined ? [] : [`${' '.repeat(19)}${hint}`]),
  ]);
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length;
  return `${lines.join('\n')}\n\n${count('error')} errors, ${count('warning')} warnings\n`;
}

/** Programs that Weir runs, or can. */
export type ProgramName = 'nats-server' | 'ffmpeg' | 'v4l2-ctl' | 'mediamtx';

/** Their versions; undefined for those that are missing. */
export async function findVersions(config: Config): Promise<Record<ProgramName, string | undefined>> {
  const { ffmpeg = 'ffmpeg', ffprobe = 'ffprobe' } = config.ffmpeg;
  const [server, facts, devices, gateway] = await Promise.allSettled([
    findServerProgram(config.nats.binary),
    findMachineFacts({ ffmpeg, ffprobe, hardware: false }),
    programVersion(findOptionalProgram('v4l2-ctl'), '--version'),
    programVersion(findOptionalProgram(config.gateway.binary ?? 'mediamtx'), '--version'),
  ]);
  return {
    'nats-server': server.status === 'fulfilled' ? formatVersion(server.value.version) : undefined,
    ffmpeg: facts.status === 'fulfilled' ? facts.value.version : undefined,
    'v4l2-ctl': devices.status === 'fulfilled' ? devices.value?.replace('v4l2-ctl ', '') : undefined,
    mediamtx: gateway.status === 'fulfilled' ? gateway.value?.replace(/^v/, '') : undefined,
  };
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const found = `Node.js ${process.versions.node}`;
  if (major < 20 || (major === 20 && minor < 19))
    return { check: 'node', level: 'error', message: `${found} is too old`, hint: 'Weir needs 20.19 or newer' };
  if (major === 20)
    return {
      check: 'node',
      level: 'warning',
      message: `${found} no longer gets security fixes (since April 2026)`,
      hint: 'Weir runs on it; 22 or 24 is better',
    };
  return { check: 'node', level: 'ok', message: found };
}

function checkConfig({ file, warnings, config, sources }: LoadedConfig): Finding[] {
  const findings: Finding[] = [{ check: 'config', level: 'ok', message: file ?? 'no file; defaults, environment and flags' }];
  for (const warning of warnings) findings.push({ check: 'config', level: 'warning', message: warning });
  const secrets = configKeys.filter((key) => key.isSecret && sources.get(key.path) === `file ${file}`).map((key) => key.path);
  if (file !== undefined && secrets.length > 0 && isOpenToOthers(file)) {
    const message = `${file} holds secrets (${secrets.join(', ')}) and can be read by others`;
    findings.push({ check: 'config', level: 'warning', message, hint: `chmod 600 ${file}` });
  }
  const { tls } = config.http;
  for (const path of [tls?.key_file, config.nats.nkey_seed_file, config.nats.credentials_file]) {
    if (path === undefined) continue;
    if (!existsSync(path)) findings.push({ check: 'config', level: 'error', message: `${path} does not exist` });
    else if (isOpenToOthers(path))
      findings.push({ check: 'config', level: 'warning', message: `${path} can be read by others`, hint: `chmod 600 ${path}` });
  }
  return findings;
}

async function checkServer(config: Config): Promise<Finding[]> {
  try {
    const { path, version } = await findServerProgram(config.nats.binary);
    return [{ check: 'broker', level: 'ok', message: `nats-server ${formatVersion(version)} (${path})` }, ...describeAdvisories(version)];
  } catch (error) {
    const fault = WeirError.from(error);
    return [{ check: 'broker', level: 'error', message: fault.message, ...hintOf(fault) }];
  }
}

async function checkExternal(config: Config): Promise<Finding[]> {
  try {
    const connected = await connectBus({ login: loginOf(config.nats), name: 'weir-doctor', roots: rootsOf(config), timeoutMs: 3000 });
    const info = connected.connection.info;
    await connected.close();
    const version = parseVersion(info?.version ?? '');
    const hasJetStream = info?.jetstream === true;
    return [
      { check: 'broker', level: 'ok', message: `the external NATS answers (nats-server ${info?.version ?? 'of unknown version'})` },
      ...(hasJetStream
        ? []
        : [
            {
              check: 'broker',
              level: 'error' as const,
              message: 'the external NATS has no JetStream for this login',
              hint: 'Weir keeps media and history in JetStream',
            },
          ]),
      ...(version === undefined ? [] : describeAdvisories(version)),
    ];
  } catch (error) {
    const fault = WeirError.from(error);
    return [{ check: 'broker', level: 'error', message: fault.message, ...hintOf(fault) }];
  }
}

function describeAdvisories(version: ServerVersion): Finding[] {
  return advisoriesFor(version).map(({ id, what, here }) => ({
    check: 'broker',
    level: 'warning',
    message: `${id}: ${what}`,
    hint: `Here: ${here}. A newer nats-server is sound`,
  }));
}

async function checkFfmpeg(config: Config, data: DataFolder): Promise<Finding[]> {
  const { ffmpeg = 'ffmpeg', ffprobe = 'ffprobe', hardware } = config.ffmpeg;
  try {
    const facts = await findMachineFacts({ ffmpeg, ffprobe, hardware, signal: AbortSignal.timeout(30_000) });
    const working = facts.encoders.filter((one) => one.works).map((one) => one.encoder);
    // Whoever asks has changed something, or does not trust what a worker remembers: the next one shall know better.
    const noteFile = existsSync(data.path) ? data.workerEncoders : undefined;
    const { encoders } = await findRememberedMachine({ ffmpeg, ffprobe, hardware, noteFile, again: true, signal: AbortSignal.timeout(60_000) });
    const forVideos = encoders.filter((one) => one.works).map((one) => one.encoder);
    const findings: Finding[] = [
      { check: 'ffmpeg', level: 'ok', message: `FFmpeg ${facts.version}; encoders that work here: ${working.join(', ')}` },
      { check: 'ffmpeg', level: 'ok', message: `encoders for videos: ${forVideos.join(', ')}` },
    ];
    if (facts.fontFile === undefined) {
      findings.push({
        check: 'ffmpeg',
        level: 'warning',
        message: 'no font was found: test and no-signal pictures carry no text',
        hint: 'Debian, Ubuntu: apt install fonts-dejavu-core',
      });
    }
    return findings;
  } catch (error) {
    const fault = WeirError.from(error);
    return [{ check: 'ffmpeg', level: 'error', message: fault.message, ...hintOf(fault) }];
  }
}

function checkPorts(config: Config, data: DataFolder): Finding[] {
  if (runningHub(data) !== undefined) return [{ check: 'ports', level: 'ok', message: `a hub runs on this data folder (${runningHub(data)})` }];
  const wanted: [name: string, key: string, port: number][] = [['hub', 'http.port', config.http.port]];
  if (config.nats.url === undefined) {
    wanted.push(['message bus', 'nats.port', config.nats.port], ['its WebSocket', 'nats.websocket_port', config.nats.websocket_port]);
    if (config.nats.monitor_port > 0) wanted.push(['its monitoring', 'nats.monitor_port', config.nats.monitor_port]);
  }
  wanted.push(['JSON-RPC', 'rpc.port', config.rpc.port], ['health', 'rpc.health_port', config.rpc.health_port], ...gatewayPorts(config));
  return wanted
    .filter(([, , port]) => port > 0)
    .map(([name, key, port]) => {
      const holder = findListener(port);
      if (holder === undefined) return { check: 'ports', level: 'ok', message: `${port} (${name}) is free` };
      // A broker that a crashed hub left behind is adopted by the next.
      const isOurs = holder.command.includes(data.brokerFolder);
      if (isOurs)
        return { check: 'ports', level: 'ok', message: `${port} (${name}) is held by the broker of this data folder; the next hub adopts it` };
      return {
        check: 'ports',
        level: 'error',
        message: `${port} (${name}) is taken by process ${holder.pid}: ${holder.command}`,
        hint: `Stop it, or choose another ${key}`,
      };
    });
}

/** Those of a MediaMTX that the hub would start. */
function gatewayPorts({ gateway }: Config): [name: string, key: string, port: number][] {
  const isOurs = gateway.kind !== 'builtin' && gateway.url === undefined && findOptionalProgram(gateway.binary ?? 'mediamtx') !== undefined;
  if (!isOurs) return [];
  const names = ['api_port', 'rtsp_port', 'webrtc_port', 'hls_port', 'rtmp_port', 'srt_port'] as const;
  return names.map((name) => [`MediaMTX, ${name.replace('_port', '')}`, `gateway.${name}`, gateway[name]]);
}

async function checkData(data: DataFolder): Promise<Finding[]> {
  let folder = data.path;
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    return [
      {
        check: 'data',
        level: 'error',
        message: `${folder} cannot be written by this user`,
        hint: 'Change its owner, or choose another folder with WEIR_DATA_DIR',
      },
    ];
  }
  const stats = await statfs(folder);
  const free = stats.bavail * stats.bsize;
  const amount = `${(free / gibibyte).toFixed(1)} GiB free`;
  const findings: Finding[] = [
    free < 0.25 * gibibyte
      ? { check: 'data', level: 'error', message: `${data.path}: only ${amount}` }
      : { check: 'data', level: free < 2 * gibibyte ? 'warning' : 'ok', message: `${data.path}: ${amount}` },
  ];
  for (const file of openFiles(join(data.path, 'secrets')))
    findings.push({ check: 'data', level: 'error', message: `${file} can be read by others`, hint: `chmod 600 ${file}` });
  return findings;
}

function openFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .map((name) => join(folder, name))
      .filter(isOpenToOthers);
  } catch {
    return [];
  }
}

function isOpenToOthers(file: string): boolean {
  return (statSync(file).mode & 0o077) !== 0;
}

async function checkExposure(config: Config, data: DataFolder): Promise<Finding[]> {
  const findings: Finding[] = [];
  const wide = !loopback.test(config.http.host);
  if (wide) {
    const needed = await isSetupNeeded(config, data);
    if (needed === true && config.access.admin_password === undefined) {
      findings.push({
        check: 'exposure',
        level: 'warning',
        message: `${config.http.host} is configured, but there is no admin yet: the hub stays on loopback`,
        hint: 'Open the one-time link, or: weir user add admin --role admin',
      });
    }
    if (config.http.tls === undefined && config.http.public_url?.startsWith('https:') !== true) {
      findings.push({
        check: 'exposure',
        level: 'warning',
        message: 'the hub is reached from other machines without TLS: sessions and pictures can be read on the way',
        hint: 'Set http.tls, or http.public_url with a proxy that ends TLS',
      });
    }
  }
  if (config.nats.url === undefined && !loopback.test(config.nats.host) && config.nats.tls?.enabled !== true) {
    findings.push({
      check: 'exposure',
      level: 'warning',
      message: 'the message bus is reached from other machines without TLS',
      hint: 'Set nats.tls, or keep nats.host on a network of its own',
    });
  }
  if (findings.length === 0)
    findings.push({
      check: 'exposure',
      level: 'ok',
      message: wide ? 'the hub is reached from other machines, with TLS' : 'everything listens on this machine only',
    });
  return findings;
}

/** Undefined when it cannot be known now. */
async function isSetupNeeded(config: Config, data: DataFolder): Promise<boolean | undefined> {
  const url = runningHub(data);
  try {
    if (url !== undefined)
      return ((await (await fetch(`${url}/api/v1/setup`, { signal: AbortSignal.timeout(2000) })).json()) as { needed: boolean }).needed;
    if (config.database.url === undefined && !existsSync(data.database)) return true;
    const { openOfflineClient } = await import('./cli/offline-client.js');
    const client = await openOfflineClient(config);
    try {
      return (await client.call('setup_state')).needed;
    } finally {
      await client.close();
    }
  } catch {
    return undefined;
  }
}

function checkSurroundings(): Finding[] {
  const findings: Finding[] = [];
  if (!existsSync(join(packageFolder, 'dist', 'ui', 'index.html'))) {
    findings.push({ check: 'interface', level: 'warning', message: 'the web interface is not built', hint: 'node scripts/setup.mjs' });
  }
  if (!hasParentDeathSignal()) {
    findings.push({
      check: 'system',
      level: 'warning',
      message: 'without setpriv, FFmpegs of a killed spoke run on until the next one starts',
      hint: 'Debian, Ubuntu: apt install util-linux',
    });
  }
  return findings;
}

function hintOf(error: WeirError): { hint?: string } {
  return error.hint === undefined ? {} : { hint: error.hint };
}
