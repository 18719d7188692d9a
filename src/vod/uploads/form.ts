/** Reads an upload that comes as a form, without keeping more of it than its fields. */
import type { Readable } from 'node:stream';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { WeirError } from '../../contracts/index.js';

export interface Form {
  readonly draft: string | undefined;
  readonly filename: string | undefined;
  readonly contentType: string | null;
  readonly file: Readable;
  /** Settles when the form has ended; fails when more came than a form of this kind has, or less. */
  readonly rest: Promise<void>;
  /** Lets go of the body. */
  close(): void;
}

const limits = { fields: 4, fieldSize: 32_768, fieldNameSize: 64, files: 1, parts: 6, headerPairs: 32 };

/** Resolves when the file begins. Throws `invalid_argument` for a form without one, or with fields that are not known. */
export async function readForm(contentType: string, source: Readable, signal: AbortSignal): Promise<Form> {
  const parser = createParser(contentType);
  let draft: string | undefined;
  let hasFile = false;
  let fail: (error: unknown) => void = () => undefined;
  let finish: () => void = () => undefined;
  const rest = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  // Whoever waits for it hears of it; without a waiter it is nobody's concern.
  rest.catch(() => undefined);

  parser.on('field', (name, value, _nameCut, isCut) => {
    const error = fieldError(name, isCut, hasFile, draft);
    if (error === undefined) draft = value;
    else fail(error);
  });
  for (const limit of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const) {
    parser.on(limit, () => fail(faulty('(body)', 'A form has one field `draft` and one field `file`')));
  }
  parser.on('error', (cause) => fail(new WeirError('invalid_argument', 'The form is damaged', { field: '(body)', cause })));
  parser.on('finish', () => (hasFile ? finish() : fail(faulty('file', 'The form has no field `file` with a file name'))));
  const onBreak = () => fail(new WeirError('cancelled', 'The connection broke off'));
  const onStop = () => fail(signal.reason);
  source.once('close', () => {
    if (!source.readableEnded) onBreak();
  });
  source.once('error', onBreak);
  signal.addEventListener('abort', onStop, { once: true });

  const file = new Promise<Pick<Form, 'file' | 'filename' | 'contentType'>>((resolve) => {
    parser.on('file', (name, stream: BusboyFileStream, filename, _encoding, type) => {
      if (name !== 'file') {
        stream.resume();
        fail(faulty(name.slice(0, 64), 'The file is expected in the field `file`'));
        return;
      }
      hasFile = true;
      // A form that breaks off before anybody reads the file concerns `rest` alone.
      stream.on('error', () => undefined);
      resolve({ file: stream, filename, contentType: type || null });
    });
  });
  source.pipe(parser);
  const close = () => {
    signal.removeEventListener('abort', onStop);
    source.unpipe(parser);
    parser.destroy();
  };
  try {
    const found = await Promise.race([file, rest.then(() => file)]);
    // A form that breaks off ends the file as well, or its receiver would wait for ever.
    rest.catch((error: unknown) => found.file.destroy(error instanceof Error ? error : undefined));
    return { ...found, draft, rest, close };
  } catch (error) {
    close();
    throw error;
  }
}

function createParser(contentType: string): BusboyInstance {
  try {
    if (!/^multipart\/form-data\b/i.test(contentType)) throw new Error('another media type');
    return new Busboy({ headers: { 'content-type': contentType }, limits, isPartAFile: (name) => name === 'file' });
  } catch (cause) {
    throw new WeirError('invalid_argument', 'Send a form: multipart/form-data with a boundary', {
      field: 'content-type',
      received: contentType.slice(0, 200),
      cause,
    });
  }
}

function fieldError(name: string, isCut: boolean, hasFile: boolean, draft: string | undefined): WeirError | undefined {
  if (name !== 'draft') return faulty(name.slice(0, 64), 'A form has the fields `draft` and `file`');
  if (isCut) return faulty('draft', `The draft may have ${limits.fieldSize} bytes at most`);
  if (hasFile) return faulty('draft', 'Send `draft` before `file`: a file that has come cannot be told anything any more');
  return draft === undefined ? undefined : faulty('draft', 'The form has two drafts');
}

function faulty(field: string, message: string): WeirError {
  return new WeirError('invalid_argument', message, { field });
}
