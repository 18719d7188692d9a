import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../store/index.js';
import { AlertBook } from './alert-book.js';
import { LocalEventBus } from './local-events.js';
import type { HubParts } from './needs.js';

test('what is raised of a stream while it is deleted is not open afterwards', async () => {
  await using store = await openStore({ path: ':memory:' });
  const deleted = new Set<string>();
  const told: string[] = [];
  const events = new LocalEventBus((error) => assert.fail(String(error)));
  events.on('alert', ({ message }) => void told.push(message.kind));
  const alerts = {
    ...store.alerts,
    raise: async (alert: Parameters<typeof store.alerts.raise>[0]) => {
      // The deletion comes between the decision to raise and the raise.
      deleted.add('gone');
      return await store.alerts.raise(alert);
    },
  };
  const parts = { store: { ...store, alerts } } as unknown as HubParts;
  const book = new AlertBook(parts, events, 'hub', (streamId) => deleted.has(streamId));
  for (const stream_id of ['gone', 'here']) await book.raise({ severity: 'error', kind: 'no_spoke', message: 'none', stream_id });
  assert.deepEqual(
    (await store.alerts.open()).map((alert) => alert.stream_id),
    ['here'],
  );
  assert.equal(told.length, 1);
  await book.raise({ severity: 'error', kind: 'no_spoke', message: 'none', stream_id: 'gone' });
  assert.equal((await store.alerts.open()).length, 1);
});
