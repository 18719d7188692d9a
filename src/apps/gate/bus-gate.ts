/**
 * Browsers on an external NATS. The hub cannot write users into a server that somebody else runs, and must not hand its own login to
 * browsers. So it plays the server for them: a WebSocket on loopback behind `/nats` that speaks the NATS protocol, checks the same
 * short-lived logins and subject lists that the supervised server would be given, and carries the messages over the hub's own
 * connection. The external server needs neither a WebSocket listener nor a user for browsers. The price is that every message to a
 * browser passes through the hub once more.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { NatsConnection } from '@nats-io/nats-core';
import { compare } from 'bcryptjs';
import { WebSocketServer } from 'ws';
import type { Access, BusLogin } from '../../access/index.js';
import type { Bus } from '../../bus/index.js';
import { GateClient } from './client.js';

export interface BusGate {
  /** Where it listens; undefined while the external server is away. */
  target(): { host: string; port: number } | undefined;
  readonly clients: number;
  stop(): Promise<void>;
}

export interface BusGateOptions {
  readonly bus: Bus;
  readonly access: Pick<Access, 'busLogins' | 'onBusLogins'>;
}

/** Browsers only ask and pull; nothing they send is larger. */
const maxPayload = 256 * 1024;

/** Listens on a free loopback port. */
export async function openBusGate({ bus, access }: BusGateOptions): Promise<BusGate> {
  const { connection } = bus;
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, maxPayload: 2 * maxPayload });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients = new Set<GateClient>();
  let isConnected = true;

  const find = (user: string): BusLogin | undefined => access.busLogins().find((login) => login.user === user && isBrowser(login));
  const authenticate = async (user: string, password: string): Promise<BusLogin | undefined> => {
    const login = find(user);
    return login !== undefined && (await compare(password, login.password)) ? login : undefined;
  };
  server.on('connection', (socket) => {
    const client = new GateClient({ socket, connection, authenticate, info: formatInfo(connection), maxPayload });
    clients.add(client);
    socket.once('close', () => clients.delete(client));
  });
  const endAll = (reason: string) => {
    for (const client of clients) client.end(reason);
  };
  const ends = [
    access.onBusLogins(() => {
      for (const client of clients) if (client.user !== undefined) client.rebind(find(client.user));
    }),
    // Browsers are to see what a loss of the server looks like, and look for what they missed when they are back.
    bus.onDisconnect(() => {
      isConnected = false;
      endAll('Server Shutdown');
    }),
    bus.onReconnect(() => {
      isConnected = true;
    }),
  ];
  return {
    target: () => (isConnected ? { host: '127.0.0.1', port } : undefined),
    get clients() {
      return clients.size;
    },
    stop: async () => {
      for (const end of ends) end();
      endAll('Server Shutdown');
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isBrowser(login: BusLogin): boolean {
  return login.connectionTypes?.includes('WEBSOCKET') === true;
}

function formatInfo(connection: NatsConnection): string {
  const upstream = connection.info;
  const info = {
    server_id: 'weir-gate',
    server_name: 'weir-gate',
    version: upstream?.version ?? '2.9.10',
    proto: 1,
    headers: true,
    auth_required: true,
    max_payload: maxPayload,
    jetstream: upstream?.jetstream === true,
  };
  return `INFO ${JSON.stringify(info)}\r\n`;
}
