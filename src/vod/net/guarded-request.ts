/** HTTP to addresses that others chose: never into the network that the hub stands in, unless its owner names the host. */
import { lookup } from 'node:dns/promises';
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { WeirError } from '../../contracts/index.js';

export interface GuardedRequestOptions {
  /** Default `GET`. */
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Names or addresses (`host` or `host:port`) that may lie inside the network: `vod.fetch_hosts`. */
  readonly allowedHosts: readonly string[];
  /** Until the headers of the answer are there; default 15,000. */
  readonly timeoutMs?: number;
  /** The body may be silent for so long; default 30,000. */
  readonly idleMs?: number;
  /** Field that errors name; default `url`. */
  readonly field?: string;
  readonly signal?: AbortSignal;
}

export interface GuardedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Address that was connected to. */
  readonly address: string;
  /** The body as it comes, once; stopping the iteration ends the connection. Fails with `unavailable` when it breaks off, `deadline_exceeded` when it is silent. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection without reading the body. */
  discard(): void;
}

/**
 * One request, without redirects: a 3xx is an answer like any other. The name is resolved once, each of its addresses must be public (or the
 * host named in `allowedHosts`), and the connection goes to the address that was looked at. Throws `invalid_argument` for what is no HTTP
 * address, `permission_denied` for an address inside the network, `unavailable`, `deadline_exceeded`, `cancelled`.
 */
export async function guardedRequest(url: string, options: GuardedRequestOptions): Promise<GuardedResponse> {
  const field = options.field ?? 'url';
  const target = parseTarget(url, field);
  const deadline = AbortSignal.timeout(options.timeoutMs ?? 15_000);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  const address = await pinnedAddress(target, options.allowedHosts, field, signal);
  const message = await send(target, address, options, signal);
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    address,
    body: readBody(message, target, options),
    discard: () => void message.destroy(),
  };
}

function parseTarget(url: string, field: string): URL {
  const refuse = (why: string) => new WeirError('invalid_argument', why, { field, received: maskLogin(url).slice(0, 200) });
  let target: URL;
  try {
    target = new URL(url);
  } catch {
    throw refuse(`${field} is not an address`);
  }
  if (target.protocol !== 'http:' && target.protocol !== 'https:') throw refuse(`${field} must begin with http:// or https://`);
  if (target.username !== '' || target.password !== '') throw refuse(`${field} must not carry a login`);
  return target;
}

function maskLogin(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//***@');
}

/** True for addresses of the public internet; private, loopback, link-local, metadata, translated and reserved ones are none. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // `process` takes an IPv4 address out of its IPv6 form.
  return ipaddr.process(address).range() === 'unicast';
}

function isNamed(target: URL, allowedHosts: readonly string[]): boolean {
  const host = hostOf(target).toLowerCase();
  const port = target.port === '' ? (target.protocol === 'https:' ? '443' : '80') : target.port;
  return allowedHosts.some((one) => {
    const allowed = one.toLowerCase();
    return allowed === host || allowed === `${host}:${port}` || allowed === `[${host}]` || allowed === `[${host}]:${port}`;
  });
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

async function pinnedAddress(target: URL, allowedHosts: readonly string[], field: string, signal: AbortSignal): Promise<string> {
  const host = hostOf(target);
  const addresses = isIP(host) === 0 ? await resolve(host, signal) : [host];
  const first = addresses[0];
  if (first === undefined) throw new WeirError('unavailable', `${host} has no address`, { field, received: host });
  if (isNamed(target, allowedHosts)) return first;
  const inside = addresses.find((address) => !isPublicAddress(address));
  if (inside === undefined) return first;
  throw new WeirError('permission_denied', `${host} lies inside the network (${inside})`, {
    field,
    received: host,
    hint: 'name the host in vod.fetch_hosts if it may be reached',
    facts: { reason: 'address_not_public' },
  });
}

async function resolve(host: string, signal: AbortSignal): Promise<string[]> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(endOf(signal, host)), { once: true });
  });
  aborted.catch(() => undefined);
  try {
    return (await Promise.race([lookup(host, { all: true, verbatim: true }), aborted])).map(({ address }) => address);
  } catch (error) {
    if (error instanceof WeirError) throw error;
    throw new WeirError('unavailable', `${host} has no address`, { cause: error });
  }
}

function send(target: URL, address: string, options: GuardedRequestOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const family = isIP(address);
  // Whatever asks for the address of the name gets the one that was looked at.
  const pinned: LookupFunction = (_host, { all }, done) => {
    if (all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };
  return new Promise((resolve, reject) => {
    const settings = { method: options.method ?? 'GET', headers: { 'user-agent': 'Weir', ...options.headers }, lookup: pinned, agent: false };
    const abort = () => void made.destroy(endOf(signal, target.host));
    let made: ClientRequest;
    try {
      made = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, settings, (message) => {
        signal.removeEventListener('abort', abort);
        resolve(message);
      });
    } catch (cause) {
      reject(new WeirError('invalid_argument', `${target.host} cannot be asked that way`, { cause }));
      return;
    }
    made.on('error', (error) => {
      signal.removeEventListener('abort', abort);
      reject(error instanceof WeirError ? error : new WeirError('unavailable', `${target.host}: ${error.message}`, { cause: error }));
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    made.end(options.body);
  });
}

/** The deadline is only for the headers, so the body has a clock of its own. */
async function* readBody(message: IncomingMessage, target: URL, options: GuardedRequestOptions): AsyncGenerator<Uint8Array> {
  const idleMs = options.idleMs ?? 30_000;
  let isSilent = false;
  const silence = () => {
    isSilent = true;
    message.destroy();
  };
  let timer = setTimeout(silence, idleMs);
  const abort = () => void message.destroy();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    for await (const chunk of message) {
      clearTimeout(timer);
      yield chunk as Uint8Array;
      timer = setTimeout(silence, idleMs);
    }
    if (!message.complete) throw new Error('the connection was closed');
  } catch (error) {
    if (options.signal?.aborted) throw new WeirError('cancelled', `Reading from ${target.host} was cancelled`, { cause: error });
    if (isSilent) throw new WeirError('deadline_exceeded', `${target.host} sent nothing for ${idleMs} ms`, { cause: error });
    throw new WeirError('unavailable', `${target.host} broke off: ${(error as Error).message}`, { cause: error });
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', abort);
    message.destroy();
  }
}

function endOf(signal: AbortSignal, host: string): WeirError {
  const isLate = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  return isLate
    ? new WeirError('deadline_exceeded', `${host} did not answer in time`)
    : new WeirError('cancelled', `The request to ${host} was cancelled`);
}
