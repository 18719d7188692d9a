/** Certificates that the configuration names: read, and judged before anything listens with them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Config, WeirError } from '../contracts/index.js';

/** A certificate with its key, as PEM text, and what it says of itself. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
  /** First name it is made for; undefined when it names none. */
  readonly name: string | undefined;
  readonly validTo: Date;
}

/** Names inside a certificate, in its own notation: `DNS:hub.lan, IP Address:10.0.0.5`. */
const firstName = /(?:DNS|IP Address):([^,\s]+)/;

/**
 * Reads both files. `section` is where the configuration names them, for example `http.tls`. Throws `invalid_argument` naming the file
 * when one cannot be read, is no PEM, or the two do not belong together, and `failed_precondition` outside the time it is valid.
 */
export function readServerCertificate(section: string, certFile: string, keyFile: string): ServerCertificate {
  const cert = readText(`${section}.cert_file`, certFile);
  const key = readText(`${section}.key_file`, keyFile);
  const parsed = parse(`${section}.cert_file`, certFile, 'certificate', () => new X509Certificate(cert));
  const secret: KeyObject = parse(`${section}.key_file`, keyFile, 'private key', () => createPrivateKey(key));
  if (!parsed.checkPrivateKey(secret)) {
    throw new WeirError('invalid_argument', `The key ${keyFile} does not belong to the certificate ${certFile}`, {
      field: `${section}.key_file`,
      received: keyFile,
    });
  }
  const validTo = new Date(parsed.validTo);
  const now = Date.now();
  if (validTo.getTime() <= now || Date.parse(parsed.validFrom) > now) {
    const when = validTo.getTime() <= now ? `expired on ${validTo.toISOString()}` : `is valid only from ${new Date(parsed.validFrom).toISOString()}`;
    throw new WeirError('failed_precondition', `The certificate ${certFile} ${when}`, {
      field: `${section}.cert_file`,
      received: certFile,
      hint: 'Renew it, or leave the setting out to go on without TLS; is the clock of this machine right?',
    });
  }
  return { cert, key, name: firstName.exec(parsed.subjectAltName ?? '')?.[1], validTo };
}

/** Key and certificate of the hub's own listeners; undefined without TLS. Throws like {@link readServerCertificate}. */
export function readServerTls(tls: Config['http']['tls']): { readonly cert: string; readonly key: string } | undefined {
  if (tls?.cert_file === undefined || tls.key_file === undefined) return undefined;
  const { cert, key } = readServerCertificate('http.tls', tls.cert_file, tls.key_file);
  return { cert, key };
}

function readText(field: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new WeirError('invalid_argument', `${file} cannot be read: ${reason}`, { field, received: file, cause });
  }
}

function parse<T>(field: string, file: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new WeirError('invalid_argument', `${file} holds no ${what} in PEM form`, { field, received: file, cause });
  }
}
