/** Takes secrets out of text that people or logs will see. */

const mask = '***';

/** userinfo of a URL: everything between `//` and the last `@` before the path. */
const userInfo = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]*@/gi;

/** Query or fragment parameters whose value gives access to something. */
const secretParameter =
  /([?&#;](?:[\w.-]*(?:pass|pwd|secret|token|sig|auth|key|credential|session|streamid)[\w.-]*|user(?:name)?|login|pw|jwt|code)=)[^&#\s"'<>;]*/gi;

/**
 * Replaces user names, passwords and tokens in every URL of `text` by `***`. `secrets` are further exact strings to hide,
 * for example the password of the source being read. Safe to apply twice.
 */
export function maskSecrets(text: string, secrets: readonly string[] = []): string {
  let masked = text.replace(userInfo, `$1${mask}@`).replace(secretParameter, `$1${mask}`);
  for (const secret of longestFirst(secrets)) masked = masked.replaceAll(secret, mask);
  return masked;
}

function longestFirst(secrets: readonly string[]): string[] {
  return secrets.filter((secret) => secret.length >= 3 && secret !== mask).sort((a, b) => b.length - a.length);
}
