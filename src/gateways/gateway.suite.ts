/** What every gateway promises, whatever it is made of. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gatewayStateSchema, parseWith } from '../contracts/index.js';
import type { PathWish } from './gateway.js';
import { admin, type Fixture } from './testing/fixture.js';

const camera = (streamId: string): PathWish => ({ streamId, source: { kind: 'v4l2', devicePath: '/dev/video0' } });
const context = { signal: AbortSignal.timeout(60_000) };

/** `open` makes a gateway that becomes `running`. */
export function gatewaySuite(name: string, open: () => Promise<Fixture>): void {
  describe(name, () => {
    test('tells its state by the contract', async () => {
      await using world = await open();
      await world.untilRunning();
      const state = await world.gateway.operations.get_gateway(admin, { params: undefined, query: undefined, body: undefined }, context);
      assert.equal(parseWith(gatewayStateSchema, state).state, 'running');
      assert.equal(world.gateway.health().status, 'healthy');
    });

    test('a path is made once however often it is wished, and removed', async () => {
      await using world = await open();
      await world.untilRunning();
      const { gateway } = world;
      for (let at = 0; at < 3; at++) await gateway.ensurePath(camera('camera0'));
      assert.equal((await gateway.path('camera0')).exists, true);
      assert.deepEqual(
        (await gateway.paths()).map((path) => path.stream_id),
        ['camera0'],
      );
      await gateway.removePath('camera0');
      await gateway.removePath('camera0');
      assert.equal((await gateway.path('camera0')).exists, false);
    });

    test('links are made for known streams only, with the host of the request, and hold no secrets', async () => {
      await using world = await open();
      await world.untilRunning();
      await world.gateway.ensurePath(camera('camera0'));
      assert.deepEqual(world.gateway.urlsOf('unknown', 'weir.example:8080'), {});
      const urls = world.gateway.urlsOf('camera0', 'weir.example:8080');
      assert.equal(urls.live_mp4, 'http://weir.example:8080/api/v1/streams/camera0/live.mp4');
      for (const url of Object.values(urls)) assert.doesNotMatch(url ?? '', /@|token|secret/);
    });

    test('paths are shown to whoever may see them', async () => {
      await using world = await open();
      await world.untilRunning();
      for (const id of ['camera0', 'camera7']) await world.gateway.ensurePath(camera(id));
      const list = world.gateway.operations.list_gateway_paths;
      const none = { params: undefined, query: undefined, body: undefined };
      assert.deepEqual((await list(admin, none, context)).items.map((path) => path.stream_id).sort(), ['camera0', 'camera7']);
      const bound = { ...admin, role: 'operator', streams: ['camera7'] } as const;
      assert.deepEqual(
        (await list({ ...bound, streams: ['camera7'] }, none, context)).items.map((path) => path.stream_id),
        ['camera7'],
      );
    });

    test('a token for a stream is made for whoever may watch it, and one for publishing for operators', async () => {
      await using world = await open();
      const create = world.gateway.operations.create_stream_token;
      const input = (stream_id: string, actions?: ('read' | 'publish')[]) => ({
        params: { stream_id },
        query: undefined,
        body: actions === undefined ? undefined : { actions },
      });
      const token = await create(admin, input('camera0'), context);
      assert.deepEqual(token.actions, ['read']);
      const viewer = { ...admin, role: 'viewer', streams: ['camera0'] } as const;
      const session = { ...viewer, streams: ['camera0'] };
      await create(session, input('camera0'), context);
      await assert.rejects(create(session, input('camera1'), context), { code: 'permission_denied' });
      await assert.rejects(create(session, input('camera0', ['publish']), context), { code: 'permission_denied' });
      await assert.rejects(create(admin, input('unknown0'), context), { code: 'not_found' });
      const { keys } = await world.gateway.operations.jwks(undefined, { params: undefined, query: undefined, body: undefined }, context);
      assert.equal(keys.length, 1);
    });

    test('what it cannot do, and what is not there, are told apart', async () => {
      await using world = await open();
      await world.untilRunning();
      const kick = world.gateway.operations.kick_gateway_reader(
        admin,
        { params: { stream_id: 'camera0', reader_id: 'nobody' }, query: undefined, body: undefined },
        context,
      );
      await assert.rejects(kick, { code: world.gateway.state().features.kick === true ? 'not_found' : 'unsupported' });
      assert.deepEqual(await world.gateway.recordings('camera0'), []);
    });
  });
}
