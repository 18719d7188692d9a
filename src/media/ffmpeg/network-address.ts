/** Addresses of sources and push targets: which schemes there are, what may stand in them, and their secrets. Pure. */
import { WeirError } from '../../contracts/errors.js';
import { isMasked, isSecretParameter, maskSecrets, maskUrl } from './mask.js';

export type NetworkKind = 'rtsp' | 'rtmp' | 'srt' | 'http';

/** An address that was found good. */
export interface NetworkAddress {
  /** The URL for FFmpeg, credentials included, in its normal form. */
  readonly url: string;
  /** The same without secrets. */
  readonly display: string;
  readonly host: string;
  readonly port: number;
  /** Exact strings to mask in whatever FFmpeg writes. */
  readonly secrets: readonly string[];
}

/** Told with every refusal of a source. */
export const sourceHint = 'Use test:, /dev/videoN, rtsp(s)://, rtmp(s)://, srt://, http(s):// or a file inside the media folders';

/** Scheme to kind. */
export const networkKinds: Readonly<Record<string, NetworkKind>> = {
  rtsp: 'rtsp',
  rtsps: 'rtsp',
  rtmp: 'rtmp',
  rtmps: 'rtmp',
  srt: 'srt',
  http: 'http',
  https: 'http',
};

const defaultPorts: Readonly<Record<string, number>> = { rtsp: 554, rtsps: 322, rtmp: 1935, rtmps: 443, http: 80, https: 443 };

/** Throws `invalid_argument`. A leading dash would be an option to FFmpeg; line ends and NUL could end an argument or a list entry. */
export function refuseControl(field: string, text: string): void {
  const received = maskSecrets(text).slice(0, 120);
  const facts = field === 'device' ? { field, received, hint: sourceHint } : { field, received };
  const refuse = (message: string) => new WeirError('invalid_argument', `${field} ${message}`, facts);
  if (text === '') throw refuse('is empty');
  if (text.startsWith('-')) throw refuse('must not start with "-"');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
  if (/[\u0000-\u001f\u007f]/.test(text)) throw refuse('must not contain control characters');
}

/** FFmpeg takes any run of these characters before a colon for a protocol, also in upper case and with options after a comma. */
export function schemeOf(text: string): string | undefined {
  return /^([A-Za-z0-9+.,_-]+):/.exec(text)?.[1]?.toLowerCase();
}

/** Throws `invalid_argument` for what is no address, names no host or port, or has a masked secret. */
export function takeUrlApart(field: string, text: string): NetworkAddress {
  // Where the credentials end is not known in a malformed address, so all up to the last @ is hidden.
  const received = maskSecrets(text.replace(/\/\/.*@/s, '//***@')).slice(0, 120);
  const refuse = (message: string) => new WeirError('invalid_argument', `${field} ${message}`, { field, received });
  // Spaces and backslashes are read differently by different URL parsers, which is how allow-lists are passed.
  if (/[\s\\]/.test(text) || !/^[a-z]+:\/\/[^/]/i.test(text)) throw refuse('is not a URL');
  const url = URL.canParse(text) ? new URL(text) : raise(refuse('is not a URL'));
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? defaultPorts[url.protocol.slice(0, -1)] : Number(url.port);
  if (host === '') throw refuse('names no host');
  if (isMasked(text)) throw refuse('has *** where a secret was: write the secret itself');
  if (port === undefined || port === 0) throw refuse('needs a port, for example srt://host:9000');
  // What was checked is what FFmpeg gets: the normal form, not the text.
  return { url: url.href, display: maskUrl(url), host, port, secrets: secretsOf(url) };
}

function secretsOf(url: URL): string[] {
  const values = [url.password, decoded(url.password)];
  for (const part of url.search.slice(1).split('&').filter(isSecretParameter)) {
    const raw = part.slice(part.indexOf('=') + 1);
    values.push(raw, decoded(raw), encodeURIComponent(decoded(raw)));
  }
  return [...new Set(values)].filter((value) => value.length >= 3);
}

/** Percent-decoded where that is possible, else as it stands. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function raise(error: WeirError): never {
  throw error;
}
