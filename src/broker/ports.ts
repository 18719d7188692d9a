/** Ports of the broker: free ones, taken ones, and the ones it chose. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WeirError } from '../contracts/errors.js';
import { findListener } from '../supervisor/index.js';
import type { BrokerPorts } from './config.js';

/** True when a listener on this address would succeed now. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The address of each listener. */
function listeners(host: string, ports: BrokerPorts): { name: string; key: string; host: string; port: number }[] {
  return [
    { name: 'clients', key: 'nats.port', host, port: ports.client },
    { name: 'WebSocket', key: 'nats.websocket_port', host: '127.0.0.1', port: ports.websocket },
    { name: 'monitoring', key: 'nats.monitor_port', host: '127.0.0.1', port: ports.monitor },
  ];
}

/** Names the first listener whose port is taken, and by whom; undefined when all are free. */
export async function takenPortError(host: string, ports: BrokerPorts): Promise<WeirError | undefined> {
  for (const listener of listeners(host, ports)) {
    if (listener.port <= 0 || (await isPortFree(listener.host, listener.port))) continue;
    const holder = findListener(listener.port);
    const who = holder === undefined ? 'by another program' : `by process ${holder.pid} (${holder.command})`;
    return new WeirError('failed_precondition', `Port ${listener.port} of the broker (${listener.name}) is taken ${who}`, {
      field: listener.key,
      received: listener.port,
      hint: `Stop that program, choose another ${listener.key} (-1: any), or use that server with nats.url`,
    });
  }
  return undefined;
}

/**
 * Ports to start with: the configured ones; where any will do, the ones of last time as long as they are free, so that clients find back.
 */
export async function choosePorts(host: string, wanted: BrokerPorts, last: BrokerPorts | undefined): Promise<BrokerPorts> {
  if (last === undefined) return wanted;
  const choose = async (address: string, port: number, before: number) => {
    if (port > 0) return port;
    return before > 0 && (await isPortFree(address, before)) ? before : -1;
  };
  return {
    client: await choose(host, wanted.client, last.client),
    websocket: await choose('127.0.0.1', wanted.websocket, last.websocket),
    monitor: await choose('127.0.0.1', wanted.monitor, last.monitor),
  };
}

/** Where a server notes the ports it listens on. */
export function portsFileOf(folder: string, pid: number): string {
  return join(folder, `nats-server_${pid}.ports`);
}

/** Waits for that file, which comes once all listeners are open. Fails when `signal` aborts. */
export async function readChosenPorts(folder: string, pid: number, signal: AbortSignal): Promise<BrokerPorts> {
  const file = portsFileOf(folder, pid);
  for (;;) {
    signal.throwIfAborted();
    const ports = parsePorts(await readFile(file, 'utf8').catch(() => ''));
    if (ports !== undefined) return ports;
    await delay(3, undefined, { signal });
  }
}

function parsePorts(text: string): BrokerPorts | undefined {
  try {
    const found = JSON.parse(text) as Partial<Record<'nats' | 'monitoring' | 'websocket', string[]>>;
    const port = (urls: string[] | undefined) => Number(/:(\d+)$/.exec(urls?.[0] ?? '')?.[1]);
    const ports = { client: port(found.nats), websocket: port(found.websocket), monitor: port(found.monitoring) };
    return Object.values(ports).every((one) => one > 0) ? ports : undefined;
  } catch {
    // Half written.
    return undefined;
  }
}
