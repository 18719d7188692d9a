/** A Docker engine of the test's own: own socket, own folders, no trace left on the machine. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findOptionalProgram } from '../supervisor/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';

const execute = promisify(execFile);
const startMs = 30_000;
const stopMs = 30_000;
const overlayMagic = 0x794c7630;

/** What a program printed. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Longest run; default 60 s. */
  readonly deadlineMs?: number;
}

/** Runs a program to its end; fails with its last lines when its exit code is not 0. */
export async function runTool(command: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
  const { env = {}, deadlineMs = 60_000 } = options;
  try {
    return await execute(command, args, { env: { ...process.env, ...env }, timeout: deadlineMs, maxBuffer: 64 * 1024 ** 2, killSignal: 'SIGKILL' });
  } catch (cause) {
    const { stdout = '', stderr = '', code, signal } = cause as { stdout?: string; stderr?: string; code?: number | string; signal?: string };
    const lines = `${stdout}\n${stderr}`.split('\n').slice(-40).join('\n');
    throw Object.assign(new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}:\n${lines}`, { cause }), { stdout, stderr, code });
  }
}

/** Reason why no engine can run here, else false. `folder`: where its images will lie. */
export function withoutDocker(folder: string): string | false {
  if (process.platform !== 'linux') return 'containers are tested on Linux';
  if (process.getuid?.() !== 0) return 'a Docker engine of our own needs root';
  const missing = ['dockerd', 'docker', 'iptables', 'debootstrap', 'setpriv'].filter((name) => findOptionalProgram(name) === undefined);
  if (composeCommand() === undefined) missing.push('docker compose');
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  if (!hasCapabilities(['SYS_ADMIN', 'NET_ADMIN'])) return 'this root may neither mount nor make networks, as inside a container';
  mkdirSync(folder, { recursive: true });
  return statfsSync(folder).type === overlayMagic ? 'the file system here is an overlay already, as inside a container' : false;
}

const capabilityBits = { NET_ADMIN: 12, SYS_ADMIN: 21 } as const;

function hasCapabilities(names: readonly (keyof typeof capabilityBits)[]): boolean {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  return names.every((name) => ((effective >> BigInt(capabilityBits[name])) & 1n) === 1n);
}

let compose: readonly string[] | undefined;

/** `docker compose` where the plugin is there, else the older program of that name. */
function composeCommand(): readonly string[] | undefined {
  if (compose === undefined) {
    if (spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0) compose = ['docker', 'compose'];
    else if (findOptionalProgram('docker-compose') !== undefined) compose = ['docker-compose'];
  }
  return compose;
}

/** One running engine. */
export class DockerEngine {
  /** Images and containers; stays at {@link stop} for whoever made it. */
  readonly dataFolder: string;
  readonly #folder: string;
  readonly #daemon: ChildProcess;

  private constructor(dataFolder: string, folder: string, daemon: ChildProcess) {
    this.dataFolder = dataFolder;
    this.#folder = folder;
    this.#daemon = daemon;
  }

  /** Starts it over a data folder, which may hold images of an earlier run. */
  static async start(dataFolder: string): Promise<DockerEngine> {
    // Sockets lie in here, and their paths must be short.
    const folder = await makeTempFolder('docker');
    const args = ['--data-root', dataFolder, '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid'), '-H', socketOf(folder)];
    // Nothing of the machine's network is touched but for a bridge per compose project; published ports go through Docker's own proxy.
    args.push('--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false', '--storage-driver=overlay2');
    // A killed test takes its engine along.
    const daemon = spawn('setpriv', ['--pdeathsig', 'TERM', 'dockerd', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(folder, 'log'));
    daemon.stdout?.pipe(log);
    daemon.stderr?.pipe(log);
    const engine = new DockerEngine(dataFolder, folder, daemon);
    try {
      const isUp = async () => hasEnded(daemon) || (await engine.docker('version')) !== '';
      await waitFor(isUp, { deadlineMs: startMs, everyMs: 100, what: 'the Docker engine' });
      if (hasEnded(daemon)) throw new Error('it has ended');
      return engine;
    } catch (error) {
      const said = existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8').split('\n').slice(-15).join('\n') : '';
      await engine.stop();
      throw new Error(`dockerd did not start: ${String(error)}\n${said}`);
    }
  }

  /** Standard output of `docker …`. */
  async docker(...args: string[]): Promise<string> {
    return (await this.run('docker', args)).stdout.trim();
  }

  /** `docker compose …`, whichever of its two programs is here. */
  compose(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    const [command = 'docker-compose', ...prefix] = composeCommand() ?? [];
    return this.run(command, [...prefix, ...args], options);
  }

  /** Runs a program that talks to this engine. */
  run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
    // The builder of the engine itself; the other one is not everywhere. And nobody's logins.
    const env = { DOCKER_HOST: socketOf(this.#folder), DOCKER_BUILDKIT: '0', COMPOSE_DOCKER_CLI_BUILD: '0', DOCKER_CONFIG: this.#folder };
    return runTool(command, args, { ...options, env: { ...env, ...options.env } });
  }

  /** Removes every container and network, ends the daemon and whatever it left mounted. */
  async stop(): Promise<void> {
    if (!hasEnded(this.#daemon)) {
      await this.#removeContainers().catch(() => undefined);
      this.#daemon.kill('SIGTERM');
      await waitFor(() => hasEnded(this.#daemon), { deadlineMs: stopMs, what: 'the end of dockerd' }).catch(() => this.#daemon.kill('SIGKILL'));
    }
    for (const path of mountsBelow([this.dataFolder, this.#folder])) await runTool('umount', ['-l', path]);
    await removeFolder(this.#folder);
  }

  async #removeContainers(): Promise<void> {
    const containers = await this.docker('ps', '-aq');
    if (containers !== '') await this.docker('rm', '-f', '-v', ...containers.split('\n'));
    await this.docker('network', 'prune', '-f');
    await this.docker('volume', 'prune', '-f');
  }
}

function socketOf(folder: string): string {
  return `unix://${join(folder, 'docker.sock')}`;
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** Deepest first. */
function mountsBelow(folders: readonly string[]): string[] {
  const paths = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return paths.filter((path) => folders.some((folder) => path.startsWith(`${folder}/`))).reverse();
}
