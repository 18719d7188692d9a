/** The hub's door: the HTTP server with everything it is given. */
import { join } from 'node:path';
import type { Access } from '../access/index.js';
import type { BusServer } from '../broker/index.js';
import type { Cameras } from '../cameras/index.js';
import type { CallContext, Config, Roots, Session } from '../contracts/index.js';
import type { Gateway } from '../gateways/index.js';
import { type BusProxyOptions, createHttpServer, type HttpServer, type RpcEvents } from '../http/index.js';
import type { Recordings } from '../recordings/hub/index.js';
import type { StreamsHub } from '../streams/hub/index.js';
import type { Logger } from '../telemetry/index.js';
import { collectCameraMetrics, rpcObserver } from './camera-metrics.js';
import { readServerTls } from './certificate.js';
import type { ConnectedBus } from './connect-bus.js';
import type { HubHealth } from './hub-health.js';
import { createHubMetrics } from './hub-metrics.js';
import { auditedByAccess, createHubOperations } from './hub-operations.js';
import type { HubVideos } from './hub-videos.js';
import type { Settings } from './settings/index.js';
import { openUiFiles } from './ui-files.js';
import { buildDate, packageFolder, version } from './version.js';
import { collectVideoMetrics } from './video-metrics.js';

export interface HubHttpOptions {
  readonly config: Config;
  readonly roots: Roots;
  readonly log: Logger;
  readonly access: Access;
  readonly streams: StreamsHub;
  readonly cameras: Cameras;
  readonly recordings: Recordings;
  readonly gateway: Gateway;
  readonly videos: HubVideos;
  readonly settings: Settings;
  readonly events: RpcEvents;
  readonly broker: BusServer;
  readonly connected: ConnectedBus;
  readonly health: HubHealth;
  /** Where browsers are led to. */
  readonly busSocket: BusProxyOptions['target'];
  /** Undefined once requests can be served. */
  readonly notReady: () => string | undefined;
  readonly onFirstAdmin: () => void;
  /** Aborts when the hub stops. */
  readonly signal: AbortSignal;
}

/** The hub itself, as it asks its own parts. */
const system: Session = { user_id: null, username: 'system', role: 'admin', streams: null, expires_at: null };
const nothing = { params: undefined, query: undefined, body: undefined };

/** Makes it; nothing listens yet. */
export function createHubHttp(options: HubHttpOptions): HttpServer {
  const { config, access, streams, cameras, recordings, gateway, broker, connected, health, log } = options;
  const tls = readServerTls(options.config.http.tls);
  const { http: settings } = config;
  let server: HttpServer | undefined;
  const healthNow = () => health.now();
  const metrics = createHubMetrics({ broker, connected, streams: () => streams.streams(), health: healthNow, http: () => server, version });
  const call: CallContext = { signal: options.signal };
  collectCameraMetrics(metrics, {
    cameras: () => cameras.list(),
    recordings: () => streams.streams().flatMap(({ stream_id }) => recordings.recordingOf(stream_id) ?? []),
    storage: async () => await recordings.operations.get_storage(system, nothing, call),
    rpc: () => server?.rpc?.counters(),
    gateway: () => gateway.state(),
    gatewayPaths: () => gateway.paths(options.signal),
  });
  collectVideoMetrics(metrics, { queue: options.videos.queue, durationOf: (videoId) => options.videos.durationOf(videoId) });
  const operations = createHubOperations({
    access,
    domains: {
      ...streams.operations,
      ...cameras.operations,
      ...recordings.operations,
      ...gateway.operations,
      ...options.videos.operations,
      ...options.settings.operations,
    },
    metrics,
    health: healthNow,
    notReady: options.notReady,
    onFirstAdmin: options.onFirstAdmin,
    version,
    roots: options.roots,
    busUsers: broker.kind === 'supervised',
  });
  const files = openUiFiles(join(packageFolder, 'dist', 'ui'));
  if (files === undefined) log.warn({ folder: join(packageFolder, 'dist', 'ui') }, 'the interface is not built: only the API is served');
  const made = createHttpServer({
    operations,
    authentication: access,
    log: log.child({ component: 'http' }),
    audit: (record) => {
      access.audit(record).catch((error: unknown) => log.error({ err: error, action: record.action }, 'the audit log could not be written'));
    },
    selfAudited: auditedByAccess,
    observe: ({ route, method, status, seconds }) => {
      metrics.add('weir_http_requests_total', 1, { method, route, status: String(status) });
      metrics.observe('weir_http_request_duration_seconds', seconds, { method, route });
    },
    bus: { target: options.busSocket },
    tus: options.videos.tus,
    allowedOrigins: settings.allowed_origins,
    trustProxy: settings.trust_proxy,
    ...(files === undefined ? {} : { files }),
    ...(settings.public_url === undefined ? {} : { publicUrl: settings.public_url }),
    ...(tls === undefined ? {} : { tls }),
    rpc: {
      limits: config.rpc,
      facts: {
        version,
        buildDate: buildDate(),
        discovery: config.cameras.discover,
        get maxCameras() {
          return options.settings.current().cameras.max;
        },
        get lingerS() {
          return options.settings.current().streams.linger_s;
        },
      },
      events: options.events,
      notReady: options.notReady,
      gatewayPath: (streamId) => gateway.seen(streamId),
      observe: rpcObserver(metrics),
    },
  });
  server = made;
  access.onRevoked((ids) => {
    for (const principalId of ids) made.connections.cut({ principalId }, 'the login was revoked or changed');
    void made.checkLogins();
  });
  return made;
}
