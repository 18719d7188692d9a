/** What may be streamed: the `device` of a stream, checked against the policy of this host and taken apart. */
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { WeirError } from '../../contracts/errors.js';
import { isMasked, isSecretParameter, maskSecrets, maskUrl } from './mask.js';
import { isTooLongToHide } from './secret-output.js';

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

export interface NetworkSource extends Named {
  readonly kind: 'rtsp' | 'rtmp' | 'srt' | 'http';
  /** The URL for FFmpeg, credentials included. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Exact strings to mask in whatever FFmpeg writes. */
  readonly secrets: readonly string[];
}

export interface FileSource extends Named {
  readonly kind: 'file';
  /** Absolute, with symbolic links resolved (unless the policy says not to look). */
  readonly path: string;
}

export type Source = TestSource | V4l2Source | NetworkSource | FileSource;

/** Where the same encode is pushed to. */
export interface Output {
  readonly kind: 'rtsp' | 'rtmp' | 'srt';
  readonly url: string;
  readonly display: string;
  readonly host: string;
  readonly port: number;
  readonly secrets: readonly string[];
}

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

/** Takes an `output_url` apart; throws `invalid_argument` for anything but RTSP, RTMP and SRT. */
export function parseOutput(outputUrl: string): Output {
  refuseControl('output_url', outputUrl);
  const kind = networkKinds[schemeOf(outputUrl) ?? ''];
  if (kind === undefined || kind === 'http') {
    throw new WeirError('invalid_argument', 'output_url must start with rtsp://, rtsps://, rtmp://, rtmps:// or srt://', {
      field: 'output_url',
      received: maskSecrets(outputUrl),
    });
  }
  const output = withStreamKey(kind, takeUrlApart('output_url', outputUrl));
  if (!isTooLongToHide(output)) return output;
  throw new WeirError('invalid_argument', 'output_url has a longer key than can be kept out of the process list', {
    field: 'output_url',
    received: output.display.slice(0, 120),
  });
}

function withStreamKey(kind: Output['kind'], parts: Omit<Output, 'kind'>): Output {
  if (kind !== 'rtmp') return { kind, ...parts };
  const [, key] = /\/[^/?#]+\/([^/?#]{6,})(?:[?#]|$)/.exec(new URL(parts.url).pathname) ?? [];
  // The last part of an RTMP path is the stream key: whoever knows it may publish there.
  const secrets = key === undefined ? parts.secrets : [...parts.secrets, key];
  return { kind, ...parts, secrets, display: maskSecrets(parts.display, secrets) };
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

const sourceHint = 'Use test:, /dev/videoN, rtsp(s)://, rtmp(s)://, srt://, http(s):// or a file inside the media folders';

const networkKinds: Readonly<Record<string, NetworkSource['kind']>> = {
  rtsp: 'rtsp',
  rtsps: 'rtsp',
  rtmp: 'rtmp',
  rtmps: 'rtmp',
  srt: 'srt',
  http: 'http',
  https: 'http',
};

const defaultPorts: Readonly<Record<string, number>> = { rtsp: 554, rtsps: 322, rtmp: 1935, rtmps: 443, http: 80, https: 443 };

/** A leading dash would be an option to FFmpeg; line ends and NUL could end an argument or a list entry. */
function refuseControl(field: string, text: string): void {
  const refuse = (message: string) =>
    new WeirError('invalid_argument', `${field} ${message}`, { field, received: maskSecrets(text).slice(0, 120), hint: sourceHint });
  if (text === '') throw refuse('is empty');
  if (text.startsWith('-')) throw refuse('must not start with "-"');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
  if (/[\u0000-\u001f\u007f]/.test(text)) throw refuse('must not contain control characters');
}

/** FFmpeg takes any run of these characters before a colon for a protocol, also in upper case and with options after a comma. */
function schemeOf(text: string): string | undefined {
  return /^([A-Za-z0-9+.,_-]+):/.exec(text)?.[1]?.toLowerCase();
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

function parseNetwork(device: string, kind: NetworkSource['kind'], policy: SourcePolicy): NetworkSource {
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

function takeUrlApart(field: string, text: string): Omit<NetworkSource, 'kind' | 'device'> {
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
  const values = [url.password, decode(url.password)];
  for (const part of url.search.slice(1).split('&').filter(isSecretParameter)) {
    const raw = part.slice(part.indexOf('=') + 1);
    values.push(raw, decode(raw), encodeURIComponent(decode(raw)));
  }
  return [...new Set(values)].filter((value) => value.length >= 3);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
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
  return decode(path);
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
