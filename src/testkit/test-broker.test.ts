import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { startTestBroker } from './test-broker.js';
import { nextItem, waitFor } from './wait-for.js';

test('users, reload, kill -9 and restart keep ports and file-backed data', async () => {
  await using broker = await startTestBroker({ users: [{ user: 'one', password: 'p', publish: ['a'], subscribe: ['_INBOX.>'] }] });
  const hub = await broker.connect();
  const manager = await jetstreamManager(hub);
  await manager.streams.add({ name: 'KEPT', subjects: ['a'] });
  const one = await broker.connect('one');
  await one.request('a', 'x');
  await broker.setUsers([{ user: 'two', password: 'q' }]);
  await (await broker.connect('two')).flush();
  await assert.rejects(broker.connect('one', { reconnect: false }));

  const before = broker.pid;
  const reconnected = nextItem<{ type: string }>(
    (listener) => {
      void (async () => {
        for await (const status of hub.status()) listener(status);
      })();
      return () => undefined;
    },
    (status) => status.type === 'reconnect',
    { what: 'the reconnect of the hub' },
  );
  await broker.kill9();
  await broker.restart();
  assert.notEqual(broker.pid, before);
  await reconnected;
  assert.equal((await manager.streams.info('KEPT')).state.messages, 1);

  await broker.freeze();
  await assert.rejects(fetch(`${broker.monitorUrl}/healthz`, { signal: AbortSignal.timeout(100) }));
  broker.thaw();
  await waitFor(async () => (await fetch(`${broker.monitorUrl}/healthz`)).ok);
});
