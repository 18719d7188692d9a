/** Addresses as they are shown, and the way back: who sends a shown one again means the secrets that are stored. */
import { contentOf, isMasked, isSecretParameter, mask, maskSecrets, maskUrl, nameOf, queryOf } from './mask.js';
import { parseOutput } from './parse-output.js';

/** A `device` fit to be shown to anybody: as it was written when nothing in it is secret. */
export function maskDevice(device: string): string {
  if (!device.includes('://') || !URL.canParse(device)) return maskSecrets(device);
  const url = new URL(device);
  const masked = maskUrl(url);
  return masked === url.href ? device : masked;
}

/** An `output_url` fit to be shown to anybody; its stream key is a secret too. */
export function maskOutputUrl(outputUrl: string): string {
  try {
    const { url, display } = parseOutput(outputUrl);
    return display === url ? outputUrl : display;
  } catch {
    return maskDevice(outputUrl);
  }
}

/**
 * Puts the secrets of the stored address where the given one has `***`. Only for the same server, so that nobody can have secrets that
 * he was not shown sent elsewhere; what cannot be filled in stays as it is (`isMasked` tells).
 */
export function restoreAddress(given: string, stored: string | undefined): string {
  if (stored === undefined || !isMasked(given) || !URL.canParse(stored)) return given;
  if (given === maskDevice(stored) || given === maskOutputUrl(stored)) return stored;
  const url = new URL(given);
  const source = new URL(stored);
  if (url.protocol !== source.protocol || url.host !== source.host) return given;
  const path = source.pathname.split('/');
  const query = new Map(queryOf(source).map((part) => [nameOf(part), part]));
  const login = url.username === mask || url.password === mask ? loginOf(source) : loginOf(url);
  const filledPath = url.pathname.split('/').map((part, index) => (part === mask ? (path[index] ?? part) : part));
  const filledQuery = queryOf(url).map((part) => (isSecretParameter(part) && contentOf(part) === mask ? (query.get(nameOf(part)) ?? part) : part));
  const search = filledQuery.length === 0 ? '' : `?${filledQuery.join('&')}`;
  return `${url.protocol}//${login}${url.host}${filledPath.join('/')}${search}${url.hash}`;
}

function loginOf(url: URL): string {
  if (url.username === '' && url.password === '') return '';
  return `${url.username}${url.password === '' ? '' : `:${url.password}`}@`;
}
