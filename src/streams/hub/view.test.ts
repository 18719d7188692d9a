import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamStatus } from '../../contracts/index.js';
import type { StreamRecord } from '../../store/index.js';
import { composeStream, type Standing, shownStatus } from './view.js';

const timestamp = '2026-01-01T00:00:00.000Z';

const record: StreamRecord = {
  stream_id: 'cam',
  name: 'Cam',
  config: { device: 'test:' },
  desired: 'running',
  on_demand: false,
  managed: true,
  spoke: null,
  revision: 1,
  created_at: timestamp,
  updated_at: timestamp,
};

function standing(state: StreamStatus['state'] | undefined, change: Partial<Standing> = {}): Standing {
  const status: StreamStatus | undefined = state === undefined ? undefined : { stream_id: 'cam', state, timestamp };
  const progress = { stream_id: 'cam', frame: 1, fps: 1, bitrate_kbps: 1, total_size_bytes: 1, dropped_frames: 0, speed: 1, timestamp };
  return {
    observed: status === undefined ? undefined : { status, progress, metrics: undefined, lastSeenAt: 0 },
    viewers: 0,
    isIdle: false,
    spokeId: 's1',
    lostSinceMs: undefined,
    isHomeless: false,
    refusal: undefined,
    nowMs: 0,
    ...change,
  };
}

const foreign = { ...record, managed: false };
const refusal = { type: 'x', title: 'x', status: 403, code: 'permission_denied', detail: 'no' } as const;
const rows: [string, StreamRecord, Standing, string | undefined][] = [
  ['what the spoke reports', record, standing('running'), 'running -'],
  ['nothing before the first report', record, standing(undefined), undefined],
  ['stopped when it shall be and nobody reports', { ...record, desired: 'stopped' }, standing(undefined), 'stopped requested'],
  ['a lost spoke overrules its last word', record, standing('running', { lostSinceMs: 1 }), 'error spoke_lost'],
  ['a lost spoke does not matter for what was stopped', { ...record, desired: 'stopped' }, standing('stopped', { lostSinceMs: 1 }), 'stopped -'],
  ['no spoke at all', record, standing(undefined, { isHomeless: true, spokeId: undefined }), 'error no_spoke'],
  ['on demand, nobody watches', { ...record, on_demand: true }, standing('stopped', { isIdle: true }), 'stopped waiting_for_viewer'],
  ['on demand, nobody watches, still lingering', { ...record, on_demand: true }, standing('running', { isIdle: true }), 'running -'],
  ['refused by its spoke', record, standing('stopped', { refusal }), 'error forbidden_source'],
  ['foreign, heard', foreign, standing('running'), 'running -'],
  ['foreign, silent', foreign, standing('running', { lostSinceMs: 1 }), 'error spoke_lost'],
];
for (const [name, definition, input, expected] of rows) {
  test(`shown status: ${name}`, () => {
    const status = shownStatus(definition, input);
    assert.equal(status === null ? undefined : `${status.state} ${status.reason ?? '-'}`, expected);
  });
}

test('shown stream: progress belongs to a running stream only', () => {
  assert.equal(composeStream(record, standing('running')).progress?.frame, 1);
  assert.equal(composeStream(record, standing('running', { lostSinceMs: 1 })).progress, null);
  assert.equal(composeStream(record, standing('stopped')).progress, null);
});
