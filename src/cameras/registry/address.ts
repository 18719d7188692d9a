/** The address of a camera: what it is, with its credentials put in, and as it may be shown. */
import { createHash } from 'node:crypto';
import { type CameraKind, WeirError } from '../../contracts/index.js';
import { doorOf, maskDevice, parseSource, type SourcePolicy } from '../../media/index.js';
import type { Door } from './reach.js';

export interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** An address that was checked. */
export interface CameraAddress {
  readonly kind: Extract<CameraKind, 'network' | 'test' | 'file'>;
  /** For the stream; holds the credentials. */
  readonly device: string;
  readonly shown: string;
  /** Equal for two spellings of one network address; undefined where one source may be many cameras. */
  readonly key: string | undefined;
}

/** Throws `invalid_argument` or `permission_denied`, naming `field`, for what streams could not be made of. */
export function readAddress(source: string, credentials: Credentials, policy: SourcePolicy, field = 'source'): CameraAddress {
  if (source.startsWith('/dev/')) {
    throw new WeirError('invalid_argument', 'Capture devices become cameras by themselves when they are plugged in', { field, received: source });
  }
  const device = inField(field, () => withCredentials(parseSource(source, policy).device, credentials));
  const parsed = inField(field, () => parseSource(device, policy));
  if (parsed.kind === 'test' || parsed.kind === 'file') return { kind: parsed.kind, device, shown: device, key: undefined };
  return { kind: 'network', device, shown: showAddress(device), key: addressKey(device) };
}

/** Equal for one address whatever its credentials; tells nothing of what is secret in it. */
export function addressKey(device: string): string {
  return createHash('sha256').update(withoutLogin(device)).digest('hex').slice(0, 40);
}

/** True for two spellings of one address; one that was given without a query means any. */
export function isSameAddress(one: string, other: string): boolean {
  if (addressKey(one) === addressKey(other)) return true;
  const isOpen = new URL(one).search === '' || new URL(other).search === '';
  return isOpen && addressKey(withoutQuery(one)) === addressKey(withoutQuery(other));
}

function withoutQuery(address: string): string {
  const url = new URL(address);
  url.search = '';
  return url.href;
}

/** Without user and password, and with `***` for other secrets. */
export function showAddress(device: string): string {
  return maskDevice(URL.canParse(device) && device.includes('://') ? withoutLogin(device) : device);
}

/** Without user and password; other secrets stay. */
export function withoutLogin(address: string): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href;
}

/** Puts them into a URL; throws `invalid_argument` where they have no place. */
export function withCredentials(device: string, { username, password }: Credentials): string {
  if ((username ?? '') === '' && (password ?? '') === '') return device;
  const refuse = (message: string) => new WeirError('invalid_argument', message, { field: 'username', received: '***' });
  if (!/^(?:rtsps?|https?|rtmps?):\/\//i.test(device)) {
    throw refuse(/^srt:/i.test(device) ? 'SRT takes passphrase and streamid in its address' : 'This source takes no user and password');
  }
  const url = new URL(device);
  // The setters leave a percent sign as it is, so that it would be read as an escape.
  url.username = encodeURIComponent(username ?? '');
  url.password = encodeURIComponent(password ?? '');
  return url.href;
}

/** Where to look whether the camera is there; `none` for an address that cannot be read any more. */
export function doorOfDevice(device: string | undefined, policy: SourcePolicy): Door {
  try {
    const source = parseSource(device ?? '', policy);
    // A hub that does not share the disk with the spoke sees other files.
    if (source.kind === 'file' && policy.checkFiles === false) return { kind: 'none' };
    if (source.kind === 'srt' && /[?&]mode=(?:listener|rendezvous)/i.test(source.url)) return { kind: 'none' };
    return source.kind === 'srt' ? { kind: 'srt', host: source.host, port: source.port } : doorOf(source);
  } catch {
    return { kind: 'none' };
  }
}

function inField<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    const error = WeirError.from(thrown);
    if (error.errors.some((entry) => entry.field === 'username')) throw error;
    const message = error.message.replace(/^device /, `${field} `);
    throw new WeirError(error.code, message, {
      errors: error.errors.map((entry) => ({ ...entry, field, message })),
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
