/** `Upload-Metadata`: pairs of a key and a base64 value. Read strictly, so that a client learns of a mistake instead of losing what it said. */
import { type VideoDraft, WeirError } from '../../contracts/index.js';
import { parseDraft } from './draft.js';

export interface TusMetadata {
  readonly name: string | undefined;
  readonly contentType: string | null;
  readonly draft: VideoDraft;
}

const maxHeaderBytes = 48 * 1024;
const maxNameLength = 1024;

/** Keys that clients use: `filename` and `filetype`, or `name` and `type`; `draft` is a VideoDraft as JSON. Others are kept and not looked at. */
export function parseTusMetadata(header: string | undefined): TusMetadata {
  const pairs = readPairs(header);
  const name = pairs.get('filename') ?? pairs.get('name');
  if (name !== undefined && name.length > maxNameLength) throw faulty('filename', `may have ${maxNameLength} characters at most`, name.slice(0, 80));
  return {
    name: name === '' ? undefined : name,
    contentType: mediaType(pairs.get('filetype') ?? pairs.get('type')),
    draft: parseDraft(pairs.get('draft')),
  };
}

function readPairs(header: string | undefined): Map<string, string> {
  const pairs = new Map<string, string>();
  if (header === undefined || header === '') return pairs;
  if (header.length > maxHeaderBytes) {
    throw new WeirError('payload_too_large', `Upload-Metadata may have ${maxHeaderBytes} bytes at most`, {
      field: 'upload-metadata',
      received: header.length,
    });
  }
  for (const pair of header.split(',')) {
    const [key = '', value = '', ...rest] = pair.trim().split(' ');
    if (!/^[\x21-\x2b\x2d-\x7e]{1,64}$/.test(key))
      throw faulty(undefined, 'a key has 1 to 64 ASCII characters without space and comma', key.slice(0, 80));
    if (rest.length > 0) throw faulty(key, 'between key and value stands one space, between pairs a comma', pair.slice(0, 80));
    if (pairs.has(key)) throw faulty(key, 'a key may stand there once', undefined);
    pairs.set(key, decode(key, value));
  }
  return pairs;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(key: string, value: string): string {
  if (value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw faulty(key, 'the value is not base64', value.slice(0, 80));
  try {
    return utf8.decode(Buffer.from(value, 'base64'));
  } catch {
    throw faulty(key, 'the value is not UTF-8', value.slice(0, 80));
  }
}

/** Only noted, so anything odd is dropped. */
function mediaType(value: string | undefined): string | null {
  return value !== undefined && /^[\w.+-]{1,100}\/[\w.+-]{1,100}(?:;[ \x21-\x7e]{0,100})?$/.test(value) ? value : null;
}

function faulty(key: string | undefined, what: string, received: string | undefined): WeirError {
  const field = key === undefined ? 'upload-metadata' : `upload-metadata.${key}`;
  return new WeirError('invalid_argument', `${field}: ${what}`, { field, received });
}
