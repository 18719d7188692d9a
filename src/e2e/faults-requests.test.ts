/** Promise: what is wrong with a request is said in the same coded words by REST and on the bus, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { NatsConnection } from '@nats-io/transport-node';
import { type BusUser, type CommandResult, type Problem, problemSchema, type SourceProbe, type Stream } from '../contracts/index.js';
import { startWeir, type Weir } from './weir.js';

const now = () => new Date().toISOString();

/** Sources that would read this machine's files or memory. */
const forbidden = [
  'file:///etc/passwd',
  '/etc/passwd',
  'concat:/etc/passwd|/etc/hosts',
  'subfile,,start,0,end,9,,:/etc/passwd',
  'data:text/plain;base64,AAAA',
  'pipe:0',
  'async:file:/etc/passwd',
  'lavfi:testsrc',
];

describe('requests that are wrong', () => {
  let weir: Weir;
  let bus: NatsConnection;
  let bait: Server;
  let baitUrl: string;

  const problem = async (method: string, path: string, body: unknown): Promise<Problem> => {
    const answer = await weir.request(method, path, body);
    const text = await answer.text();
    assert.ok(answer.status >= 400, `${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${text.slice(0, 400)}`);
    const parsed = problemSchema.parse(JSON.parse(text));
    assert.equal(parsed.status, answer.status);
    assert.notEqual(parsed.code, 'internal', text);
    return parsed;
  };
  const command = async (streamId: string, message: object) =>
    (
      await bus.request(`videonode.stream.${streamId}.command`, JSON.stringify({ stream_id: streamId, timestamp: now(), ...message }), {
        timeout: 8000,
      })
    ).json<CommandResult>();
  const streamIds = async () => (await weir.api<{ items: Stream[] }>('GET', '/api/v1/streams')).items.map((stream) => stream.stream_id);

  before(async () => {
    weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
    await weir.api('POST', '/api/v1/streams', { stream_id: 'good', config: { device: 'test:', resolution: '320x180', framerate: 10 } });
    const user = await weir.api<BusUser & { password: string }>('POST', '/api/v1/bus/users', { name: 'plain', role: 'operator' });
    bus = await weir.connectPlain(user.name, user.password);
    bait = createServer((request, response) => {
      const segment = `${weir.dataFolder}/secrets/hub-password`;
      const target = {
        '/file.m3u8': `file://${segment}`,
        '/concat.m3u8': `concat:${segment}|${segment}`,
        '/data.m3u8': 'data:video/mp2t;base64,AAAA',
      }[request.url ?? ''];
      if (target === undefined) response.writeHead(302, { location: `file://${segment}` }).end();
      else response.end(`#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${target}\n#EXTINF:1,\n${target}\n`);
    });
    await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve));
    baitUrl = `http://127.0.0.1:${(bait.address() as AddressInfo).port}`;
    await weir.streamWhen('good', (stream) => stream.status?.state === 'running', 'running', 30_000);
  });

  after(async () => {
    await bus?.close();
    bait?.closeAllConnections();
    bait?.close();
    await weir?.[Symbol.asyncDispose]();
  });

  const bodies: [name: string, body: object, code: string, field: string][] = [
    ['an unknown field', { stream_id: 'x', colour: 'red', config: { device: 'test:' } }, 'invalid_argument', 'colour'],
    ['an unknown field of the configuration', { stream_id: 'x', config: { device: 'test:', colour: 'red' } }, 'invalid_argument', 'config.colour'],
    ['a word for a number', { stream_id: 'x', config: { device: 'test:', framerate: 'fast' } }, 'invalid_argument', 'config.framerate'],
    [
      'a picture that nobody can encode',
      { stream_id: 'x', config: { device: 'test:', resolution: '99999x99999' } },
      'invalid_argument',
      'config.resolution',
    ],
    ['a number for a word', { stream_id: 'x', config: { device: 7 } }, 'invalid_argument', 'config.device'],
    ['a codec that nobody plays', { stream_id: 'x', config: { device: 'test:', codec: 'theora' } }, 'invalid_argument', 'config.codec'],
    ['no device', { stream_id: 'x', config: {} }, 'invalid_argument', 'config.device'],
    ['an id outside the alphabet', { stream_id: 'a.b', config: { device: 'test:' } }, 'invalid_argument', 'stream_id'],
    ['a wildcard for an id', { stream_id: '*', config: { device: 'test:' } }, 'invalid_argument', 'stream_id'],
    ['an id with a space', { stream_id: 'a b', config: { device: 'test:' } }, 'invalid_argument', 'stream_id'],
    ['an id that is too long', { stream_id: 'x'.repeat(65), config: { device: 'test:' } }, 'invalid_argument', 'stream_id'],
    ['an id that is taken', { stream_id: 'good', config: { device: 'test:' } }, 'already_exists', 'stream_id'],
  ];
  for (const [name, body, code, field] of bodies) {
    test(`${name} is refused as ${code} at ${field}`, async () => {
      const refused = await problem('POST', '/api/v1/streams', body);
      assert.equal(refused.code, code, JSON.stringify(refused));
      assert.ok(
        refused.errors?.some((error) => error.field === field),
        JSON.stringify(refused),
      );
      assert.deepEqual(await streamIds(), ['good']);
    });
  }

  for (const device of forbidden) {
    test(`${device.slice(0, 16)}… is refused by REST, the bus and the probe, and named`, async () => {
      for (const [method, path, body] of [
        ['POST', '/api/v1/streams', { stream_id: 'sneaky', config: { device } }],
        ['PATCH', '/api/v1/streams/good', { config: { device } }],
        ['POST', '/api/v1/streams/probe', { device }],
      ] as const) {
        const refused = await problem(method, path, body);
        assert.equal(refused.code, 'permission_denied', JSON.stringify(refused));
      }
      for (const [streamId, action] of [
        ['sneaky', 'start'],
        ['good', 'start'],
        ['good', 'configure'],
      ] as const) {
        const { ok, error } = await command(streamId, { action, config: { device } });
        assert.deepEqual([ok, error?.code], [false, 'permission_denied'], `${action} ${streamId}`);
      }
      assert.deepEqual(await streamIds(), ['good']);
      assert.equal((await weir.stream('good')).config.device, 'test:');
    });
  }

  for (const path of ['/file.m3u8', '/concat.m3u8', '/data.m3u8', '/redirect']) {
    test(`a playlist over HTTP cannot lead to a local file (${path})`, async () => {
      const probe = await weir.api<SourceProbe>('POST', '/api/v1/streams/probe', { device: baitUrl + path });
      assert.ok(probe.error !== undefined && probe.video === undefined, JSON.stringify(probe));
      const id = `bait${path.replace(/\W/g, '-')}`;
      await weir.api('POST', '/api/v1/streams', { stream_id: id, config: { device: baitUrl + path } });
      const stream = await weir.streamWhen(id, ({ status }) => status?.state === 'error' && status.reason !== undefined, 'an error', 30_000);
      assert.match(stream.status?.reason ?? '', /^(forbidden_source|source_garbage)$/);
      await weir.api('DELETE', `/api/v1/streams/${id}`);
    });
  }

  test('a body over the limit is refused with 413, and the connection is good for the next', async () => {
    const refused = await problem('POST', '/api/v1/streams', { stream_id: 'x', name: 'x'.repeat(1_200_000), config: { device: 'test:' } });
    assert.equal(refused.code, 'payload_too_large');
    assert.deepEqual(await streamIds(), ['good']);
  });

  test('a bus message over the limit is refused by the client or cuts only the one who sends it', async () => {
    const limit = bus.info?.max_payload ?? 0;
    assert.ok(limit >= 1_048_576);
    assert.throws(() => bus.publish('videonode.stream.good.command', new Uint8Array(limit + 1)), /payload/i);
    // What fits the bus but is no command is answered, not piled up.
    const answer = await bus.request('videonode.stream.good.command', new Uint8Array(2_000_000).fill(0x7b), { timeout: 5000 });
    assert.equal(answer.json<CommandResult>().ok, false);
    assert.equal((await weir.stream('good')).status?.state, 'running');
  });

  test('bytes that are no JSON, and JSON that is no object, are answered', async () => {
    for (const text of ['', '{', 'null', '[]', '"stop"', '\u0000']) {
      const answer = (await bus.request('videonode.stream.good.command', text, { timeout: 5000 })).json<CommandResult>();
      assert.equal(answer.ok, false, JSON.stringify(text));
      assert.equal(answer.error?.code, 'invalid_argument', JSON.stringify(answer));
    }
  });

  test('a spoke cannot publish under another’s stream, and what it claims is not shown', async () => {
    const user = await weir.api<BusUser & { password: string }>('POST', '/api/v1/bus/users', { name: 'thief', spoke_of: ['own'] });
    const thief = await weir.connectPlain(user.name, user.password);
    try {
      const refusals: string[] = [];
      const heard = (async () => {
        for await (const status of thief.status()) if (status.type === 'error') refusals.push(String(status.error));
      })();
      const claim = JSON.stringify({ stream_id: 'good', state: 'error', error: 'stolen', timestamp: now() });
      for (const kind of ['status', 'progress', 'metrics', 'log', 'media.key']) thief.publish(`videonode.stream.good.${kind}`, claim);
      // Under its own subject, but naming the other.
      thief.publish('videonode.stream.own.status', claim);
      await thief.flush();
      await thief.close();
      await heard;
      assert.equal(refusals.length, 5, refusals.join('\n'));
      const { status } = await weir.stream('good');
      assert.deepEqual([status?.state, status?.error], ['running', undefined]);
    } finally {
      await thief.close();
    }
  });

  test('after all that nothing is left: one stream, one FFmpeg, healthy', async () => {
    assert.deepEqual(await streamIds(), ['good']);
    assert.equal((await weir.stream('good')).status?.restarts, 0);
    const health = await weir.api<{ status: string }>('GET', '/health/detailed');
    assert.equal(health.status, 'healthy', JSON.stringify(health));
  });
});
