import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { channelNames, channels } from '../contracts/index.js';
import { surelyValid } from './surely-valid.js';

const sample = z.object({
  id: z.string().regex(/^[a-c]{1,3}$/),
  at: z.iso.datetime({ offset: true }),
  count: z.number().int().nonnegative().optional(),
  ratio: z.number().max(1).nullable(),
  flag: z.boolean().optional(),
  state: z.enum(['on', 'off']),
  tags: z.array(z.string().max(3)).optional(),
  changed: z
    .string()
    .nullish()
    .transform((value) => value ?? undefined)
    .optional(),
});

const field = fc.oneof(
  fc.constantFrom('a', 'abc', 'abcd', 'on', 'off', '2026-11-20T12:00:00Z', '2026-13-20T12:00:00Z', ''),
  fc.integer({ min: -2, max: 3 }),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.string({ maxLength: 4 }), { maxLength: 2 }),
);
const candidate = fc.record(
  {
    id: fc.oneof({ weight: 5, arbitrary: fc.constantFrom('a', 'abc') }, field),
    at: fc.oneof({ weight: 5, arbitrary: fc.constant('2026-11-20T12:00:00.5+01:00') }, field),
    count: fc.oneof({ weight: 5, arbitrary: fc.nat() }, field),
    ratio: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(0.5, null) }, field),
    flag: fc.oneof({ weight: 5, arbitrary: fc.boolean() }, field),
    state: fc.oneof({ weight: 5, arbitrary: fc.constantFrom('on', 'off') }, field),
    tags: fc.oneof({ weight: 5, arbitrary: fc.constant(['x']) }, field),
    changed: field,
    unknown: field,
  },
  { requiredKeys: ['id', 'at', 'ratio', 'state'] },
);

test('what is surely valid is accepted by the schema and given back unchanged', () => {
  const check = surelyValid(sample);
  assert.ok(check);
  let hits = 0;
  fc.assert(
    fc.property(candidate, (generated) => {
      const value: unknown = JSON.parse(JSON.stringify(generated));
      if (!check(value)) return;
      hits += 1;
      const result = sample.safeParse(value);
      assert.ok(result.success, JSON.stringify(value));
      assert.deepEqual(result.data, value);
    }),
    { numRuns: 5000 },
  );
  assert.ok(hits > 5, `only ${hits} values took the quick way`);
});

test('the telemetry channels take the quick way, and unknown fields do not', () => {
  const timestamp = new Date().toISOString();
  const message = { stream_id: 'cam1', frame: 1, fps: 30, bitrate_kbps: 1, total_size_bytes: 1, dropped_frames: 0, speed: 1, timestamp };
  const check = surelyValid(channels.stream_progress.message);
  assert.ok(check?.(message));
  assert.equal(check?.({ ...message, more: 1 }), false);
  assert.equal(check?.({ ...message, timestamp: 'yesterday' }), false);
  assert.equal(check?.({ ...message, frame: undefined }), false);
});

test('a schema that changes values is left to the library', () => {
  assert.equal(surelyValid(z.string().trim()), undefined);
  assert.equal(surelyValid(z.object({ a: z.string() }).refine(() => false)), undefined);
  assert.equal(surelyValid(z.object({ a: z.preprocess((value) => value, z.string()) })), undefined);
  assert.ok(channelNames.some((name) => surelyValid(channels[name].message) !== undefined));
});
