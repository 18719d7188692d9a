/** What all WebSocket doors share before the upgrade: the handshake's form, the client's address, a refusal in words. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WeirError } from '../contracts/index.js';
import { problemOf } from './problems.js';

const statusLines: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** True for a WebSocket handshake of version 13 with a key as it must be. */
export function isHandshake(request: IncomingMessage): boolean {
  const key = request.headers['sec-websocket-key'];
  const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket' && request.headers['sec-websocket-version'] === '13';
  return request.method === 'GET' && isWebSocket && key !== undefined && /^[A-Za-z0-9+/]{22}==$/.test(key);
}

/** Path of the request without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}

/** Address of the client; with `trustProxy` the last hop that the proxy names. */
export function addressOf(request: IncomingMessage, trustProxy: boolean): string {
  const forwarded = request.headers['x-forwarded-for'];
  const last = trustProxy && typeof forwarded === 'string' ? forwarded.split(',').at(-1)?.trim() : undefined;
  return last || (request.socket.remoteAddress ?? '');
}

/** Answers the handshake with a problem and ends the connection. */
export function refuseHandshake(client: Socket, error: WeirError): void {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const status = `${problem.status} ${statusLines[problem.status] ?? 'Error'}`;
  const retry = error.retryAfterS === undefined ? '' : `Retry-After: ${Math.ceil(error.retryAfterS)}\r\n`;
  client.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${retry}Connection: close\r\n\r\n${body}`,
    () => client.destroy(),
  );
}
