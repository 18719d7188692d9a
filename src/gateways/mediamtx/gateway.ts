/** MediaMTX as the gateway: keeps its paths as they are wished, over restarts on either side. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ComponentHealth, GatewayPath, GatewayReader, GatewayState, StreamUrls } from '../../contracts/index.js';
import { isToken, WeirError } from '../../contracts/index.js';
import { writeFileAtomic } from '../../supervisor/index.js';
import { type Admission, Admissions } from '../admissions.js';
import type { OwnCredentials } from '../auth.js';
import { ownUser } from '../auth.js';
import type { GatewayBackend, GatewayEvent, GatewayRecording, GatewayRecordOrder, GatewaySettings, PathWish, SeenPath } from '../gateway.js';
import type { GatewayOptions } from '../options.js';
import { hostnameOf, hubLinks, mediaMtxLinks } from '../urls.js';
import { type Breaker, createBreaker } from './breaker.js';
import { createMtxClient, type MtxClient, type MtxInstance } from './client.js';
import { fillTemplate, formatCommand } from './command.js';
import { evict } from './evictions.js';
import { missingPath, toGatewayPath } from './gateway-path.js';
import { createMtxHttp, isMtxFailure, type MtxHttp } from './http.js';
import type { HubInputs } from './hub-input.js';
import { KeptPaths } from './kept-paths.js';
import { createObserved, readerIdOf } from './observed.js';
import { type PathConfig, toPathConfig } from './path-config.js';
import { openRemembered, type Remembered } from './remembered.js';
import { readSegmentFolder } from './segment-files.js';
import type { MtxServer } from './server.js';
import { featuresOf } from './version.js';
import { createWatch, type Watch } from './watch.js';
import { Wishes } from './wishes.js';

export interface MediaMtxGatewayOptions extends GatewayOptions {
  readonly server: MtxServer;
  readonly own: OwnCredentials;
  readonly inputs: HubInputs;
  readonly mark: string;
  /** File of {@link Remembered}. */
  readonly memoryFile: string;
  /** Who was let in, for the next hub. */
  readonly guestsFile: string;
}

const startGraceMs = 10_000;

export class MediaMtxGateway implements GatewayBackend {
  readonly #options: MediaMtxGatewayOptions;
  readonly #server: MtxServer;
  readonly #http: MtxHttp;
  readonly #breaker: Breaker;
  readonly #client: MtxClient;
  readonly #memory: Remembered;
  readonly #observed = createObserved();
  readonly #listeners = new Set<(event: GatewayEvent) => void>();
  readonly #wishes: Wishes;
  readonly #kept: KeptPaths;
  readonly #admissions: Admissions;
  readonly #watch: Watch;
  readonly #ends: (() => void)[] = [];
  #settings: GatewaySettings;
  #instance: MtxInstance | undefined;
  #state: GatewayState['state'] = 'starting';
  #error: string | null = null;
  #since = new Date().toISOString();
  #graceUntil = 0;
  /** Why the last process ended, until one works. */
  #lastWords: string | null = null;
  #nextEnd: NodeJS.Timeout | undefined;

  constructor(options: MediaMtxGatewayOptions) {
    const { server } = options;
    this.#options = options;
    this.#settings = options.settings;
    this.#server = server;
    this.#memory = openRemembered(options.memoryFile);
    this.#wishes = new Wishes({
      list: () => options.wished.list(),
      isLocal: () => server.isLocal,
      toConfig: (wish) => this.#toConfig(wish),
    });
    this.#http = createMtxHttp({
      baseUrl: () => server.apiUrl,
      user: server.apiUser,
      password: server.apiPassword,
      timeoutMs: () => this.#settings.request_timeout_s * 1000,
    });
    this.#breaker = createBreaker({
      failures: () => this.#settings.breaker_failures,
      openMs: () => this.#settings.breaker_open_s * 1000,
      onChange: (state) => {
        if (state === 'open') this.#change('circuit_open', this.#breaker.reason);
      },
    });
    // One that is just starting cannot answer yet, which is no failure of it.
    this.#client = createMtxClient(this.#http, this.#breaker, (error) => isMtxFailure(error) && performance.now() > this.#graceUntil);
    this.#kept = new KeptPaths({ client: this.#client, wishes: this.#wishes, memory: this.#memory, server, inputs: options.inputs });
    this.#admissions = new Admissions({
      rightsNow: (principal) => options.access.rightsNow(principal),
      kept: readGuests(options.guestsFile),
      keep: (all) => writeFileAtomic(options.guestsFile, JSON.stringify(all)),
    });
    this.#watch = createWatch({
      look: (signal) => this.#look(signal),
      everyMs: () => this.#settings.health_interval_s * 1000,
      notBeforeMs: () => this.#breaker.retryInMs,
    });
    this.#ends.push(
      options.wished.onChange(() => this.#watch.soon()),
      options.access.onRevoked(() => this.#watch.soon()),
      server.onProcess((state) => this.#onProcess(state.kind)),
    );
  }

  /** Begins to look after it; the first look may fail, later ones follow. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#watch.now(signal);
  }

  state(): GatewayState {
    const version = this.#instance?.version;
    return {
      kind: 'mediamtx',
      state: this.#state,
      managed: this.#server.managed,
      version: version?.text ?? null,
      features:
        version === undefined ? {} : { ...featuresOf(version), kick: true, rtsp: this.#server.ports.rtsp > 0, webrtc: this.#server.ports.webrtc > 0 },
      error: this.#error,
      since: this.#since,
    };
  }

  onEvent(listener: (event: GatewayEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  health(): ComponentHealth {
    const refused = [...this.#wishes.refused].map(([id, why]) => `${id}: ${why}`);
    const isWell = this.#state === 'running' && refused.length === 0;
    const message = this.#error ?? (refused.length > 0 ? refused.join('; ') : this.#state);
    const details = { kind: 'mediamtx', managed: this.#server.managed, version: this.#instance?.version.text ?? null, paths: this.#kept.count };
    return { name: 'gateway', status: isWell ? 'healthy' : 'degraded', message, since: this.#since, details };
  }

  configure(settings: GatewaySettings): void {
    // Tried before anything is changed: a command that cannot be would take every camera away.
    const { command } = settings;
    const example = { devicePath: '/dev/video0', rtspPort: this.#server.ports.rtsp, pathName: 'camera0', publisher: { user: 'u', password: 'p' } };
    if (command !== undefined) formatCommand(fillTemplate(command, example));
    this.#settings = settings;
    this.#watch.soon();
  }

  seen(streamId: string): SeenPath | undefined {
    if (this.#state !== 'running') return undefined;
    const path = this.#observed.of(streamId);
    if (path === undefined) return { exists: this.#kept.has(streamId), ready: false, readers: 0 };
    return { exists: true, ...path };
  }

  urlsOf(streamId: string, host: string): StreamUrls {
    if (!this.#options.knowsStream(streamId)) return {};
    const links = hubLinks(streamId, host, this.#options);
    if (this.#state !== 'running' || !this.#kept.has(streamId)) return links;
    const hostname = this.#settings.host ?? this.#server.host ?? hostnameOf(host);
    return { ...links, ...mediaMtxLinks(streamId, hostname, this.#server.ports) };
  }

  sourceOf(streamId: string): string | undefined {
    if (!this.#options.settings.open_cameras || !this.#server.isLocal || this.#server.ports.rtsp === 0 || !isToken(streamId)) return undefined;
    return `rtsp://${ownUser}:${this.#options.own.of('read', streamId)}@127.0.0.1:${this.#server.ports.rtsp}/${streamId}`;
  }

  ensurePath(wish: PathWish, signal?: AbortSignal): Promise<void> {
    return this.#kept.ensure(wish, signal);
  }

  removePath(streamId: string, signal?: AbortSignal): Promise<void> {
    return this.#kept.remove(streamId, signal);
  }

  async reconcile(signal?: AbortSignal): Promise<{ made: number; removed: number }> {
    await this.#meet(signal);
    return await this.#kept.reconcile(this.#client.paths(signal), signal);
  }

  async paths(signal?: AbortSignal): Promise<GatewayPath[]> {
    const paths = (await this.#client.paths(signal)).filter((path) => isToken(path.name));
    const details = await this.#client.readerDetails(new Set(paths.flatMap((path) => path.readers.map((reader) => reader.type))), signal);
    return paths.map((path) => toGatewayPath(path, { isRecording: this.#memory.records.has(path.name), details }));
  }

  async path(streamId: string, signal?: AbortSignal): Promise<GatewayPath> {
    const found = await this.#client.path(streamId, signal);
    if (found === undefined) return missingPath(streamId);
    const details = await this.#client.readerDetails(new Set(found.readers.map((reader) => reader.type)), signal);
    return toGatewayPath(found, { isRecording: this.#memory.records.has(found.name), details });
  }

  async readers(streamId: string, signal?: AbortSignal): Promise<GatewayReader[]> {
    return (await this.path(streamId, signal)).readers;
  }

  async kick(streamId: string, readerId: string, signal?: AbortSignal): Promise<void> {
    const found = (await this.#client.path(streamId, signal))?.readers.find((reader) => readerIdOf(reader) === readerId);
    if (found === undefined) {
      throw new WeirError('not_found', `${streamId} has no reader ${readerId}`, { facts: { resource: 'reader', id: readerId } });
    }
    await this.#client.kick(found, signal);
    this.#watch.soon();
  }

  record(streamId: string, order: GatewayRecordOrder | null, signal?: AbortSignal): Promise<void> {
    return this.#kept.record(streamId, order, signal);
  }

  async recordings(streamId: string, signal?: AbortSignal): Promise<GatewayRecording[]> {
    const starts = await this.#client.recordings(streamId, signal);
    const folder = this.#server.recordFolder;
    const files = folder === undefined || !isToken(streamId) ? undefined : await readSegmentFolder(`${folder}/${streamId}`);
    const recordings: GatewayRecording[] = [];
    for (const start of starts) {
      const file = await files?.find(start);
      recordings.push({ streamId, start, sizeBytes: file?.sizeBytes ?? null, durationS: file?.durationS ?? null, file: file?.file ?? null });
    }
    return recordings.sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
  }

  async deleteRecording(streamId: string, start: string, signal?: AbortSignal): Promise<void> {
    if (!(await this.#client.recordings(streamId, signal)).includes(start)) {
      throw new WeirError('not_found', `${streamId} has no recording of ${start}`, { facts: { resource: 'recording', id: start } });
    }
    await this.#client.deleteSegment(streamId, start, signal);
  }

  /**
   * Somebody was let in: look again soon, since a path or its readers are about to change. `id`: as MediaMTX calls who asked; with the
   * admission he is cut off once his right ends.
   */
  noticed(id?: string, admission?: Admission): void {
    if (id !== undefined && admission !== undefined) this.#admissions.add(id, admission);
    this.#watch.soon();
  }

  async stop(): Promise<void> {
    await this.#end();
    await this.#server.stop();
  }

  async detach(): Promise<void> {
    await this.#end();
    await this.#server.detach();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    clearTimeout(this.#nextEnd);
    await this.#watch.stop();
    this.#admissions.save();
    this.#change('stopped', null);
    this.#http.close();
    this.#listeners.clear();
  }

  #onProcess(kind: string): void {
    if (this.#state === 'stopped') return;
    // A new process is no reason for the old one's failures.
    if (kind === 'running') {
      this.#graceUntil = performance.now() + startGraceMs;
      this.#breaker.reset();
      this.#watch.soon();
    } else if (kind === 'backoff' || kind === 'crash_loop') {
      this.#lastWords = this.#server.failure();
      this.#change('unavailable', this.#lastWords);
    }
  }

  /** One look: is it there, is it the one of before, are the paths as wished, what has changed. */
  async #look(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#meet(signal);
      const paths = await this.#client.paths(signal);
      await this.#kept.reconcile(Promise.resolve(paths), signal);
      this.#change('running', null);
      this.#graceUntil = 0;
      this.#lastWords = null;
      for (const event of this.#observed.take(paths.filter((path) => isToken(path.name)))) this.#tell(event);
      this.#server.tidy();
      if ((await evict({ client: this.#client, admissions: this.#admissions, log: this.#options.log }, paths, signal)) > 0) this.#watch.soon();
      this.#lookAtNextEnd();
      return true;
    } catch (thrown) {
      if (signal.aborted) return false;
      this.#onFailure(WeirError.from(thrown));
      return false;
    }
  }

  /** The moment that a login ends by itself is known: nobody reads on until the next look. */
  #lookAtNextEnd(): void {
    clearTimeout(this.#nextEnd);
    const end = this.#admissions.nextEnd();
    const inMs = end === undefined ? Number.POSITIVE_INFINITY : end - Date.now();
    if (inMs < this.#settings.health_interval_s * 1000) this.#nextEnd = setTimeout(() => this.#watch.soon(), inMs).unref();
  }

  #onFailure(error: WeirError): void {
    const isFirst = this.#instance === undefined && this.#server.managed === 'child' && this.#lastWords === null;
    const starting = isFirst && performance.now() < this.#graceUntil;
    const why = this.#lastWords ?? (error.code === 'internal' ? 'unexpected failure' : error.message);
    if (error.code === 'internal') this.#options.log.warn({ err: error }, 'a look at MediaMTX failed');
    this.#change(this.#breaker.state === 'closed' ? (starting ? 'starting' : 'unavailable') : 'circuit_open', starting ? null : why);
  }

  /** Learns which MediaMTX it is; a new one has none of the paths that the old one was given. */
  async #meet(signal: AbortSignal | undefined): Promise<void> {
    const instance = await this.#client.instance(signal);
    if (instance.started === this.#instance?.started && instance.version.text === this.#instance.version.text) return;
    if (this.#instance !== undefined) this.#options.log.warn({ version: instance.version.text }, 'MediaMTX was restarted; its paths are made again');
    this.#instance = instance;
    this.#kept.forget();
  }

  #toConfig(wish: PathWish): PathConfig {
    const { ffmpeg = 'ffmpeg', own, inputs, mark } = this.#options;
    return toPathConfig(wish, this.#memory.records.get(wish.streamId) ?? null, {
      settings: this.#settings,
      ffmpeg,
      mark,
      rtspPort: this.#server.ports.rtsp,
      publisher: (streamId) => ({ user: ownUser, password: own.of('publish', streamId) }),
      hubInput: (streamId) => inputs.args(streamId),
      recordFolder: this.#server.recordFolder,
    });
  }

  #change(state: GatewayState['state'], error: string | null): void {
    if (this.#state === state && this.#error === error) return;
    if (this.#state !== state) this.#since = new Date().toISOString();
    this.#state = state;
    this.#error = error;
    if (state === 'unavailable' || state === 'circuit_open') this.#options.log.warn({ state, error }, 'the gateway does not work');
    else this.#options.log.info({ state, version: this.#instance?.version.text }, 'gateway');
    this.#tell({ kind: 'state', state: this.state() });
  }

  #tell(event: GatewayEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** An unreadable file is an empty one: those inside then read on until they leave. */
function readGuests(file: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}
