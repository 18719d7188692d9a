/** The message bus as the hub needs it: supervised with everyone's logins, or an external one. */
import type { Access } from '../access/index.js';
import { type BrokerUser, type BusServer, externalBroker, startBroker, type TlsFiles } from '../broker/index.js';
import type { Config } from '../contracts/index.js';
import { readServerCertificate } from './certificate.js';
import type { BusLoginSettings } from './connect-bus.js';
import type { DataFolder } from './data-folder.js';
import { loginOf } from './spoke-settings.js';

export interface HubBrokerOptions {
  readonly config: Config;
  readonly data: DataFolder;
  readonly access: Access;
  /** Until there is an admin nothing listens beyond loopback; the server takes another address only at its start. */
  readonly hasAdmin: boolean;
  readonly signal: AbortSignal;
}

const hubUser = 'hub';

/** Starts or adopts the server, and keeps its users as access control says; `nats.url` stands for one that others run. */
export async function startHubBroker({ config, data, access, hasAdmin, signal }: HubBrokerOptions): Promise<BusServer> {
  const { nats } = config;
  if (nats.url !== undefined) return externalBroker(nats.url);
  const { tls } = tlsFiles(nats.tls);
  if (tls !== undefined) readServerCertificate('nats.tls', tls.certFile, tls.keyFile);
  const users = (): BrokerUser[] => {
    const hub = { user: hubUser, password: data.secret('hub-password'), publish: ['>'], subscribe: ['>'], allowResponses: true };
    return [hub, ...access.busLogins()];
  };
  const broker = await startBroker({
    folder: data.brokerFolder,
    host: hasAdmin ? nats.host : '127.0.0.1',
    ports: { client: nats.port, websocket: nats.websocket_port, monitor: nats.monitor_port },
    maxPayloadBytes: nats.max_payload_bytes,
    users: users(),
    signal,
    ...(nats.binary === undefined ? {} : { binary: nats.binary }),
    ...(tls === undefined ? {} : { tls }),
  });
  access.onBusLogins(() => broker.setUsers(users()));
  return broker;
}

/** How the hub itself logs in. */
export function hubLogin(config: Config, data: DataFolder, broker: BusServer): BusLoginSettings {
  if (broker.kind === 'external') return loginOf(config.nats);
  return { url: broker.url, user: hubUser, password: data.secret('hub-password'), ...ownTls(config.nats.tls) };
}

/** Over loopback nobody but our own server is trusted, whatever public name its certificate is made for. */
function ownTls(tls: Config['nats']['tls']): Pick<BusLoginSettings, 'tls' | 'tls_server_name'> {
  const { tls: files } = tlsFiles(tls);
  if (files === undefined) return {};
  const { name } = readServerCertificate('nats.tls', files.certFile, files.keyFile);
  return { tls: { enabled: true, ca_file: tls?.ca_file ?? files.certFile }, tls_server_name: name ?? 'localhost' };
}

function tlsFiles(tls: Config['nats']['tls']): { tls?: TlsFiles } {
  if (tls === undefined || !tls.enabled || tls.cert_file === undefined || tls.key_file === undefined) return {};
  return { tls: { certFile: tls.cert_file, keyFile: tls.key_file } };
}
