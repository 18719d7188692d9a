/** Uploads that come in one go: as the body of a PUT, or as a form. Nobody can go on with them, so what did not come whole is deleted. */
import { Readable } from 'node:stream';
import { type CallContext, type IncomingBody, type Session, type VideoDraft, WeirError } from '../../contracts/index.js';
import type { UploadRecord, VideoRecord } from '../../store/index.js';
import type { Completion } from './complete.js';
import { parseDraft } from './draft.js';
import type { Form } from './form.js';
import { type ReceiveParts, receive } from './receive.js';
import { emptyFile } from './room.js';

export interface OneBodyParts extends ReceiveParts {
  readonly completion: Completion;
}

interface Given {
  readonly method: 'put' | 'multipart';
  readonly session: Session;
  readonly name: string | undefined;
  readonly contentType: string | null;
  readonly draft: VideoDraft;
  readonly sizeBytes: number | null;
  readonly expectedBytes: number | null;
  readonly source: Readable;
  readonly signal: AbortSignal;
  /** Throws when what came after the file spoils it. */
  readonly afterwards?: () => Promise<void>;
}

/** PUT: the body is the file. */
export async function receivePut(
  parts: OneBodyParts,
  session: Session,
  { filename, draft }: { readonly filename: string; readonly draft: string | undefined },
  context: CallContext,
): Promise<VideoRecord> {
  const incoming = incomingOf(context);
  const parsed = parseDraft(draft);
  if (incoming.sizeBytes === 0) throw emptyFile('(body)');
  return takeWhole(parts, {
    method: 'put',
    session,
    name: filename,
    contentType: incoming.contentType.slice(0, 200) || null,
    draft: parsed,
    sizeBytes: incoming.sizeBytes,
    expectedBytes: null,
    source: toReadable(incoming),
    signal: context.signal,
  });
}

/** A form: first `draft` (or no draft), then `file`. */
export async function receiveForm(parts: OneBodyParts, session: Session, context: CallContext): Promise<VideoRecord> {
  const incoming = incomingOf(context);
  const { readForm } = await import('./form.js');
  const form: Form = await readForm(incoming.contentType, toReadable(incoming), context.signal);
  try {
    return await takeWhole(parts, {
      method: 'multipart',
      session,
      name: form.filename,
      contentType: form.contentType,
      draft: parseDraft(form.draft),
      sizeBytes: null,
      expectedBytes: incoming.sizeBytes,
      source: form.file,
      signal: context.signal,
      afterwards: () => form.rest,
    });
  } finally {
    form.close();
  }
}

async function takeWhole(parts: OneBodyParts, given: Given): Promise<VideoRecord> {
  const { book, live, completion } = parts;
  const { session, method, name, contentType, draft, sizeBytes, expectedBytes } = given;
  const upload = await book.begin({ session, method, name, contentType, draft, sizeBytes, expectedBytes });
  const hold = await live.hold(upload.upload_id, false, given.signal);
  let complete: UploadRecord | undefined;
  try {
    const size = await takeBytes(parts, given, upload, AbortSignal.any([given.signal, hold.signal]));
    complete = await book.toChecking(upload.upload_id, size);
  } catch (thrown) {
    await book.end(upload, 'failed', WeirError.from(thrown));
    throw thrown;
  } finally {
    hold.free();
  }
  if (complete === undefined) throw new WeirError('cancelled', 'The upload was cancelled');
  return completion.complete(complete);
}

async function takeBytes(parts: OneBodyParts, given: Given, upload: UploadRecord, signal: AbortSignal): Promise<number> {
  const { bytes, end } = await receive(parts, { source: given.source, upload, offset: 0, signal });
  if (end === 'too_long') {
    const limit = parts.options.settings.max_upload_bytes;
    throw new WeirError('payload_too_large', `A file may have ${limit} bytes at most`, {
      field: '(body)',
      facts: { reason: 'too_large', max_bytes: limit },
    });
  }
  if (end === 'stopped') throw WeirError.from(signal.reason);
  // What is wrong with the form comes first: it is why its file broke off.
  if (end === 'broken' && given.afterwards !== undefined) await Promise.race([given.afterwards(), undefined]);
  if (end === 'broken') throw new WeirError('cancelled', 'The connection broke off; a resumable upload could go on');
  await given.afterwards?.();
  if (bytes === 0) throw emptyFile('(body)');
  return bytes;
}

function incomingOf(context: CallContext): IncomingBody {
  if (context.incoming !== undefined) return context.incoming;
  throw new WeirError('invalid_argument', 'This needs a body', { field: '(body)' });
}

/** The body of a request is a stream of Node already. */
function toReadable({ stream }: IncomingBody): Readable {
  return stream instanceof Readable ? stream : Readable.from(stream, { objectMode: false });
}
