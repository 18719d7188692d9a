/** What may be streamed: the `device` of a stream, checked against the policy of this host and taken apart. */
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { WeirError } from '../../contracts/errors.js';
import {
  decoded,
  type NetworkAddress,
  type NetworkKind,
  networkKinds,
  refuseControl,
  schemeOf,
  sourceHint,
  takeUrlApart,
} from './network-address.js';

/** What sources this host allows. */
export interface SourcePolicy {
  /** Folders whose files may be streamed; symbolic links are followed before the check. */
  readonly mediaFolders: readonly string[];
  /** When not empty: the only hosts that network sources may name. `.example.org` allows all below it. */
  readonly sourceHosts?: readonly string[];
  /** `false` checks file paths as text only, for a hub that does not share the disk with the spoke. Default `true`. */
  readonly checkFiles?: boolean;
}

interface Named {
  /** As the user wrote it; may hold secrets. */
  readonly device: string;
  /** The same without secrets, for status, logs and error texts. */
  readonly display: string;
}

/** The built-in test picture with wall clock, frame counter and optionally a 1 kHz beep each second. */
export interface TestSource extends Named {
  readonly kind: 'test';
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly hasAudio: boolean;
}

export interface V4l2Source extends Named {
  readonly kind: 'v4l2';
  readonly path: string;
}

export interface NetworkSource extends Named, NetworkAddress {
  readonly kind: NetworkKind;
}

export interface FileSource extends Named {
  readonly kind: 'file';
  /** Absolute, with symbolic links resolved (unless the policy says not to look). */
  readonly path: string;
}

export type Source = TestSource | V4l2Source | NetworkSource | FileSource;

/** What can be looked at cheaply to learn whether a source is back. `none`: only a real attempt tells (SRT, test picture). */
export type SourceDoor =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'none' };

/**
 * Takes a `device` apart. Throws `invalid_argument` for what is malformed or of an unknown kind, `permission_denied` for what the
 * policy forbids, `not_found` for a file that does not exist. Device nodes and network hosts are not touched.
 *
 * Call it before each start: a symbolic link may have been moved since the last time.
 */
export function parseSource(device: string, policy: SourcePolicy): Source {
  refuseControl('device', device);
  if (device.startsWith('test:')) return parseTest(device);
  if (device.startsWith('/dev/')) return parseDeviceNode(device);
  const scheme = schemeOf(device);
  const kind = scheme === undefined ? undefined : networkKinds[scheme];
  if (kind !== undefined) return parseNetwork(device, kind, policy);
  if (scheme === undefined || scheme === 'file') return parseFile(device, policy);
  throw new WeirError('permission_denied', `Sources of the kind "${scheme}:" are not allowed`, {
    field: 'device',
    received: scheme,
    hint: sourceHint,
  });
}

/** Where to look to learn that the source is back. */
export function doorOf(source: Source): SourceDoor {
  switch (source.kind) {
    case 'rtsp':
    case 'rtmp':
    case 'http':
      return { kind: 'tcp', host: source.host, port: source.port };
    case 'v4l2':
    case 'file':
      return { kind: 'path', path: source.path };
    case 'srt':
    case 'test':
      return { kind: 'none' };
  }
}

function parseTest(device: string): TestSource {
  const refuse = (message: string) =>
    new WeirError('invalid_argument', `The test picture ${message}`, {
      field: 'device',
      received: device.slice(0, 120),
      hint: 'Write for example test:?audio=1&size=1280x720&fps=30',
    });
  const [, query] = /^test:(?:\?(.*))?$/.exec(device) ?? [];
  if (query === undefined && device !== 'test:') throw refuse('takes only parameters after "?"');
  let size = { width: 1280, height: 720 };
  let frameRate = 30;
  let hasAudio = false;
  for (const [key, value] of new URLSearchParams(query)) {
    if (key === 'audio' && /^[01]$/.test(value)) hasAudio = value === '1';
    else if (key === 'fps' && isWithin(Number(value), 1, 120)) frameRate = Number(value);
    else if (key === 'size') size = parseSize(value) ?? raise(refuse('takes sizes from 160x90 to 7680x4320'));
    else throw refuse(`does not know "${key}=${value}"`);
  }
  return { kind: 'test', device, display: device, ...size, frameRate, hasAudio };
}

function raise(error: WeirError): never {
  throw error;
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isFinite(value) && value >= low && value <= high;
}

function parseSize(text: string): { width: number; height: number } | undefined {
  const [, width, height] = (/^(\d{2,4})x(\d{2,4})$/.exec(text) ?? []).map(Number);
  if (width === undefined || height === undefined) return undefined;
  return isWithin(width, 160, 7680) && isWithin(height, 90, 4320) ? { width, height } : undefined;
}

function parseDeviceNode(device: string): V4l2Source {
  if (!/^\/dev\/(video\d{1,3}|v4l\/by-(id|path)\/[\w.:@+-]+)$/.test(device) || device.includes('..')) {
    throw new WeirError('permission_denied', 'Of the device nodes only /dev/videoN and /dev/v4l/by-id/… may be streamed', {
      field: 'device',
      received: device.slice(0, 120),
    });
  }
  return { kind: 'v4l2', device, display: device, path: device };
}

function parseNetwork(device: string, kind: NetworkKind, policy: SourcePolicy): NetworkSource {
  const parts = takeUrlApart('device', device);
  const allowed = policy.sourceHosts ?? [];
  if (allowed.length > 0 && !allowed.some((entry) => isHostCovered(parts.host, entry))) {
    throw new WeirError('permission_denied', `The host ${parts.host} is not among the allowed source hosts`, {
      field: 'device',
      received: parts.display,
      hint: 'Add it to streams.source_hosts in the configuration',
    });
  }
  return { kind, device, ...parts };
}

function isHostCovered(host: string, entry: string): boolean {
  const wanted = entry.trim().toLowerCase();
  return wanted.startsWith('.') ? host.endsWith(wanted) : host === wanted;
}

function parseFile(device: string, policy: SourcePolicy): FileSource {
  const path = filePath(device);
  const candidates = isAbsolute(path) ? [normalize(path)] : policy.mediaFolders.map((folder) => join(folder, path));
  const found = policy.checkFiles === false ? lexical(candidates, policy) : resolved(candidates, policy);
  if (found !== undefined) return { kind: 'file', device, display: device, path: found };
  if (candidates.some((candidate) => isInside(candidate, policy.mediaFolders))) {
    throw new WeirError('not_found', `There is no file ${device} in the media folders`, { field: 'device', received: device });
  }
  throw new WeirError('permission_denied', 'Only files inside the media folders may be streamed', {
    field: 'device',
    received: device,
    hint: policy.mediaFolders.length === 0 ? 'Set streams.media_folders' : `Put the file into ${policy.mediaFolders.join(' or ')}`,
  });
}

function filePath(device: string): string {
  if (!/^file:/i.test(device)) return device;
  const [, path] = /^file:(?:\/\/)?(\/[^/].*)$/i.exec(device) ?? [];
  if (path === undefined) throw new WeirError('invalid_argument', 'Write file:///path', { field: 'device', received: device });
  return decoded(path);
}

function lexical(candidates: readonly string[], policy: SourcePolicy): string | undefined {
  return candidates.find((candidate) => isInside(candidate, policy.mediaFolders));
}

/** The first candidate that exists, is a plain file and really lies in a media folder. A link that leads out is refused aloud. */
function resolved(candidates: readonly string[], policy: SourcePolicy): string | undefined {
  const folders = policy.mediaFolders.map(realPath).filter((folder) => folder !== undefined);
  for (const candidate of candidates) {
    const path = realPath(candidate);
    if (path === undefined) continue;
    if (!isInside(path, folders)) {
      if (!isInside(candidate, policy.mediaFolders)) continue;
      throw new WeirError('permission_denied', `${candidate} leads out of the media folders`, { field: 'device', received: candidate });
    }
    if (statSync(path).isFile()) return path;
    throw new WeirError('invalid_argument', `${candidate} is not a plain file`, { field: 'device', received: candidate });
  }
  return undefined;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

function isInside(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    const prefix = normalize(folder).replace(/\/+$/, '') + sep;
    return normalize(path).startsWith(prefix) && normalize(path).length > prefix.length;
  });
}
