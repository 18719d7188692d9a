/** Which gateway it is, and its start. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { WeirError } from '../contracts/index.js';
import { coverArguments, findOptionalProgram, findProcessesByArguments } from '../supervisor/index.js';
import { createOwnCredentials, type OwnCredentials } from './auth.js';
import { createBuiltinGateway } from './builtin/gateway.js';
import type { Gateway, GatewayBackend, GatewayOperations } from './gateway.js';
import { startMtxChild } from './mediamtx/child.js';
import { MediaMtxGateway } from './mediamtx/gateway.js';
import { createHubInputs, createInlineInputs } from './mediamtx/hub-input.js';
import type { MtxServer } from './mediamtx/server.js';
import { createGatewayOperations } from './operations.js';
import type { GatewayOptions } from './options.js';

/**
 * Starts the configured gateway: MediaMTX at `gateway.url`, a supervised one when the program is found (or demanded), else builtin.
 * Does not wait for MediaMTX to answer; its state tells. Throws only for what a person must change, and only when MediaMTX was demanded:
 * `not_found` (no program), `unsupported` (too old), `failed_precondition` (a port is taken). With `auto` those end in builtin and a log line.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const own = createOwnCredentials(options.secret('gateway'));
  const parts: Parts = { options, own, mark: markOf(options.folder), operations: () => undefined };
  const backend = await chooseBackend(parts);
  const operations = createGatewayOperations({
    options,
    own,
    backend,
    onAllowed: ({ id, action, path }, admission) => {
      // Our own calls of the control interface ask as well.
      if (!(backend instanceof MediaMtxGateway) || action === 'api') return;
      backend.noticed(id ?? undefined, admission);
      if (admission === undefined && action === 'publish') hidePassword(own.of('publish', path), options.ffmpeg ?? 'ffmpeg', parts.mark);
    },
  });
  parts.operations = () => operations;
  return withOperations(backend, operations);
}

interface Parts {
  readonly options: GatewayOptions;
  readonly own: OwnCredentials;
  readonly mark: string;
  /** Undefined for the first moment. */
  operations: () => GatewayOperations | undefined;
}

async function chooseBackend(parts: Parts): Promise<GatewayBackend> {
  const { options } = parts;
  const { kind, url, binary } = options.settings;
  if (kind === 'builtin') return createBuiltinGateway(options);
  if (url !== undefined) return await openMediaMtx(parts, externalServer(options, url));
  if (kind === 'mediamtx') return await openMediaMtx(parts, await childServer(parts));
  if (findOptionalProgram(binary ?? 'mediamtx') === undefined) return createBuiltinGateway(options);
  try {
    return await openMediaMtx(parts, await childServer(parts));
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    options.log.warn({ err: WeirError.from(error) }, 'MediaMTX was found but cannot be used; the builtin gateway is');
    return createBuiltinGateway(options);
  }
}

async function openMediaMtx({ options, own, mark }: Parts, server: MtxServer): Promise<GatewayBackend> {
  const folder = resolve(options.folder);
  const inputs = { folder, hubUrl: options.hubUrl, tokens: options.tokens };
  const backend = new MediaMtxGateway({
    ...options,
    server,
    own,
    mark,
    inputs: server.managed === 'child' ? createHubInputs(inputs) : createInlineInputs(inputs),
    memoryFile: `${folder}/gateway.json`,
    guestsFile: `${folder}/guests.json`,
  });
  // Not waited for: the hub starts without it, and it may need the hub.
  void backend.start(options.signal);
  return backend;
}

function externalServer({ settings }: GatewayOptions, url: string): MtxServer {
  const { hostname } = new URL(url);
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  const { rtsp_port, webrtc_port, hls_port, rtmp_port, srt_port } = settings;
  const none = async () => undefined;
  return {
    managed: 'external',
    apiUrl: url,
    apiUser: settings.api_user,
    apiPassword: settings.api_password,
    ports: { rtsp: rtsp_port, webrtc: webrtc_port, hls: hls_port, rtmp: rtmp_port, srt: srt_port },
    isLocal,
    host: isLocal ? undefined : hostname,
    recordFolder: undefined,
    pid: () => undefined,
    failure: () => null,
    onProcess: () => () => undefined,
    tidy: () => undefined,
    stop: none,
    detach: none,
  };
}

async function childServer(parts: Parts): Promise<MtxServer> {
  const { options, own, mark } = parts;
  const child = await startMtxChild({
    settings: options.settings,
    folder: resolve(options.folder),
    callbackSecret: own.callback,
    mark,
    signal: options.signal,
    ask: async (secret, body, signal) => {
      const operations = parts.operations();
      if (operations === undefined) throw new WeirError('unavailable', 'The gateway is starting');
      await operations.gateway_auth(undefined, { params: undefined, query: { secret }, body }, { signal });
    },
  });
  return {
    managed: 'child',
    apiUrl: child.apiUrl,
    apiUser: 'weir',
    apiPassword: own.api,
    ports: child.ports,
    isLocal: true,
    host: undefined,
    recordFolder: resolve(options.recordingsFolder),
    pid: () => child.process.identity?.pid,
    failure: () => child.lastError(),
    onProcess: (listener) => child.process.onState(listener),
    tidy: () => child.tidy(),
    stop: () => child.stop(),
    detach: () => child.detach(),
  };
}

/** FFmpeg takes the password of an RTSP address from its arguments only; once it has come with it, nobody needs to read it there. */
function hidePassword(password: string, program: string, mark: string): void {
  for (const { pid } of findProcessesByArguments('-metadata', `title=${mark}`)) {
    if (!argumentsOf(pid).includes(password)) continue;
    void coverArguments(pid, basename(program)).then((covered) => covered.erase([password]));
  }
}

function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** One per data folder, so that two hubs of one machine leave each other's commands alone. */
function markOf(folder: string): string {
  return `weir-${createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 12)}`;
}

function withOperations(backend: GatewayBackend, operations: GatewayOperations): Gateway {
  return {
    operations,
    state: () => backend.state(),
    onEvent: (listener) => backend.onEvent(listener),
    health: () => backend.health(),
    configure: (settings) => backend.configure(settings),
    seen: (streamId) => backend.seen(streamId),
    urlsOf: (streamId, host) => backend.urlsOf(streamId, host),
    sourceOf: (streamId) => backend.sourceOf(streamId),
    ensurePath: (wish, signal) => backend.ensurePath(wish, signal),
    removePath: (streamId, signal) => backend.removePath(streamId, signal),
    reconcile: (signal) => backend.reconcile(signal),
    paths: (signal) => backend.paths(signal),
    path: (streamId, signal) => backend.path(streamId, signal),
    readers: (streamId, signal) => backend.readers(streamId, signal),
    kick: (streamId, readerId, signal) => backend.kick(streamId, readerId, signal),
    record: (streamId, order, signal) => backend.record(streamId, order, signal),
    recordings: (streamId, signal) => backend.recordings(streamId, signal),
    deleteRecording: (streamId, start, signal) => backend.deleteRecording(streamId, start, signal),
    stop: () => backend.stop(),
    detach: () => backend.detach(),
    [Symbol.asyncDispose]: () => backend.stop(),
  };
}
