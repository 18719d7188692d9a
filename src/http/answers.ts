/** How an operation's answer becomes bytes: JSON, a finished body, a file, an endless body, server-sent events. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Redirect, Route, StoredFile } from '../contracts/index.js';
import type { EventsAnswer, MediaAnswer, ServerSentEvent } from './operations.js';
import { bodyOf, namesEtag, openToAnyOrigin, sendStoredFile } from './stored-files.js';

/** Comments keep proxies from closing a quiet stream of events, and show a dead client early. */
const heartbeatMs = 15_000;

/** Sends what an operation returned. */
export function sendAnswer(route: Route, answer: unknown, request: FastifyRequest, reply: FastifyReply, signal: AbortSignal): FastifyReply {
  if (route.produces === undefined) {
    reply.header('cache-control', 'no-store');
    if (route.answer === undefined) return reply.code(route.status ?? 204).send();
    return reply
      .code(route.status ?? 200)
      .header('content-type', 'application/json; charset=utf-8')
      .send(JSON.stringify(answer));
  }
  if (isEvents(answer)) {
    reply.header('content-type', 'text/event-stream').header('cache-control', 'no-store').header('x-accel-buffering', 'no');
    sendHeartbeats(reply.raw);
    return reply.send(bodyOf(encodeEvents(answer.events), signal));
  }
  if (isStoredFile(answer)) return sendStoredFile(answer, request, reply, signal);
  if (isRedirect(answer)) return sendRedirect(answer, reply);
  return sendMedia(route.produces, answer as MediaAnswer, request, reply, signal);
}

function sendMedia(produces: string, answer: MediaAnswer, request: FastifyRequest, reply: FastifyReply, signal: AbortSignal): FastifyReply {
  const maxAgeS = answer.maxAgeS ?? 0;
  reply.header('content-type', answer.contentType ?? produces);
  reply.header('cache-control', maxAgeS > 0 ? `private, max-age=${Math.floor(maxAgeS)}` : answer.etag === undefined ? 'no-store' : 'no-cache');
  if (answer.etag !== undefined) {
    reply.header('etag', answer.etag);
    if (namesEtag(request.headers['if-none-match'], answer.etag)) return reply.code(304).send();
  }
  const body = answer.body;
  if (typeof body === 'string') return reply.send(body);
  if (body instanceof Uint8Array) return reply.send(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  return reply.send(bodyOf(body, signal));
}

function isStoredFile(answer: unknown): answer is StoredFile {
  return typeof answer === 'object' && answer !== null && 'sizeBytes' in answer;
}

/** Pages of other origins need leave for each step of the way. */
function sendRedirect({ location, anyOrigin }: Redirect, reply: FastifyReply): FastifyReply {
  if (anyOrigin) openToAnyOrigin(reply);
  return reply.code(302).header('location', location).header('cache-control', 'no-cache').send();
}

function isRedirect(answer: unknown): answer is Redirect {
  return typeof answer === 'object' && answer !== null && 'location' in answer;
}

function isEvents(answer: unknown): answer is EventsAnswer {
  return typeof answer === 'object' && answer !== null && 'events' in answer;
}

async function* encodeEvents(source: AsyncIterable<ServerSentEvent>): AsyncGenerator<Uint8Array> {
  // The first bytes at once, so that `open` fires in the browser before the first event.
  yield Buffer.from(': connected\n\n');
  for await (const event of source) yield Buffer.from(formatEvent(event));
}

function sendHeartbeats(raw: ServerResponse): void {
  const timer = setInterval(() => {
    // Whole events are written at a time, so a comment never lands inside one.
    if (raw.headersSent && raw.writableLength === 0) raw.write(': heartbeat\n\n');
  }, heartbeatMs);
  timer.unref();
  raw.once('close', () => clearInterval(timer));
}

/** Wire form of one event; line breaks inside `data` would end it early, so they are split over `data:` lines. */
export function formatEvent(event: ServerSentEvent): string {
  const lines: string[] = [];
  if (event.id !== undefined) lines.push(`id: ${event.id.replace(/[\r\n\0]/g, '')}`);
  if (event.event !== undefined) lines.push(`event: ${event.event.replace(/[\r\n]/g, '')}`);
  for (const line of event.data.split(/\r\n|[\r\n]/)) lines.push(`data: ${line}`);
  return `${lines.join('\n')}\n\n`;
}
