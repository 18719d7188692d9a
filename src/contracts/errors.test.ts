import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { parseWith, type WeirError } from './errors.js';
import { routes } from './routes.js';

test('a value of the wrong type is named as it was sent, with what is wanted in words', () => {
  const query = routes.list_alerts.query;
  const messageFor = (schema: z.ZodType, input: unknown): string => {
    try {
      parseWith(schema, input);
    } catch (error) {
      return (error as WeirError).message;
    }
    return 'taken';
  };
  assert.equal(messageFor(query, { limit: 'x' }), 'limit: must be a number, received "x"');
  assert.equal(messageFor(query, { limit: '1.5' }), 'limit: must be a whole number, received "1.5"');
  assert.equal(messageFor(query, { limit: '20' }), 'taken');
  assert.equal(messageFor(z.object({ name: z.string() }), { name: 7 }), 'name: must be a text, received 7');
  assert.equal(messageFor(z.object({ token: z.string() }), { token: 7 }), 'token: must be a text, received "***"');
});

test('what was received is shown shortly, without secrets, and however deep it nests', () => {
  const received = (input: unknown): unknown => {
    try {
      parseWith(z.object({ name: z.string() }), { name: input });
    } catch (error) {
      return (error as WeirError).errors[0]?.received;
    }
    return 'taken';
  };
  assert.deepEqual(received([1, { a: [true] }]), [1, { a: [true] }]);
  assert.deepEqual(received({ user: 'a', password: 'p' }), { user: 'a', password: '***' });
  assert.equal(String(received(Array.from({ length: 1000 }, () => 'x'))).length, 120);
  const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  assert.deepEqual(received(deep), [[[['...']]]]);
});
