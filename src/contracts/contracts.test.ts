import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { createAsyncApi } from './asyncapi.js';
import { busRoles, channelNames, channels, defaultRoots, matchSubject, publishSubject, subscribeSubject } from './channels.js';
import { parseWith, WeirError } from './errors.js';
import { isToken } from './ids.js';
import { createOpenApi } from './openapi.js';
import { createOpenRpc } from './openrpc.js';
import { permissionsFor } from './permissions.js';
import { type Route, routeNames, routes } from './routes.js';
import { streamCommandSchema, streamProgressSchema, streamStatusSchema } from './stream.js';
import { tusPath } from './tus.js';

const at = '2026-01-02T03:04:05Z';

describe('the wire contract of the hub and its spokes', () => {
  test('subjects are literally those of the contract', () => {
    const subjects = ['stream_command', 'stream_status', 'stream_status_get', 'stream_progress', 'stream_metrics'] as const;
    assert.deepEqual(
      subjects.map((name) => publishSubject(name, { stream_id: 'stream1' })),
      ['command', 'status', 'status.get', 'progress', 'metrics'].map((aspect) => `videonode.stream.stream1.${aspect}`),
    );
    const plain = ['device_discovered', 'device_removed', 'alert_error', 'alert_warning', 'system_health', 'system_config'] as const;
    assert.deepEqual(
      plain.map((name) => publishSubject(name, {})),
      ['device.discovered', 'device.removed', 'alert.error', 'alert.warning', 'system.health', 'system.config'].map((rest) => `videonode.${rest}`),
    );
  });

  const accepted: [string, z.ZodType, unknown][] = [
    [
      'a command as a Go client sends it, unset fields as zero values',
      streamCommandSchema,
      {
        action: 'start',
        stream_id: 'stream1',
        config: { device: '/dev/video0', resolution: '', framerate: 0, codec: '', bitrate: 0, output_url: '' },
        timestamp: '2024-05-06T07:08:09.123456789+02:00',
      },
    ],
    ['a command without config', streamCommandSchema, { action: 'stop', stream_id: 'stream1', timestamp: at }],
    ['a status with a null started_at', streamStatusSchema, { stream_id: 'stream1', state: 'starting', started_at: null, timestamp: at }],
    ['a status with a field of a later version', streamStatusSchema, { stream_id: 'stream1', state: 'running', pid: 7, later: true, timestamp: at }],
    [
      'progress',
      streamProgressSchema,
      { stream_id: 'stream1', frame: 1, fps: 29.97, bitrate_kbps: 0, total_size_bytes: 12, dropped_frames: 0, speed: 1.01, timestamp: at },
    ],
  ];
  for (const [name, schema, message] of accepted) test(`takes ${name}`, () => void parseWith(schema, message));

  const refused: [string, z.ZodType, unknown, string][] = [
    ['an unknown action', streamCommandSchema, { action: 'launch', stream_id: 'stream1', timestamp: at }, 'action'],
    ['an unknown field', streamCommandSchema, { action: 'stop', stream_id: 'stream1', force: true, timestamp: at }, 'force'],
    [
      'an unknown field of the config',
      streamCommandSchema,
      { action: 'start', stream_id: 'stream1', config: { devise: 'x' }, timestamp: at },
      'config.devise',
    ],
    ['an id with a dot', streamCommandSchema, { action: 'stop', stream_id: 'a.b', timestamp: at }, 'stream_id'],
    ['a wildcard as id', streamCommandSchema, { action: 'stop', stream_id: '*', timestamp: at }, 'stream_id'],
    [
      'a number as text',
      streamProgressSchema,
      { stream_id: 'stream1', frame: '1', fps: 1, bitrate_kbps: 0, total_size_bytes: 0, dropped_frames: 0, speed: 1, timestamp: at },
      'frame',
    ],
    ['a local time', streamStatusSchema, { stream_id: 'stream1', state: 'running', timestamp: '2026-01-02 03:04' }, 'timestamp'],
  ];
  for (const [name, schema, message, field] of refused) {
    test(`refuses ${name} and names ${field}`, () => {
      assert.throws(
        () => parseWith(schema, message),
        (error: WeirError) => error.code === 'invalid_argument' && error.errors.some((entry) => entry.field === field),
      );
    });
  }
});

describe('subjects', () => {
  test('what is built is matched again, whatever the id', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/);
    fc.assert(
      fc.property(token, fc.constantFrom(...channelNames.filter((name) => channels[name].address.includes('{stream_id}'))), (id, name) => {
        const subject = publishSubject(name, { stream_id: id } as never);
        assert.deepEqual(matchSubject(name, subject), { stream_id: id });
        assert.ok(!subject.includes('{'));
      }),
    );
  });

  test('no text outside the token alphabet ever enters a subject', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        fc.pre(!isToken(id));
        assert.throws(() => publishSubject('stream_command', { stream_id: id }), { code: 'invalid_argument' });
      }),
    );
  });

  test('a parameter left out stands for all, and the root can be renamed', () => {
    assert.equal(subscribeSubject('stream_progress', {}, { ...defaultRoots, videonode: 'site7' }), 'site7.stream.*.progress');
    assert.equal(matchSubject('stream_progress', 'videonode.stream.a.progress', { ...defaultRoots, videonode: 'site7' }), undefined);
  });
});

describe('permissions', () => {
  const scoped = (role: 'spoke' | 'viewer' | 'operator') =>
    permissionsFor(role, { streams: ['cam1'], inboxPrefix: '_INBOX_a', ...(role === 'spoke' ? { spokeId: 's1' } : { viewer: 'v1' }) });

  test('a spoke publishes only under its own stream and itself', () => {
    const { publish } = scoped('spoke');
    assert.ok(publish.includes('videonode.stream.cam1.status'));
    for (const subject of publish) assert.match(subject, /^(videonode\.(stream\.cam1\.|spoke\.s1\.|alert\.|device\.)|_INBOX(_hub)?\.>$)/);
  });

  test('a spoke may not give commands, a viewer may not either', () => {
    for (const role of ['spoke', 'viewer'] as const) assert.ok(!scoped(role).publish.some((subject) => subject.endsWith('.command')));
  });

  test('nobody but the hub and admins may subscribe to media', () => {
    for (const role of ['spoke', 'viewer', 'operator'] as const) assert.ok(!scoped(role).subscribe.some((subject) => subject.includes('.media.')));
  });

  test('a bound to one stream never reaches another, nor the JetStream API beyond its own place', () => {
    for (const role of ['spoke', 'viewer', 'operator'] as const) {
      const { publish, subscribe } = scoped(role);
      for (const subject of [...publish, ...subscribe]) {
        assert.ok(!/\.stream\.\*/.test(subject), `${role}: ${subject}`);
        if (subject.startsWith('$JS')) assert.equal(subject, '$JS.API.CONSUMER.MSG.NEXT.MEDIA_cam1.v1');
      }
    }
  });

  test('who may hear all events of a group may subscribe it as a group; nobody else may', () => {
    const groups = (role: 'viewer' | 'operator', streams: 'all' | string[]) =>
      permissionsFor(role, { streams, inboxPrefix: '_INBOX_a' }).subscribe.filter((subject) => /^videonode\.[a-z]+\.\*$/.test(subject));
    assert.deepEqual(groups('operator', 'all'), ['videonode.alert.*', 'videonode.device.*', 'videonode.system.*']);
    assert.deepEqual([groups('operator', ['cam1']), groups('viewer', 'all')], [[], []]);
  });

  test('every channel has somebody who sends and somebody who listens', () => {
    for (const name of channelNames) {
      assert.ok(channels[name].publishers.length > 0 && channels[name].subscribers.length > 0, name);
      for (const role of [...channels[name].publishers, ...channels[name].subscribers]) assert.ok(busRoles.includes(role));
    }
  });
});

describe('errors', () => {
  test('a value that looks secret is not sent back', () => {
    const schema = z.strictObject({ password: z.string().min(10) });
    assert.throws(
      () => parseWith(schema, { password: 'hunter2' }),
      (error: WeirError) => !JSON.stringify(error.toProblem()).includes('hunter2'),
    );
  });

  test('an unplanned failure tells nothing of the inside', () => {
    const problem = WeirError.from(new Error('ENOENT /etc/secret')).toProblem();
    assert.equal(problem.code, 'internal');
    assert.ok(!problem.detail.includes('/etc'));
  });

  test('a problem survives the way over the wire', () => {
    const error = new WeirError('not_found', 'No stream cam9', { hint: 'see the list', field: 'stream_id', received: 'cam9' });
    const back = WeirError.fromProblem(error.toProblem());
    assert.deepEqual([back.code, back.message, back.hint, back.errors], [error.code, error.message, error.hint, error.errors]);
  });
});

describe('routes', () => {
  test('no two routes share method and path, and each path parameter has a schema', () => {
    const seen = new Set<string>();
    for (const name of routeNames) {
      const route: Route = routes[name];
      const key = `${route.method} ${route.path}`;
      assert.ok(!seen.has(key), key);
      seen.add(key);
      const parameters = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      assert.deepEqual(parameters, Object.keys(route.params?.shape ?? {}), key);
    }
  });

  test('what changes something needs more than a viewer, but for one’s own session', () => {
    const own = ['setup_admin', 'login', 'logout', 'logout_everywhere', 'change_password', 'bus_credentials'];
    // A token to watch gives away no more than its maker has; the gateway asks, and changes nothing.
    own.push('create_stream_token', 'gateway_auth');
    for (const name of routeNames) {
      const route: Route = routes[name];
      if (route.method !== 'GET' && !own.includes(name)) assert.ok(route.role === 'operator' || route.role === 'admin', name);
    }
  });

  test('the door for resumable uploads stands in the description of the HTTP API', () => {
    const paths = createOpenApi('1.2.3').paths as Record<string, Record<string, { operationId: string }>>;
    assert.deepEqual(Object.keys(paths[tusPath] ?? {}), ['options', 'post']);
    assert.deepEqual(Object.keys(paths[`${tusPath}/{upload_id}`] ?? {}), ['head', 'patch', 'delete']);
    const names = Object.values(paths).flatMap((path) => Object.values(path).map((operation) => operation.operationId));
    assert.equal(new Set(names).size, names.length, 'each has a name of its own');
  });

  test('every reference of the generated documents leads somewhere', () => {
    for (const document of [createOpenApi('1.2.3'), createAsyncApi('1.2.3'), createOpenRpc('1.2.3')]) {
      const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? '');
      assert.ok(references.length > 20);
      for (const reference of references) {
        let place: unknown = document;
        for (const part of reference.split('/')) place = (place as Record<string, unknown> | undefined)?.[part];
        assert.notEqual(place, undefined, reference);
      }
    }
  });
});
