/** Calls of the control interface: kept-alive connections, a deadline for each call, bounded answers, errors in our words. */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { WeirError } from '../../contracts/index.js';

export interface MtxHttpOptions {
  /** Base address, asked before each call: ports may be chosen anew by a restart. */
  readonly baseUrl: () => string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Longest time for one call, connection included. Asked before each. */
  readonly timeoutMs: () => number;
  /** Largest answer that is read; default 8 MiB. */
  readonly maxBytes?: number | undefined;
}

export interface MtxRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

export interface MtxHttp {
  /** The parsed body of a GET; undefined for others, whose success has no body to rely on. See {@link translateStatus} for failures. */
  call(request: MtxRequest): Promise<unknown>;
  /** Closes idle connections; calls under way end by their deadlines. */
  close(): void;
}

const defaultMaxBytes = 8 * 1024 * 1024;

export function createMtxHttp(options: MtxHttpOptions): MtxHttp {
  const agents = {
    http: new HttpAgent({ keepAlive: true, maxSockets: 8, keepAliveMsecs: 10_000 }),
    https: new HttpsAgent({ keepAlive: true, maxSockets: 8 }),
  };
  return {
    async call(request) {
      const limit = AbortSignal.timeout(request.timeoutMs ?? options.timeoutMs());
      const signal = request.signal === undefined ? limit : AbortSignal.any([request.signal, limit]);
      try {
        const { status, text } = await send(options, agents, request, signal);
        if (status < 200 || status > 299) throw translateStatus(status, text, request);
        return request.method === 'GET' ? parseJson(text) : undefined;
      } catch (error) {
        throw translateFailure(error, { limit, caller: request.signal });
      }
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

function send(options: MtxHttpOptions, agents: Agents, request: MtxRequest, signal: AbortSignal): Promise<{ status: number; text: string }> {
  const url = new URL(request.path, `${options.baseUrl().replace(/\/$/, '')}/`);
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) Object.assign(headers, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) });
  const { user, password } = options;
  const auth = user === undefined ? undefined : `${user}:${password ?? ''}`;
  return new Promise((resolve, reject) => {
    const isTls = url.protocol === 'https:';
    const settings = { method: request.method, headers, signal, ...(auth === undefined ? {} : { auth }) };
    const take = (response: IncomingMessage) => {
      readText(response, options.maxBytes ?? defaultMaxBytes).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    };
    const outgoing = isTls
      ? requestHttps(url, { ...settings, agent: agents.https }, take)
      : requestHttp(url, { ...settings, agent: agents.http }, take);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      response.destroy();
      throw unusable(`its answer is larger than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unusable('its answer is no JSON', cause);
  }
}

const dependency = { dependency: 'mediamtx' };

/** The answer of something that is no MediaMTX, or not a sane one. */
export function unusable(why: string, cause?: unknown): WeirError {
  return new WeirError('unavailable', `MediaMTX cannot be understood: ${why}`, { facts: dependency, ...(cause === undefined ? {} : { cause }) });
}

/** By status alone; the sentence of MediaMTX is kept for people and never looked at. */
export function translateStatus(status: number, text: string, request: Pick<MtxRequest, 'method' | 'path'>): WeirError {
  const said = sentenceOf(text);
  const detail = said === undefined ? `it answered with ${status}` : said;
  const cause = new Error(`${request.method} ${request.path.split('?')[0]}: ${status}`);
  switch (status) {
    case 400:
      return new WeirError('invalid_argument', `MediaMTX refuses this: ${detail}`, { facts: dependency, cause });
    case 401:
    case 403:
      return new WeirError('failed_precondition', 'MediaMTX refuses our credentials', {
        hint: 'Set gateway.api_user and gateway.api_password, and let that user use its api',
        facts: dependency,
        cause,
      });
    case 404:
      return new WeirError('not_found', `MediaMTX does not know this: ${detail}`, { facts: dependency, cause });
    case 429:
      return new WeirError('resource_exhausted', 'MediaMTX wants fewer calls', { facts: dependency, cause });
    default:
      return new WeirError('unavailable', `MediaMTX failed: ${detail}`, { facts: dependency, cause });
  }
}

function sentenceOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error.slice(0, 300) : undefined;
  } catch {
    return undefined;
  }
}

function translateFailure(error: unknown, { limit, caller }: { limit: AbortSignal; caller: AbortSignal | undefined }): WeirError {
  if (error instanceof WeirError) return error;
  if (caller?.aborted === true) return new WeirError('cancelled', 'The call to MediaMTX was cancelled', { cause: error });
  if (limit.aborted) return new WeirError('deadline_exceeded', 'MediaMTX did not answer in time', { facts: dependency, cause: error });
  const code = (error as NodeJS.ErrnoException).code ?? 'no answer';
  return new WeirError('unavailable', `MediaMTX cannot be reached: ${code}`, { facts: dependency, cause: error });
}

/** True for failures that speak against MediaMTX itself, not against what it was asked. */
export function isMtxFailure(error: unknown): boolean {
  return error instanceof WeirError && (error.code === 'unavailable' || error.code === 'deadline_exceeded');
}
