/** What `weir doctor` says about cameras, recordings and the gateway: programs, folders, and what a running hub knows. */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Config, WeirError } from '../contracts/index.js';
import { runProgram } from '../media/index.js';
import { findOptionalProgram } from '../supervisor/index.js';
import { type Client, httpClient, localToken, runningHub } from './cli/client.js';
import type { DataFolder } from './data-folder.js';
import type { Finding } from './finding.js';
import { recordingsFolder } from './spoke-settings.js';

const programLimitMs = 5000;
const gibibyte = 1024 ** 3;

/** Looks at everything; never throws. */
export async function checkCameraParts(config: Config, data: DataFolder): Promise<Finding[]> {
  const url = runningHub(data);
  const parts = await Promise.all([
    config.cameras.discover ? checkDevices() : [],
    checkGateway(config),
    checkRecordings(config, data),
    url === undefined ? [] : checkHub(httpClient(url, localToken(data))),
  ]);
  return parts.flat();
}

/** First line that a program prints about its version; undefined when it is missing or does not answer. */
export async function programVersion(program: string | undefined, ...args: string[]): Promise<string | undefined> {
  if (program === undefined) return undefined;
  try {
    const { code, stdout, stderr } = await runProgram(program, args, { timeoutMs: programLimitMs });
    const [line] = `${stdout.toString()}\n${stderr}`.split('\n').filter((text) => text.trim() !== '');
    return code === 0 ? line?.trim() : undefined;
  } catch {
    return undefined;
  }
}

async function checkDevices(): Promise<Finding[]> {
  const nodes = videoNodes();
  const program = findOptionalProgram('v4l2-ctl');
  const version = await programVersion(program, '--version');
  if (program === undefined) {
    const hint = 'Debian, Ubuntu: apt install v4l-utils';
    const message = 'v4l2-ctl is missing: capture devices are seen, but not what they can deliver';
    return [{ check: 'cameras', level: nodes.length > 0 ? 'error' : 'warning', message, hint }];
  }
  const findings: Finding[] = [
    { check: 'cameras', level: 'ok', message: `${version ?? 'v4l2-ctl'}; ${nodes.length === 0 ? 'no capture device here' : nodes.join(', ')}` },
  ];
  const closed = nodes.filter((node) => !isAllowed(node, constants.R_OK | constants.W_OK));
  if (closed.length > 0) {
    findings.push({
      check: 'cameras',
      level: 'error',
      message: `${closed.join(', ')} cannot be opened by this user`,
      hint: 'Add the user to the group that owns it, most often: usermod -aG video USER, then sign in again',
    });
  }
  return findings;
}

function videoNodes(): string[] {
  try {
    return readdirSync('/dev')
      .filter((name) => /^video\d+$/.test(name))
      .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
      .map((name) => join('/dev', name));
  } catch {
    return [];
  }
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

async function checkGateway({ gateway }: Config): Promise<Finding[]> {
  if (gateway.kind === 'builtin')
    return [{ check: 'gateway', level: 'ok', message: 'builtin: HLS and MP4 from the hub itself; no RTSP, WebRTC, SRT' }];
  if (gateway.url !== undefined) return [await askGateway(gateway.url, gateway.api_user, gateway.api_password)];
  const program = findOptionalProgram(gateway.binary ?? 'mediamtx');
  if (program === undefined) {
    const isWanted = gateway.kind === 'mediamtx' || gateway.binary !== undefined;
    return [
      {
        check: 'gateway',
        level: isWanted ? 'error' : 'ok',
        message: isWanted
          ? `MediaMTX (${gateway.binary ?? 'mediamtx'}) was not found, but gateway.kind asks for it`
          : 'MediaMTX was not found; the builtin gateway serves HLS and MP4, but no RTSP, WebRTC, SRT',
        ...(isWanted ? { hint: 'Put it on PATH, name it with gateway.binary, or set gateway.kind to auto' } : {}),
      },
    ];
  }
  const version = await programVersion(program, '--version');
  if (version === undefined)
    return [{ check: 'gateway', level: 'error', message: `${program} does not tell its version`, hint: 'Is it MediaMTX for this machine?' }];
  const judged = judgeVersion(version, program);
  return judged.level === 'ok' ? [judged, whoOpensCameras(gateway)] : [judged];
}

/** Its picture is also that of the recordings, which nobody would guess. */
function whoOpensCameras({ open_cameras, command, bitrate_kbps }: Config['gateway']): Finding {
  if (!open_cameras)
    return { check: 'gateway', level: 'ok', message: 'Weir opens V4L2 cameras in the quality of their streams; MediaMTX hands them on' };
  const how = command === undefined ? `at ${bitrate_kbps} kbit/s` : 'by gateway.command';
  const message = `MediaMTX opens V4L2 cameras and encodes them ${how}: so they are watched and recorded`;
  return {
    check: 'gateway',
    level: 'ok',
    message,
    hint: 'gateway.bitrate_kbps sets that; with gateway.open_cameras false Weir opens them in its own quality',
  };
}

async function askGateway(url: string, user: string | undefined, password: string | undefined): Promise<Finding> {
  try {
    const login = user === undefined ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` };
    const answer = await fetch(new URL('/v3/info', url), { headers: login, signal: AbortSignal.timeout(programLimitMs) });
    if (answer.status === 401)
      return {
        check: 'gateway',
        level: 'error',
        message: `MediaMTX at ${url} refuses the login`,
        hint: 'Set gateway.api_user and gateway.api_password',
      };
    const { version } = answer.ok ? ((await answer.json()) as { version?: string }) : {};
    if (version === undefined)
      return { check: 'gateway', level: 'error', message: `${url} answers, but not like MediaMTX 1.15.2 or newer (status ${answer.status})` };
    return judgeVersion(version, url);
  } catch {
    return {
      check: 'gateway',
      level: 'error',
      message: `MediaMTX does not answer at ${url}`,
      hint: 'Is its API on (api: yes)? The hub serves HLS and MP4 meanwhile',
    };
  }
}

function judgeVersion(version: string, where: string): Finding {
  const [, major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const isOld = major < 1 || (major === 1 && (minor < 15 || (minor === 15 && patch < 2)));
  if (isOld) return { check: 'gateway', level: 'error', message: `MediaMTX ${version} (${where}) is too old`, hint: 'Weir needs 1.15.2 or newer' };
  return { check: 'gateway', level: 'ok', message: `MediaMTX ${version} (${where})` };
}

async function checkRecordings(config: Config, data: DataFolder): Promise<Finding[]> {
  const folders = [recordingsFolder(config), config.snapshots.folder ?? data.snapshotsFolder];
  const findings = folders.flatMap((folder) => checkWritable(folder));
  const [recordings = data.path] = folders;
  const stats = await statfs(nearestFolder(recordings));
  const free = stats.bavail * stats.bsize;
  const used = (stats.blocks - stats.bfree) * stats.bsize;
  // Of what this user may use, as df tells it and as the hub judges it.
  const usedPercent = used + free === 0 ? 0 : (used / (used + free)) * 100;
  const { warn_percent, block_percent, min_free_bytes } = config.storage;
  const room = `${recordings}: ${(free / gibibyte).toFixed(1)} GiB free, ${usedPercent.toFixed(0)} % of the disk used`;
  const hint = 'Free some space, name another disk with recordings.folder, or change storage.block_percent and storage.min_free_bytes';
  if (usedPercent >= block_percent || free < min_free_bytes)
    findings.push({ check: 'recordings', level: 'error', message: `${room}: nothing new is recorded`, hint });
  else if (usedPercent >= warn_percent) findings.push({ check: 'recordings', level: 'warning', message: room, hint });
  else findings.push({ check: 'recordings', level: 'ok', message: room });
  return findings;
}

function checkWritable(folder: string): Finding[] {
  const at = nearestFolder(folder);
  if (isAllowed(at, constants.W_OK)) return [];
  return [
    {
      check: 'recordings',
      level: 'error',
      message: `${at} cannot be written by this user`,
      hint: `Change its owner, or choose another folder than ${folder}`,
    },
  ];
}

/** The folder itself, or the one that it would be made in. */
function nearestFolder(folder: string): string {
  let at = folder;
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at);
  return at;
}

/** What the hub that runs here knows of its spokes, cameras, gateway and storage. */
async function checkHub(client: Client): Promise<Finding[]> {
  try {
    const parts = await Promise.all([hubSpokes(client), hubCameras(client), hubGateway(client), hubSettings(client)]);
    return parts.flat();
  } catch (error) {
    const fault = WeirError.from(error);
    return [
      {
        check: 'hub',
        level: 'warning',
        message: `the running hub could not be asked: ${fault.message}`,
        ...(fault.hint === undefined ? {} : { hint: fault.hint }),
      },
    ];
  }
}

async function hubSpokes(client: Client): Promise<Finding[]> {
  const { items } = await client.call('list_spokes');
  if (items.length === 0)
    return [{ check: 'spokes', level: 'error', message: 'no spoke: nothing can run', hint: '`weir up` runs one; `weir spoke` another elsewhere' }];
  return items.map((one) => {
    const message = `${one.spoke_id} on ${one.host} (${one.version}) is ${one.state}, ${one.streams.length} streams`;
    return one.state === 'lost'
      ? { check: 'spokes', level: 'warning', message, hint: `Last seen ${one.last_seen_at}; its streams were moved where that is possible` }
      : { check: 'spokes', level: 'ok', message };
  });
}

async function hubCameras(client: Client): Promise<Finding[]> {
  const { items, total, connected } = await client.call('list_cameras', { query: { limit: 500 } });
  const faulty = items.filter((one) => one.status === 'ERROR');
  return [
    {
      check: 'cameras',
      level: 'ok',
      message: `${connected} of ${total} cameras are connected${total === 0 ? '' : `: ${items.map((one) => one.camera_id).join(', ')}`}`,
    },
    ...faulty.map(
      (one): Finding => ({
        check: 'cameras',
        level: 'warning',
        message: `${one.camera_id} (${one.name}): ${one.error ?? 'in error'}`,
        hint: `weir camera show ${one.camera_id}`,
      }),
    ),
  ];
}

async function hubGateway(client: Client): Promise<Finding[]> {
  const { kind, state, error, version } = await client.call('get_gateway');
  const message = `the hub runs ${kind}${version === null ? '' : ` ${version}`}: ${state}${error === null ? '' : `, ${error}`}`;
  return [{ check: 'gateway', level: state === 'running' || state === 'starting' ? 'ok' : 'warning', message }];
}

async function hubSettings(client: Client): Promise<Finding[]> {
  const { problem, needs_restart } = await client.call('get_settings');
  const findings: Finding[] = [];
  if (problem !== null)
    findings.push({
      check: 'config',
      level: 'warning',
      message: `the running hub does not take the file: ${problem}`,
      hint: 'Mend it, or go back: weir config history',
    });
  if (needs_restart.length > 0)
    findings.push({ check: 'config', level: 'warning', message: `written, but not in effect before a restart: ${needs_restart.join(', ')}` });
  return findings;
}
