/** Runs the built command as people do: as a child process, on free ports, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type RouteAnswer, type RouteName, routes } from '../../contracts/index.js';
import { withDeadline } from '../../testkit/index.js';
import { cliFile } from '../version.js';

export interface Ready {
  readonly ready_ms: number;
  readonly url: string;
  readonly admin_link: string | null;
  readonly bus: string;
  readonly data_dir: string;
  readonly pid: number;
}

export interface RunningWeir {
  readonly ready: Ready;
  readonly child: ChildProcess;
  /** What it wrote to standard error until now. */
  log(): string;
  /** Sends the signal and resolves with the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
}

/** The environment of a person who has configured nothing. */
function environment(extra: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', ...extra };
}

/** A long-lived command; its standard output is for the caller to read. */
export function spawnWeir(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [cliFile, ...args], { cwd: folder, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  return {
    child,
    log: () => log,
    async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      const [code, by] = (await withDeadline(ended, 20_000, 'the end of weir')) as [number | null, NodeJS.Signals | null];
      return code ?? by;
    },
  };
}

/** `weir up` until its ready line. */
export async function startWeir(folder: string, options: { env?: Readonly<Record<string, string>> } = {}): Promise<RunningWeir> {
  const ports = ['--port', '-1', '--nats-port', '-1', '--websocket-port', '-1'];
  const spawned = spawnWeir(folder, ['--json', 'up', ...ports, '--data-dir', `${folder}/data`], options.env);
  const { child, log } = spawned;
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, 'line').then(([line]) => JSON.parse(String(line)) as Ready);
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`weir left with ${code}: ${log()}`)));
  exited.catch(() => undefined);
  return { ...spawned, ready: await withDeadline(Promise.race([ready, exited]), 20_000, 'the ready line') };
}

/** One short command; resolves with what it printed and its exit code. */
export async function runWeir(folder: string, args: readonly string[], options: { input?: string; env?: Readonly<Record<string, string>> } = {}) {
  const child = spawn(process.execPath, [cliFile, '--data-dir', `${folder}/data`, ...args], { cwd: folder, env: environment(options.env ?? {}) });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.end(options.input ?? '');
  const [code] = (await withDeadline(once(child, 'close'), 20_000, `weir ${args.join(' ')}`)) as [number];
  return { code, out, err };
}

/** Calls a hub as a browser with a session does. */
export function browser(url: string, session = '') {
  let cookie = session;
  return {
    cookie: () => cookie,
    async call<N extends RouteName>(name: N, input: { params?: Record<string, string>; body?: unknown } = {}): Promise<RouteAnswer<N>> {
      const path = routes[name].path.replace(/\{(\w+)\}/g, (_whole, key: string) => input.params?.[key] ?? '');
      const headers: Record<string, string> = { origin: url, cookie };
      if (input.body !== undefined) headers['content-type'] = 'application/json';
      const answer = await fetch(url + path, {
        method: routes[name].method,
        headers,
        ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      });
      if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
      const set = answer.headers.get('set-cookie');
      if (set !== null) cookie = set.split(';', 1)[0] ?? '';
      return (answer.status === 204 ? undefined : await answer.json()) as RouteAnswer<N>;
    },
  };
}
