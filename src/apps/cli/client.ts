/** Calls operations of a hub by their route name: over HTTP, or, for access control on the hub's own machine, in its data folder while it is down. */
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { WeirError } from '../../contracts/errors.js';
import { type Problem, problemSchema, type Route, type RouteAnswer, type RouteName, routes } from '../../contracts/index.js';
import { filePlaces } from '../config.js';
import { type DataFolder, dataFolderAt } from '../data-folder.js';
import { configFor, configInputs, type GlobalOptions, type Terminal } from './terminal.js';

/** What a route takes; absent parts are left out. */
export interface CallInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Longest wait for the answer; default 30 000. */
  readonly timeoutMs?: number;
}

export interface Client {
  /** Where it talks to, for messages. */
  readonly where: string;
  call<N extends RouteName>(name: N, input?: CallInput): Promise<RouteAnswer<N>>;
  /** Asks for what is no JSON; the body of the answer is still to be read. */
  fetch(name: RouteName, input?: CallInput): Promise<Response>;
  close(): Promise<void>;
}

interface ClientOptions extends GlobalOptions {
  readonly url?: string;
}

const callLimitMs = 30_000;

/** A hub, and the token for it. */
export interface HubPlace {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | undefined;
}

/** The hub that the options, the environment (WEIR_URL, WEIR_TOKEN) or the data folder name. */
export function findHub(command: Command, terminal: Terminal): HubPlace {
  const options = command.optsWithGlobals<ClientOptions>();
  const { dataDir, port } = whereabouts(command, terminal);
  const data = dataFolderAt(dataDir);
  const given = options.url ?? terminal.environment.WEIR_URL;
  const running = runningHub(data);
  const isLocal = running !== undefined && (given === undefined || isSameHub(given, running));
  // Under its own name, so that the token of the folder reaches that hub and nobody else on this machine.
  const url = (isLocal ? running : given) ?? `http://localhost:${port}`;
  const token = terminal.environment.WEIR_TOKEN ?? (isLocal || given === undefined ? localToken(data) : undefined);
  return { url: url.replace(/\/+$/, ''), token };
}

/** Data folder and port. A file that is not sound must not keep anybody from asking the hub that runs, least of all to mend it. */
function whereabouts(command: Command, terminal: Terminal): { dataDir: string; port: number } {
  try {
    const { config } = configFor(command, terminal);
    return { dataDir: config.data_dir, port: config.http.port };
  } catch (error) {
    const dataDir = filePlaces(configInputs(command, terminal)).dataFolder;
    if (
      runningHub(dataFolderAt(dataDir)) === undefined &&
      terminal.environment.WEIR_URL === undefined &&
      command.optsWithGlobals<ClientOptions>().url === undefined
    )
      throw error;
    return { dataDir, port: 0 };
  }
}

/** Whether there is a hub to ask: one is named, or one runs on the data folder. */
export function isHubNamed(command: Command, terminal: Terminal): boolean {
  if (command.optsWithGlobals<ClientOptions>().url !== undefined || terminal.environment.WEIR_URL !== undefined) return true;
  try {
    return runningHub(dataFolderAt(whereabouts(command, terminal).dataDir)) !== undefined;
  } catch {
    return false;
  }
}

/** A client of {@link findHub}. */
export function openClient(command: Command, terminal: Terminal): Client {
  const { url, token } = findHub(command, terminal);
  return httpClient(url, token);
}

/** Like {@link openClient}, but works in the data folder itself when no hub runs there. Only for routes of access control. */
export async function openAccessClient(command: Command, terminal: Terminal): Promise<Client> {
  const options = command.optsWithGlobals<ClientOptions>();
  if (options.url !== undefined || terminal.environment.WEIR_URL !== undefined) return openClient(command, terminal);
  const { config } = configFor(command, terminal);
  const data = dataFolderAt(config.data_dir);
  if (runningHub(data) !== undefined) return openClient(command, terminal);
  const { openOfflineClient } = await import('./offline-client.js');
  return openOfflineClient(config);
}

/** Address of the hub that notes itself in this data folder, when its process lives. */
export function runningHub(data: DataFolder): string | undefined {
  try {
    const { url, pid } = JSON.parse(readFileSync(data.hubFile, 'utf8')) as { url: string; pid: number };
    process.kill(pid, 0);
    return url;
  } catch (error) {
    // A hub of another user may not be signalled, yet it is there.
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return (JSON.parse(readFileSync(data.hubFile, 'utf8')) as { url: string }).url;
    return undefined;
  }
}

const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** True when both addresses lead to one hub: the names of this machine for itself count as one. */
export function isSameHub(given: string, running: string): boolean {
  if (!URL.canParse(given) || !URL.canParse(running)) return false;
  const [one, other] = [new URL(given), new URL(running)];
  if (one.origin === other.origin) return one.pathname === other.pathname;
  const areLoopback = loopbackNames.has(one.hostname) && loopbackNames.has(other.hostname);
  return areLoopback && one.protocol === other.protocol && one.port === other.port && one.pathname === other.pathname;
}

/** The token of the data folder: for the hub of that folder only, never for another address. */
export function localToken(data: DataFolder): string | undefined {
  if (!existsSync(data.localToken)) return undefined;
  try {
    return readFileSync(data.localToken, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Talks to the hub at `base` (without a slash at its end). */
export function httpClient(base: string, token: string | undefined): Client {
  const ask = async (name: RouteName, input: CallInput, signal: AbortSignal): Promise<Response> => {
    const route: Route = routes[name];
    const headers: Record<string, string> = { accept: route.produces ?? 'application/json' };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (input.body !== undefined) headers['content-type'] = 'application/json';
    const answer = await send(`${base}${pathOf(route, input)}`, {
      method: route.method,
      headers,
      signal,
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
    });
    if (!answer.ok) throw await failureOf(answer, base, token !== undefined);
    return answer;
  };
  return {
    where: base,
    async call(name, input = {}) {
      const answer = await ask(name, input, AbortSignal.timeout(input.timeoutMs ?? callLimitMs));
      return (answer.status === 204 ? undefined : await answer.json()) as never;
    },
    async fetch(name, input = {}) {
      // Only the wait for the answer is limited; its body may take as long as it flows.
      const limit = new AbortController();
      const timer = setTimeout(() => limit.abort(new DOMException('no answer', 'TimeoutError')), input.timeoutMs ?? callLimitMs);
      try {
        return await ask(name, input, limit.signal);
      } finally {
        clearTimeout(timer);
      }
    },
    close: async () => undefined,
  };
}

function pathOf(route: Route, input: CallInput): string {
  const path = route.path.replace(/\{(\w+)\}/g, (_whole, key: string) => encodeURIComponent(input.params?.[key] ?? ''));
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(input.query ?? {})) if (value !== undefined) query.set(key, String(value));
  return query.size === 0 ? path : `${path}?${query}`;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    if ((cause as Error).name === 'TimeoutError')
      throw new WeirError('deadline_exceeded', `${new URL(url).origin} did not answer in time`, { cause });
    const reason = ((cause as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (cause as Error).message;
    if (/CERT|SELF_SIGNED|VERIFY|ISSUER/.test(reason)) {
      throw new WeirError('unavailable', `The certificate of ${new URL(url).origin} is not trusted here: ${reason}`, {
        hint: 'Name the hub with WEIR_URL as its certificate does, and its authority with NODE_EXTRA_CA_CERTS',
        cause,
      });
    }
    throw new WeirError('unavailable', `No hub answers at ${url.split('/api/')[0]}: ${reason}`, {
      hint: 'Start one with `weir up`, or name it with WEIR_URL (and WEIR_TOKEN)',
      cause,
    });
  }
}

async function failureOf(answer: Response, base: string, hadToken: boolean): Promise<WeirError> {
  const body: unknown = await answer.json().catch(() => undefined);
  const parsed = problemSchema.safeParse(body);
  if (!parsed.success) return new WeirError('unavailable', `${base} answered ${answer.status} and does not seem to be a hub`);
  const problem: Problem = parsed.data;
  if (problem.code === 'unauthenticated') {
    return new WeirError('unauthenticated', hadToken ? 'The hub does not accept this token' : 'The hub wants a token', {
      hint: 'Set WEIR_TOKEN (made by `weir token create`), or run this on the hub’s machine with its --data-dir',
    });
  }
  return WeirError.fromProblem(problem);
}
