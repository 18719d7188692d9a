/** HTTP digest access authentication (RFC 7616), as far as cameras use it: MD5 and SHA-256, with and without `qop=auth`. */
import { createHash, randomBytes } from 'node:crypto';

export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: 'MD5' | 'SHA-256';
  /** The challenge names its algorithm; where it does not, an answer that does confuses some. */
  readonly isNamed: boolean;
  readonly hasQop: boolean;
  /** Only the nonce was too old. */
  readonly isStale: boolean;
}

/** The strongest challenge among the headers that can be answered; undefined when there is none. */
export function parseChallenge(headers: readonly string[]): DigestChallenge | undefined {
  const found = headers.flatMap((header) => splitChallenges(header)).flatMap((text) => readChallenge(text) ?? []);
  return found.find((challenge) => challenge.algorithm === 'SHA-256') ?? found[0];
}

export interface DigestRequest {
  readonly method: string;
  readonly path: string;
  readonly username: string;
  readonly password: string;
  /** Made here when left out. */
  readonly cnonce?: string;
}

/** Value of the header `Authorization`, for the first request with the challenge's nonce. */
export function answerChallenge(challenge: DigestChallenge, request: DigestRequest): string {
  const { realm, nonce, opaque, algorithm, isNamed, hasQop } = challenge;
  const { method, path, username, password, cnonce = randomBytes(8).toString('hex') } = request;
  const hash = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const count = '00000001';
  const middle = hasQop ? `${nonce}:${count}:${cnonce}:auth` : nonce;
  const response = hash(`${hash(`${username}:${realm}:${password}`)}:${middle}:${hash(`${method}:${path}`)}`);
  const quoted = { username, realm, nonce, uri: path, response, ...(opaque === undefined ? {} : { opaque }) };
  const fields = Object.entries(quoted).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`);
  const name = isNamed ? [`algorithm=${algorithm}`] : [];
  return `Digest ${[...fields, ...name, ...(hasQop ? ['qop=auth', `nc=${count}`, `cnonce="${cnonce}"`] : [])].join(', ')}`;
}

/** One header may hold several challenges. */
function splitChallenges(header: string): string[] {
  return header.slice(0, 4096).split(/,\s*(?=(?:Digest|Basic)\s)/i);
}

function readChallenge(text: string): DigestChallenge | undefined {
  if (!/^\s*Digest\s/i.test(text)) return undefined;
  const fields = new Map(
    [...text.matchAll(/(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)].map(([, name, quoted, bare]) => [
      name?.toLowerCase(),
      (quoted ?? bare ?? '').replace(/\\(.)/g, '$1'),
    ]),
  );
  const realm = fields.get('realm');
  const nonce = fields.get('nonce');
  const algorithm = (fields.get('algorithm') ?? 'MD5').toUpperCase();
  if (realm === undefined || nonce === undefined || (algorithm !== 'MD5' && algorithm !== 'SHA-256')) return undefined;
  const qop = fields.get('qop');
  if (qop !== undefined && !/(?:^|[\s,])auth(?:$|[\s,])/.test(qop)) return undefined;
  const isStale = fields.get('stale')?.toLowerCase() === 'true';
  return { realm, nonce, opaque: fields.get('opaque'), algorithm, isNamed: fields.has('algorithm'), hasQop: qop !== undefined, isStale };
}
