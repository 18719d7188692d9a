import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys';
import { defaultRoots, WeirError } from '../contracts/index.js';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { type BusLoginSettings, connectBus } from './connect-bus.js';

interface Case {
  readonly name: string;
  /** Writes what is needed into the folder; returns the server's configuration and the right login. */
  readonly prepare: (folder: string) => { config: string; login: Omit<BusLoginSettings, 'url'> };
  /** A login that must be refused, and how. */
  readonly wrong: { login: Omit<BusLoginSettings, 'url'>; code: string };
}

const account = (users: string) => `accounts { A { users: [ ${users} ] } }`;

const cases: Case[] = [
  {
    name: 'user and password',
    prepare: () => ({ config: account('{ user: u, password: p }'), login: { user: 'u', password: 'p' } }),
    wrong: { login: { user: 'u', password: 'x' }, code: 'unauthenticated' },
  },
  {
    name: 'a token',
    prepare: () => ({ config: 'authorization { token: "t0ken" }', login: { token: 't0ken' } }),
    wrong: { login: { token: 'other' }, code: 'unauthenticated' },
  },
  {
    name: 'an NKey seed file',
    prepare: (folder) => {
      const user = createUser();
      const file = secretFile(folder, 'user.nk', `${seedOf(user)}\n`);
      return { config: account(`{ nkey: ${user.getPublicKey()} }`), login: { nkey_seed_file: file } };
    },
    wrong: { login: { user: 'u', password: 'p' }, code: 'unauthenticated' },
  },
  {
    name: 'a credentials file',
    prepare: (folder) => {
      const { config, credentials } = operatorMode();
      return { config, login: { credentials_file: secretFile(folder, 'user.creds', credentials) } };
    },
    wrong: { login: { user: 'u', password: 'p' }, code: 'unauthenticated' },
  },
  {
    name: 'TLS with a client certificate',
    prepare: (folder) => {
      const { ca, cert, key } = certificates(folder);
      const config = `tls { cert_file: "${cert}", key_file: "${key}", ca_file: "${ca}", verify: true }\n${account('{ user: u, password: p }')}`;
      return { config, login: { user: 'u', password: 'p', tls: { enabled: true, cert_file: cert, key_file: key, ca_file: ca } } };
    },
    wrong: { login: { user: 'u', password: 'p' }, code: 'unavailable' },
  },
];

describe('logging in to a NATS that somebody else runs', () => {
  for (const { name, prepare, wrong } of cases) {
    for (const isSecure of name.startsWith('TLS') ? [true] : [false, true]) {
      test(`works with ${name}${isSecure ? ', over TLS' : ''}, and says so when it does not`, async () => {
        await withTempFolder(async (folder) => {
          const { config, login } = prepare(folder);
          const { text, tls } = isSecure && login.tls === undefined ? serverTls(folder) : { text: '', tls: login.tls };
          const server = await startServer(folder, `${text}\n${config}`);
          try {
            const options = { name: 'test', roots: defaultRoots, timeoutMs: 3000 };
            const connected = await connectBus({ ...options, login: { ...login, tls, url: server.url } });
            await connected.bus.flush();
            await connected.close();
            const refused = { tls: wrong.code === 'unavailable' ? undefined : tls, ...wrong.login, url: server.url };
            await assert.rejects(connectBus({ ...options, login: refused }), (error) => {
              assert.ok(error instanceof WeirError);
              assert.equal(error.code, wrong.code, error.message);
              return true;
            });
          } finally {
            await server.stop();
          }
        });
      });
    }
  }

  test('a login inside the address works and never shows in errors', async () => {
    await withTempFolder(async (folder) => {
      const server = await startServer(folder, account('{ user: u, password: geheim }'));
      const at = (login: string) =>
        connectBus({ login: { url: server.url.replace('//', `//${login}@`) }, name: 'test', roots: { ...defaultRoots, videonode: 'v' } });
      await (await at('u:geheim')).close();
      await assert.rejects(at('u:falsch'), (error) => error instanceof WeirError && !error.message.includes('falsch'));
      await server.stop();
    });
  });

  test('a file of secrets that everybody may read, or that holds none, is refused by name', async () => {
    await withTempFolder(async (folder) => {
      const open = secretFile(folder, 'open.creds', 'x');
      chmodSync(open, 0o644);
      const connect = (file: string) =>
        connectBus({ login: { url: 'nats://127.0.0.1:1', credentials_file: file }, name: 'test', roots: { ...defaultRoots, videonode: 'v' } });
      await assert.rejects(connect(open), /can be read by everybody/);
      await assert.rejects(connect(join(folder, 'none')), /none cannot be used: ENOENT/);
      await assert.rejects(
        connectBus({ login: { url: 'nats://127.0.0.1:1' }, name: 'test', roots: { ...defaultRoots, videonode: 'v' } }),
        /cannot be reached: ECONNREFUSED|cannot be reached/,
      );
    });
  });
});

async function startServer(folder: string, config: string): Promise<{ url: string; stop(): Promise<void> }> {
  const file = join(folder, 'nats.conf');
  writeFileSync(file, `listen: "127.0.0.1:-1"\nports_file_dir: "${folder}"\n${config}\n`);
  const child = spawn(process.env.WEIR_NATS_SERVER ?? 'nats-server', ['-c', file, '-l', join(folder, 'nats.log')], { stdio: 'ignore' });
  const ports = await waitFor(() => JSON.parse(readFileSync(join(folder, `nats-server_${child.pid}.ports`), 'utf8')) as { nats: string[] }, {
    what: 'the ports of nats-server',
  });
  return {
    url: `nats://localhost:${new URL(ports.nats[0] ?? '').port}`,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function secretFile(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

function seedOf(pair: KeyPair): string {
  return new TextDecoder().decode(pair.getSeed());
}

/** An operator, an account and a user, as `nsc` makes them. */
function operatorMode(): { config: string; credentials: string } {
  const [operator, owner, user] = [createOperator(), createAccount(), createUser()];
  const none = -1;
  const limits = { subs: none, data: none, payload: none, imports: none, exports: none, wildcards: true, conn: none, leaf: none };
  const operatorJwt = signJwt(operator, operator.getPublicKey(), { type: 'operator', version: 2 });
  const accountJwt = signJwt(operator, owner.getPublicKey(), { type: 'account', version: 2, limits });
  const userJwt = signJwt(owner, user.getPublicKey(), { type: 'user', version: 2, subs: none, data: none, payload: none, pub: {}, sub: {} });
  return {
    config: `operator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${owner.getPublicKey()}: ${accountJwt} }`,
    credentials: `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seedOf(user)}\n------END USER NKEY SEED------\n`,
  };
}

function signJwt(issuer: KeyPair, subject: string, nats: object): string {
  const claims = { iat: Math.floor(Date.now() / 1000), iss: issuer.getPublicKey(), name: subject.slice(0, 4), sub: subject, nats };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex');
  const body = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { jti, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${body}.${Buffer.from(issuer.sign(new TextEncoder().encode(body))).toString('base64url')}`;
}

function serverTls(folder: string): { text: string; tls: BusLoginSettings['tls'] } {
  const { ca, cert, key } = certificates(folder);
  return { text: `tls { cert_file: "${cert}", key_file: "${key}" }`, tls: { enabled: true, ca_file: ca } };
}

function certificates(folder: string): { ca: string; cert: string; key: string } {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const common = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  openssl('req', '-x509', ...common, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=test authority');
  openssl('req', ...common.slice(0, 5), '-keyout', at('key.pem'), '-out', at('req.pem'), '-subj', '/CN=localhost');
  writeFileSync(at('ext'), 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n');
  openssl(
    'x509',
    '-req',
    '-in',
    at('req.pem'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '1',
    '-extfile',
    at('ext'),
    '-out',
    at('cert.pem'),
  );
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') };
}
