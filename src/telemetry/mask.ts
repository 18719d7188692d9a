/** Keeps secrets out of logs: by the names of fields, and in URLs. */

const secretName = /pass(?:word|wd|phrase)?$|secret|token$|^authorization$|^cookie$|^set-cookie$|credential|seed$|private_?key|api_?key|bcrypt/i;
/** Up to the last `@` before the path, since a password may hold one. */
const urlWithLogin = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi;
const secretParameter =
  /([?&](?:[\w.-]*(?:pass|pwd|secret|token|sig|auth|key|credential|session|streamid)[\w.-]*|user(?:name)?|login|pw|jwt|code)=)[^&#\s"<>]*/gi;
const mask = '***';

/** Replaces user and password in each URL of a text, and the values of parameters whose names say that they are secret. */
export function maskUrls(text: string): string {
  const masked = text.includes('://') ? text.replace(urlWithLogin, `$1${mask}@`) : text;
  return masked.includes('=') ? masked.replace(secretParameter, `$1${mask}`) : masked;
}

/**
 * A copy fit for a log: fields with secret names are masked at any depth, logins in URLs too; long strings (over 4000 characters),
 * deep (over 6) and wide (over 100) parts are cut, and bytes are only counted. Never throws.
 */
export function maskSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskUrls(value.length > 4000 ? `${value.slice(0, 4000)}…` : value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value;
  if (value instanceof Error) return maskError(value, depth);
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (depth >= 6) return '…';
  if (Array.isArray(value)) return value.slice(0, 100).map((entry) => maskSecrets(entry, depth + 1));
  return maskFields(value, depth);
}

function maskFields(value: object, depth: number): Record<string, unknown> {
  const masked: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value).slice(0, 100)) {
    masked[name] = secretName.test(name) && isPresent(entry) ? mask : maskSecrets(entry, depth + 1);
  }
  return masked;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && typeof value !== 'boolean';
}

/** An error as plain fields with its causes; what an error class adds (code, hint) is kept. */
function maskError(error: Error, depth: number): Record<string, unknown> {
  const masked = maskFields({ ...error }, depth);
  const result: Record<string, unknown> = { type: error.name, message: maskUrls(error.message), ...masked };
  if (error.stack !== undefined) result.stack = maskUrls(error.stack);
  if (error.cause !== undefined && depth < 6) result.cause = maskSecrets(error.cause, depth + 1);
  return result;
}
