/**
 * Programs behind `rpc.bench.ts`, each in a process of its own: `door` serves JSON-RPC over operations in memory and tells an event five
 * times a second; `echo` is the bare WebSocket library, which sends back what it gets. Both end with their parent.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { startRpcFixture } from '../http/rpc/testing/fixture.js';

const tellEveryMs = 200;

async function startDoor(): Promise<number> {
  const { port, events } = await startRpcFixture({ limits: { max_connections: 5000 } });
  setInterval(() => {
    const metrics = { sent_at: performance.timeOrigin + performance.now() };
    events.tell({ topic: 'system.health', data: { status: 'HEALTHY', metrics, timestamp: new Date().toISOString() } });
  }, tellEveryMs);
  return port;
}

async function startEcho(): Promise<number> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data, { binary: false })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

process.once('disconnect', () => process.exit(0));
process.send?.({ port: process.argv[2] === 'door' ? await startDoor() : await startEcho() });
