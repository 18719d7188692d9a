/** Starts the built `weir up` as a child process on free ports with a data folder of its own, as a newcomer would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { cliFile } from '../apps/version.js';
import type { Stream } from '../contracts/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';

export const adminPassword = 'correct-horse-battery';

interface Ready {
  url: string;
  admin_link: string | null;
  bus: string;
  ready_ms: number;
  pid: number;
  data_dir: string;
}

export interface WeirOptions {
  /** Further environment, for example `WEIR_STREAMS_TEST_PICTURE`. */
  env?: Record<string, string>;
  /** Leaves the first admin to the one-time link. */
  withoutAdmin?: boolean;
  /** Use this data folder (of an earlier run) instead of a new one; it is not removed at the end. */
  dataFolder?: string;
  command?: 'up' | 'hub';
  /** The program to run; default: the one compiled with this test. */
  program?: string;
}

/** One running Weir. */
export class Weir {
  readonly dataFolder: string;
  readonly #options: WeirOptions;
  #child: ChildProcess | undefined;
  #log = '';
  ready!: Ready;

  constructor(options: WeirOptions, dataFolder: string) {
    this.#options = options;
    this.dataFolder = dataFolder;
  }

  get url(): string {
    return this.ready.url;
  }

  get pid(): number {
    return this.ready.pid;
  }

  /** What the hub wrote so far, for failures. */
  get log(): string {
    return this.#log;
  }

  /** Starts the hub process, again on the same ports when it ran before. */
  async start(): Promise<void> {
    const port = this.ready === undefined ? '-1' : new URL(this.ready.url).port;
    const child = spawn(process.execPath, [this.#options.program ?? cliFile, this.#options.command ?? 'up', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...cleanEnvironment(),
        WEIR_DATA_DIR: this.dataFolder,
        WEIR_HTTP_PORT: port,
        WEIR_NATS_PORT: '-1',
        WEIR_NATS_WEBSOCKET_PORT: '-1',
        ...(this.#options.withoutAdmin ? {} : { WEIR_ADMIN_PASSWORD: adminPassword }),
        ...this.#options.env,
      },
    });
    this.#child = child;
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += String(chunk);
    });
    child.stderr?.on('data', (chunk) => {
      this.#log = (this.#log + String(chunk)).slice(-200_000);
    });
    try {
      const ready = await waitFor(
        () => (output.includes('\n') ? (JSON.parse(output.split('\n')[0] ?? '') as Ready) : child.exitCode !== null || child.signalCode !== null),
        { deadlineMs: 120_000, what: 'the ready line of weir' },
      );
      if (ready === true) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
      this.ready = ready;
    } catch (error) {
      throw new Error(`weir did not start: ${String(error)}\n${this.#log}`);
    }
  }

  /** Kills the hub process alone, without a chance to tidy. */
  async kill9(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGKILL');
    await waitFor(() => child.signalCode !== null, { what: 'the hub’s end' });
  }

  /** Stops gracefully; resolves with the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    child.kill('SIGTERM');
    await waitFor(() => child.exitCode !== null || child.signalCode !== null, { deadlineMs: 40_000, what: 'the end of weir' });
    return child.exitCode;
  }

  /** Secret with which this machine's command line is admin. */
  get localToken(): string {
    return readFileSync(join(this.dataFolder, 'secrets', 'local-token'), 'utf8').trim();
  }

  /** Calls the REST API as admin; fails on anything but a 2xx answer. */
  async api<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request(method, path, body);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}\n${this.#log.slice(-4000)}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Calls the REST API with this token (default: admin) and returns the raw answer. */
  request(method: string, path: string, body?: unknown, token: string | undefined = this.localToken): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  stream(streamId: string): Promise<Stream> {
    return this.api<Stream>('GET', `/api/v1/streams/${streamId}`);
  }

  /** Waits until the stream is as wanted. */
  async streamWhen(streamId: string, isSo: (stream: Stream) => boolean, what: string, deadlineMs = 30_000): Promise<Stream> {
    let last: Stream | undefined;
    try {
      return await waitFor(
        async () => {
          last = await this.stream(streamId);
          return isSo(last) ? last : undefined;
        },
        { deadlineMs, what: `stream ${streamId}: ${what}`, everyMs: 50 },
      );
    } catch (error) {
      throw new Error(`${String(error)}\nlast: ${JSON.stringify(last)}\n${this.#log.slice(-4000)}`);
    }
  }

  /** Connects a plain NATS client. */
  connectPlain(user: string, password: string): Promise<NatsConnection> {
    return connect({ servers: this.ready.bus, user, pass: password, maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  }

  /** Pids of the processes whose command line mentions this data folder, by program name. */
  processes(): { pid: number; command: string }[] {
    return listProcesses().filter(({ pid, command }) => pid !== process.pid && command.includes(this.dataFolder));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const { pid } of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Already gone.
      }
    }
    if (this.#options.dataFolder === undefined) await removeFolder(this.dataFolder);
  }
}

/** A running Weir; ends with `await using`. */
export async function startWeir(options: WeirOptions = {}): Promise<Weir> {
  const weir = new Weir(options, options.dataFolder ?? (await makeTempFolder('weir-e2e-')));
  try {
    await weir.start();
  } catch (error) {
    // What is half started would keep the process of the tests waiting.
    await weir[Symbol.asyncDispose]();
    throw error;
  }
  return weir;
}

/** Pid and command line of every process, from /proc. */
export function listProcesses(): { pid: number; command: string }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => ({ pid: Number(pid), command: commandOf(Number(pid)) }));
}

function cleanEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !/^(WEIR_|NATS_|STREAM_ID)/.test(entry[0])),
  );
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
