import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventFilters, RpcTopic } from '../../contracts/rpc/index.js';
import { principalOf } from '../testing/fixture.js';
import { type Listener, passes, SubscriptionBook } from './subscriptions.js';

const data = { device: 'camera0', status: 'CONNECTED', duration: 5, timestamp: '2026-11-20T12:00:00.000Z' };

const rows: [filters: EventFilters, told: boolean][] = [
  [{}, true],
  [{ device: 'camera0' }, true],
  [{ device: 'camera1' }, false],
  [{ device: 'camera0', status: 'ERROR' }, false],
  [{ duration: 5 }, true],
  [{ duration: '5' }, false],
  [{ topic: 'camera.connected' }, true],
  [{ topic: 'camera.disconnected' }, false],
  [{ filename: 'x' }, false],
  [{ timestamp_after: '2026-11-20T11:59:59Z' }, true],
  [{ timestamp_after: '2026-11-20T12:00:00Z' }, false],
  [{ timestamp_after: '2026-11-20T13:30:00+02:00' }, true],
  [{ timestamp_before: '2026-11-20T12:00:00Z' }, false],
  [{ timestamp_before: '2026-11-20T12:00:01Z', device: 'camera0' }, true],
];
for (const [filters, told] of rows) {
  test(`${JSON.stringify(filters)} ${told ? 'lets pass' : 'holds back'}`, () => assert.equal(passes(filters, 'camera.connected', data), told));
}

function listener(secret: string, host?: string): Listener & { texts: Buffer[] } {
  const texts: Buffer[] = [];
  return { principal: principalOf('token', secret), subscriptions: new Map(), host, texts, deliver: (text) => void texts.push(text) };
}

test('an event is written once for all who are told', () => {
  const book = new SubscriptionBook();
  const all = [listener('viewer'), listener('operator')];
  for (const one of all) book.subscribe(one, 'system.shutdown', {});
  book.tell({ topic: 'system.shutdown', data: { reason: 'stopped', timestamp: data.timestamp } });
  assert.equal(all[0]?.texts.length, 1);
  assert.equal(all[0]?.texts[0], all[1]?.texts[0]);
  assert.deepEqual(JSON.parse(String(all[0]?.texts[0])), {
    jsonrpc: '2.0',
    method: 'system.shutdown',
    params: { reason: 'stopped', timestamp: data.timestamp },
  });
});

test('who reached the hub by another host is told addresses there, written once per host', () => {
  const book = new SubscriptionBook();
  const all = [listener('viewer', 'a:8080'), listener('viewer', 'b'), listener('operator', 'a:8080'), listener('operator')];
  for (const one of all) book.add(one);
  const written: string[] = [];
  const at = (host: string) => {
    written.push(host);
    const streams = { rtsp: `rtsp://${host}`, hls: '' };
    return { device: 'camera0', status: 'CONNECTED' as const, name: '', resolution: '0x0', fps: 0, streams };
  };
  book.tell({ notification: 'camera_status_update', streamId: 'camera0', data: at('default'), dataAt: at });
  const told = all.map(({ texts }) => JSON.parse(String(texts[0])).params.streams.rtsp);
  assert.deepEqual(told, ['rtsp://a:8080', 'rtsp://b', 'rtsp://a:8080', 'rtsp://default']);
  assert.deepEqual(written, ['default', 'a:8080', 'b']);
});

test('a login bound to streams hears of its own only, and of nothing whose words could name others', () => {
  const book = new SubscriptionBook();
  const bound = listener('viewer.camera0');
  const topics: RpcTopic[] = ['camera.disconnected', 'system.error'];
  for (const topic of topics) book.subscribe(bound, topic, {});
  const at = { timestamp: data.timestamp };
  book.tell({ topic: 'camera.disconnected', streamId: 'camera1', data: { device: 'camera1', status: 'DISCONNECTED', ...at } });
  book.tell({ topic: 'system.error', data: { component: 'streams', error: 'camera1 is down', ...at } });
  assert.equal(bound.texts.length, 0);
  book.tell({ topic: 'camera.disconnected', streamId: 'camera0', data: { device: 'camera0', status: 'DISCONNECTED', ...at } });
  assert.equal(bound.texts.length, 1);
});

test('who is removed is told nothing and counted no longer', () => {
  const book = new SubscriptionBook();
  const one = listener('viewer');
  book.add(one);
  book.subscribe(one, 'system.shutdown', {});
  assert.deepEqual(book.stats(), { total_subscriptions: 1, active_clients: 1, topic_counts: { 'system.shutdown': 1 } });
  book.remove(one);
  book.tell({ topic: 'system.shutdown', data: { reason: '', timestamp: data.timestamp } });
  assert.deepEqual(book.stats(), { total_subscriptions: 0, active_clients: 0, topic_counts: {} });
  assert.equal(one.texts.length, 0);
});
