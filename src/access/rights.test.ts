import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { permissionsFor, type Role, roles } from '../contracts/index.js';
import { mayOperate, mayView, type Rights, reachesStream } from './rights.js';
import { isSubjectWithin } from './subjects.js';

const streamId: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', 'd');
const scope = fc.option(fc.uniqueArray(streamId), { nil: null });
const rights: fc.Arbitrary<Rights> = fc.record({ role: fc.constantFrom(...roles), streams: scope });

it('who may operate a stream may view it', () => {
  fc.assert(fc.property(rights, streamId, (one, stream) => !mayOperate(one, stream) || mayView(one, stream)));
});

it('a higher role may all that a lower one may, within the same streams', () => {
  fc.assert(
    fc.property(scope, streamId, (streams, stream) => {
      const ladder = roles.map((role: Role) => ({ role, streams }));
      for (const check of [mayView, mayOperate]) {
        const answers = ladder.map((one) => check(one, stream));
        assert.deepEqual(answers, [...answers].sort(), 'once allowed, allowed further up');
      }
    }),
  );
});

it('a narrower scope never allows more', () => {
  fc.assert(
    fc.property(rights, fc.uniqueArray(streamId), streamId, (wide, kept, stream) => {
      const narrow: Rights = { role: wide.role, streams: wide.streams === null ? kept : wide.streams.filter((one) => kept.includes(one)) };
      for (const check of [mayView, mayOperate]) assert.ok(!check(narrow, stream) || check(wide, stream));
    }),
  );
});

it('a viewer may operate nothing, and nobody reaches a stream outside the scope', () => {
  fc.assert(
    fc.property(rights, streamId, (one, stream) => {
      assert.equal(mayOperate({ ...one, role: 'viewer' }, stream), false);
      if (one.streams !== null && !one.streams.includes(stream)) assert.equal(mayView(one, stream) || reachesStream(one, stream), false);
    }),
  );
});

it('on the bus too, a role may no more than the next one and a scope no more than the whole', () => {
  const inbox = { viewer: 'v1', inboxPrefix: '_INBOX_v1' };
  fc.assert(
    fc.property(fc.uniqueArray(streamId, { minLength: 1 }), (streams) => {
      for (const [index, role] of roles.entries()) {
        const bound = permissionsFor(role, { ...inbox, streams });
        const whole = permissionsFor(role, { ...inbox, streams: 'all' });
        const next = permissionsFor(roles[index + 1] ?? role, { ...inbox, streams });
        for (const side of ['publish', 'subscribe'] as const) {
          for (const subject of bound[side]) {
            assert.ok(isSubjectWithin(subject, whole[side]), `${role} ${side} ${subject} is more than all`);
            assert.ok(isSubjectWithin(subject, next[side]), `${role} ${side} ${subject} is not for the next role`);
          }
        }
      }
    }),
  );
});

it('patterns admit what NATS admits', () => {
  for (const [subject, pattern, expected] of [
    ['a.b', 'a.b', true],
    ['a.b', 'a.*', true],
    ['a.b.c', 'a.*', false],
    ['a.b.c', 'a.>', true],
    ['a', 'a.>', false],
    ['a', '>', true],
    ['a.b', 'a', false],
    ['a', 'a.b', false],
    ['x.watch', '*.watch', true],
  ] as const) {
    assert.equal(isSubjectWithin(subject, [pattern]), expected, `${subject} in ${pattern}`);
  }
  assert.equal(isSubjectWithin('a', []), false);
});
