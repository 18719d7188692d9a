/** A camera that was added by an address gets another address or login: which of the old remains. Pure. */
import { type UpdateCamera, WeirError } from '../../contracts/index.js';
import { isMasked, restoreAddress } from '../../media/index.js';
import type { CameraRecord } from '../../store/index.js';
import { type Credentials, showAddress, withoutLogin } from './address.js';

export type AddressWish = Pick<UpdateCamera, 'source' | 'username' | 'password'>;

export interface MeantAddress extends Credentials {
  /** Without its login. */
  readonly source: string;
}

/** Only these are reached by an address that can change under them. */
const changeable: ReadonlySet<string> = new Set<CameraRecord['kind']>(['network', 'onvif', 'external']);

export function hasAddressWish({ source, username, password }: AddressWish): boolean {
  return source !== undefined || username !== undefined || password !== undefined;
}

/** Throws `failed_precondition` for a camera whose source is no network address. */
export function needAddress({ camera_id, kind }: Pick<CameraRecord, 'camera_id' | 'kind'>): void {
  if (changeable.has(kind)) return;
  const hint = kind === 'v4l2' ? 'Its address is where it is plugged in' : 'Add another camera for another source';
  throw new WeirError('failed_precondition', `${camera_id} is no network camera: its source and login cannot be changed`, {
    hint,
    facts: { state: kind, allowed_states: [...changeable] },
  });
}

/**
 * What is meant by a wish. The stored login is kept only for the same host, so that nobody can have it sent elsewhere. `stored` is the
 * address that the camera's stream reads, with its login; throws `failed_precondition` where neither knows an address.
 */
export function meantAddress(
  record: Pick<CameraRecord, 'camera_id' | 'kind' | 'source'>,
  stored: string | undefined,
  wish: AddressWish,
): MeantAddress {
  const before = record.kind === 'onvif' ? record.source : stored;
  const source = sourceOf(record.camera_id, before, wish.source);
  if (!URL.canParse(source) || isMasked(source)) return { source, username: wish.username, password: wish.password };
  const own = loginOf(source);
  const isSameHost = before !== undefined && hostOf(before) === hostOf(source);
  const kept = own ?? (isSameHost && stored !== undefined ? loginOf(stored) : undefined);
  const bare = withoutLogin(source);
  if (wish.username === '') return { source: bare };
  return { source: bare, username: wish.username ?? kept?.username, password: wish.password ?? kept?.password };
}

function sourceOf(cameraId: string, before: string | undefined, wished: string | undefined): string {
  if (before === undefined) {
    if (wished !== undefined) return wished;
    throw new WeirError('failed_precondition', `The stream of ${cameraId} was deleted, and its address with it`, {
      hint: 'Give its address as well',
    });
  }
  // What is shown of the address, sent back, is no wish for another.
  if (wished === undefined || wished === showAddress(before)) return withoutLogin(before);
  return restoreAddress(wished, before);
}

/** User and password in an address; undefined without. */
export function loginOf(address: string): { username: string; password: string } | undefined {
  const { username, password } = new URL(address);
  return username === '' && password === '' ? undefined : { username: decode(username), password: decode(password) };
}

function hostOf(address: string): string {
  return new URL(address).hostname.toLowerCase();
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
