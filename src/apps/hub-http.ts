/** The hub's door: the HTTP server with everything it is given. */
import { join } from 'node:path';
import type { Access } from '../access/index.js';
import type { BusServer } from '../broker/index.js';
import type { Config, Roots } from '../contracts/index.js';
import { type BusProxyOptions, createHttpServer, type HttpServer } from '../http/index.js';
import type { StreamsHub } from '../streams/hub/index.js';
import type { Logger } from '../telemetry/index.js';
import { readServerCertificate } from './certificate.js';
import type { ConnectedBus } from './connect-bus.js';
import type { HubHealth } from './hub-health.js';
import { createHubMetrics } from './hub-metrics.js';
import { auditedByAccess, createHubOperations } from './hub-operations.js';
import { openUiFiles } from './ui-files.js';
import { packageFolder, version } from './version.js';

export interface HubHttpOptions {
  readonly config: Config;
  readonly roots: Roots;
  readonly log: Logger;
  readonly access: Access;
  readonly streams: StreamsHub;
  readonly broker: BusServer;
  readonly connected: ConnectedBus;
  readonly health: HubHealth;
  /** Where browsers are led to. */
  readonly busSocket: BusProxyOptions['target'];
  /** Undefined once requests can be served. */
  readonly notReady: () => string | undefined;
  readonly onFirstAdmin: () => void;
}

/** Makes it; nothing listens yet. */
export function createHubHttp(options: HubHttpOptions): HttpServer {
  const { config, access, streams, broker, connected, health, log } = options;
  const { http: settings } = config;
  let server: HttpServer | undefined;
  const healthNow = () => health.now();
  const metrics = createHubMetrics({ broker, connected, streams: () => streams.streams(), health: healthNow, http: () => server, version });
  const operations = createHubOperations({
    access,
    domains: { ...streams.operations },
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
    allowedOrigins: settings.allowed_origins,
    trustProxy: settings.trust_proxy,
    ...(files === undefined ? {} : { files }),
    ...(settings.public_url === undefined ? {} : { publicUrl: settings.public_url }),
    ...readTls(settings.tls),
  });
  server = made;
  access.onRevoked((ids) => {
    for (const principalId of ids) made.connections.cut({ principalId }, 'the login was revoked or changed');
  });
  return made;
}

function readTls(tls: Config['http']['tls']): { tls?: { cert: string; key: string } } {
  if (tls?.cert_file === undefined || tls.key_file === undefined) return {};
  const { cert, key } = readServerCertificate('http.tls', tls.cert_file, tls.key_file);
  return { tls: { cert, key } };
}
