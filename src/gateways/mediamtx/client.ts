/** What Weir asks of a MediaMTX, in Weir's words, for every version it speaks. */
import { z } from 'zod';
import { WeirError } from '../../contracts/index.js';
import type { Breaker } from './breaker.js';
import { isMtxFailure, type MtxHttp, type MtxRequest, unusable } from './http.js';
import type { PathConfig } from './path-config.js';
import { checkVersion, type MtxVersion, parseVersion, tooOld } from './version.js';

export interface MtxInstance {
  readonly version: MtxVersion;
  /** When it started; changes with each restart. */
  readonly started: string;
}

export interface MtxReaderRef {
  readonly type: string;
  readonly id: string;
}

/** A path as it is, whatever the version calls its fields. */
export interface MtxPath {
  readonly name: string;
  readonly ready: boolean;
  /** Type of what publishes or is pulled; null while idle. */
  readonly source: string | null;
  readonly tracks: readonly string[];
  readonly readers: readonly MtxReaderRef[];
  /** Who publishes; null while nobody does, and for a source that MediaMTX pulls itself. */
  readonly publisher: MtxReaderRef | null;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** The fields of a path's configuration by which a change made by somebody else is seen. */
export interface MtxPathConfig {
  readonly name: string;
  readonly source: string;
  readonly runOnDemand: string;
  readonly record: boolean;
}

export interface MtxReaderDetails {
  readonly address: string | null;
  readonly user: string | null;
  readonly bytesSent: number | null;
  readonly since: string | null;
}

export interface MtxClient {
  /** Throws `unsupported` for a version that is too old, `unavailable` for something else that listens there. */
  instance(signal?: AbortSignal): Promise<MtxInstance>;
  paths(signal?: AbortSignal): Promise<MtxPath[]>;
  path(name: string, signal?: AbortSignal): Promise<MtxPath | undefined>;
  pathConfigs(signal?: AbortSignal): Promise<MtxPathConfig[]>;
  /** Makes the path or replaces it; an equal one stays as it is. */
  replacePath(name: string, config: PathConfig, signal?: AbortSignal): Promise<void>;
  /** With record fields only: readers stay. */
  patchPath(name: string, config: Partial<PathConfig>, signal?: AbortSignal): Promise<void>;
  /** False when there was none. */
  deletePath(name: string, signal?: AbortSignal): Promise<boolean>;
  /** Details of the readers of these types, by id. */
  readerDetails(types: ReadonlySet<string>, signal?: AbortSignal): Promise<Map<string, MtxReaderDetails>>;
  /** Sessions of RTSP by the connections that carry them: older versions ask about rights under the connection's id. */
  rtspSessions(signal?: AbortSignal): Promise<Map<string, string>>;
  /** Throws `unsupported` for a type that cannot be cut. */
  kick(reader: MtxReaderRef, signal?: AbortSignal): Promise<void>;
  /** Starts of the recorded segments, as MediaMTX writes them. */
  recordings(name: string, signal?: AbortSignal): Promise<string[]>;
  deleteSegment(name: string, start: string, signal?: AbortSignal): Promise<void>;
}

/** Type of a reader to the collection that it is listed and cut in. */
const collections: Readonly<Record<string, { readonly name: string; readonly canKick: boolean }>> = {
  rtspSession: { name: 'rtspsessions', canKick: true },
  rtspsSession: { name: 'rtspssessions', canKick: true },
  rtspConn: { name: 'rtspconns', canKick: false },
  rtspsConn: { name: 'rtspsconns', canKick: false },
  rtmpConn: { name: 'rtmpconns', canKick: true },
  rtmpsConn: { name: 'rtmpsconns', canKick: true },
  srtConn: { name: 'srtconns', canKick: true },
  webRTCSession: { name: 'webrtcsessions', canKick: true },
  hlsSession: { name: 'hlssessions', canKick: true },
  moqSession: { name: 'moqsessions', canKick: true },
};

const infoSchema = z.object({ version: z.string(), started: z.string().optional() });
const pageSchema = z.object({ pageCount: z.number().int().nonnegative().max(1000), items: z.array(z.unknown()) });
const count = z.number().nonnegative().optional();
const pathSchema = z.object({
  name: z.string(),
  ready: z.boolean().optional(),
  available: z.boolean().optional(),
  source: z.object({ type: z.string(), id: z.string().default('') }).nullish(),
  tracks: z.array(z.string()).nullish(),
  tracks2: z.array(z.object({ codec: z.string() })).nullish(),
  readers: z.array(z.object({ type: z.string(), id: z.string() })).nullish(),
  bytesReceived: count,
  bytesSent: count,
  inboundBytes: count,
  outboundBytes: count,
});
const pathConfigSchema = z.object({
  name: z.string(),
  source: z.string().default(''),
  runOnDemand: z.string().default(''),
  record: z.boolean().default(false),
});
const readerSchema = z.object({
  id: z.string(),
  remoteAddr: z.string().optional(),
  user: z.string().optional(),
  created: z.string().optional(),
  bytesSent: count,
  outboundBytes: count,
});
const connSchema = z.object({ id: z.string(), session: z.string().nullish() });
const recordingSchema = z.object({ segments: z.array(z.object({ start: z.string() })).nullish() });

const maxPages = 100;

/** True for what {@link MtxClient.kick} can cut. */
export function canKick({ type, id }: MtxReaderRef): boolean {
  return id !== '' && collections[type]?.canKick === true;
}

/** `isFailure`: what counts against the circuit; default {@link isMtxFailure}. */
export function createMtxClient(http: MtxHttp, breaker: Breaker, isFailure: (error: unknown) => boolean = isMtxFailure): MtxClient {
  const call = (request: MtxRequest) => breaker.run(() => http.call(request), isFailure);
  const get = async <S extends z.ZodType>(schema: S, path: string, signal: AbortSignal | undefined): Promise<z.output<S>> =>
    breaker.run(async () => understood(schema, await http.call({ method: 'GET', path, signal })), isFailure);

  const all = async <S extends z.ZodType>(schema: S, path: string, signal: AbortSignal | undefined): Promise<z.output<S>[]> => {
    const items: z.output<S>[] = [];
    for (let page = 0; page < maxPages; page++) {
      const answer = await get(pageSchema, `${path}?itemsPerPage=500&page=${page}`, signal);
      for (const item of answer.items) items.push(understood(schema, item));
      if (page + 1 >= answer.pageCount) break;
    }
    return items;
  };

  const at = (path: string, name: string) => `/v3/${path}/${encodeURIComponent(name)}`;

  return {
    async instance(signal) {
      try {
        const { version, started } = await get(infoSchema, '/v3/info', signal);
        const parsed = parseVersion(version);
        // A build of somebody's own may call itself anything; it speaks this interface, so it is taken for the oldest that does.
        return { version: checkVersion(parsed ?? { text: version, number: [1, 15, 2] }), started: started ?? version };
      } catch (error) {
        if (!isCode(error, 'not_found')) throw error;
      }
      throw tooOld(await olderVersion(http, signal));
    },
    paths: async (signal) => (await all(pathSchema, '/v3/paths/list', signal)).map(toPath),
    path: (name, signal) => orUndefined(get(pathSchema, at('paths/get', name), signal).then(toPath)),
    pathConfigs: (signal) => all(pathConfigSchema, '/v3/config/paths/list', signal),
    async replacePath(name, config, signal) {
      await call({ method: 'POST', path: at('config/paths/replace', name), body: config, signal });
    },
    async patchPath(name, config, signal) {
      await call({ method: 'PATCH', path: at('config/paths/patch', name), body: config, signal });
    },
    async deletePath(name, signal) {
      const done = call({ method: 'DELETE', path: at('config/paths/delete', name), signal }).then(() => true);
      return (await orUndefined(done)) ?? false;
    },
    async readerDetails(types, signal) {
      const details = new Map<string, MtxReaderDetails>();
      for (const type of types) {
        const collection = collections[type];
        if (collection === undefined) continue;
        // A server that is switched off has no such list.
        const readers = (await orUndefined(all(readerSchema, `/v3/${collection.name}/list`, signal))) ?? [];
        for (const reader of readers) details.set(reader.id, toDetails(reader));
      }
      return details;
    },
    async rtspSessions(signal) {
      const lists = ['/v3/rtspconns/list', '/v3/rtspsconns/list'].map(async (path) => (await orUndefined(all(connSchema, path, signal))) ?? []);
      return new Map((await Promise.all(lists)).flat().flatMap(({ id, session }) => (typeof session === 'string' ? [[id, session] as const] : [])));
    },
    async kick({ type, id }, signal) {
      const collection = collections[type];
      if (collection?.canKick !== true) {
        throw new WeirError('unsupported', `This version of MediaMTX cannot cut off a reader of the type ${type}`, {
          facts: { feature: `kick_${type}` },
        });
      }
      await call({ method: 'POST', path: at(`${collection.name}/kick`, id), signal });
    },
    async recordings(name, signal) {
      try {
        return ((await get(recordingSchema, at('recordings/get', name), signal)).segments ?? []).map(({ start }) => start);
      } catch (error) {
        // A path that is not configured is an invalid argument here.
        if (isCode(error, 'not_found') || isCode(error, 'invalid_argument')) return [];
        throw error;
      }
    },
    async deleteSegment(name, start, signal) {
      const query = new URLSearchParams({ path: name, start });
      await call({ method: 'DELETE', path: `/v3/recordings/deletesegment?${query}`, signal });
    },
  };
}

/** Which generation answers, for the message. */
async function olderVersion(http: MtxHttp, signal: AbortSignal | undefined): Promise<string> {
  const generations = [
    ['/v3/config/global/get', 'A MediaMTX between 1.2.0 and 1.15.1'],
    ['/v2/config/get', 'A MediaMTX between 0.23.1 and 1.1.1'],
    ['/v1/config/get', 'MediaMTX 0.23.0 or older'],
  ] as const;
  for (const [path, name] of generations) {
    const answers = await http.call({ method: 'GET', path, signal }).then(
      () => true,
      (error: unknown) => {
        if (isCode(error, 'cancelled')) throw error;
        return isCode(error, 'failed_precondition');
      },
    );
    if (answers) return name;
  }
  return 'What listens there is no MediaMTX, or one of an unknown kind; it';
}

function understood<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw unusable(`an unexpected ${parsed.error.issues[0]?.path.join('.') || 'answer'}`, parsed.error);
}

function isCode(error: unknown, code: WeirError['code']): boolean {
  return error instanceof WeirError && error.code === code;
}

async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isCode(error, 'not_found')) return undefined;
    throw error;
  }
}

function toPath(path: z.output<typeof pathSchema>): MtxPath {
  return {
    name: path.name,
    ready: path.available ?? path.ready ?? false,
    source: path.source?.type ?? null,
    tracks: path.tracks2?.map((track) => track.codec) ?? path.tracks ?? [],
    readers: path.readers ?? [],
    publisher: path.source != null && path.source.id !== '' && path.source.type in collections ? path.source : null,
    bytesReceived: path.inboundBytes ?? path.bytesReceived ?? 0,
    bytesSent: path.outboundBytes ?? path.bytesSent ?? 0,
  };
}

function toDetails(reader: z.output<typeof readerSchema>): MtxReaderDetails {
  const { remoteAddr, user, created } = reader;
  return {
    address: remoteAddr === undefined || remoteAddr === '' ? null : remoteAddr,
    user: user === undefined || user === '' ? null : user,
    bytesSent: reader.outboundBytes ?? reader.bytesSent ?? null,
    since: created === undefined || Number.isNaN(Date.parse(created)) ? null : new Date(created).toISOString(),
  };
}
