import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configKeys } from '../config-keys.js';
import { appliesOf } from './applies.js';

test('the table says of every key what a change of it needs, and knows no other', () => {
  assert.deepEqual([...appliesOf.keys()].sort(), configKeys.map((key) => key.path).sort());
});
