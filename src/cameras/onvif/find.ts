/** Finds ONVIF cameras on the network, and turns one into the address of its picture. */
import { type CameraCapabilities, type FoundCamera, WeirError } from '../../contracts/index.js';
import type { SourcePolicy } from '../../media/index.js';
import { type Credentials, withCredentials } from '../registry/address.js';
import { checkHost, formatOnvifAddress, parseOnvifAddress } from './address.js';
import { type DeviceInformation, isRefusedLogin, type MediaProfile, OnvifDevice } from './device.js';
import { type ProbedDevice, type ProbePlace, probeNetwork } from './ws-discovery.js';

export interface OnvifOptions {
  /** Where cameras are asked to show themselves. */
  readonly probe: ProbePlace;
  /** Hosts that sources may name; others are left alone. */
  readonly policy: SourcePolicy;
}

/** A camera ready to be added. */
export interface ResolvedOnvif {
  /** `onvif://host[:port][/path]` in its normal form; what it is known by. */
  readonly source: string;
  readonly name: string;
  /** Address of the media, with credentials. */
  readonly device: string;
  /** Of the media of every profile, without credentials. */
  readonly addresses: readonly string[];
  readonly capabilities: CameraCapabilities;
  /** The profile has exactly the size that was wished. */
  readonly hasWishedSize: boolean;
}

export interface FindOptions extends Credentials {
  /** How long answers are awaited; details are read after that. */
  readonly timeoutMs: number;
  /** Ask this host only. */
  readonly address?: string | undefined;
  readonly signal: AbortSignal;
}

export interface Onvif {
  /** Bad answers of cameras are told in `errors`; only a bad `address` is thrown. */
  find(options: FindOptions): Promise<{ items: Omit<FoundCamera, 'camera_id'>[]; errors: string[] }>;
  /** Throws `invalid_argument` for a bad address or credentials it does not take, `unavailable` when it does not answer as ONVIF does. */
  resolve(source: string, credentials: Credentials, size: string | undefined, signal: AbortSignal): Promise<ResolvedOnvif>;
}

const callMs = 4000;
/** Reading one device with all its profiles. */
const deviceMs = 12_000;
const devicesAtOnce = 8;
const maxPixels = 1920 * 1080;

export function createOnvif(options: OnvifOptions): Onvif {
  return {
    find: (request) => find(options, request),
    resolve: (source, credentials, size, signal) => resolve(options, source, credentials, size, signal),
  };
}

async function find({ probe, policy }: OnvifOptions, request: FindOptions): Promise<{ items: Omit<FoundCamera, 'camera_id'>[]; errors: string[] }> {
  const { address, timeoutMs, signal, ...credentials } = request;
  if (address !== undefined) {
    const named = parseOnvifAddress(address, policy, 'address');
    const items: Omit<FoundCamera, 'camera_id'>[] = [];
    const errors: string[] = [];
    await look({ service: named.service, name: undefined, hardware: undefined }, withNamed(credentials, named), signal, items, errors);
    return { items, errors };
  }
  const { devices, errors } = await probeNetwork(probe, timeoutMs, signal);
  signal.throwIfAborted();
  const items: Omit<FoundCamera, 'camera_id'>[] = [];
  const waiting = devices.filter((device) => isAllowed(device.service, policy));
  const lane = async () => {
    for (let device = waiting.shift(); device !== undefined && !signal.aborted; device = waiting.shift()) {
      // What showed itself is told even when it does not answer further.
      if (!(await look(device, credentials, signal, items, errors))) items.push(describe(device, undefined, undefined));
    }
  };
  await Promise.all(Array.from({ length: devicesAtOnce }, lane));
  signal.throwIfAborted();
  return { items: items.sort((a, b) => (a.source < b.source ? -1 : 1)), errors };
}

/** Adds what the device says of itself to `items`, or why it says nothing to `errors`; tells whether it answered. */
async function look(
  found: ProbedDevice,
  credentials: Credentials,
  signal: AbortSignal,
  items: Omit<FoundCamera, 'camera_id'>[],
  errors: string[],
): Promise<boolean> {
  const device = new OnvifDevice(found.service, {
    ...credentials,
    timeoutMs: callMs,
    signal: AbortSignal.any([signal, AbortSignal.timeout(deviceMs)]),
  });
  try {
    await device.open();
    const note = (error: unknown) => {
      if (!isRefusedLogin(error) || (credentials.username ?? '') !== '') errors.push(WeirError.from(error).message);
      return undefined;
    };
    const information = await device.information().catch(note);
    const profiles = await device.profiles().catch(note);
    items.push(describe(found, information, profiles));
    return true;
  } catch (error) {
    errors.push(WeirError.from(error).message);
    return false;
  }
}

function describe(
  { service, name, hardware }: ProbedDevice,
  information: DeviceInformation | undefined,
  profiles: readonly MediaProfile[] | undefined,
): Omit<FoundCamera, 'camera_id'> {
  const model = information?.model ?? hardware;
  return {
    name: nameOf(service, information, name),
    kind: 'onvif',
    source: formatOnvifAddress(service),
    address: service.hostname,
    ...(model === undefined ? {} : { hardware: model }),
    ...(profiles === undefined ? {} : { profiles: profiles.map(toProfile) }),
  };
}

function toProfile({ name, uri, codec, width, height, frameRate }: MediaProfile): NonNullable<FoundCamera['profiles']>[number] {
  return {
    name,
    source: uri,
    ...(codec === undefined ? {} : { codec }),
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(frameRate === undefined ? {} : { frame_rate: frameRate }),
  };
}

async function resolve(
  { policy }: OnvifOptions,
  source: string,
  credentials: Credentials,
  size: string | undefined,
  signal: AbortSignal,
): Promise<ResolvedOnvif> {
  const named = parseOnvifAddress(source, policy, 'source');
  const login = withNamed(credentials, named);
  const startedAt = performance.now();
  const device = new OnvifDevice(named.service, { ...login, timeoutMs: callMs, signal: AbortSignal.any([signal, AbortSignal.timeout(deviceMs)]) });
  await device.open();
  // A name is nice to have: some users may see the picture and nothing else.
  const information = await device.information().catch((error: unknown) => {
    if (WeirError.from(error).code !== 'unavailable') throw error;
    return { manufacturer: undefined, model: undefined };
  });
  const profiles = await device.profiles();
  const chosen = chooseProfile(profiles, size);
  if (chosen === undefined)
    throw new WeirError('unavailable', `${named.service.host} offers no video over RTSP`, { field: 'source', received: named.source });
  const rest = profiles.filter((profile) => profile !== chosen);
  return {
    source: named.source,
    name: nameOf(named.service, information, undefined),
    device: withCredentials(chosen.uri, login),
    addresses: profiles.map((profile) => profile.uri),
    capabilities: {
      ...(information.manufacturer === undefined ? {} : { driver: information.manufacturer }),
      ...(information.model === undefined ? {} : { card: information.model }),
      formats: [chosen, ...rest].flatMap(toFormat),
      controls: [],
      probed_at: new Date().toISOString(),
      took_ms: Math.round(performance.now() - startedAt),
    },
    hasWishedSize: size !== undefined && sizeOf(chosen) === size,
  };
}

/** The profile of the wished size, else the largest up to 1080p that browsers can play, else the first. */
export function chooseProfile(profiles: readonly MediaProfile[], size: string | undefined): MediaProfile | undefined {
  const pixels = ({ width = 0, height = 0 }: MediaProfile) => width * height;
  const order = (profile: MediaProfile) => [profile.codec === 'h264' ? 0 : 1, pixels(profile) <= maxPixels ? 0 : 1, -pixels(profile)] as const;
  const fitting = size === undefined ? [] : profiles.filter((profile) => sizeOf(profile) === size);
  const [best] = [...(fitting.length > 0 ? fitting : profiles)].sort((a, b) => {
    const [codecA, largeA, pixelsA] = order(a);
    const [codecB, largeB, pixelsB] = order(b);
    return codecA - codecB || largeA - largeB || pixelsA - pixelsB;
  });
  return best;
}

function sizeOf({ width, height }: MediaProfile): string {
  return `${width}x${height}`;
}

function toFormat({ name, codec, width, height, frameRate }: MediaProfile): CameraCapabilities['formats'] {
  if (codec === undefined || width === undefined || height === undefined) return [];
  return [{ pixel_format: codec, description: name, sizes: [{ width, height, frame_rates: frameRate === undefined ? [] : [frameRate] }] }];
}

function nameOf(service: URL, information: DeviceInformation | undefined, scope: string | undefined): string {
  const told = [information?.manufacturer, information?.model].filter((part) => part !== undefined).join(' ');
  return (scope ?? (told === '' ? service.host : told)).slice(0, 120);
}

function withNamed(credentials: Credentials, named: Credentials): Credentials {
  return (credentials.username ?? '') === '' ? { username: named.username, password: named.password } : credentials;
}

function isAllowed(service: URL, policy: SourcePolicy): boolean {
  try {
    checkHost(service, policy, 'address');
    return true;
  } catch {
    return false;
  }
}
