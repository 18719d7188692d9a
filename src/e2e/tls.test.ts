/** Promise: every listener speaks TLS when it is configured to, everything of Weir trusts it, and a certificate that will not do is named. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { runWeir } from '../apps/testing/run-weir.js';
import { type BusUser, defaultRoots, type Spoke } from '../contracts/index.js';
import { makeTempFolder, removeFolder } from '../testkit/index.js';
import { openBrowser, playerWhen, signIn, withoutBrowser } from './browser.js';
import { adminPassword, startWeir, type Weir } from './weir.js';

interface Files {
  ca: string;
  cert: string;
  key: string;
}

/** Made by an authority of its own; `days` may be negative. */
function makeCertificate(folder: string, name: string, subject: string, days = 2): Files {
  const at = (suffix: string) => join(folder, `${name}.${suffix}`);
  const run = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run('req', '-x509', ...key, '-days', '2', '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=test authority');
  run('req', ...key, '-keyout', at('key'), '-out', at('req'), '-subj', '/CN=weir');
  writeFileSync(at('ext'), `subjectAltName=${subject}\n`);
  const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', String(days), '-extfile', at('ext')];
  run('x509', '-req', '-in', at('req'), ...signing, '-out', at('pem'));
  return { ca: at('ca.pem'), cert: at('pem'), key: at('key') };
}

let folder: string;
before(async () => {
  folder = await makeTempFolder('tls-');
});
after(() => removeFolder(folder));

describe('with TLS on every listener', () => {
  let weir: Weir;
  let local: Files;
  let named: Files;

  before(async () => {
    // Read at each connection by Node's own client, which these tests call the hub with; the trust of others is what is tested below.
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    local = makeCertificate(folder, 'local', 'DNS:localhost,IP:127.0.0.1');
    // As a public certificate: it does not name loopback, over which Weir's own processes connect.
    named = makeCertificate(folder, 'named', 'DNS:bus.example');
    weir = await startWeir({
      env: {
        WEIR_HTTP_TLS_CERT_FILE: local.cert,
        WEIR_HTTP_TLS_KEY_FILE: local.key,
        WEIR_NATS_TLS_ENABLED: 'true',
        WEIR_NATS_TLS_CERT_FILE: named.cert,
        WEIR_NATS_TLS_KEY_FILE: named.key,
      },
    });
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  });

  test('the addresses say so, and plain HTTP gets no answer', async () => {
    assert.match(weir.url, /^https:/);
    assert.match(weir.ready.bus, /^tls:/);
    await assert.rejects(fetch(weir.url.replace('https:', 'http:')));
  });

  test('the session cookie is Secure, and browsers are told to stay with HTTPS', async () => {
    const answer = await fetch(`${weir.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: weir.url },
      body: JSON.stringify({ username: 'admin', password: adminPassword }),
    });
    assert.equal(answer.status, 200, await answer.text());
    assert.match(answer.headers.get('set-cookie') ?? '', /; Secure/);
    assert.match(answer.headers.get('strict-transport-security') ?? '', /max-age/);
  });

  test('hub and local spoke reach the bus over TLS: the stream runs', async () => {
    await weir.streamWhen('test', (stream) => stream.status?.state === 'running', 'running', 30_000);
    const { items } = await weir.api<{ items: Spoke[] }>('GET', '/api/v1/spokes');
    assert.ok(items.some((spoke) => spoke.spoke_id === 'local' && spoke.state === 'online'));
  });

  test('a plain client gets in with the authority, and not without', async () => {
    const user = await weir.api<BusUser & { password: string }>('POST', '/api/v1/bus/users', { name: 'plain', role: 'operator' });
    const login = { servers: weir.ready.bus, user: user.name, pass: user.password, reconnect: false };
    // The name is what a client elsewhere would connect to.
    const tls = { caFile: named.ca, checkServerIdentity: () => undefined };
    const client = await connect({ ...login, tls });
    assert.equal(client.info?.tls_required, true);
    const status = await client.request('videonode.stream.test.status.get', '', { timeout: 5000 });
    assert.equal(status.json<{ state: string }>().state, 'running');
    await client.close();
    await assert.rejects(connect({ ...login, tls: {} }), /self.signed|unable to (verify|get)/i);
    await assert.rejects(connect({ ...login, tls: { caFile: named.ca } }), /bus\.example|altname/i);
  });

  test('a spoke of its own joins over TLS with the authority', async () => {
    const user = await weir.api<BusUser & { password: string }>('POST', '/api/v1/bus/users', { name: 'far-spoke', spoke_of: ['far'] });
    const { connectBus } = await import('../apps/connect-bus.js');
    const login = { url: weir.ready.bus, user: user.name, password: user.password };
    const trusting = { ...login, tls: { enabled: true, ca_file: named.ca }, tls_server_name: 'bus.example' };
    await (await connectBus({ login: trusting, name: 'far', roots: defaultRoots })).close();
    const wary = connectBus({ login: { ...login, tls: { enabled: true } }, name: 'far', roots: defaultRoots, timeoutMs: 3000 });
    await assert.rejects(wary, { code: 'unavailable', hint: /nats\.tls\.ca_file/ });
  });

  test('the browser signs in and sees the picture over wss', { skip: withoutBrowser }, async () => {
    const browser = await openBrowser();
    try {
      const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
      const sockets: string[] = [];
      page.on('websocket', (socket) => sockets.push(socket.url()));
      await signIn(page, weir);
      await playerWhen(page, 'test', (player) => player.hasPicture && player.framesDecoded > 30, 'plays', 30_000);
      assert.ok(sockets.length > 0 && sockets.every((url) => url.startsWith('wss:')), sockets.join(' '));
    } finally {
      await browser.close();
    }
  });

  test('the command line trusts the authority it is given, and says what is missing without', async () => {
    const token = weir.localToken;
    const env = { WEIR_URL: weir.url, WEIR_TOKEN: token };
    const wary = await runWeir(folder, ['stream', 'list'], { env });
    assert.equal(wary.code, 3, wary.err);
    assert.match(wary.err, /certificate .* is not trusted here[\s\S]*NODE_EXTRA_CA_CERTS/);
    const trusting = await runWeir(folder, ['stream', 'list'], { env: { ...env, NODE_EXTRA_CA_CERTS: local.ca } });
    assert.equal(trusting.code, 0, trusting.err);
  });

  test('after a kill of the hub the next one adopts broker and spoke, TLS and all', async () => {
    const before = weir.processes().filter(({ command }) => /nats-server|cli\.js spoke/.test(command));
    await weir.kill9();
    await weir.start();
    await weir.streamWhen('test', (stream) => stream.status?.state === 'running', 'running', 30_000);
    assert.deepEqual(
      weir.processes().filter(({ command }) => /nats-server|cli\.js spoke/.test(command)),
      before,
    );
  });
});

describe('a certificate that will not do', () => {
  // What else can be wrong with one is tested beside the code that reads it.
  for (const section of ['http', 'nats'] as const) {
    test(`${section}: an expired one is refused at the start, with file and date`, async () => {
      const files = makeCertificate(folder, 'old', 'DNS:localhost', -1);
      const prefix = `WEIR_${section.toUpperCase()}_TLS`;
      const enabled: Record<string, string> = section === 'nats' ? { [`${prefix}_ENABLED`]: 'true' } : {};
      const env = { [`${prefix}_CERT_FILE`]: files.cert, [`${prefix}_KEY_FILE`]: files.key, ...enabled };
      const result = await runWeir(folder, ['up', '--port', '-1', '--nats-port', '-1', '--websocket-port', '-1'], { env });
      assert.notEqual(result.code, 0);
      assert.match(result.err, /old\.pem expired on \d{4}-/);
      assert.equal(result.out, '');
    });
  }
});
