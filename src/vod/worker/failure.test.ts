import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { attemptError, commandText, failureOf, forGood } from './failure.js';

test('faults of the source are for good, faults of the machine are not', () => {
  const table: [unknown, string, string, boolean][] = [
    [new WeirError('unsupported', 'no video', { facts: { reason: 'not_a_video' } }), 'unsupported', 'not_a_video', true],
    [new WeirError('not_found', 'gone'), 'not_found', 'source_missing', true],
    [new WeirError('permission_denied', 'outside'), 'permission_denied', 'path_not_allowed', true],
    [Object.assign(new Error('write'), { code: 'ENOSPC' }), 'resource_exhausted', 'disk_full', false],
    [Object.assign(new Error('open'), { code: 'EACCES' }), 'permission_denied', 'not_writable', false],
    [attemptError('internal', 'exit 1', { reason: 'encoder_failed', permanent: false }), 'internal', 'encoder_failed', false],
    [new Error('a surprise'), 'internal', 'internal', false],
  ];
  for (const [thrown, code, reason, permanent] of table) {
    const failure = failureOf(thrown);
    assert.deepEqual([failure.code, failure.reason, failure.permanent], [code, reason, permanent], String(thrown));
  }
});

test('what the check found is for good, with what was run; what it could not read is not', () => {
  const run = { command: ['ffmpeg', '-i', 'a'], lines: ['said'] };
  const unsound = new WeirError('internal', 'a.m3u8 lasts 2 s instead of 3 s', { facts: { reason: 'duration_mismatch', file: 'a.m3u8' } });
  const { reason, permanent, stderr, command, detail } = failureOf(forGood(unsound, run));
  assert.deepEqual([reason, permanent, stderr, command], ['duration_mismatch', true, ['said'], 'ffmpeg -i a']);
  assert.match(detail, /lasts 2 s instead of 3 s\. .*make a new file of it/);
  const unread = new WeirError('internal', 'a_000.ts is not there', { facts: { reason: 'segment_missing' } });
  assert.equal(failureOf(forGood(unread, run)).permanent, false);
});

test('what FFmpeg said and what ran go along', () => {
  const failure = failureOf(
    attemptError('internal', 'exit 1', { reason: 'encoder_failed', stderr: ['a', 'b'], command: ['ffmpeg', '-i', "it's.mp4"] }),
  );
  assert.deepEqual([failure.stderr, failure.command], [['a', 'b'], `ffmpeg -i 'it'\\''s.mp4'`]);
  assert.equal(commandText(['ffmpeg', '-vf', 'scale=2:2,fps=25', 'a b']), `ffmpeg -vf scale=2:2,fps=25 'a b'`);
});
