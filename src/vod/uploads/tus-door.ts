/** The resumable door: tus 1.0 at `/api/v1/uploads/tus`. The protocol is that of @tus/server; bytes, rows and locks are ours. */
import { Server } from '@tus/server';
import { type Session, type TusAnswer, type TusDoor, type TusRequest, tusPath, WeirError } from '../../contracts/index.js';
import { checksumAlgorithms, parseChecksum } from './tus-checksum.js';
import { parseTusMetadata } from './tus-metadata.js';
import { TusProblem, toTusProblem } from './tus-problem.js';
import { type TusCall, TusLocker, TusStore, type TusStoreParts, tusCalls } from './tus-store.js';
import { tusUrl } from './tus-url.js';

/** Headers of the protocol; what else a client sends is none of the library's business. */
const passedOn = ['tus-resumable', 'upload-length', 'upload-offset', 'upload-defer-length', 'upload-concat', 'content-type', 'content-length'];

export interface TusDoorParts extends TusStoreParts {
  readonly publicUrl: string | undefined;
}

export function createTusDoor(parts: TusDoorParts): TusDoor {
  const store = new TusStore(parts);
  const server = new Server({
    path: tusPath,
    datastore: store,
    locker: new TusLocker(parts),
    maxSize: () => parts.options.settings.max_upload_bytes,
    generateUrl: (_request, { id }) => tusUrl(id, parts.publicUrl),
    getFileIdFromRequest: () => tusCalls.getStore()?.request.uploadId,
    // Nothing of another origin is answered; the library's own default would be everybody.
    allowedOrigins: () => false,
    onResponseError: (_request, thrown) => toTusProblem(thrown),
  });
  return {
    async describe() {
      const response = await server.handleWeb(new Request(`http://hub${tusPath}`, { method: 'OPTIONS' }));
      const headers = { ...protocolHeaders(response), 'tus-checksum-algorithm': checksumAlgorithms.join(',') };
      return { status: response.status, headers, body: '' };
    },
    async handle(request, session) {
      try {
        const call = toCall(request, session);
        return await tusCalls.run(call, () => answer(server, parts, call));
      } catch (thrown) {
        return problemAnswer(toTusProblem(thrown));
      }
    },
  };
}

/** What the library would let pass, or answer with another status than the protocol has. */
function toCall(request: TusRequest, session: Session): TusCall {
  const header = (name: string) => headerOf(request, name);
  if (header('tus-resumable') !== '1.0.0') {
    throw new TusProblem(
      new WeirError('failed_precondition', 'Send Tus-Resumable: 1.0.0', { field: 'tus-resumable', received: header('tus-resumable') }),
      412,
    );
  }
  if (request.method === 'PATCH') {
    if (header('content-type') !== 'application/offset+octet-stream') {
      throw new TusProblem(new WeirError('unsupported', 'Send the bytes as application/offset+octet-stream', { field: 'content-type' }), 415);
    }
    if (header('upload-offset') === undefined) throw new WeirError('invalid_argument', 'Upload-Offset is missing', { field: 'upload-offset' });
  }
  if (request.method !== 'POST' && request.uploadId === undefined) {
    throw new WeirError('not_found', 'Name the upload in the address');
  }
  const isCreation = request.method === 'POST';
  if (isCreation && header('upload-length') === '0') {
    throw new WeirError('unsupported', 'The file is empty', { field: 'upload-length', received: 0, facts: { reason: 'empty' } });
  }
  const rawMetadata = isCreation ? header('upload-metadata') : undefined;
  return {
    request,
    session,
    rawMetadata,
    metadata: isCreation ? parseTusMetadata(rawMetadata) : undefined,
    checksum: request.method === 'PATCH' || isCreation ? parseChecksum(header('upload-checksum')) : undefined,
  };
}

async function answer(server: Server, parts: TusDoorParts, call: TusCall): Promise<TusAnswer> {
  const { request } = call;
  const headers = new Headers();
  for (const name of passedOn) {
    const value = headerOf(request, name);
    if (value !== undefined) headers.set(name, value);
  }
  // A creation without bytes is not one with an upload, whatever type it names.
  if (request.method === 'POST' && request.incoming.sizeBytes === 0) headers.delete('content-type');
  const suffix = request.uploadId === undefined ? '' : `/${encodeURIComponent(request.uploadId)}`;
  const response = await server.handleWeb(new Request(`http://hub${tusPath}${suffix}`, { method: request.method, headers }));
  if (response.status >= 400 && request.method === 'POST' && call.upload !== undefined) {
    // Its client never learns the address, so nobody could go on with it.
    await parts.book.end(call.upload, 'cancelled', new WeirError('cancelled', 'The creation failed'));
  }
  return { status: response.status, headers: await answerHeaders(response, parts, call), body: await bodyOf(response) };
}

/**
 * The body has its own length. `connection: close`, which the library sends with each failure, would cut a client off that still sends and
 * so never reads why.
 */
const dropped: ReadonlySet<string> = new Set(['content-length', 'connection']);

function protocolHeaders(response: Response): Record<string, string> {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !name.startsWith('access-control-') && !dropped.has(name)));
  return { ...headers, 'cache-control': 'no-store', 'tus-version': '1.0.0' };
}

async function answerHeaders(response: Response, parts: TusDoorParts, call: TusCall): Promise<Record<string, string>> {
  const headers = protocolHeaders(response);
  if (response.status >= 400) {
    headers['content-type'] = 'application/problem+json';
    if (response.status === 423) headers['retry-after'] = '2';
    return headers;
  }
  delete headers['content-type'];
  const upload = call.upload === undefined || call.request.method === 'DELETE' ? undefined : await parts.book.get(call.upload.upload_id);
  if (upload === undefined) return headers;
  delete headers['upload-expires'];
  if (upload.expires_at !== null && upload.state !== 'checking') headers['upload-expires'] = new Date(upload.expires_at).toUTCString();
  if (call.request.method === 'HEAD' && upload.metadata !== null) headers['upload-metadata'] = upload.metadata;
  return headers;
}

async function bodyOf(response: Response): Promise<string> {
  const text = await response.text();
  if (response.status < 400 || text.startsWith('{')) return text;
  return toTusProblem({ status_code: response.status, body: text }).body;
}

function problemAnswer(problem: TusProblem): TusAnswer {
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'tus-resumable': '1.0.0',
    'tus-version': '1.0.0',
  };
  if (problem.error.retryAfterS !== undefined) headers['retry-after'] = String(Math.ceil(problem.error.retryAfterS));
  return { status: problem.status_code, headers, body: problem.body };
}

function headerOf(request: TusRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
