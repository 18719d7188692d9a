/** Whoever asks for the picture of a source that cannot give one is told why, and not after the whole wait for a picture. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { admin, type Bed, calm, input, startBed } from './testing/bed.js';

let bed: Bed;

before(async () => {
  bed = await startBed();
  await bed.startSpoke();
});
after(() => bed[Symbol.asyncDispose]());

const target = (streamId: string) => ({ params: { stream_id: streamId } });
const snapshot = (streamId: string) =>
  bed.recordings.operations.take_snapshot(admin, input('take_snapshot', { ...target(streamId), body: undefined }), calm);
const start = (streamId: string, waitS: number) =>
  bed.streams.operations.start_stream(admin, input('start_stream', { ...target(streamId), body: { wait_s: waitS } }), calm);

async function failureOf(work: Promise<unknown>): Promise<WeirError> {
  const failure: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(failure instanceof WeirError, 'it fails');
  assert.equal(failure.code, 'unavailable');
  return failure;
}

test('a source that refuses: start and snapshot fail with the error of the stream', async () => {
  await bed.addStream('away', { device: 'rtsp://127.0.0.1:9/live' });
  for (const ask of [() => start('away', 30), () => snapshot('away')]) {
    const failure = await failureOf(ask());
    assert.equal(failure.toProblem().facts?.reason, 'source_unreachable');
    assert.match(failure.message, /away has no picture: .*listens/);
  }
});

test('a source that hangs: a snapshot does not wait where it is known to, and start waits no longer than it was told to', async () => {
  const silent = createServer((socket) => socket.on('error', () => undefined).resume());
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  await bed.addStream('hung', { device: `rtsp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/live` });
  const late = await failureOf(start('hung', 1));
  assert.equal(late.toProblem().facts?.reason, 'no_picture');
  bed.faults.set('hung', 'It does not answer');
  const known = await failureOf(snapshot('hung'));
  assert.deepEqual([known.toProblem().facts?.reason, known.toProblem().facts?.detail], ['source_faulty', 'It does not answer']);
  silent.close();
});

test('a source that is known to be faulty and is not: the picture is taken all the same; start answers when it is shown', async () => {
  await bed.addStream('well');
  const { stream } = await start('well', 20);
  assert.equal(stream.status?.state, 'running');
  bed.faults.set('well', 'It does not answer');
  assert.equal((await snapshot('well')).width, 320);
});
