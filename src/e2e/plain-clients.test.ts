/** Promise: whoever knows only the subjects can take part: a plain client commands and observes, a plain spoke shows up. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { BusUser, Stream } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { openBrowser, signIn, withoutBrowser } from './browser.js';
import { startWeir, type Weir } from './weir.js';

type CreatedBusUser = BusUser & { password: string };

const now = () => new Date().toISOString();

describe('plain NATS programs', () => {
  let weir: Weir;
  let operator: CreatedBusUser;

  before(async () => {
    weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
    operator = await weir.api<CreatedBusUser>('POST', '/api/v1/bus/users', { name: 'plain-operator', role: 'operator' });
  });

  after(async () => {
    await weir?.[Symbol.asyncDispose]();
  });

  test('the example client starts, watches and stops a stream it invents', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['examples/plain-client/client.mjs', 'invented', 'test:', '4'], {
      env: { ...process.env, NATS_URL: weir.ready.bus, NATS_USER: operator.name, NATS_PASSWORD: operator.password },
      timeout: 30_000,
    });
    assert.match(stdout, /start true/);
    assert.match(stdout, /status running/);
    assert.match(stdout, /progress frame \d+, 2\d(\.\d+)? fps, \d+/);
    assert.match(stdout, /status\.get running\n[\s\S]*status\.get stopped/);
    const stream = await weir.stream('invented');
    assert.equal(stream.desired, 'stopped', 'the hub wants what the plain client said');
  });

  test('commands are answered with what is wrong, and a stopped stream stays stopped', async () => {
    const nc = await weir.connectPlain(operator.name, operator.password);
    const ask = async (streamId: string, message: unknown) =>
      (await nc.request(`videonode.stream.${streamId}.command`, JSON.stringify(message), { timeout: 5000 })).json<{
        ok: boolean;
        error?: { code: string; errors?: { field: string }[] };
      }>();

    const unknownField = await ask('invented', { action: 'stop', stream_id: 'invented', forcefully: true, timestamp: now() });
    assert.equal(unknownField.ok, false);
    assert.equal(unknownField.error?.code, 'invalid_argument');
    assert.ok(unknownField.error?.errors?.some(({ field }) => field === 'forcefully'));

    const otherId = await ask('invented', { action: 'start', stream_id: 'another', timestamp: now() });
    assert.equal(otherId.ok, false);

    const forbidden = await ask('sneaky', { action: 'start', stream_id: 'sneaky', config: { device: 'file:///etc/passwd' }, timestamp: now() });
    assert.equal(forbidden.ok, false);
    await assert.rejects(weir.stream('sneaky'), /404/);

    assert.equal((await weir.stream('invented')).status?.state, 'stopped');
    await nc.close();
  });

  test('a JetStream client replays the metrics of a day: all, the last, and new ones', async () => {
    await weir.api('POST', '/api/v1/streams/invented/start');
    const archive = await weir.api<CreatedBusUser>('POST', '/api/v1/bus/users', { name: 'archive', role: 'viewer', replay: true });
    const nc = await weir.connectPlain(archive.name, archive.password);
    const journal = await jetstream(nc).streams.get('METRICS');
    const facts = await journal.info();
    assert.deepEqual(facts.config.subjects, ['videonode.stream.*.metrics']);
    assert.equal(facts.config.max_age, 86_400e9);
    for (const policy of [DeliverPolicy.All, DeliverPolicy.Last, DeliverPolicy.New]) {
      const consumer = await jetstream(nc).consumers.get('METRICS', { filter_subjects: 'videonode.stream.invented.metrics', deliver_policy: policy });
      const message = await consumer.next({ expires: 10_000 });
      assert.equal(message?.subject, 'videonode.stream.invented.metrics', policy);
    }
    await nc.close();
    await weir.api('POST', '/api/v1/streams/invented/stop');
    await weir.streamWhen('invented', (stream) => stream.status?.state === 'stopped', 'stopped');
  });

  test('an operator may not have journals delivered to other subjects', async () => {
    const nc = await weir.connectPlain(operator.name, operator.password);
    const forged = {
      stream_name: 'EVENTS',
      config: { deliver_subject: 'videonode.stream.invented.progress', deliver_policy: 'all', ack_policy: 'none' },
    };
    await assert.rejects(nc.request('$JS.API.CONSUMER.CREATE.EVENTS', JSON.stringify(forged), { timeout: 2000 }), /permission/i);
    await nc.close();
  });

  test('every command of a client is answered, also while the hub takes note of it', async () => {
    const nc = await weir.connectPlain(operator.name, operator.password);
    const ask = async (streamId: string, action: string, config?: object) => {
      const message = { action, stream_id: streamId, ...(config === undefined ? {} : { config }), timestamp: now() };
      return (await nc.request(`videonode.stream.${streamId}.command`, JSON.stringify(message), { timeout: 8000 })).json<{ ok: boolean }>();
    };
    const small = { device: 'test:', resolution: '160x90', framerate: 5 };
    for (const streamId of ['one', 'two']) {
      assert.ok((await ask(streamId, 'start', small)).ok);
      assert.ok((await ask(streamId, 'configure', { ...small, framerate: 10 })).ok);
      assert.ok((await ask(streamId, 'stop')).ok);
      assert.ok((await ask(streamId, 'start')).ok);
      assert.ok((await ask(streamId, 'stop')).ok);
    }
    await nc.close();
  });

  test('services can be discovered as micro services are', async () => {
    const nc = await weir.connectPlain(operator.name, operator.password);
    const answers = await nc.requestMany('$SRV.PING', '', { maxWait: 1000 });
    const names = new Set<string>();
    for await (const answer of answers) names.add(answer.json<{ name: string; type: string }>().name);
    assert.ok([...names].some((name) => /hub/.test(name)) && [...names].some((name) => /spoke/.test(name)), [...names].join(' '));
    await nc.close();
  });

  test('a client without rights is refused by the broker', async () => {
    const watcher = await weir.api<CreatedBusUser>('POST', '/api/v1/bus/users', { name: 'plain-viewer', role: 'viewer' });
    const nc = await weir.connectPlain(watcher.name, watcher.password);
    await assert.rejects(
      nc.request('videonode.stream.invented.command', JSON.stringify({ action: 'start', stream_id: 'invented', timestamp: now() }), {
        timeout: 2000,
      }),
    );
    assert.equal((await weir.stream('invented')).desired, 'stopped');
    await nc.close();
    await weir.api('DELETE', '/api/v1/bus/users/plain-viewer');
    await assert.rejects(weir.connectPlain(watcher.name, watcher.password), /[Aa]uthoriz/);
  });

  describe('the example spoke', () => {
    let spoke: ChildProcess;

    before(async () => {
      const user = await weir.api<CreatedBusUser>('POST', '/api/v1/bus/users', { name: 'rooftop', spoke_of: ['rooftop'] });
      spoke = spawn(process.execPath, ['examples/plain-spoke/spoke.mjs'], {
        env: { ...process.env, STREAM_ID: 'rooftop', NATS_URL: weir.ready.bus, NATS_USER: user.name, NATS_PASSWORD: user.password },
        stdio: 'ignore',
      });
    });

    after(() => {
      spoke.kill('SIGKILL');
    });

    test('appears, with its progress, and is not ours to configure', async () => {
      const stream = await waitFor(
        async () => {
          const found = await weir.stream('rooftop');
          return found.progress === null ? undefined : found;
        },
        { deadlineMs: 15_000, what: 'the foreign stream', everyMs: 100 },
      );
      assert.equal(stream.managed, false);
      assert.equal(stream.status?.state, 'running');
      assert.equal(stream.progress?.fps, 25);
    });

    test('is shown in the browser', { skip: withoutBrowser }, async () => {
      const browser = await openBrowser();
      const page = await browser.newPage();
      await signIn(page, weir);
      await page.goto(`${weir.url}/streams`);
      await page.getByText('rooftop').first().waitFor();
      // It puts no media on the bus, and who opens it is told so instead of being left to wait.
      await page.goto(`${weir.url}/streams/rooftop`);
      await page.getByText('publishes no media').waitFor();
      await browser.close();
    });

    test('obeys stop and start of the REST API', async () => {
      const stopped = await weir.api<{ stream: Stream }>('POST', '/api/v1/streams/rooftop/stop');
      assert.equal(stopped.stream.stream_id, 'rooftop');
      await weir.streamWhen('rooftop', (stream) => stream.status?.state === 'stopped', 'stopped');
      await weir.api('POST', '/api/v1/streams/rooftop/start');
      await weir.streamWhen('rooftop', (stream) => stream.status?.state === 'running', 'running');
    });

    test('may not speak for another stream', async () => {
      const nc = await weir
        .connectPlain('rooftop', (await weir.api<CreatedBusUser>('POST', '/api/v1/bus/users', { name: 'rooftop2', spoke_of: ['rooftop2'] })).password)
        .catch(() => undefined);
      assert.equal(nc, undefined, 'the password of one is not that of another');
      const user = await weir.api<CreatedBusUser>('POST', '/api/v1/bus/users', { name: 'rooftop3', spoke_of: ['rooftop3'] });
      const own = await weir.connectPlain(user.name, user.password);
      let refused = '';
      void (async () => {
        for await (const status of own.status()) if (status.type === 'error') refused = String(status.error);
      })();
      own.publish('videonode.stream.rooftop.status', JSON.stringify({ stream_id: 'rooftop', state: 'error', error: 'lies', timestamp: now() }));
      await own.flush();
      await waitFor(() => refused !== '', { what: 'the refusal' });
      assert.match(refused, /permission/i);
      assert.equal((await weir.stream('rooftop')).status?.state, 'running');
      await own.close();
    });
  });
});
