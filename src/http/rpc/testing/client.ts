/** A client for tests: calls with a deadline, keeps what it was told, and everything raw. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import {
  type RpcMethodName,
  type RpcNotification,
  type RpcParamsInput,
  type RpcResponse,
  type RpcResult,
  rpcResponseSchema,
} from '../../../contracts/rpc/index.js';
import { waitFor, withDeadline } from '../../../testkit/index.js';

export class RpcCallError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: Readonly<Record<string, unknown>>,
  ) {
    super(`${code} ${message}: ${JSON.stringify(data)}`);
  }
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export class TestClient {
  readonly notifications: RpcNotification[] = [];
  readonly #ws: WebSocket;
  readonly #answers: RpcResponse[] = [];
  readonly closed: Promise<Closed>;
  #nextId = 1;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    this.closed = new Promise((resolve) => ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    ws.on('error', () => undefined);
    ws.on('message', (data) => {
      const message = JSON.parse(data.toString()) as object;
      if ('method' in message) this.notifications.push(message as RpcNotification);
      else this.#answers.push(rpcResponseSchema.parse(message));
    });
  }

  /** Resolves once the socket is open, and signed in where a token is given. */
  static async open(url: string, token?: string, headers: Record<string, string> = {}): Promise<TestClient> {
    const ws = new WebSocket(url, { headers, perMessageDeflate: false });
    const client = new TestClient(ws);
    await withDeadline(once(ws, 'open'), 5000, 'the socket opens');
    if (token !== undefined) await client.call('authenticate', { auth_token: token });
    return client;
  }

  get socket(): WebSocket {
    return this.#ws;
  }

  /** Sends as it is. */
  raw(text: string | Buffer): void {
    this.#ws.send(text);
  }

  /** The next answer with this id; null for one that names none. */
  async answer(id: string | number | null, deadlineMs = 10_000): Promise<RpcResponse> {
    const found = await waitFor(() => this.#answers.find((answer) => answer.id === id), { deadlineMs, everyMs: 2, what: `the answer ${id}` });
    this.#answers.splice(this.#answers.indexOf(found), 1);
    return found;
  }

  /** Sends any method with anything, and resolves to the answer whatever it is; waits where the limit of calls says so. */
  async ask(method: string, params?: unknown, deadlineMs = 20_000): Promise<RpcResponse> {
    for (let attempt = 0; ; attempt += 1) {
      const id = this.#nextId++;
      this.raw(JSON.stringify({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) }));
      const answer = await this.answer(id, deadlineMs);
      const waitMs = 'error' in answer && answer.error.code === -32040 ? Number(answer.error.data.retry_after_ms) : 0;
      if (waitMs === 0 || attempt === 20) return answer;
      await delay(waitMs);
    }
  }

  /** The result, or a thrown {@link RpcCallError}. */
  async call<N extends RpcMethodName>(method: N, params?: RpcParamsInput<N>): Promise<RpcResult<N>> {
    const answer = await this.ask(method, params);
    if ('error' in answer) throw new RpcCallError(answer.error.code, answer.error.message, answer.error.data);
    return answer.result as RpcResult<N>;
  }

  /** The next notification of this name, which is taken away. */
  async told(method: string, deadlineMs = 5000): Promise<Readonly<Record<string, unknown>>> {
    const found = await waitFor(() => this.notifications.find((one) => one.method === method), { deadlineMs, everyMs: 2, what: method });
    this.notifications.splice(this.notifications.indexOf(found), 1);
    return found.params;
  }

  async close(): Promise<void> {
    this.#ws.close();
    await withDeadline(this.closed, 5000, 'the socket closes');
  }
}
