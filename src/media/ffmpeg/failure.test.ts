import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureCases } from './failure.cases.js';
import { classifyFailure, parseFfmpegLine, parsePushEvent } from './failure.js';

describe('classifyFailure', () => {
  for (const row of failureCases) {
    test(`${row.name}: ${row.reason}`, () => {
      const failure = classifyFailure(row.lines, { code: row.code, signal: null });
      assert.deepEqual([failure.reason, failure.isPermanent], [row.reason, row.isPermanent]);
      assert.doesNotMatch(failure.message, /wrong@/);
    });
  }

  /** Sentences that need hardware or luck to provoke; taken from FFmpeg's sources and users' reports. */
  const further: [string, string, string][] = [
    ['[video4linux2,v4l2 @ 0x1] [error] ioctl(VIDIOC_STREAMON): Device or resource busy', 'busy camera', 'source_refused'],
    ['[video4linux2,v4l2 @ 0x1] [error] Cannot open video device /dev/video0: Permission denied', 'no right', 'source_refused'],
    ['[video4linux2,v4l2 @ 0x1] [error] ioctl(VIDIOC_DQBUF): No such device', 'unplugged', 'source_missing'],
    [
      '[mp4 @ 0x1] [error] Could not find tag for codec vp8 in stream #0, codec not currently supported in container',
      'VP8 copied',
      'unsupported_codec',
    ],
    ['[in#0 @ 0x1] [error] Error opening input: Connection refused', 'refused, as FFmpeg 7 says it', 'source_unreachable'],
    ['[in#0 @ 0x1] [error] Error opening input: Server returned 401 Unauthorized (authorization failed)', 'FFmpeg 7', 'source_refused'],
    ['[error] av_interleaved_write_frame(): No space left on device', 'full', 'output_failed'],
  ];
  for (const [line, name, reason] of further) {
    test(`${name}: ${reason}`, () => assert.equal(classifyFailure([line], { code: 1, signal: null }).reason, reason));
  }

  test('the end says what the lines do not', () => {
    assert.equal(classifyFailure([], { code: 0, signal: null }).reason, 'source_ended');
    assert.equal(classifyFailure([], { code: 255, signal: null, stoppedByUs: true }).reason, 'requested');
    assert.match(classifyFailure([], { code: null, signal: 'SIGKILL' }).hint ?? '', /memory/);
    assert.match(classifyFailure(['[error] Something new'], { code: 69, signal: null }).message, /69: Something new/);
  });

  test('a device that fails amid its pictures says so, although FFmpeg leaves with success', () => {
    const fault = classifyFailure(['[video4linux2,v4l2 @ 0x1] [error] ioctl(VIDIOC_DQBUF): Input/output error'], { code: 0, signal: null });
    assert.deepEqual([fault.reason, fault.message], ['source_ended', 'The device failed: Input/output error']);
  });

  test('a push that is refused is not taken for the source', () => {
    const lines = [
      '[tcp @ 0x7f493c001a00] [error] Connection to tcp://127.0.0.1:1?tcp_nodelay=0 failed: Connection refused',
      '[rtmp @ 0x7f493c000f00] [error] Cannot open connection tcp://127.0.0.1:1?tcp_nodelay=0',
      '[fifo @ 0x5571fec51d40] [error] Error opening rtmp://127.0.0.1:1/live/x: Connection refused',
    ];
    assert.equal(classifyFailure(lines, { code: 0, signal: null }).reason, 'source_ended');
    assert.notEqual(classifyFailure(lines, { code: 1, signal: null }).reason, 'source_unreachable');
    const source = '[error] rtsp://127.0.0.1:9/x: Server returned 404 Not Found';
    assert.equal(classifyFailure([...lines, source], { code: 1, signal: null }).reason, 'source_missing');
  });
});

describe('parseFfmpegLine', () => {
  const rows: [string, ReturnType<typeof parseFfmpegLine>][] = [
    ['[tcp @ 0x1] [error] failed', { level: 'error', message: 'tcp: failed', context: 'tcp' }],
    ['[fatal] Stream map', { level: 'error', message: 'Stream map', context: undefined }],
    [
      '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55] [warning] low',
      { level: 'warning', message: 'mov,mp4,m4a,3gp,3g2,mj2: low', context: 'mov,mp4,m4a,3gp,3g2,mj2' },
    ],
    ['[a @ 0x1] [b @ 0x2] [verbose] x', { level: 'debug', message: 'a: x', context: 'a' }],
    ['no tags', { level: 'info', message: 'no tags', context: undefined }],
    ['[error] rtsp://u:geheim@h/x: gone', { level: 'error', message: 'rtsp://***@h/x: gone', context: undefined }],
    ['', { level: 'info', message: '', context: undefined }],
  ];
  for (const [line, expected] of rows) test(line || '(empty)', () => assert.deepEqual(parseFfmpegLine(line), expected));
});

describe('parsePushEvent', () => {
  const rows: [string, string | undefined][] = [
    ['[fifo @ 0x1] [error] Error opening rtmp://127.0.0.1:1/live/x: Connection refused', 'failed'],
    ['[fifo @ 0x1] [warning] FIFO queue full', 'failed'],
    ['[tee @ 0x1] [error] Slave muxer #1 failed: Connection refused, continuing with 1/2 slaves.', 'failed'],
    ['[fifo @ 0x1] [info] Recovery successful', 'recovered'],
    ['[fifo @ 0x1] [info] Recovery attempt #1', undefined],
    ['[rtsp @ 0x1] [error] method DESCRIBE failed: 404 Not Found', undefined],
    ['frame=1', undefined],
  ];
  for (const [line, state] of rows) test(line, () => assert.equal(parsePushEvent(line)?.state, state));
});
