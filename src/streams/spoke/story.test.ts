import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSource } from '../../media/index.js';
import type { Failure } from './failure.js';
import { StreamStory } from './story.js';

function listen(): { story: StreamStory; lines: string[] } {
  const lines: string[] = [];
  return { story: new StreamStory((level, message) => lines.push(`${level}: ${message}`)), lines };
}

const source = parseSource('rtsp://me:hunter22@camera.example/live', { mediaFolders: [] });
const away: Failure = { reason: 'source_silent', kind: 'away', message: 'nothing came for 0.8 s' };

test('an outage is told once, with its reason, its wait and its length', () => {
  const { story, lines } = listen();
  story.begins(source, 0);
  story.shown(412);
  story.failed(away, true, 5000);
  story.waits(100, true);
  for (let atMs = 5500; atMs < 15_000; atMs += 500) {
    story.failed({ ...away, reason: 'source_unreachable', message: 'connection refused' }, false, atMs);
    story.waits(500, true);
  }
  story.shown(17_000);
  story.stopped('requested');
  assert.deepEqual(lines, [
    'info: First picture after 412 ms',
    'error: Source lost (source_silent): nothing came for 0.8 s',
    'info: Retry in 0.1 s, or as soon as the source is back',
    'error: No picture (source_unreachable): connection refused',
    'info: Retry in 0.5 s, or as soon as the source is back',
    'info: Back after 12 s',
    'info: Stopped (requested)',
  ]);
});

test('what the probe found is told once per start, without secrets', () => {
  const { story, lines } = listen();
  story.begins(source, 0);
  const video = { codec: 'h264', width: 1280, height: 720, frame_rate: 29.97003 };
  const probe = { device: source.device, reachable: true, container: 'rtsp', video, took_ms: 312.4 };
  story.probed(source, probe);
  story.probed(source, { ...probe, took_ms: 99 });
  story.failed({ ...away, message: 'hunter22 was refused' }, false, 10);
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /^info: Found at rtsp:.*: h264 1280x720, 29\.97 fps, no audio, as rtsp \(looked for 312 ms\)$/);
  assert.doesNotMatch(lines.join('\n'), /hunter22/);
});
