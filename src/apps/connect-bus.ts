/** Opens a connection to NATS with any of the ways to log in, and puts the contracts over it. */
import { readFileSync, statSync } from 'node:fs';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
} from '@nats-io/transport-node';
import { type Bus, createBus } from '../bus/index.js';
import { type Config, type Roots, WeirError } from '../contracts/index.js';

/** How to reach NATS and log in there: the part of the configuration that concerns clients. */
export type BusLoginSettings = Partial<
  Pick<Config['nats'], 'url' | 'user' | 'password' | 'token' | 'nkey_seed_file' | 'credentials_file' | 'tls'>
> & {
  /** Name that the server's certificate is made for, where the address says another; then exactly `tls.ca_file` is trusted, be it an authority or the certificate itself. */
  readonly tls_server_name?: string | undefined;
};

export interface ConnectBusOptions {
  readonly login: BusLoginSettings;
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly roots: Roots;
  /** Prefix of reply subjects; default that of every NATS library. */
  readonly inboxPrefix?: string | undefined;
  /** Registers this client for discovery. */
  readonly service?: { readonly name: string; readonly version: string } | undefined;
  /** Longest wait for the first connection; default 5000 ms. 0: wait until it comes. */
  readonly timeoutMs?: number | undefined;
  readonly onProblem?: ((error: WeirError, subject: string) => void) | undefined;
}

/** A bus over a connection that reconnects for ever. */
export interface ConnectedBus {
  readonly bus: Bus;
  readonly connection: NatsConnection;
  /** Ends the bus and closes the connection. */
  close(): Promise<void>;
}

/** Connects. Fails with `unauthenticated`, `unavailable` or `invalid_argument`, naming the address without its secrets. */
export async function connectBus(options: ConnectBusOptions): Promise<ConnectedBus> {
  const connection = await open(options);
  const bus = createBus(connection, {
    roots: options.roots,
    ...(options.service === undefined ? {} : { service: options.service }),
    ...(options.onProblem === undefined ? {} : { onProblem: options.onProblem }),
  });
  return {
    bus,
    connection,
    close: async () => {
      await bus.stop().catch(() => undefined);
      await connection.close().catch(() => undefined);
    },
  };
}

async function open(options: ConnectBusOptions): Promise<NatsConnection> {
  const { login } = options;
  const servers = (login.url ?? '').split(',').map((part) => part.trim());
  const settings: ConnectionOptions = {
    servers: servers.map(withoutLogin),
    name: options.name,
    ...loginOptions(login, servers[0] ?? ''),
    ...tlsOptions(login),
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    reconnectJitterTLS: 200,
    pingInterval: 10_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    timeout: options.timeoutMs === undefined || options.timeoutMs === 0 ? 5000 : options.timeoutMs,
    waitOnFirstConnect: options.timeoutMs === 0,
  };
  try {
    return await connect(settings);
  } catch (cause) {
    throw connectError(cause, servers.map(withoutLogin).join(', '));
  }
}

function loginOptions(login: BusLoginSettings, firstUrl: string): Partial<ConnectionOptions> {
  if (login.credentials_file !== undefined) {
    return { authenticator: guarded(login.credentials_file, 'nats.credentials_file', (bytes) => credsAuthenticator(bytes)) };
  }
  if (login.nkey_seed_file !== undefined) {
    return { authenticator: guarded(login.nkey_seed_file, 'nats.nkey_seed_file', (bytes) => nkeyAuthenticator(trimmed(bytes))) };
  }
  if (login.token !== undefined) return { token: login.token };
  const fromUrl = loginOfUrl(firstUrl);
  const user = login.user ?? fromUrl?.user;
  if (user === undefined) return {};
  const pass = login.password ?? fromUrl?.pass;
  return pass === undefined ? { user } : { user, pass };
}

function loginOfUrl(url: string): { user: string; pass: string } | undefined {
  try {
    const { username, password } = new URL(url.includes('://') ? url : `nats://${url}`);
    return username === '' ? undefined : { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}

function withoutLogin(url: string): string {
  return url.replace(/^(\w+:\/\/)?[^/@]*@/, '$1');
}

/** Reads a file of secrets once; refuses one that is missing, open to others or unusable. */
function guarded(file: string, field: string, use: (bytes: Uint8Array) => Authenticator): Authenticator {
  try {
    if ((statSync(file).mode & 0o007) !== 0) {
      throw new WeirError('failed_precondition', `${file} can be read by everybody on this machine`, {
        field,
        received: file,
        hint: `chmod 600 ${file}`,
      });
    }
    return use(readFileSync(file));
  } catch (cause) {
    if (cause instanceof WeirError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    throw new WeirError('invalid_argument', `${file} cannot be used: ${code ?? 'it holds no such key'}`, { field, received: file, cause });
  }
}

function trimmed(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(bytes).trim());
}

function tlsOptions({ tls, tls_server_name: name }: BusLoginSettings): Partial<ConnectionOptions> {
  if (tls === undefined || !tls.enabled) return {};
  return {
    tls: {
      ...(tls.cert_file === undefined ? {} : { certFile: tls.cert_file }),
      ...(tls.key_file === undefined ? {} : { keyFile: tls.key_file }),
      ...(tls.ca_file === undefined ? {} : { caFile: tls.ca_file }),
      // The library hands on to Node what it does not know itself.
      ...(name === undefined
        ? {}
        : { allowPartialTrustChain: true, checkServerIdentity: (_host: string, cert: PeerCertificate) => checkServerIdentity(name, cert) }),
    },
  };
}

const unknownAuthority = 'Name the authority of its certificate in nats.tls.ca_file';
const tlsHints: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'Name the server in nats.url as its certificate does; by name, not by number',
  CERT_HAS_EXPIRED: 'Its certificate has expired: renew it there, and look at the clock of this machine',
  CERT_NOT_YET_VALID: 'Its certificate is not valid yet: look at the clock of this machine',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
};

function connectError(cause: unknown, where: string): WeirError {
  const name = cause instanceof Error ? cause.name : '';
  const code = (cause as NodeJS.ErrnoException).code ?? ((cause as Error).cause as NodeJS.ErrnoException | undefined)?.code;
  if (name === 'AuthorizationError' || name === 'UserAuthenticationExpiredError') {
    return new WeirError('unauthenticated', `NATS at ${where} refuses this login`, {
      hint: 'Check nats.user and nats.password, or the token, NKey or credentials file',
      cause,
    });
  }
  const reason = code ?? (cause instanceof Error ? cause.message : String(cause));
  const hint =
    tlsHints[String(code)] ?? 'Is it running, and is nats.url (in the environment NATS_URL) right? Without it, `weir up` runs a NATS of its own';
  return new WeirError('unavailable', `NATS at ${where} cannot be reached: ${reason}`, { hint, cause });
}
