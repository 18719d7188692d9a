import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { parseWith, WeirError } from '../../contracts/index.js';
import { refusalOf } from './request.js';

test('why a request was refused names the field and the value once', () => {
  const said = (throwIt: () => void): string => {
    try {
      throwIt();
    } catch (thrown) {
      return refusalOf(thrown).detail;
    }
    return 'nothing was thrown';
  };
  assert.equal(
    said(() => parseWith(z.object({ quality: z.array(z.string()) }), { quality: '720p' })),
    'quality: must be a list, received "720p"',
  );
  const outside = new WeirError('permission_denied', 'source_path lies outside of the allowed folders', { field: 'source_path', received: '/etc/x' });
  assert.equal(refusalOf(outside).detail, 'source_path lies outside of the allowed folders, received "/etc/x"');
  const unknown = new WeirError('invalid_argument', 'There is no profile x', { field: 'profile', received: 'x', hint: 'use one of default' });
  assert.equal(refusalOf(unknown).detail, 'profile: There is no profile x, received "x" (use one of default)');
  assert.equal(refusalOf(new Error('boom')).detail, 'boom');
});
