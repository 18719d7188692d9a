/** Bodies: short ones must come in time, long ones are handed on as they come and must keep a pace. */
import { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { type IncomingBody, WeirError } from '../contracts/index.js';

/** How slowly a body that is handed on may come. Time in which we do not read it does not count. */
export interface BodyPace {
  /** Without any byte for so long. */
  readonly idleMs: number;
  /** On average over `windowMs`. */
  readonly minBytesPerS: number;
  readonly windowMs: number;
}

/** An hour-long upload over a poor line passes; a client that sends a byte now and then does not hold a socket for ever. */
export const defaultPace: BodyPace = { idleMs: 30_000, minBytesPerS: 1024, windowMs: 60_000 };

/** A body that is read as a whole must be there after so long. */
const wholeBodyMs = 30_000;
/** What is left of a body after the answer is thrown away for so long, or a client that still sends would never read the answer. */
const drainMs = 10_000;

/** True when the request has, or may have, a body. */
function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] !== undefined && headers['content-length'] !== '0');
}

/** Ends a connection whose body is still not there after 30 s, whether or not it was answered meanwhile. */
export function limitBodyTime(request: FastifyRequest): void {
  const { raw } = request;
  // A request that was injected came over no connection.
  if (!hasBody(request) || !(raw.socket instanceof Socket)) return;
  const timer = setTimeout(() => {
    if (raw.complete) return;
    // As Node answers when its own limit, which knows no difference between routes, is hit.
    raw.socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n', () => raw.socket.destroy());
  }, wholeBodyMs);
  timer.unref();
  raw.once('end', () => clearTimeout(timer));
  raw.once('close', () => clearTimeout(timer));
}

/** Throws the rest of a body away after its answer, for a while; then the connection is cut. */
export function drainRest({ raw }: FastifyRequest): void {
  if (raw.complete || raw.destroyed) return;
  raw.resume();
  const timer = setTimeout(() => raw.socket.destroy(), drainMs);
  timer.unref();
  raw.once('end', () => clearTimeout(timer));
  raw.once('close', () => clearTimeout(timer));
}

/** The body as the contract hands it on. */
export function incomingOf(request: FastifyRequest): IncomingBody {
  const { headers, raw } = request;
  const length = headers['content-length'];
  const isOpen = headers['transfer-encoding'] !== undefined;
  return {
    contentType: headers['content-type'] ?? '',
    sizeBytes: isOpen || !/^\d{1,15}$/.test(length ?? '0') ? null : Number(length ?? 0),
    stream: raw,
  };
}

/** Watches the pace until the body is complete; `onSlow` is called once, with `deadline_exceeded`. Returns the way to stop. */
export function watchPace(request: FastifyRequest, pace: BodyPace, onSlow: (error: WeirError) => void): () => void {
  if (!hasBody(request)) return () => undefined;
  const { raw } = request;
  const { socket } = raw;
  let lastBytes = socket.bytesRead;
  let lastByteAt = Date.now();
  let windowBytes = lastBytes;
  let windowAt = lastByteAt;
  const stop = () => clearInterval(timer);
  const look = () => {
    const now = Date.now();
    const bytes = socket.bytesRead;
    if (raw.complete) return stop();
    const isOurTurn = raw.readableLength > 0 || raw.isPaused();
    if (bytes !== lastBytes || isOurTurn) lastByteAt = now;
    lastBytes = bytes;
    if (isOurTurn) {
      windowAt = now;
      windowBytes = bytes;
    }
    const isIdle = now - lastByteAt >= pace.idleMs;
    const isSlow = now - windowAt >= pace.windowMs && ((bytes - windowBytes) * 1000) / (now - windowAt) < pace.minBytesPerS;
    if (isIdle || isSlow) {
      stop();
      onSlow(tooSlow(isIdle, pace));
    } else if (now - windowAt >= pace.windowMs) {
      windowAt = now;
      windowBytes = bytes;
    }
  };
  const timer = setInterval(look, Math.max(20, Math.min(pace.idleMs, pace.windowMs) / 6));
  timer.unref();
  raw.once('close', stop);
  return stop;
}

function tooSlow(isIdle: boolean, pace: BodyPace): WeirError {
  const what = isIdle ? `No byte came for ${pace.idleMs / 1000} s` : `The body came with less than ${pace.minBytesPerS} bytes per second`;
  return new WeirError('deadline_exceeded', what, { facts: { reason: 'too_slow' }, hint: 'a resumable upload goes on where it stopped' });
}
