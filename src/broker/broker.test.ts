import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, createInbox, type NatsConnection } from '@nats-io/transport-node';
import { WeirError } from '../contracts/errors.js';
import { fileError, isSameProcess, processIdentity } from '../supervisor/index.js';
import { assertWithin, nextItem, waitFor, withTempFolder } from '../testkit/index.js';
import type { Broker, BrokerOptions } from './broker.js';
import { externalBroker } from './external.js';
import { startBroker } from './start-broker.js';
import type { BrokerState } from './state.js';
import type { PasswordUser } from './users.js';

const any = { client: -1, websocket: -1, monitor: -1 };
const hub: PasswordUser = { user: 'hub', password: 'hub-password', publish: ['>'], subscribe: ['>'], allowResponses: true };
const user = (name: string, rights: Partial<PasswordUser> = {}): PasswordUser => ({
  user: name,
  password: `${name}-password`,
  publish: [],
  subscribe: ['_INBOX.>'],
  ...rights,
});

async function withBroker<T>(body: (broker: Broker, folder: string) => Promise<T>, options: Partial<BrokerOptions> = {}): Promise<T> {
  return withTempFolder(async (folder) => {
    await using broker = await startBroker({ folder, ports: any, users: [hub], ...options });
    return await body(broker, folder);
  }, 'broker');
}

function login(broker: Broker, as: PasswordUser, options: object = {}): Promise<NatsConnection> {
  return connect({
    servers: broker.url,
    user: as.user,
    pass: as.password,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 20,
    timeout: 2000,
    ...options,
  });
}

function untilState(broker: Broker, kind: BrokerState['kind'], deadlineMs = 5000): Promise<BrokerState> {
  return nextItem<BrokerState>(
    (listener) => broker.onState(listener),
    (state) => state.kind === kind,
    { what: `state ${kind}`, deadlineMs },
  );
}

/** Statuses and errors that a connection sees, collected. */
function watch(connection: NatsConnection): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const status of connection.status()) seen.push(status.type);
  })();
  return seen;
}

test('broker: ready with JetStream, private files, and nobody gets in without a login', () =>
  withBroker(async (broker, folder) => {
    assert.equal(broker.state.kind, 'ready');
    assert.equal(statSync(join(folder, 'nats-server.conf')).mode & 0o777, 0o600);
    const connection = await login(broker, hub);
    await (await jetstreamManager(connection)).streams.add({ name: 'S', subjects: ['s'] });
    assert.equal(connection.info?.max_payload, 16 * 1024 * 1024);
    await connection.close();
    await assert.rejects(connect({ servers: broker.url, reconnect: false }));
    await assert.rejects(login(broker, { ...hub, password: 'wrong' }, { reconnect: false }));
    assert.ok((await broker.figures()).connections >= 0);
  }));

test('broker: rights of users hold: lists, empty lists, answers, ways in', () =>
  withBroker(async (broker) => {
    const responder = user('responder', { subscribe: ['ask'], allowResponses: true });
    const asker = user('asker', { publish: ['ask', 'other'] });
    const nobody = user('nobody', { publish: [], subscribe: [] });
    const browser = user('browser', { connectionTypes: ['WEBSOCKET'] });
    await broker.setUsers([hub, responder, asker, nobody, browser]);
    const [answering, asking, silent, watching] = await Promise.all([responder, asker, nobody, hub].map((one) => login(broker, one)));
    assert.ok(answering && asking && silent && watching);
    answering.subscribe('ask', { callback: (_error, message) => void message.respond(`${message.string()}!`) });
    await answering.flush();
    assert.equal((await asking.request('ask', 'hi', { timeout: 1000 })).string(), 'hi!');

    const all: string[] = [];
    watching.subscribe('>', { callback: (_error, message) => void all.push(message.subject) });
    await watching.flush();
    const violations = watch(silent);
    silent.publish('other', 'x');
    answering.publish('other', 'x');
    asking.publish('other', 'x');
    await Promise.all([silent.flush(), answering.flush(), asking.flush()]);
    await waitFor(() => all.includes('other') && violations.length > 0);
    assert.deepEqual(all, ['other'], 'only the one that may publish was heard');
    const refused = new Promise<Error | undefined>((resolve) => silent.subscribe('other', { callback: (error) => resolve(error ?? undefined) }));
    assert.match(String(await refused), /permission/i);
    await assert.rejects(login(broker, browser, { reconnect: false }), 'a WebSocket user must not come by TCP');
    await Promise.all([answering, asking, silent, watching].map((one) => one.close()));
  }));

test('broker: a password may be given as its hash', () =>
  withBroker(async (broker) => {
    const hashed = { ...user('hashed'), password: '$2a$04$15/cgU0a5FSKISz3SwWGZewD3xwKZ1pT8t1C/5cfpfFnOfskLzM1a' };
    await broker.setUsers([hub, hashed]);
    await (await login(broker, { ...hashed, password: 'hashed-password' })).close();
    await assert.rejects(login(broker, hashed, { reconnect: false }), 'the hash itself is no password');
  }));

test('broker: a new user list leaves open connections as the promise of setUsers says', () =>
  withBroker(async (broker) => {
    const [kept, changed, gone, rekeyed] = [user('kept'), user('changed', { publish: ['a'], subscribe: ['a', 'b'] }), user('gone'), user('rekeyed')];
    await broker.setUsers([hub, kept, changed, gone, rekeyed]);
    const [hubConnection, keptConnection, changedConnection, goneConnection, rekeyedConnection] = await Promise.all([
      login(broker, hub),
      login(broker, kept),
      login(broker, changed),
      login(broker, gone, { reconnect: false }),
      login(broker, rekeyed, { reconnect: false }),
    ]);
    const heard: string[] = [];
    const hubHeard: string[] = [];
    changedConnection.subscribe('a', { callback: (_error, message) => void heard.push(message?.subject ?? 'ended') });
    changedConnection.subscribe('b', { callback: (_error, message) => void heard.push(message?.subject ?? 'ended') });
    hubConnection.subscribe('*', { callback: (_error, message) => void hubHeard.push(message.subject) });
    await Promise.all([changedConnection.flush(), hubConnection.flush()]);
    const events = [watch(hubConnection), watch(keptConnection), watch(changedConnection)];

    await broker.setUsers([hub, kept, { ...changed, publish: ['c'], subscribe: ['b', 'c'] }, { ...rekeyed, password: 'another-password' }]);
    await Promise.all([goneConnection.closed(), rekeyedConnection.closed()]);
    for (const subject of ['a', 'b']) hubConnection.publish(subject, 'x');
    await hubConnection.flush();
    await waitFor(() => heard.includes('b'));
    changedConnection.publish('c', 'x');
    changedConnection.publish('a', 'x');
    await changedConnection.flush();
    await waitFor(() => hubHeard.includes('c'));
    assert.deepEqual(
      heard.filter((subject) => subject !== 'ended'),
      ['b'],
    );
    assert.equal(hubHeard.filter((subject) => subject === 'a').length, 1, 'only the hub may still publish a');
    for (const seen of events) assert.equal(seen.includes('disconnect'), false, 'no connection was cut that need not be');
    await Promise.all([hubConnection, keptConnection, changedConnection].map((one) => one.close()));
  }));

test('broker: overlapping user lists are taken together, the last one wins', () =>
  withBroker(async (broker, folder) => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => broker.setUsers([hub, user(`u${index}`)])));
    const text = readFileSync(join(folder, 'nats-server.conf'), 'utf8');
    assert.match(text, /"u19"/);
    await (await login(broker, user('u19'))).close();
    const reloads = readFileSync(join(folder, 'nats-server.log'), 'utf8').match(/Reloaded server configuration/g)?.length ?? 0;
    assert.ok(reloads >= 1 && reloads <= 3, `${reloads} reloads for 20 calls`);
    await assert.rejects(broker.setUsers([hub, user('bad', { publish: ['a b'] })]), { code: 'invalid_argument' });
    await assert.rejects(broker.setUsers([hub, hub]), { code: 'invalid_argument' });
  }));

test('broker: kill -9 is healed on the same ports, with the data, and counted', () =>
  withBroker(async (broker) => {
    const connection = await login(broker, hub);
    const events = watch(connection);
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
    await connection.request('kept', 'x');
    const { ports, pid } = broker;
    const [backoff, ready] = [untilState(broker, 'backoff'), untilState(broker, 'ready')];
    process.kill(pid ?? -1, 'SIGKILL');
    assert.match(JSON.stringify(await backoff), /SIGKILL/);
    await ready;
    assert.deepEqual(broker.ports, ports);
    assert.notEqual(broker.pid, pid);
    assert.equal(broker.restarts, 1);
    await waitFor(() => events.includes('reconnect'));
    assert.equal((await manager.streams.info('KEPT')).state.messages, 1);
    await broker.setUsers([hub, user('later')]);
    await (await login(broker, user('later'))).close();
    await connection.close();
  }));

test('broker: frozen is seen within 1.5 s; thawed it is ready again; frozen for long it is replaced', () =>
  withBroker(
    async (broker) => {
      const { pid } = broker;
      const degraded = untilState(broker, 'degraded');
      process.kill(pid ?? -1, 'SIGSTOP');
      const frozenAt = performance.now();
      await degraded;
      await assertWithin(performance.now() - frozenAt, 1500, 'seen as frozen');
      await assert.rejects(broker.setUsers([hub, user('while-frozen')]), { code: 'unavailable' });
      const ready = untilState(broker, 'ready');
      process.kill(pid ?? -1, 'SIGCONT');
      await ready;
      assert.equal(broker.pid, pid);
      await waitFor(async () => (await login(broker, user('while-frozen'), { reconnect: false })).close().then(() => true));
      const replaced = nextItem<BrokerState>(
        (listener) => broker.onState(listener),
        (state) => state.kind === 'ready' && state.pid !== pid,
        { what: 'another server', deadlineMs: 8000 },
      );
      process.kill(pid ?? -1, 'SIGSTOP');
      await replaced;
      assert.equal(broker.restarts, 1);
    },
    { timing: { frozenAfterMs: 3000 } },
  ));

test('broker: the next hub adopts it without a break, gives it its users, and counts on', () =>
  withTempFolder(async (folder) => {
    const options = { folder, ports: any, users: [hub, user('first')] };
    const first = await startBroker(options);
    const { pid, ports } = first;
    const ready = untilState(first, 'ready');
    process.kill(pid ?? -1, 'SIGKILL');
    await ready;
    const connection = await login(first, hub);
    const events = watch(connection);
    const running = first.pid;
    first.detach();
    assert.equal(first.state.kind, 'detached');

    await using second = await startBroker({ ...options, users: [hub, user('second')] });
    assert.deepEqual(second.state, { kind: 'ready', pid: running, ports, adopted: true });
    assert.equal(second.restarts, 1);
    await (await login(second, user('second'))).close();
    await assert.rejects(login(second, user('first'), { reconnect: false }));
    assert.deepEqual(events, []);
    const again = untilState(second, 'ready');
    process.kill(running ?? -1, 'SIGKILL');
    await again;
    assert.deepEqual(second.ports, ports);
    await connection.close();
  }, 'broker'));

test('broker: a frozen server is adopted, found out, and replaced', () =>
  withTempFolder(async (folder) => {
    const options = { folder, ports: any, users: [hub] };
    const first = await startBroker(options);
    const { pid } = first;
    first.detach();
    process.kill(pid ?? -1, 'SIGSTOP');
    await using second = await startBroker({ ...options, timing: { frozenAfterMs: 1000, healthTimeoutMs: 200 } });
    assert.notEqual(second.pid, pid);
    assert.deepEqual(second.ports, first.ports);
    assert.equal(second.restarts, 1);
  }, 'broker'));

test('broker: other settings replace an adopted server; a server that nobody recorded is ended', () =>
  withTempFolder(async (folder) => {
    const options = { folder, ports: any, users: [hub] };
    const first = await startBroker(options);
    const old = processIdentity(first.pid ?? -1);
    first.detach();
    const second = await startBroker({ ...options, maxPayloadBytes: 2_097_152 });
    assert.ok(old !== undefined && !isSameProcess(old));
    assert.deepEqual(second.ports, first.ports, 'any port means the same one again');
    const stray = processIdentity(second.pid ?? -1);
    second.detach();
    writeFileSync(join(folder, 'process.json'), '{');
    await using third = await startBroker({ ...options, maxPayloadBytes: 2_097_152 });
    assert.ok(stray !== undefined && !isSameProcess(stray));
    assert.notEqual(third.pid, stray.pid);
  }, 'broker'));

test('broker: stop is quick, ends the process, warns clients, and keeps nothing locked', () =>
  withTempFolder(async (folder) => {
    const options = { folder, ports: any, users: [hub] };
    const broker = await startBroker(options);
    const connection = await login(broker, hub, { reconnect: false });
    const events = watch(connection);
    const identity = processIdentity(broker.pid ?? -1);
    const lameDuck = untilState(broker, 'lame_duck');
    const at = performance.now();
    await broker.stop();
    await lameDuck;
    await assertWithin(performance.now() - at, 3000, 'the stop');
    assert.ok(identity !== undefined && !isSameProcess(identity));
    assert.equal(broker.state.kind, 'stopped');
    await connection.closed();
    assert.ok(events.includes('ldm'), `the client saw ${events.join(', ')}`);
    await broker.stop();
    await assert.rejects(broker.setUsers([hub]), { code: 'failed_precondition' });
    assert.equal(existsSync(join(folder, 'lock')), false);
    const again = await startBroker(options);
    const quick = performance.now();
    await again.stop();
    await assertWithin(performance.now() - quick, 1000, 'the stop without clients, where nobody has to be warned');
  }, 'broker'));

test('broker: a second hub on the same folder is refused with the holder named', () =>
  withBroker(async (_broker, folder) => {
    await assert.rejects(startBroker({ folder, ports: any, users: [hub] }), (error: unknown) => {
      assert.ok(error instanceof WeirError);
      assert.equal(error.code, 'failed_precondition');
      assert.match(error.message, new RegExp(`process ${process.pid}`));
      return true;
    });
  }));

test('broker: a taken port is named with its holder, and the folder is free again', () =>
  withTempFolder(async (folder) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await assert.rejects(startBroker({ folder, ports: { ...any, client: port }, users: [hub] }), (error: unknown) => {
      assert.ok(error instanceof WeirError);
      assert.equal(error.code, 'failed_precondition');
      assert.match(error.message, new RegExp(`Port ${port} .* process ${process.pid} `));
      return true;
    });
    server.close();
    await (await startBroker({ folder, ports: { ...any, client: port }, users: [hub] })).stop();
  }, 'broker'));

test('broker: a program that is missing, foreign, or too old is refused with what to do', () =>
  withTempFolder(async (folder) => {
    const fake = async (name: string, answer: string) => {
      const path = join(folder, name);
      await writeFile(path, `#!/bin/sh\necho "${answer}"\n`);
      await chmod(path, 0o755);
      return path;
    };
    const rows = [
      { binary: join(folder, 'nothing'), code: 'not_found' },
      { binary: await fake('old', 'nats-server: v2.9.9'), code: 'unsupported' },
      { binary: await fake('foreign', 'hello'), code: 'unsupported' },
    ];
    for (const { binary, code } of rows) {
      await assert.rejects(startBroker({ folder: join(folder, 'data'), ports: any, users: [hub], binary }), (error: unknown) => {
        assert.ok(error instanceof WeirError);
        assert.equal(error.code, code);
        assert.match(error.hint ?? '', /apt install nats-server/);
        return true;
      });
    }
  }, 'broker'));

test('broker: a refused configuration tells the reason, a nearly full disk degrades, a full one has its own error', async () => {
  await withTempFolder(async (folder) => {
    const tls = { certFile: join(folder, 'none.pem'), keyFile: join(folder, 'none.key') };
    await assert.rejects(startBroker({ folder, ports: any, users: [hub], tls }), (error: unknown) => {
      assert.ok(error instanceof WeirError);
      assert.equal(error.code, 'invalid_argument');
      assert.match(error.message, /none\.pem/);
      return true;
    });
  }, 'broker');
  await withBroker(
    async (broker) => {
      const state = broker.state.kind === 'degraded' ? broker.state : await untilState(broker, 'degraded');
      assert.match(JSON.stringify(state), /nearly full/);
    },
    { minFreeBytes: Number.MAX_SAFE_INTEGER },
  );
  assert.equal(fileError(Object.assign(new Error('x'), { code: 'ENOSPC' }), '/data').code, 'resource_exhausted');
  assert.equal(fileError(Object.assign(new Error('x'), { code: 'EROFS' }), '/data').code, 'permission_denied');
});

test('broker: one that ends again and again is failed, says why, and comes back when the cause is gone', () =>
  withTempFolder(async (folder) => {
    const restart = { immediate: 0, initialMs: 100, maxMs: 150, jitter: 0, crashLoop: { count: 3, withinMs: 60_000 } };
    await using broker = await startBroker({ folder, ports: any, users: [hub], restart });
    const failed = nextItem<BrokerState>(
      (listener) => broker.onState(listener),
      (state) => state.kind === 'failed',
      { what: 'the failed state' },
    );
    const ended = untilState(broker, 'backoff');
    const { client } = broker.ports;
    // Somebody takes the port while it is down.
    const thief = createServer();
    const endTheft = broker.onState((state) => {
      if (state.kind === 'backoff' && !thief.listening) thief.listen(client, '127.0.0.1');
    });
    process.kill(broker.pid ?? -1, 'SIGKILL');
    await ended;
    const state = await failed;
    endTheft();
    assert.match(JSON.stringify(state), new RegExp(`Port ${client} .* is taken by process ${process.pid} `));
    const ready = untilState(broker, 'ready');
    thief.close();
    await ready;
    assert.equal(broker.ports.client, client);
  }, 'broker'));

test('broker: an aborted start leaves no process behind', () =>
  withTempFolder(async (folder) => {
    const controller = new AbortController();
    const start = startBroker({ folder, ports: any, users: [hub], signal: controller.signal });
    await waitFor(() => existsSync(join(folder, 'process.json')), { everyMs: 1 });
    const { pid } = JSON.parse(readFileSync(join(folder, 'process.json'), 'utf8')) as { pid: number };
    controller.abort();
    await assert.rejects(start, { code: 'cancelled' });
    assert.equal(processIdentity(pid), undefined);
    await (await startBroker({ folder, ports: any, users: [hub] })).stop();
  }, 'broker'));

test('broker: an external one has the same shape and says what it cannot', async () => {
  const external = externalBroker('nats://elsewhere:4222');
  assert.equal(external.state.kind, 'external');
  await assert.rejects(external.setUsers([hub]), { code: 'unsupported' });
  await external.stop();
});

test('broker: an inbox of one user is not heard by another', () =>
  withBroker(async (broker) => {
    const [one, two] = ['one', 'two'].map((name) => user(name, { publish: ['ask'], subscribe: [`_INBOX_${name}.>`] }));
    assert.ok(one && two);
    await broker.setUsers([hub, one, two]);
    const [first, second, service] = await Promise.all([
      login(broker, one, { inboxPrefix: '_INBOX_one' }),
      login(broker, two, { inboxPrefix: '_INBOX_two' }),
      login(broker, hub),
    ]);
    service.subscribe('ask', { callback: (_error, message) => void message.respond('answer') });
    await service.flush();
    assert.equal((await first.request('ask')).string(), 'answer');
    const refused = new Promise<Error | undefined>((resolve) =>
      second.subscribe(`${createInbox('_INBOX_one')}.>`, { callback: (error) => resolve(error ?? undefined) }),
    );
    assert.match(String(await refused), /permission/i);
    await Promise.all([first, second, service].map((connection) => connection.close()));
  }));
