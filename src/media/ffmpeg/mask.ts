/** Takes secrets out of text that people or logs will see. */

/** What stands for a secret. */
export const mask = '***';

/** userinfo of a URL: everything between `//` and the last `@` before the path; quotes may be part of a password. */
const userInfo = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi;

/** Query or fragment parameters whose value gives access to something; a colon before a blank ends the URL. */
const secretParameter =
  /([?&#;](?:[\w.-]*(?:pass|pwd|secret|token|sig|auth|key|credential|session|streamid)[\w.-]*|user(?:name)?|login|pw|jwt|code)=)(?:(?!:\s)[^&#\s"<>;])*/gi;

/**
 * Replaces user names, passwords and tokens in every URL of `text` by `***`. `secrets` are further exact strings to hide,
 * for example the password of the source being read. Safe to apply twice.
 */
export function maskSecrets(text: string, secrets: readonly string[] = []): string {
  let masked = text.replace(userInfo, `$1${mask}@`).replace(secretParameter, `$1${mask}`);
  for (const secret of longestFirst(secrets)) masked = masked.replaceAll(secret, mask);
  return masked;
}

/** A URL as it may be seen: without user and password, and without every query parameter whose name says that it is a secret. */
export function maskUrl(url: URL): string {
  const masked = new URL(url);
  masked.username = '';
  masked.password = '';
  const hasLogin = url.username !== '' || url.password !== '';
  masked.search = url.search
    .slice(1)
    .split('&')
    .map((part) => (isSecretParameter(part) ? `${part.split('=', 1)[0]}=${mask}` : part))
    .join('&');
  const text = masked.href;
  return maskSecrets(hasLogin ? text.replace('//', `//${mask}@`) : text);
}

/** Whether `name=value` gives access to something, judged by the name. */
export function isSecretParameter(part: string): boolean {
  return part.includes('=') && maskSecrets(`?${part.split('=', 1)[0]}=value`).endsWith(mask);
}

/** Whether an address still has `***` where a secret belongs. */
export function isMasked(address: string): boolean {
  if (!address.includes(mask) || !URL.canParse(address)) return false;
  const url = new URL(address);
  return [url.username, url.password, ...url.pathname.split('/'), ...queryOf(url).map(contentOf)].includes(mask);
}

/** The parameters of a URL as they stand there. */
export function queryOf(url: URL): string[] {
  return url.search === '' ? [] : url.search.slice(1).split('&');
}

/** `a` of `a=b`. */
export function nameOf(part: string): string {
  return part.split('=', 1)[0] ?? '';
}

/** `b` of `a=b`; all of it without a `=`. */
export function contentOf(part: string): string {
  return part.slice(part.indexOf('=') + 1);
}

function longestFirst(secrets: readonly string[]): string[] {
  return secrets.filter((secret) => secret.length >= 3 && secret !== mask).sort((a, b) => b.length - a.length);
}
