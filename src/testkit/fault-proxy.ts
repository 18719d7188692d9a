/** A TCP proxy that misbehaves on demand: stalls, cuts, delays, corrupts, half-closes, refuses. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface FaultProxy {
  /** Of the listener on 127.0.0.1; stays the same through {@link refuse} and {@link accept}. */
  readonly port: number;
  /** Connections open now. */
  readonly open: number;
  /** Connections taken so far. */
  readonly taken: number;
  /** Both sides stay connected, new connections too, and nothing passes; as a frozen server behaves. */
  stall(): void;
  /** Ends {@link stall}; what waited passes. */
  resume(): void;
  /** Resets every open connection. */
  cut(): void;
  /** Ends the stream towards the clients only: they read to the end, the server side stays open. */
  halfClose(): void;
  /** Holds back every chunk from the server for so long; 0 ends it. */
  delay(ms: number): void;
  /** Flips a bit in every so-many-th byte from the server; 0 ends it. */
  corrupt(everyBytes: number): void;
  /** Closes the listener and what is open: further connections are refused by the system. */
  refuse(): Promise<void>;
  /** Listens again on the same port. */
  accept(): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** Starts a proxy to `target` on a free loopback port. */
export async function startFaultProxy(target: { host?: string; port: number }): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  let isStalled = false;
  let delayMs = 0;
  let corruptEvery = 0;
  let passed = 0;
  let taken = 0;
  let port = 0;
  let server: Server;

  const damage = (chunk: Buffer): Buffer => {
    if (corruptEvery === 0) return chunk;
    for (let index = 0; index < chunk.length; index++) {
      passed += 1;
      if (passed % corruptEvery === 0) chunk[index] = (chunk[index] ?? 0) ^ 0x10;
    }
    return chunk;
  };
  const forward = (from: Socket, to: Socket, change: (chunk: Buffer) => Buffer, isDelayed: boolean) => {
    from.on('data', (chunk: Buffer) => {
      const write = () => {
        if (to.writable && !to.write(change(chunk))) from.pause();
      };
      if (isDelayed && delayMs > 0) setTimeout(write, delayMs);
      else write();
    });
    to.on('drain', () => {
      if (!isStalled) from.resume();
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  };
  const take = (client: Socket) => {
    taken += 1;
    const upstream = connect({ host: target.host ?? '127.0.0.1', port: target.port });
    const pair = { client, upstream };
    pairs.add(pair);
    client.setNoDelay(true);
    client.on('close', () => pairs.delete(pair));
    forward(client, upstream, (chunk) => chunk, false);
    forward(upstream, client, damage, true);
    if (isStalled) pausePair(pair);
  };
  const listen = async () => {
    server = createServer({ allowHalfOpen: true }, take);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const cut = () => {
    for (const { client, upstream } of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };
  const refuse = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    // Not by reset: that leaves a socket whose peer has gone while it was paused spinning in the event loop.
    for (const { client, upstream } of pairs) {
      client.destroy();
      upstream.destroy();
    }
    await closed;
  };

  await listen();
  return {
    get port() {
      return port;
    },
    get open() {
      return pairs.size;
    },
    get taken() {
      return taken;
    },
    stall() {
      isStalled = true;
      for (const pair of pairs) pausePair(pair);
    },
    resume() {
      isStalled = false;
      for (const { client, upstream } of pairs) {
        client.resume();
        upstream.resume();
      }
    },
    cut,
    halfClose() {
      for (const { client } of pairs) client.end();
    },
    delay(ms) {
      delayMs = ms;
    },
    corrupt(everyBytes) {
      corruptEvery = everyBytes;
    },
    refuse,
    async accept() {
      if (!server.listening) await listen();
    },
    stop: refuse,
    [Symbol.asyncDispose]: refuse,
  };
}

function pausePair({ client, upstream }: Pair): void {
  client.pause();
  upstream.pause();
}
