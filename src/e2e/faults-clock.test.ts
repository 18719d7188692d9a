/** Promise: when the clock of the machine jumps, nothing running is taken for lost, and nobody is locked out. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { wsconnect } from '@nats-io/nats-core';
import { WebSocket } from 'ws';
import type { Alert, BusCredentials, Spoke, SystemHealth } from '../contracts/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
import { adminPassword, startWeir, type Weir } from './weir.js';

const hourMs = 3600_000;

/** Loaded before the hub: its wall clock is off by what the file says. The monotonic clock is left alone, as it is by the system. */
const shiftedClock = (file: string) => `
import { readFileSync } from 'node:fs';
const RealDate = Date;
let offset = 0;
const read = () => { try { offset = Number(readFileSync(${JSON.stringify(file)}, 'utf8')); } catch {} };
read();
setInterval(read, 50).unref();
globalThis.Date = class Date extends RealDate {
  constructor(...args) { if (args.length === 0) super(RealDate.now() + offset); else super(...args); }
  static now() { return RealDate.now() + offset; }
};
`;

describe('the clock of the hub jumps', () => {
  let folder: string;
  let weir: Weir;
  let cookie: string;
  const jump = (ms: number) => writeFileSync(join(folder, 'offset'), String(ms));

  const openBus = async () => {
    const answer = await fetch(`${weir.url}/api/v1/bus/credentials`, {
      method: 'POST',
      headers: { cookie, origin: weir.url, 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(answer.status, 200, 'the session holds');
    const credentials = (await answer.json()) as BusCredentials;
    return wsconnect({
      servers: `${weir.url.replace('http', 'ws')}${credentials.url}`,
      user: credentials.user,
      pass: credentials.password,
      inboxPrefix: credentials.inbox_prefix,
      wsFactory: async (address) => ({ socket: new WebSocket(address, { headers: { cookie, origin: weir.url } }) as never, encrypted: false }),
    });
  };

  before(async () => {
    folder = await makeTempFolder('clock-');
    jump(0);
    writeFileSync(join(folder, 'clock.mjs'), shiftedClock(join(folder, 'offset')));
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(join(folder, 'clock.mjs')).href}`, WEIR_STREAMS_TEST_PICTURE: 'false' };
    weir = await startWeir({ env });
    await weir.api('POST', '/api/v1/streams', { stream_id: 'one', config: { device: 'test:', resolution: '320x180', framerate: 10 } });
    await weir.streamWhen('one', ({ status }) => status?.state === 'running', 'running', 30_000);
    const login = await fetch(`${weir.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: weir.url },
      body: JSON.stringify({ username: 'admin', password: adminPassword }),
    });
    cookie = (login.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
    await removeFolder(folder);
  });

  for (const [name, offset] of [
    ['an hour forwards', hourMs],
    ['two hours back', -hourMs],
    ['and right again', 0],
  ] as const) {
    test(`${name}: the stream runs on, the spoke stays online, sessions and bus logins work, history answers`, async () => {
      const before = await weir.stream('one');
      jump(offset);
      await waitFor(
        async () => {
          const { timestamp } = await weir.api<SystemHealth>('GET', '/health/detailed');
          return Math.abs(Date.parse(timestamp) - Date.now() - offset) < 60_000;
        },
        { deadlineMs: 5000, everyMs: 50, what: 'the jump' },
      );
      // Long enough for every look of the hub: heartbeats are missed after seven seconds.
      await weir.streamWhen(
        'one',
        (stream) => (stream.progress?.frame ?? 0) > (before.progress?.frame ?? 0) + 90,
        'plays on for nine seconds',
        30_000,
      );
      const now = await weir.stream('one');
      assert.deepEqual([now.status?.state, now.status?.pid, now.status?.restarts], ['running', before.status?.pid, 0]);
      const { items: spokes } = await weir.api<{ items: Spoke[] }>('GET', '/api/v1/spokes');
      assert.deepEqual(
        spokes.map((spoke) => spoke.state),
        ['online'],
      );
      const { items: alerts } = await weir.api<{ items: Alert[] }>('GET', '/api/v1/alerts');
      assert.deepEqual(alerts, []);
      const connection = await openBus();
      const status = await connection.request('videonode.stream.one.status.get', '', { timeout: 5000 });
      assert.equal(status.json<{ state: string }>().state, 'running');
      await connection.close();
      const history = await weir.request('GET', '/api/v1/streams/one/history?kind=metrics&limit=5');
      assert.equal(history.status, 200, await history.text());
    });
  }

  test('a stream made and stopped while the clock is behind obeys at once, also after a restart of the hub', async () => {
    jump(-hourMs);
    await weir.api('POST', '/api/v1/streams', { stream_id: 'two', config: { device: 'test:', resolution: '320x180', framerate: 10 } });
    await weir.streamWhen('two', ({ status }) => status?.state === 'running', 'running', 30_000);
    await weir.kill9();
    await weir.start();
    await weir.api('POST', '/api/v1/streams/two/stop');
    await weir.streamWhen('two', ({ status }) => status?.state === 'stopped', 'stopped', 20_000);
    assert.equal((await weir.stream('one')).status?.state, 'running');
  });
});
