import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bus } from '../../bus/index.js';
import type { JobOrder, JobProgress } from '../../contracts/index.js';
import type { ProgressReport, VideoPlan } from '../../media/index.js';
import { defaultTiming } from './needs.js';
import { JobProgressTeller } from './progress.js';
import { TailMemory } from './work-estimate.js';

const order = { job_id: 'j', video_id: 'v', revision: 1 } as unknown as JobOrder;

function teller(tails: TailMemory) {
  const told: JobProgress[] = [];
  const bus = { publish: (_kind: string, _place: object, message: JobProgress) => told.push(message) } as unknown as Bus;
  return { told, progress: new JobProgressTeller({ bus, workerId: 'w', tails, timing: defaultTiming }, order) };
}

test('the end is promised after the encode as well, by what earlier jobs of the worker took for it', () => {
  const tails = new TailMemory();
  tails.saw('encoded', 0, 8);
  const { told, progress } = teller(tails);
  try {
    for (const phase of ['probing', 'planning', 'encoding', 'packaging', 'checking', 'publishing'] as const) progress.phase(phase);
    const promised = (phase: JobProgress['phase']) => told.find((one) => one.phase === phase)?.eta_s;
    for (const phase of ['probing', 'planning', 'encoding'] as const) assert.equal(promised(phase), null, phase);
    // All within a moment: of the eight seconds hardly any has gone.
    for (const phase of ['packaging', 'checking', 'publishing'] as const) {
      const leftS = promised(phase) ?? Number.NaN;
      assert.ok(leftS > 0 && leftS <= 8.1, `${phase}: ${leftS} s`);
    }
    progress.finished();
    assert.ok(tails.expectedS('encoded', 0) < 8, 'this job was faster');
  } finally {
    progress.stop();
  }
});

test('an encode that begins again is no longer at its end', () => {
  const { told, progress } = teller(new TailMemory());
  try {
    const plan = { renditions: [], durationS: 10, picture: { frames: 100 } } as unknown as VideoPlan;
    progress.planned(plan, null);
    progress.phase('encoding');
    progress.encoded({ frame: 100, fps: 25, outTimeUs: 10_000_000 } as unknown as ProgressReport);
    assert.equal(progress.now().percent, 93);
    progress.phase('checking');
    progress.planned(plan, null);
    progress.phase('encoding');
    assert.deepEqual(
      told.slice(-2).map(({ eta_s, percent }) => [eta_s === null, percent]),
      [
        [false, 97],
        [true, 2],
      ],
    );
  } finally {
    progress.stop();
  }
});
