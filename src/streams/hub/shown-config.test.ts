import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type StreamConfig, WeirError } from '../../contracts/index.js';
import type { MachineFacts } from '../../media/index.js';
import { waitFor } from '../../testkit/index.js';
import { admin, calm, input, startBench, startTestSpoke } from './fixture.test.js';
import { restoreFromAny } from './shown-config.js';

const password = 'geheim-4711';
const key = 'abcd-efgh-4711';
const stored: StreamConfig = { device: `rtsp://admin:${password}@cam.test/1`, output_url: `rtmp://live.test/app/${key}`, audio: 'none' };
const shown: StreamConfig = { device: 'rtsp://***@cam.test/1', output_url: 'rtmp://live.test/app/***', audio: 'none' };
const facts: MachineFacts = {
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffprobe',
  version: '5.1',
  fontFile: undefined,
  encoders: [{ encoder: 'libx264', works: true, reason: undefined, tookMs: 1 }],
  renderNode: undefined,
};

test('secrets of a stream reach its spoke and nobody else; what is sent back unread is kept', async () => {
  await using bench = await startBench({ facts });
  await using spoke = await startTestSpoke(bench, 's1');
  const told: string[] = [];
  bench.bus.connection.subscribe('videonode.system.>', { callback: (_error, message) => void told.push(message.string()) });
  const { operations } = bench.hub;
  const assigned = () => spoke.assignments.at(-1)?.streams.find((stream) => stream.stream_id === 'cam')?.config;

  const answers: unknown[] = [];
  const say = async <T>(answer: Promise<T> | T): Promise<T> => {
    const value = await answer;
    answers.push(value);
    return value;
  };
  const params = { stream_id: 'cam' };
  const created = await say(operations.create_stream(admin, input('create_stream', { body: { stream_id: 'cam', config: stored } }), calm));
  assert.deepEqual(created.config, shown);
  await waitFor(() => assigned() !== undefined);
  assert.deepEqual(assigned(), stored);

  const update = (config: StreamConfig) => say(operations.update_stream(admin, input('update_stream', { params, body: { config } }), calm));
  assert.equal((await update({ ...shown, bitrate: 900 })).stream.config.bitrate, 900);
  assert.deepEqual((await bench.store.streams.get('cam'))?.config, { ...stored, bitrate: 900 });
  await waitFor(() => assigned()?.bitrate === 900);
  assert.equal(assigned()?.device, stored.device);
  await update({ ...shown, device: 'rtsp://***@cam.test/2' });
  assert.equal((await bench.store.streams.get('cam'))?.config.device, `rtsp://admin:${password}@cam.test/2`);
  // A secret that was not read cannot be sent somewhere else.
  await assert.rejects(update({ ...shown, device: 'rtsp://***@evil.test/1' }), isRefused('config.device'));
  await update(stored);

  await say(operations.list_streams(admin, input('list_streams', { query: { limit: 10 } }), calm));
  await say(operations.get_stream(admin, input('get_stream', { params }), calm));
  await say(operations.stop_stream(admin, input('stop_stream', { params }), calm));
  const preview = await say(operations.preview_command(admin, input('preview_command', { body: { config: { ...shown, device: 'test:' } } }), calm));
  assert.match(preview.command.join(' '), /rtmp:\/\/live\.test\/app\/\*\*\*/);
  await say(operations.probe_source(admin, input('probe_source', { body: { device: shown.device ?? '' } }), calm));
  const copy = await say(operations.create_stream(admin, input('create_stream', { body: { stream_id: 'copy', config: shown } }), calm));
  assert.deepEqual([copy.config, (await bench.store.streams.get('copy'))?.config], [shown, stored]);
  // Who may not command the stream cannot borrow its login.
  const stranger = { ...admin, role: 'operator' as const, streams: ['other'] };
  const borrow = operations.create_stream(stranger, input('create_stream', { body: { stream_id: 'other', config: shown } }), calm);
  await assert.rejects(borrow, isRefused('config.device'));

  const said = JSON.stringify([answers, told, bench.complaints]);
  assert.ok(!said.includes(password) && !said.includes(key));
  await waitFor(() => told.length > 0, { what: 'the news of the change' });
});

test('an address that could be one of two is not guessed', () => {
  const other = { ...stored, output_url: 'rtmp://live.test/app/other-key' };
  assert.deepEqual(restoreFromAny(shown, [stored, other]), { ...shown, device: stored.device });
});

function isRefused(field: string) {
  return (error: unknown) => error instanceof WeirError && error.code === 'invalid_argument' && error.errors[0]?.field === field;
}
