/** The hub: opens what it stands on, puts the parts together, serves until stopped. */
import { rmSync } from 'node:fs';
import type { Access, FirstAdmin } from '../access/index.js';
import type { BusServer } from '../broker/index.js';
import { type Config, hubInboxPrefix, type Roots, WeirError } from '../contracts/index.js';
import type { Gateway } from '../gateways/index.js';
import type { HttpServer } from '../http/index.js';
import type { MachineFacts } from '../media/index.js';
import type { Store } from '../store/index.js';
import type { StreamsHub } from '../streams/hub/index.js';
import { acquireFileLock, type FileLock, type SupervisedProcess, writeFileAtomic } from '../supervisor/index.js';
import type { LevelledLogger } from '../telemetry/index.js';
import { Closers } from './closers.js';
import type { ConfigInputs, LoadedConfig } from './config.js';
import { type BusLoginSettings, type ConnectedBus, connectBus } from './connect-bus.js';
import { type DataFolder, makeDataFolder } from './data-folder.js';
import { openHubAccess } from './hub-access.js';
import { startLocalSpoke, startLocalWorker } from './hub-agents.js';
import { hubLogin, startHubBroker } from './hub-broker.js';
import { type DomainParts, startHubRecordings, startStreamDomains } from './hub-domains.js';
import { type HubHealth, watchHubHealth } from './hub-health.js';
import { createHubHttp } from './hub-http.js';
import { applyChanges, followSettings } from './hub-settings.js';
import { openSideListeners } from './hub-side-listeners.js';
import { startHubStreams } from './hub-streams.js';
import { type HubVideos, startHubVideos } from './hub-videos.js';
import { findFactsLazily } from './lazy-facts.js';
import { namesHolder } from './port-holder.js';
import { rootsOf } from './roots.js';
import { feedRpc, type HubRpcEvents } from './rpc-events.js';
import type { Settings } from './settings/index.js';
import { defineTestPicture } from './test-picture.js';
import { version } from './version.js';

export interface HubOptions {
  readonly config: Config;
  /** Where the configuration came from, to follow its file. */
  readonly loaded: LoadedConfig;
  readonly inputs: ConfigInputs;
  readonly log: LevelledLogger;
  /** Runs a spoke beside the hub. */
  readonly localSpoke: boolean;
  /** Runs a worker on videos beside the hub. */
  readonly localWorker: boolean;
  /** Cancels the start. */
  readonly signal: AbortSignal;
}

/** What to tell people once the hub is ready. */
export interface HubAddresses {
  /** Where the interface is. */
  readonly url: string;
  /** One-time link that makes the first admin; absent when there is one. */
  readonly adminLink?: string;
  readonly bus: string;
  /** Set while the hub listens on loopback only although more was configured: there is no admin yet. */
  readonly heldBack?: string;
}

export interface Hub {
  readonly addresses: HubAddresses;
  readonly data: DataFolder;
  readonly streams: StreamsHub;
  readonly http: HttpServer;
  readonly broker: BusServer;
  /** Undefined without a local spoke. */
  readonly spoke: SupervisedProcess | undefined;
  /** Phases: no new requests, then streams, the spoke with its FFmpegs, the broker, the database. */
  stop(): Promise<void>;
  /** Ends this process's part only; broker and spoke run on for the next hub. */
  detach(): Promise<void>;
  /** Reads the configuration file again; what is wrong with it becomes an alert. */
  reload(): Promise<void>;
}

/** Opens everything in as few steps as the dependencies allow. Whatever was opened is closed again when a later part fails. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const hub = new HubProcess(options);
  try {
    await hub.start();
    return hub;
  } catch (error) {
    await hub.stop().catch(() => undefined);
    throw WeirError.from(error);
  }
}

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '::1']);

type BusSocket = () => { host: string; port: number } | undefined;

class HubProcess implements Hub {
  readonly data: DataFolder;
  readonly #options: HubOptions;
  readonly #config: Config;
  readonly #log: LevelledLogger;
  readonly #roots: Roots;
  readonly #closers: Closers;
  #parts: { broker: BusServer; streams: StreamsHub; http: HttpServer; gateway: Gateway } | undefined;
  #addresses: HubAddresses | undefined;
  #isReady = false;
  /** For programs of this machine, once it listens. */
  #localUrl: string | undefined;
  #events: HubRpcEvents | undefined;
  #settings: Settings | undefined;
  #stopping: Promise<void> | undefined;
  spoke: SupervisedProcess | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#log = options.log;
    this.#closers = new Closers(options.log);
    this.#roots = rootsOf(options.config);
    this.data = makeDataFolder(options.config.data_dir);
  }

  get addresses(): HubAddresses {
    return needed(this.#addresses);
  }
  get streams(): StreamsHub {
    return needed(this.#parts).streams;
  }
  get http(): HttpServer {
    return needed(this.#parts).http;
  }
  get broker(): BusServer {
    return needed(this.#parts).broker;
  }

  async start(): Promise<void> {
    const lock = this.#lock();
    this.#closers.push({ close: () => lock.release() });
    const { store, access } = await openHubAccess(
      {
        config: this.#config,
        data: this.data,
        roots: this.#roots,
        log: this.#log,
        localSpoke: this.#options.localSpoke,
        localWorker: this.#options.localWorker,
      },
      this.#closers,
    );
    const admin = await access.ensureFirstAdmin({ password: this.#config.access.admin_password });
    const broker = await this.#startBroker(access, admin);
    const login = hubLogin(this.#config, this.data, broker);
    const agents = { config: this.#config, data: this.data, log: this.#log, login, broker, closers: this.#closers };
    if (this.#options.localSpoke) this.spoke = startLocalSpoke(agents);
    const connected = await this.#connect(login, broker);
    let streams: StreamsHub | undefined;
    let domains: Awaited<ReturnType<typeof startStreamDomains>> | undefined;
    const facts = this.#findFacts();
    let videoHealth: HubVideos['health'] = () => [];
    const others = () => [...(streams?.health() ?? []), ...recordings.health(), ...(domains?.health() ?? []), ...videoHealth()];
    const parts = this.#domainParts({ store, access, connected, facts });
    const recordings = await startHubRecordings(
      parts,
      () => streams,
      () => domains?.cameras,
    );
    this.#closers.push({ close: () => recordings.stop() });
    const health = watchHubHealth({ broker, connected, store, others, onChange: () => streams?.healthChanged() }, this.#closers);
    streams = await startHubStreams({ ...parts, health }, recordings);
    const running = streams;
    this.#closers.push({ close: () => running.stop() });
    domains = await startStreamDomains(parts, streams, recordings);
    const { cameras, gateway } = domains;
    const videos = await startHubVideos(parts, recordings, this.#closers);
    videoHealth = () => videos.health();
    this.#closers.push({ close: () => gateway.stop(), detach: () => gateway.detach() }, { close: () => cameras.stop() });
    const settings = await followSettings({ ...this.#options, store, bus: connected.bus });
    this.#settings = settings;
    this.#closers.push({ close: () => settings.stop() });
    const events = feedRpc({ cameras, recordings, gateway, health, log: this.#log });
    this.#closers.push({ close: () => events.stop() });
    const busSocket = await this.#openBusSocket(broker, connected, access);
    const http = createHubHttp({
      config: this.#config,
      roots: this.#roots,
      log: this.#log,
      access,
      streams,
      cameras,
      recordings,
      gateway,
      videos,
      settings,
      events: events.events,
      broker,
      connected,
      health,
      busSocket,
      notReady: () => this.#notReady(health),
      onFirstAdmin: () => this.#openWide(),
      signal: this.#options.signal,
    });
    this.#closers.push({ close: () => http.close() });
    applyChanges(settings, { log: this.#log, access, streams, cameras, recordings, videos, gateway, rpc: http.rpc }, this.#config);
    this.#events = events;
    this.#parts = { broker, streams, http, gateway };
    await this.#open(admin, store, health);
    // Last: nobody waits for it, and its start takes the processor.
    if (this.#options.localWorker) startLocalWorker(agents);
    events.started();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end('close');
    return this.#stopping;
  }

  async reload(): Promise<void> {
    await this.#settings?.reload();
  }

  detach(): Promise<void> {
    this.#stopping ??= this.#end('detach');
    return this.#stopping;
  }

  #end(how: 'close' | 'detach'): Promise<void> {
    this.#isReady = false;
    this.#events?.stopping('the hub stops');
    return this.#closers.end(how);
  }

  /** Where the hub will listen, as far as that is known before it does; else empty. */
  #expectedUrl(): string {
    const { port, tls } = this.#config.http;
    return port > 0 ? formatUrl(tls?.cert_file !== undefined, '127.0.0.1', port) : '';
  }

  /** Undefined once requests can be served. */
  #notReady(health: HubHealth): string | undefined {
    return this.#isReady ? unhealthyPart(health) : 'The hub is starting or stopping';
  }

  #lock(): FileLock {
    return acquireFileLock(this.data.hubLock, 'the hub');
  }

  /** FFmpeg of this machine, for stills and previews; the hub runs without. Looked at after the start, since it takes the processor. */
  #findFacts(): MachineFacts | undefined {
    const { ffmpeg = 'ffmpeg', ffprobe = 'ffprobe' } = this.#config.ffmpeg;
    return findFactsLazily({ ffmpeg, ffprobe, hardware: false, signal: this.#options.signal }, (error) => {
      if (!this.#options.signal.aborted) this.#log.warn({ err: error }, 'no usable FFmpeg here: stills and command previews will not be available');
    });
  }

  async #startBroker(access: Access, admin: FirstAdmin): Promise<BusServer> {
    const { signal } = this.#options;
    const broker = await startHubBroker({ config: this.#config, data: this.data, access, hasAdmin: !admin.needed, signal });
    this.#closers.push({ close: () => broker.stop(), detach: () => broker.detach() });
    return broker;
  }

  async #connect(login: BusLoginSettings, broker: BusServer): Promise<ConnectedBus> {
    const connected = await connectBus({
      login,
      name: 'weir-hub',
      inboxPrefix: broker.kind === 'supervised' ? hubInboxPrefix : undefined,
      roots: this.#roots,
      service: { name: 'weir-hub', version },
      onProblem: (error, subject) => this.#log.warn({ err: error, subject }, 'a message could not be taken or sent'),
    });
    this.#closers.push({ close: () => connected.close() });
    return connected;
  }

  #domainParts(parts: Pick<DomainParts, 'store' | 'access' | 'facts'> & { connected: ConnectedBus }): DomainParts {
    const { store, access, facts, connected } = parts;
    return {
      config: this.#config,
      data: this.data,
      log: this.#log,
      store,
      access,
      bus: connected.bus,
      facts,
      isLocal: this.#options.localSpoke,
      hubUrl: () => this.#localUrl ?? this.#expectedUrl(),
      signal: this.#options.signal,
    };
  }

  /** Where browsers are led to: the broker's own WebSocket, or our gate before an external server. */
  async #openBusSocket(broker: BusServer, connected: ConnectedBus, access: Access): Promise<BusSocket> {
    if (broker.kind === 'supervised') return () => broker.websocket;
    const { openBusGate } = await import('./gate/bus-gate.js');
    const gate = await openBusGate({ bus: connected.bus, access });
    this.#closers.push({ close: () => gate.stop() });
    return () => gate.target();
  }

  /** Listens, makes the first stream, and tells the command line where we are. */
  async #open(admin: FirstAdmin, store: Store, health: HubHealth): Promise<void> {
    const { http: settings } = this.#config;
    const heldBack = admin.needed && !loopbackHosts.has(settings.host);
    const host = heldBack ? '127.0.0.1' : settings.host;
    const port = await this.http.listen(host, Math.max(0, settings.port)).catch(namesHolder('http.port', settings.port));
    this.#localUrl = formatUrl(settings.tls?.cert_file !== undefined, host, port);
    // A port that the system chose is known only now.
    if (settings.port <= 0)
      needed(this.#parts)
        .gateway.reconcile()
        .catch((error: unknown) => this.#log.warn({ err: error }, 'the paths of the gateway could not be renewed'));
    const side = await openSideListeners({
      config: this.#config,
      http: this.http,
      host,
      health: () => health.now(),
      notReady: () => this.#notReady(health),
    });
    this.#closers.push({ close: () => side.close() });
    await defineTestPicture(this.#config.streams.test_picture, store, this.streams, this.#options.signal);
    const url = settings.public_url ?? formatUrl(settings.tls?.cert_file !== undefined, host, port);
    this.#addresses = {
      url,
      bus: this.broker.url,
      ...(admin.code === undefined ? {} : { adminLink: `${formatUrl(settings.tls?.cert_file !== undefined, host, port)}/setup?code=${admin.code}` }),
      ...(heldBack ? { heldBack: settings.host } : {}),
    };
    writeFileAtomic(
      this.data.hubFile,
      JSON.stringify({ url: formatUrl(settings.tls?.cert_file !== undefined, host, port), pid: process.pid, version }),
    );
    this.#closers.push({ close: () => rmSync(this.data.hubFile, { force: true }) });
    this.#isReady = true;
  }

  /** The first admin exists: what was held back on loopback may be opened now. */
  #openWide(): void {
    const { heldBack, adminLink, ...addresses } = this.addresses;
    if (adminLink === undefined) return;
    this.#addresses = addresses;
    const { nats } = this.#config;
    if (this.broker.kind === 'supervised' && !loopbackHosts.has(nats.host)) {
      this.#log.warn({ host: nats.host }, 'an admin exists: the message bus listens beyond loopback from the next start on');
    }
    if (heldBack === undefined) return;
    const port = Number(new URL(adminLink).port);
    this.http.listen(heldBack, port).then(
      () => this.#log.info({ host: heldBack, port }, 'an admin exists: now listening beyond loopback'),
      (error: unknown) => this.#log.error({ err: error }, 'could not listen beyond loopback'),
    );
  }
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new WeirError('failed_precondition', 'The hub is not started yet');
  return value;
}

function unhealthyPart(health: HubHealth): string | undefined {
  const part = health
    .now()
    .components.find((component) => component.status === 'unhealthy' && ['broker', 'bus', 'database'].includes(component.name));
  return part === undefined ? undefined : `${part.name}: ${part.message ?? part.status}`;
}

function formatUrl(tls: boolean, host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' || host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${shown}:${port}`;
}
