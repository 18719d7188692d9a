/** What no route of the contract answers: the interface's files, a wrong method, or nothing at all. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { routeNames, routes, WeirError } from '../contracts/index.js';
import type { StaticFile, StaticFiles } from './operations.js';
import { HttpError } from './problems.js';
import { isEmbeddedPage, securityHeaders } from './security.js';
import { namesEtag } from './stored-files.js';

export interface UnknownOptions {
  readonly files: StaticFiles | undefined;
  readonly secure: boolean;
}

/** Serves a file of the interface, or refuses with 405 (and `Allow`) or 404. */
export async function answerUnknown(request: FastifyRequest, reply: FastifyReply, options: UnknownOptions): Promise<FastifyReply> {
  const path = request.url.split('?', 1)[0] ?? '/';
  const allowed = methodsOf(path);
  if (allowed.length > 0) {
    throw new HttpError(405, new WeirError('unsupported', `${request.method} is not possible here`, { hint: `Use ${allowed.join(' or ')}` }), {
      allow: allowed.join(', '),
    });
  }
  const reading = request.method === 'GET' || request.method === 'HEAD';
  if (reading && options.files !== undefined && !isApiPath(path)) {
    const file = await findPage(path, request, options.files);
    if (file !== undefined) return sendFile(file, request, reply, options.secure);
  }
  throw new WeirError('not_found', 'Nothing is at this address', { field: '(path)', received: path.slice(0, 200) });
}

/** An address of the single-page interface has no file: it gets the page, which knows its own addresses. */
async function findPage(path: string, request: FastifyRequest, files: StaticFiles): Promise<StaticFile | undefined> {
  const encodings = new Set((request.headers['accept-encoding'] ?? '').split(',').map((part) => part.trim().split(';', 1)[0] ?? ''));
  const file = await files.find(path === '/' ? '/index.html' : path, encodings);
  if (file !== undefined) return file;
  const isAddress = /^(?:\/[^./]*)*$/.test(path) || isSharedVideo(path);
  const isPage = isAddress && (request.headers.accept ?? '*/*').match(/text\/html|\*\/\*/) !== null;
  return isPage ? files.find('/index.html', encodings) : undefined;
}

/** The token of a signed link has a dot in it, and no file of the interface lies there. */
function isSharedVideo(path: string): boolean {
  return /^\/(?:watch|embed)\/[A-Za-z0-9._-]+$/.test(path);
}

function sendFile(file: StaticFile, request: FastifyRequest, reply: FastifyReply, secure: boolean): FastifyReply {
  const isEmbedded = isEmbeddedPage(request.url) && file.contentType.startsWith('text/html');
  reply.headers(securityHeaders(isEmbedded ? 'embedded_page' : 'page', secure));
  // Set for every answer beforehand.
  if (isEmbedded) reply.removeHeader('x-frame-options');
  reply.header('content-type', file.contentType).header('etag', file.etag).header('vary', 'accept-encoding');
  reply.header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (file.encoding !== undefined) reply.header('content-encoding', file.encoding);
  if (namesEtag(request.headers['if-none-match'], file.etag)) return reply.code(304).send();
  return reply.code(200).send(Buffer.from(file.body.buffer, file.body.byteOffset, file.body.byteLength));
}

function isApiPath(path: string): boolean {
  return /^\/(?:api|health|metrics|nats|ws|files|v)(?:\/|$)/.test(path);
}

const patterns = new Map<string, RegExp>();
for (const name of routeNames) {
  const path = routes[name].path;
  patterns.set(path, new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`));
}

/** Methods of the contract's routes at this path; empty when there are none. */
function methodsOf(path: string): string[] {
  const matching = routeNames.filter((name) => patterns.get(routes[name].path)?.test(path) === true);
  return [...new Set(matching.map((name) => routes[name].method as string))];
}
