import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { withTempFolder } from '../../testkit/index.js';
import { toParams } from './call-rpc.js';
import { type CommandRun, runCommand } from './testing/run-command.js';

interface Call {
  readonly method: string;
  readonly params: Record<string, unknown>;
}

type Answer = { readonly result: unknown } | { readonly error: { code: number; message: string; data: Record<string, unknown> } };

/** Runs a command against a socket that answers each call by `answer`. */
async function withSocket(
  args: readonly string[],
  answer: (call: Call, socket: WebSocket) => Answer,
  check: (run: CommandRun & { readonly calls: Call[] }) => void,
  token: string | null = 'wt_test',
): Promise<void> {
  await withTempFolder(async (folder) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/ws' });
    await once(server, 'listening');
    const calls: Call[] = [];
    server.on('connection', (socket) => {
      socket.on('message', (data) => {
        const { id, method, params } = JSON.parse(String(data)) as Call & { id: number };
        calls.push({ method, params });
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...answer({ method, params }, socket) }));
      });
    });
    try {
      const WEIR_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const run = await runCommand(args, { WEIR_URL, ...(token === null ? {} : { WEIR_TOKEN: token }) }, folder);
      check({ ...run, calls });
    } finally {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, 'close');
    }
  });
}

const ok: Answer = { result: { authenticated: true } };

test('a method is called as the one who has the token, and its result printed', () =>
  withSocket(
    ['rpc', 'start_recording', 'device=camera0', 'duration=60'],
    ({ method }) => (method === 'authenticate' ? ok : { result: { status: 'RECORDING' } }),
    ({ out, err, calls }) => {
      assert.equal(err, '');
      assert.deepEqual(JSON.parse(out), { status: 'RECORDING' });
      assert.deepEqual(calls, [
        { method: 'authenticate', params: { auth_token: 'wt_test' } },
        { method: 'start_recording', params: { device: 'camera0', duration: 60 } },
      ]);
    },
  ));

test('an error is told in words, with its number and advice', () =>
  withSocket(
    ['rpc', 'get_camera_status', 'device=camera9'],
    ({ method }) =>
      method === 'authenticate'
        ? ok
        : { error: { code: -32010, message: 'Not Found', data: { reason: 'not_found', details: 'There is no camera9', suggestion: 'list them' } } },
    ({ err, error }) => {
      assert.equal(error?.code, 'not_found');
      assert.equal(err, 'weir: There is no camera9 (-32010 Not Found)\n  list them\n');
    },
  ));

test('a token that does not hold is told as that; a misspelt method with the one that is near', async () => {
  const refused: Answer = {
    error: { code: -32001, message: 'Auth Failed', data: { reason: 'token_invalid', details: 'The token is not valid', suggestion: '' } },
  };
  await withSocket(
    ['rpc', 'ping'],
    () => refused,
    ({ error }) => assert.equal(error?.code, 'unauthenticated'),
  );
  const unknown: Answer = {
    error: { code: -32601, message: 'Method Not Found', data: { reason: 'method_not_found', details: 'no pong', suggestion: '' } },
  };
  await withSocket(
    ['rpc', 'pign'],
    () => unknown,
    ({ error }) => assert.match(error?.hint ?? '', /Did you mean ping\?/),
    null,
  );
});

test('cameras are watched until the connection ends', () =>
  withSocket(
    ['camera', 'watch'],
    ({ method }, socket) => {
      if (method === 'subscribe_events') {
        setImmediate(() => {
          const params = { device: 'camera0', name: 'Door', status: 'CONNECTED', timestamp: '2026-05-01T12:00:00.000Z' };
          socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'camera.connected', params }));
          socket.close(1001, 'the hub is stopping');
        });
      }
      return ok;
    },
    ({ out, error }) => {
      assert.equal(out, '12:00:00 camera0    camera.connected         name=Door  status=CONNECTED\n');
      assert.match(error?.message ?? '', /ended: the hub is stopping/);
      assert.equal(error?.code, 'unavailable');
    },
  ));

test('nobody there is told as that', async () => {
  await withTempFolder(async (folder) => {
    const run = await runCommand(['rpc', 'ping'], { WEIR_URL: 'http://127.0.0.1:9' }, folder);
    assert.equal(run.error?.code, 'unavailable');
    assert.match(run.err, /No hub answers at http:\/\/127\.0\.0\.1:9[\s\S]*weir up/);
  });
});

test('parameters are JSON where the method takes JSON, and text where it takes text', () => {
  const cases: [method: string, words: string[], params: Record<string, unknown>][] = [
    ['start_recording', ['device=camera0', 'duration=60', 'format=mp4'], { device: 'camera0', duration: 60, format: 'mp4' }],
    ['authenticate', ['auth_token=123456'], { auth_token: '123456' }],
    ['subscribe_events', ['topics=["camera.connected"]'], { topics: ['camera.connected'] }],
    ['set_retention_policy', ['policy_type=age', 'enabled=true', 'max_age_days=1.5'], { policy_type: 'age', enabled: true, max_age_days: 1.5 }],
    ['future_method', ['a=1', 'b=x=y'], { a: 1, b: 'x=y' }],
  ];
  for (const [method, words, params] of cases) assert.deepEqual(toParams(method, words, undefined), params, method);
  assert.deepEqual(toParams('x', ['b=2'], '{"a":1,"b":1}'), { a: 1, b: 2 });
  assert.throws(() => toParams('x', [], '[1]'), /one JSON object/);
});
