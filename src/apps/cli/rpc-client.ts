/** JSON-RPC over WebSocket, as any client of `/ws` speaks it. */
import WebSocket from 'ws';
import { type ErrorCode, errorTable, WeirError } from '../../contracts/errors.js';
import { rpcErrorSchema } from '../../contracts/rpc/index.js';
import type { HubPlace } from './client.js';

export interface RpcNotice {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface RpcClient {
  /** The result of a method. Throws what the hub answered, in our codes. */
  call(method: string, params?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** What the hub tells by itself, until the connection ends: then it throws `unavailable`. At most 1000 wait; older ones are dropped. */
  notices(): AsyncIterable<RpcNotice>;
  close(): void;
}

const limitMs = 60_000;
const maxWaiting = 1000;

/** Connects and, with a token, signs in. Throws `unavailable` when nobody is there, `unauthenticated` for a token that does not hold. */
export async function openRpcClient(hub: HubPlace): Promise<RpcClient> {
  const socket = new WebSocket(`${hub.url.replace(/^http/, 'ws')}/ws`, { handshakeTimeout: 10_000 });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new WeirError('unavailable', `No hub answers at ${hub.url}: ${cause.code ?? cause.message}`, {
          hint: 'Start one with `weir up`, or name it with WEIR_URL (and WEIR_TOKEN)',
          cause,
        }),
      ),
    );
  });
  const client = new SocketClient(socket, hub.url);
  try {
    if (hub.token !== undefined) await client.call('authenticate', { auth_token: hub.token });
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: WeirError) => void;
}

class SocketClient implements RpcClient {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, Pending>();
  readonly #waiting: RpcNotice[] = [];
  #wake: () => void = () => undefined;
  #next = 1;
  #ended: WeirError | undefined;

  constructor(socket: WebSocket, where: string) {
    this.#socket = socket;
    socket.on('message', (data) => this.#take(String(data)));
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => {
      const why = reason.length === 0 ? `code ${code}` : String(reason);
      this.#ended = new WeirError('unavailable', `The connection to ${where} ended: ${why}`);
      for (const { reject } of this.#pending.values()) reject(this.#ended);
      this.#pending.clear();
      this.#wake();
    });
  }

  async call(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#next++;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new WeirError('deadline_exceeded', `${method} was not answered within ${limitMs / 1000} s`)), limitMs);
        this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      });
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  async *notices(): AsyncIterable<RpcNotice> {
    for (;;) {
      const notice = this.#waiting.shift();
      if (notice !== undefined) yield notice;
      else if (this.#ended !== undefined) throw this.#ended;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  close(): void {
    this.#socket.terminate();
  }

  #take(text: string): void {
    const message = JSON.parse(text) as { id?: number; method?: string; params?: Record<string, unknown>; result?: unknown; error?: unknown };
    if (message.method !== undefined) {
      this.#waiting.push({ method: message.method, params: message.params ?? {} });
      if (this.#waiting.length > maxWaiting) this.#waiting.shift();
      this.#wake();
      return;
    }
    const pending = this.#pending.get(message.id ?? 0);
    if (message.error === undefined) pending?.resolve(message.result);
    else pending?.reject(toWeirError(message.error));
  }
}

/** Several of our codes share a number; the reason, where it is one of them, tells which. */
function toWeirError(answer: unknown): WeirError {
  const parsed = rpcErrorSchema.safeParse(answer);
  if (!parsed.success) return new WeirError('internal', `The hub answered with an error that is none of JSON-RPC: ${JSON.stringify(answer)}`);
  const { code, message, data } = parsed.data;
  const { reason, details, suggestion, ...facts } = data;
  return new WeirError(codeOf(code, reason), `${details} (${code} ${message})`, { ...(suggestion === '' ? {} : { hint: suggestion }), facts });
}

function codeOf(number: number, reason: string): ErrorCode {
  if (reason in errorTable) return reason as ErrorCode;
  if (number === -32601) return 'invalid_argument';
  const rows = Object.entries(errorTable) as [ErrorCode, { rpc: number }][];
  return rows.find(([, row]) => row.rpc === number)?.[0] ?? 'internal';
}
