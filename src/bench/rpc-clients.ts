/** Sockets that call as fast as they are answered, or at a pace, and count. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';

/** What is sent; `id` is put in its place. */
export type Request = (id: number) => string;

export function request(method: string, params: object): Request {
  const [before, after] = ['{"jsonrpc":"2.0","id":', `,"method":${JSON.stringify(method)},"params":${JSON.stringify(params)}}`];
  return (id) => before + id + after;
}

export class BenchClient {
  closed = false;
  refused = 0;
  /** Called with the text of what comes unasked. */
  onTold: (text: string) => void = () => undefined;
  readonly #ws: WebSocket;
  #nextId = 1;
  #resolve: (() => void) | undefined;

  constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data: Buffer) => {
      const text = data.toString();
      // What is told has its method where an answer has its id.
      if (text.startsWith('{"jsonrpc":"2.0","method"')) this.onTold(text);
      else {
        if (text.includes('"error":')) this.refused += 1;
        this.#resolve?.();
      }
    });
    ws.once('close', () => {
      this.closed = true;
      this.#resolve?.();
    });
    ws.on('error', () => undefined);
  }

  /** Resolves to the milliseconds until the answer. */
  async call(make: Request): Promise<number> {
    const startedAt = performance.now();
    const answered = new Promise<void>((resolve) => {
      this.#resolve = resolve;
    });
    this.#ws.send(make(this.#nextId++));
    await answered;
    return performance.now() - startedAt;
  }

  end(): void {
    this.#ws.terminate();
  }
}

/** Opens so many sockets, a few at a time, each signed in where a token is given. */
export async function openClients(url: string, count: number, token?: string): Promise<BenchClient[]> {
  const clients: BenchClient[] = [];
  const openOne = async () => {
    const ws = new WebSocket(url, { perMessageDeflate: false });
    const client = new BenchClient(ws);
    await once(ws, 'open');
    if (token !== undefined) await client.call(request('authenticate', { auth_token: token }));
    clients.push(client);
  };
  while (clients.length < count) await Promise.all(Array.from({ length: Math.min(50, count - clients.length) }, openOne));
  return clients;
}

/** All clients call again as soon as they are answered; resolves to calls per second. */
export async function flood(clients: readonly BenchClient[], make: Request, ms: number): Promise<number> {
  const startedAt = performance.now();
  let calls = 0;
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() - startedAt < ms && !client.closed) {
        await client.call(make);
        calls += 1;
      }
    }),
  );
  return (calls / (performance.now() - startedAt)) * 1000;
}

/** Each client calls its requests in turn, so many times a second in all; resolves to the milliseconds of each call. */
export async function paced(
  clients: readonly BenchClient[],
  makes: (index: number) => readonly Request[],
  callsPerSecond: number,
  ms: number,
): Promise<number[]> {
  const everyMs = (clients.length / callsPerSecond) * 1000;
  const startedAt = performance.now();
  const taken: number[] = [];
  await Promise.all(
    clients.map(async (client, index) => {
      const turns = makes(index);
      let at = startedAt + (index / clients.length) * everyMs;
      for (let turn = 0; at - startedAt < ms; turn += 1, at += everyMs) {
        await delay(Math.max(0, at - performance.now()));
        taken.push(await client.call(turns[turn % turns.length] as Request));
      }
    }),
  );
  return taken;
}

/** Milliseconds from the telling of an event to each socket that hears of it. */
export async function listenFor(clients: readonly BenchClient[], ms: number): Promise<number[]> {
  const taken: number[] = [];
  for (const client of clients) {
    await client.call(request('subscribe_events', { topics: ['system.health'] }));
    client.onTold = (text) => {
      const sentAt = /"sent_at":([\d.]+)/.exec(text)?.[1];
      if (sentAt !== undefined) taken.push(performance.timeOrigin + performance.now() - Number(sentAt));
    };
  }
  taken.length = 0;
  await delay(ms);
  for (const client of clients) client.onTold = () => undefined;
  return taken;
}
