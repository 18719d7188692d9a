import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WeirError } from '../contracts/errors.js';
import { createHealthRegistry } from './health.js';
import { createLogger, formatLogLine, type LoggerOptions } from './logger.js';
import { maskSecrets, maskUrls } from './mask.js';
import { createMetrics, metricTable } from './metrics.js';
import { createTraceContext, formatTraceparent, parseTraceparent } from './trace.js';

function capture(options: LoggerOptions = {}) {
  const lines: string[] = [];
  const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(line) }, ...options });
  return { log, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const urls: [string, string][] = [
  ['rtsp://admin:s3cret@10.0.0.7/live', 'rtsp://***@10.0.0.7/live'],
  ['from nats://user@host:4222 and http://a:b@c/', 'from nats://***@host:4222 and http://***@c/'],
  ['mail me@example.org about http://host/a@b', 'mail me@example.org about http://host/a@b'],
  ['rtsp://u:p@ss:word@10.0.0.7/live', 'rtsp://***@10.0.0.7/live'],
  ['srt://h:9?passphrase=0123456789&mode=caller', 'srt://h:9?passphrase=***&mode=caller'],
  ['no login in rtsp://10.0.0.7/live', 'no login in rtsp://10.0.0.7/live'],
];

for (const [text, masked] of urls) test(`mask: ${text}`, () => assert.equal(maskUrls(text), masked));

test('mask: secrets by name at any depth, what is no secret stays', () => {
  const fields = { user: 'u', password: 'p', nested: [{ access_token: 't', token_count: 3, seed: 's', has_password: true, password: null }] };
  assert.deepEqual(maskSecrets(fields), {
    user: 'u',
    password: '***',
    nested: [{ access_token: '***', token_count: 3, seed: '***', has_password: true, password: null }],
  });
});

test('mask: deep, wide, endless and odd values are cut, never thrown at', () => {
  const loop: Record<string, unknown> = { bytes: Buffer.alloc(9), big: 2n ** 70n, long: 'x'.repeat(10_000), wide: Array(1000).fill(0) };
  loop.self = loop;
  const text = JSON.stringify(maskSecrets(loop));
  assert.ok(text.length < 60_000);
  assert.match(text, /\(9 bytes\)/);
});

test('log: fields, level and component of a line; secrets and logins are masked in fields, message, error and causes', () => {
  const { log, records } = capture({ level: 'debug', fields: { version: '1' } });
  const cause = new Error('rtsp://u:hidden@h/ failed');
  log
    .child({ component: 'spoke', password: 'hidden' })
    .warn({ url: 'rtsp://u:hidden@h/', err: new WeirError('unavailable', 'away', { hint: 'wait', cause }) }, 'lost rtsp://u:hidden@h/');
  const [line] = records();
  assert.equal(JSON.stringify(line).includes('hidden'), false);
  assert.deepEqual([line?.level, line?.component, line?.version, line?.msg], ['warn', 'spoke', '1', 'lost rtsp://***@h/']);
  const { code, hint, cause: kept } = (line?.err ?? {}) as Record<string, unknown>;
  assert.deepEqual([code, hint, (kept as { message: string }).message], ['unavailable', 'wait', 'rtsp://***@h/ failed']);
});

test('log: lines below the level are dropped; `warning` is `warn`', () => {
  const { log, records } = capture({ level: 'warning' });
  log.info('no');
  log.warn('yes');
  assert.deepEqual(
    records().map(({ msg }) => msg),
    ['yes'],
  );
});

test('log: text for people is one line, whatever the message holds', () => {
  const line =
    '{"level":"info","time":"2026-01-02T03:04:05.678Z","component":"broker","port":4222,"name":"a b","msg":"up\\n2026 forged \\u001b[31m"}\n';
  assert.equal(formatLogLine(line), '03:04:05.678 INF broker: up\\n2026 forged \\u001b[31m  port=4222 name="a b"\n');
  assert.ok(formatLogLine(line, true).includes('\u001b[32mINF\u001b[0m'));
  assert.equal(formatLogLine('not json\n'), 'not json\n');
  const { log, lines } = capture({ format: 'text', color: false });
  log.error({ err: new WeirError('not_found', 'gone', { hint: 'look' }) }, 'failed');
  assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} ERR failed\n {2}WeirError \[not_found\]: gone\n {2}hint: look\n/);
});

test('trace: what is formatted is parsed again, and a next step stays in the trace', () => {
  const first = createTraceContext();
  assert.deepEqual(parseTraceparent(formatTraceparent(first)), first);
  const next = createTraceContext(first);
  assert.equal(next.traceId, first.traceId);
  assert.notEqual(next.spanId, first.spanId);
});

const id = '0af7651916cd43dd8448eb211c80319c';
const traceparents: [string, boolean][] = [
  [`00-${id}-b7ad6b7169203331-01`, true],
  [`01-${id}-b7ad6b7169203331-01-more`, true],
  [`00-${id}-b7ad6b7169203331-01-more`, false],
  [`ff-${id}-b7ad6b7169203331-01`, false],
  [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, false],
  [`00-${id}-${'0'.repeat(16)}-01`, false],
  [`00-${id.toUpperCase()}-b7ad6b7169203331-01`, false],
  ['', false],
];

for (const [header, valid] of traceparents) {
  test(`trace: "${header}" is ${valid ? 'valid' : 'not valid'}`, () => assert.equal(parseTraceparent(header) !== undefined, valid));
}

test('trace: no text makes the parser throw', () => {
  fc.assert(fc.property(fc.string(), (text) => parseTraceparent(text) === undefined || text.length >= 55));
});

test('health: starting, reports, staleness, worst of all, and what is not essential', () => {
  let now = 1_000_000;
  const health = createHealthRegistry(() => now);
  assert.equal(health.status(), 'healthy');
  const broker = health.component('broker', { staleAfterMs: 5000 });
  const extra = health.component('extra', { essential: false });
  assert.equal(health.status(), 'degraded');
  const changes: string[] = [];
  health.onChange(({ name, status }) => changes.push(`${name} ${status}`));
  broker.report('healthy');
  broker.report('healthy');
  extra.report('unhealthy', 'gone');
  assert.deepEqual(changes, ['broker healthy', 'extra unhealthy']);
  assert.equal(health.status(), 'degraded');
  extra.remove();
  assert.equal(health.status(), 'healthy');
  now += 5001;
  assert.deepEqual(health.components(), [
    { name: 'broker', status: 'degraded', message: 'no word for 5 s', since: new Date(1_005_000).toISOString() },
  ]);
  broker.report('unhealthy', 'dead');
  now += 60_000;
  assert.equal(health.components()[0]?.message, 'dead', 'bad news does not get milder with age');
});

test('metrics: values, totals that are counted elsewhere, and streams that are gone', async () => {
  const metrics = createMetrics({ processMetrics: false });
  metrics.set('weir_streams', 2, { state: 'playing' });
  metrics.set('weir_stream_fps', 30, { stream_id: 'a' });
  metrics.add('weir_stream_frames_total', 5, { stream_id: 'a' });
  metrics.add('weir_stream_frames_total', -5, { stream_id: 'a' });
  metrics.setTotal('weir_broker_restarts_total', 3);
  metrics.setTotal('weir_broker_restarts_total', 5);
  metrics.observe('weir_http_request_duration_seconds', 0.02, { method: 'GET', route: '/x' });
  metrics.onCollect(() => metrics.set('weir_broker_up', 1));
  metrics.onCollect(() => Promise.reject(new Error('this part is away')));
  const text = await metrics.text();
  for (const line of [
    'weir_streams{state="playing"} 2',
    'weir_stream_fps{stream_id="a"} 30',
    'weir_stream_frames_total{stream_id="a"} 5',
    'weir_broker_restarts_total 5',
    'weir_broker_up 1',
    'weir_http_request_duration_seconds_bucket{le="0.025",method="GET",route="/x"} 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  metrics.setTotal('weir_broker_restarts_total', 1);
  metrics.removeStream('a');
  const later = await metrics.text();
  assert.match(later, /weir_broker_restarts_total 1\n/);
  assert.doesNotMatch(later, /stream_id="a"/);
  assert.match(metrics.contentType, /^text\/plain/);
});

test('metrics: a reader bound to streams sees nothing of the others', async () => {
  const metrics = createMetrics({ processMetrics: false });
  for (const streamId of ['a', 'ab']) {
    metrics.set('weir_stream_fps', 30, { stream_id: streamId });
    metrics.add('weir_stream_frames_total', 5, { stream_id: streamId });
  }
  metrics.set('weir_streams', 2, { state: 'running' });
  metrics.set('weir_broker_up', 1);
  const text = await metrics.text({ streams: ['a'] });
  for (const line of ['weir_stream_fps{stream_id="a"} 30', 'weir_stream_frames_total{stream_id="a"} 5', 'weir_broker_up 1'])
    assert.ok(text.includes(`${line}\n`), line);
  assert.doesNotMatch(text, /stream_id="ab"|^weir_streams\{/m);
  assert.doesNotMatch(await metrics.text({ streams: [] }), /stream_id=/);
  assert.match(await metrics.text(), /stream_id="ab"/);
});

test('metrics: names follow the rules of Prometheus', () => {
  for (const [name, row] of Object.entries(metricTable)) {
    assert.match(name, /^[a-z][a-z0-9_]+$/);
    assert.equal(name.endsWith('_total'), row.type === 'counter', name);
    assert.match(row.help, /^[A-Z0-9].*\.$/);
  }
});

test('log: the level can be changed later, for children as well', () => {
  const { log, records } = capture({ level: 'info' });
  const child = log.child({ component: 'x' });
  child.debug('unheard');
  log.setLevel('debug');
  child.debug('heard');
  log.setLevel('warning');
  log.info('unheard');
  child.warn('heard too');
  log.setLevel('silent');
  child.fatal('unheard');
  assert.deepEqual(
    records().map(({ msg, level, component }) => [msg, level, component]),
    [
      ['heard', 'debug', 'x'],
      ['heard too', 'warn', 'x'],
    ],
  );
});
