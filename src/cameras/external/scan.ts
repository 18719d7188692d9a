/** Looks for RTSP servers of others in configured networks: bounded in time and in how many hosts are asked at once. */
import type { Config, ExternalStream } from '../../contracts/index.js';
import { addressesOf, parseRange } from './ranges.js';
import { openRtsp, type RtspDescription } from './rtsp-probe.js';

export type ScanSettings = Config['external_discovery'];

export interface ScanWish {
  readonly skydio: boolean;
  readonly generic: boolean;
}

export type SeenStream = Pick<ExternalStream, 'url' | 'type' | 'name' | 'capabilities'>;

export interface ScanReport {
  readonly found: SeenStream[];
  /** What could not be looked at, in sentences. */
  readonly errors: string[];
  /** Whether a stream at that address would have been found now. */
  readonly hasLookedAt: (host: string) => boolean;
  readonly tookMs: number;
}

/** Where drones of this make serve their two pictures. */
const skydioPaths = { eo: '/subject', ir: '/infrared' } as const;
const answerMs = 2000;
const shortestConnectMs = 150;
const longestConnectMs = 1500;
const maxFound = 500;
const maxErrors = 20;

interface Family {
  readonly hosts: Iterable<string>;
  readonly size: number;
  readonly ask: (host: string, connectMs: number, signal: AbortSignal) => Promise<SeenStream[]>;
}

/** Never throws for what is on the network; stops at the time limit and says what it did not reach. */
export async function scan(settings: ScanSettings, wish: ScanWish, signal: AbortSignal): Promise<ScanReport> {
  const startedAt = performance.now();
  const errors: string[] = [];
  const families = [...(wish.skydio ? [skydioFamily(settings, errors)] : []), ...(wish.generic ? [genericFamily(settings, errors)] : [])];
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(settings.scan_timeout_s * 1000)]);
  const found = new Map<string, SeenStream>();
  const looked = new Set<string>();
  const total = families.reduce((sum, family) => sum + family.size, 0);
  // Most addresses of a network are nobody's: the time for each is what the limit leaves.
  const share = (settings.scan_timeout_s * 1000 * settings.max_concurrent) / Math.max(1, total);
  const connectMs = Math.max(shortestConnectMs, Math.min(longestConnectMs, share * 0.9));
  const places = placesOf(families);
  const lane = async () => {
    for (let place = places.next(); place.done !== true && !deadline.aborted; place = places.next()) {
      const { family, host } = place.value;
      const streams = await family.ask(host, connectMs, deadline);
      if (deadline.aborted && streams.length === 0) return;
      looked.add(host);
      for (const stream of streams) if (found.size < maxFound) found.set(stream.url, stream);
    }
  };
  await Promise.all(Array.from({ length: settings.max_concurrent }, lane));
  if (looked.size < countHosts(families) && deadline.aborted) {
    errors.push(`The scan ended after ${settings.scan_timeout_s} s: ${looked.size} of ${countHosts(families)} addresses were looked at`);
  }
  return {
    found: [...found.values()].sort((a, b) => (a.url < b.url ? -1 : 1)),
    errors: errors.slice(0, maxErrors),
    hasLookedAt: (host) => looked.has(host),
    tookMs: performance.now() - startedAt,
  };
}

function* placesOf(families: readonly Family[]): Generator<{ family: Family; host: string }> {
  for (const family of families) for (const host of family.hosts) yield { family, host };
}

function countHosts(families: readonly Family[]): number {
  return new Set([...placesOf(families)].map((place) => place.host)).size;
}

function skydioFamily(settings: ScanSettings, errors: string[]): Family {
  const eyes = [
    { type: 'eo', port: settings.skydio_eo_port, path: skydioPaths.eo },
    { type: 'ir', port: settings.skydio_ir_port, path: skydioPaths.ir },
  ] as const;
  return {
    ...hostsOf(settings.skydio_ranges, settings.skydio_known_hosts, errors),
    async ask(host, connectMs, signal) {
      const found = await Promise.all(
        eyes.map(async ({ type, port, path }) => {
          const seen = await firstPath(host, port, [path], connectMs, signal);
          return seen === undefined ? [] : [describeSkydio(host, port, path, type, seen.description)];
        }),
      );
      return found.flat();
    },
  };
}

function genericFamily(settings: ScanSettings, errors: string[]): Family {
  return {
    ...hostsOf(settings.generic_ranges, settings.generic_known_hosts, errors),
    async ask(host, connectMs, signal) {
      const found = await Promise.all(
        settings.generic_ports.map(async (port) => {
          const seen = await firstPath(host, port, settings.generic_paths, connectMs, signal);
          return seen === undefined ? [] : [describeGeneric(host, port, seen.path, seen.description)];
        }),
      );
      return found.flat();
    },
  };
}

function hostsOf(ranges: readonly string[], known: readonly string[], errors: string[]): Pick<Family, 'hosts' | 'size'> {
  const parsed = ranges.flatMap((text) => {
    try {
      return [parseRange(text)];
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error));
      return [];
    }
  });
  const size = parsed.reduce((sum, range) => sum + range.count, known.length);
  return {
    size,
    // Hosts that were named come first, so that a short time is enough for them.
    hosts: {
      *[Symbol.iterator]() {
        const named = new Set(known);
        yield* named;
        for (const range of parsed) for (const address of addressesOf(range)) if (!named.has(address)) yield address;
      },
    },
  };
}

/** The first path that plays, or that asks for a login. */
async function firstPath(
  host: string,
  port: number,
  paths: readonly string[],
  connectMs: number,
  signal: AbortSignal,
): Promise<{ path: string; description: RtspDescription } | undefined> {
  for (const path of paths) {
    // A connection of its own for each: many servers hang up after they said no.
    const rtsp = await openRtsp({ host, port }, { connectMs, answerMs, signal });
    if (rtsp === undefined) return undefined;
    try {
      const description = await rtsp.describe(path);
      if (description.status === 200 || description.status === 401) return { path, description };
    } finally {
      rtsp.close();
    }
  }
  return undefined;
}

function describeSkydio(host: string, port: number, path: string, type: 'eo' | 'ir', description: RtspDescription): SeenStream {
  return {
    url: `rtsp://${host}:${port}${path}`,
    type: 'skydio_stanag4609',
    name: `Skydio ${type.toUpperCase()} ${host}`,
    capabilities: { ...capabilitiesOf(port, path, description), format: 'stanag4609', stream_type: type },
  };
}

function describeGeneric(host: string, port: number, path: string, description: RtspDescription): SeenStream {
  const where = port === 554 ? host : `${host}:${port}`;
  const source = description.server;
  return {
    url: `rtsp://${where}${path}`,
    type: 'generic_rtsp',
    name: `${where}${path === '/' ? '' : path}`,
    capabilities: { ...capabilitiesOf(port, path, description), ...(source === undefined ? {} : { source }) },
  };
}

/** What DESCRIBE told of a stream. */
export function capabilitiesOf(port: number, path: string, { video, data }: RtspDescription): SeenStream['capabilities'] {
  return {
    protocol: 'rtsp',
    port,
    stream_path: path,
    ...(video === undefined ? {} : { codec: video }),
    ...(data === undefined ? {} : { metadata: data }),
  };
}
