import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job, VideoQueue } from '../contracts/index.js';
import { createMetrics } from '../telemetry/index.js';
import { waitFor } from '../testkit/index.js';
import { collectVideoMetrics } from './video-metrics.js';

const job = (state: Job['state'], extra: Partial<Job> = {}): Job => ({
  ...{ job_id: 'j', video_id: 'v', state, profile: 'default', quality: null, priority: 0, owner: 'a', origin: 'bus', attempt: 1, max_attempts: 3 },
  ...{ revision: 1, worker_id: 'w', position: null, progress: null, error: null, cost: null, queued_at: '2026-01-01T00:00:00.000Z' },
  ...{ started_at: '2026-01-01T00:00:02.000Z', ended_at: null, not_before: null },
  ...extra,
});

const error = { code: 'internal', reason: 'encoder_failed', detail: '', permanent: false, stderr: [], command: null };
const cost = { cpu_s: 8, wall_s: 4, read_bytes: 1, written_bytes: 5000, peak_rss_bytes: 1 };

const queue: VideoQueue = {
  ...{ state: 'paused', queued: 3, running: 1, retrying: 2, dead_letters: 4, oldest_wait_s: 12, wait_p50_s: null, run_p50_s: null, speed_p50: null },
  ...{ failures: {}, cpu_s_24h: 0, bytes_24h: 0, workers: [] },
};

test('the queue is looked at when somebody reads; each step of a job is counted once', async () => {
  const metrics = createMetrics({ processMetrics: false });
  let tell: (one: Job) => void = () => undefined;
  const end = collectVideoMetrics(metrics, {
    queue: {
      queue: async () => queue,
      callbackCounters: () => ({ delivered: 5, failed: 6 }),
      onJobChange(listener) {
        tell = listener;
        return () => {
          tell = () => undefined;
        };
      },
    },
    durationOf: async () => 20,
  });
  tell(job('running'));
  tell(job('running', { progress: null }));
  tell(job('retrying', { error }));
  tell(job('retrying', { error }));
  tell(job('running', { attempt: 2 }));
  tell(job('done', { attempt: 2, cost, ended_at: '2026-01-01T00:00:06.000Z' }));
  const text = await waitFor(async () => {
    const all = await metrics.text();
    return all.includes('weir_video_speed_count 1') ? all : undefined;
  });
  for (const line of [
    'weir_video_jobs{state="queued"} 3',
    'weir_video_queue_paused 1',
    'weir_video_queue_oldest_seconds 12',
    'weir_video_dead_letters 4',
    'weir_video_callbacks_total{outcome="failed"} 6',
    'weir_video_failures_total{reason="encoder_failed"} 1',
    'weir_video_jobs_ended_total{state="done"} 1',
    'weir_video_wait_seconds_sum 2',
    'weir_video_run_seconds_sum 4',
    'weir_video_speed_sum 5',
    'weir_video_cpu_seconds_total 8',
    'weir_video_written_bytes_total 5000',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  end();
  tell(job('dead'));
  assert.ok(!(await metrics.text()).includes('state="dead"'));
});
