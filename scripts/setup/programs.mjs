/** The programs Weir runs: found on PATH or in the cache folder, else installed by the system's package manager, else downloaded and checked. */
import { createHash } from 'node:crypto';
import { accessSync, constants, createWriteStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fetchKernel, hasKernel, whyNoKernel } from './kernel.mjs';
import { SetupError } from './report.mjs';
import { firstLine, run } from './run.mjs';

/** Downloaded programs; on the PATH of everything set-up starts. */
export const cacheFolder = process.env.WEIR_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'weir');
const cacheBin = join(cacheFolder, 'bin');

/** Pinned release: version, address and SHA-256 by architecture. WEIR_DOWNLOAD_BASE replaces the address for mirrors. */
const natsRelease = {
  version: '2.12.15',
  base: process.env.WEIR_DOWNLOAD_BASE ?? 'https://github.com/nats-io/nats-server/releases/download',
  sha256: {
    'linux-x64': ['linux-amd64', '58ab8131f819263897e2fc38e503e1b755b63bcafeecc7d12582487df48ca15e'],
    'linux-arm64': ['linux-arm64', 'b724db99fefbf8f5c808baa82819ee50350aee9734017e4a478f7e545cef3ab6'],
  },
};

const fontFolders = ['/usr/share/fonts', '/usr/local/share/fonts', '/System/Library/Fonts', '/Library/Fonts'];
const pgFolders = () =>
  existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`) : [];

/**
 * What is needed: `found` tells whether it is there, `packages` how to install it, `for` which command needs it,
 * `optional` that the command goes on without it (the tests then name what they skip).
 */
const needs = [
  {
    name: 'nats-server',
    for: ['start', 'test'],
    found: () => natsVersionOk(),
    packages: { apt: ['nats-server'], brew: ['nats-server'] },
    download: downloadNats,
  },
  { name: 'ffmpeg', for: ['start', 'test'], found: () => onPath('ffmpeg') && onPath('ffprobe'), packages: { apt: ['ffmpeg'], brew: ['ffmpeg'] } },
  {
    name: 'a font for the test picture',
    for: ['start', 'test'],
    optional: true,
    found: () => fontFolders.some((folder) => existsSync(folder) && readdirSync(folder).length > 0),
    packages: { apt: ['fonts-dejavu-core'] },
  },
  {
    name: 'v4l2-ctl, which asks USB cameras what they can do',
    for: ['start', 'test'],
    optional: true,
    found: () => process.platform !== 'linux' || onPath('v4l2-ctl'),
    packages: { apt: ['v4l-utils'] },
  },
  {
    name: 'Chromium',
    for: ['test'],
    optional: true,
    found: () => ['chromium', 'chromium-browser', 'google-chrome'].some(onPath),
    packages: { apt: ['chromium'] },
  },
  {
    name: 'PostgreSQL',
    for: ['test'],
    optional: true,
    found: () => pgFolders().some((folder) => existsSync(join(folder, 'initdb'))),
    packages: { apt: ['postgresql'] },
  },
  {
    name: 'a Docker engine',
    for: ['test'],
    optional: true,
    found: () => !mayRunContainers() || ['docker', 'dockerd', 'iptables'].every(onPath),
    packages: { apt: ['docker.io', 'iptables'] },
  },
  {
    name: 'docker compose',
    for: ['test'],
    optional: true,
    found: () => !mayRunContainers() || onPath('docker-compose') || firstLine('docker', ['compose', 'version']) !== undefined,
    packages: { apt: ['docker-compose'] },
  },
  {
    name: 'debootstrap',
    for: ['test'],
    optional: true,
    found: () => !mayRunContainers() || onPath('debootstrap'),
    packages: { apt: ['debootstrap'] },
  },
  {
    name: 'QEMU, for the test with real cameras',
    for: ['test'],
    optional: true,
    found: () => whyNoKernel() !== undefined || ['qemu-system-x86_64', 'busybox', 'depmod', 'modprobe', 'cpio'].every(onPath),
    packages: { apt: ['qemu-system-x86', 'busybox-static', 'kmod', 'cpio'] },
  },
  {
    name: 'a kernel for the test with real cameras',
    for: ['test'],
    optional: true,
    found: () => whyNoKernel() !== undefined || hasKernel(cacheFolder),
    packages: {},
    advice: 'node scripts/v4l2-vm.mjs true',
    download: downloadKernel,
  },
];

/** Without it the test with cameras is skipped and says so. */
async function downloadKernel(note) {
  try {
    await fetchKernel(cacheFolder, note);
    return true;
  } catch (error) {
    note(error.message.split('\n')[0]);
    return false;
  }
}

/** The test of the container files needs root for an engine of its own; without, nothing is installed for it and it says why it is skipped. */
function mayRunContainers() {
  return process.platform === 'linux' && process.getuid?.() === 0;
}

/** Makes sure that everything `command` needs is there. */
export async function ensurePrograms(command, note) {
  process.env.PATH = `${cacheBin}${delimiter}${process.env.PATH ?? ''}`;
  const missing = needs.filter((need) => need.for.includes(command) && !need.found());
  if (missing.length === 0) return 'all there';
  const install = async (wanted) => {
    const packages = wanted.flatMap((need) => need.packages[packageManager()?.name] ?? []);
    return packages.length > 0 ? await installPackages(packages, note) : undefined;
  };
  let failure = await install(missing);
  const required = missing.filter((need) => !need.optional);
  // One package that this system does not know makes the whole installation fail.
  if (failure !== undefined && required.length > 0 && required.length < missing.length) failure = await install(required);
  for (const need of missing) {
    if (need.found()) continue;
    if (need.download !== undefined && (await need.download(note))) continue;
    const advice = need.advice ?? installCommand(need);
    if (need.optional) note(`${need.name} is missing, going on without it (${advice})`);
    else
      throw new SetupError(
        `${need.name} is needed and could not be installed here.\nRun:  ${advice}${failure === undefined ? '' : `\n\n${failure}`}`,
      );
  }
  return `installed ${missing.map((need) => need.name).join(', ')}`;
}

/** Compiler and Python, for a native package that has no prebuilt binary for this machine. */
export async function ensureCompiler(note) {
  if (['make', 'g++', 'python3'].every(onPath)) return;
  const failure = await installPackages(['make', 'g++', 'python3'], note);
  if (failure !== undefined)
    throw new SetupError(`A C++ compiler is needed to build a native package.\nRun:  sudo apt-get install -y make g++ python3\n\n${failure}`);
}

/** True when a program of this name can be run. */
export function onPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function natsVersionOk() {
  if (!onPath('nats-server')) return false;
  const [, major, minor, patch] = /v(\d+)\.(\d+)\.(\d+)/.exec(firstLine('nats-server', ['--version']) ?? '') ?? [];
  return Number(major) * 1e6 + Number(minor) * 1e3 + Number(patch) >= 2_009_010;
}

function packageManager() {
  if (onPath('apt-get')) {
    if (process.getuid?.() === 0) return { name: 'apt', prefix: [] };
    if (onPath('sudo') && firstLine('sudo', ['-n', 'true']) !== undefined) return { name: 'apt', prefix: ['sudo', '-n'] };
    return { name: 'apt', prefix: undefined };
  }
  if (onPath('brew')) return { name: 'brew', prefix: [] };
  return undefined;
}

function installCommand(need) {
  const manager = packageManager();
  const packages = need.packages[manager?.name ?? 'apt'] ?? need.packages.apt;
  return manager?.name === 'brew' ? `brew install ${packages.join(' ')}` : `sudo apt-get install -y ${packages.join(' ')}`;
}

/** Returns undefined when it worked, else what went wrong. */
async function installPackages(packages, note) {
  const manager = packageManager();
  if (manager === undefined) return 'no package manager known to set-up was found (apt-get, brew)';
  if (manager.prefix === undefined) return 'set-up may not install packages: it is neither root nor allowed to use sudo without a password';
  note(`installing ${packages.join(', ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const call = (...args) => run([...manager.prefix, ...args][0], [...manager.prefix, ...args].slice(1), { env });
  try {
    if (manager.name === 'brew') await call('brew', 'install', ...packages);
    else {
      await call('apt-get', 'update', '-q');
      await call('apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages);
    }
    return undefined;
  } catch (error) {
    return error.message;
  }
}

/** Downloads, checks and unpacks beside the goal; the rename at the end makes it whole or not there. False where no release fits. */
async function downloadNats(note) {
  const [platform, sha256] = natsRelease.sha256[`${process.platform}-${process.arch}`] ?? [];
  if (platform === undefined) return false;
  const folder = `nats-server-v${natsRelease.version}-${platform}`;
  const url = `${natsRelease.base}/v${natsRelease.version}/${folder}.tar.gz`;
  note(`downloading nats-server ${natsRelease.version}`);
  mkdirSync(cacheBin, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, 'download-'));
  try {
    const archive = join(work, 'archive.tar.gz');
    const answer = await fetch(url, { signal: AbortSignal.timeout(5 * 60_000) });
    if (!answer.ok || answer.body === null) throw new SetupError(`${url} answered ${answer.status}`);
    await pipeline(Readable.fromWeb(answer.body), createWriteStream(archive));
    const found = createHash('sha256').update(readFileSync(archive)).digest('hex');
    if (found !== sha256) throw new SetupError(`${url} has SHA-256 ${found}, expected ${sha256}: not installed`);
    await run('tar', ['-xzf', archive, '-C', work]);
    renameSync(join(work, folder, 'nats-server'), join(cacheBin, 'nats-server'));
    return natsVersionOk();
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(
      `nats-server could not be downloaded from ${url}: ${error.cause?.message ?? error.message}\nRun:  sudo apt-get install -y nats-server`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
