/** Progress and metrics of a stream from what its run and its outlet counted. Pure but for reading the process's cost. */
import type { StreamMetrics, StreamProgress } from '../../contracts/stream.js';
import type { SourceRun } from './source-run.js';

/** Rates are those of the last second; FFmpeg's own are averages since its start and lag behind. */
export function progressOf(streamId: string, run: SourceRun | undefined, nowMs: number): StreamProgress {
  const rates = run?.rates.rates(nowMs) ?? { fps: 0, bitrateKbps: 0 };
  const report = run?.progress;
  return {
    stream_id: streamId,
    frame: Math.max(report?.frame ?? 0, run?.rates.totalFrames ?? 0),
    fps: rates.fps,
    bitrate_kbps: rates.bitrateKbps,
    total_size_bytes: Math.max(report?.totalSizeBytes ?? 0, run?.rates.totalBytes ?? 0),
    dropped_frames: report?.droppedFrames ?? 0,
    speed: report?.speed ?? 0,
    timestamp: new Date().toISOString(),
  };
}

export interface Measured {
  readonly run: SourceRun | undefined;
  readonly outlet: { readonly queue_bytes: number; readonly dropped: number };
  readonly restarts: number;
}

/** What is not known now is left out. */
export function metricsOf(streamId: string, { run, outlet, restarts }: Measured, nowMs: number): StreamMetrics {
  const metrics: StreamMetrics = {
    stream_id: streamId,
    queue_bytes: outlet.queue_bytes,
    dropped_fragments: outlet.dropped,
    restarts,
    timestamp: new Date().toISOString(),
  };
  if (run === undefined) return metrics;
  const { fps, bitrateKbps } = run.rates.rates(nowMs);
  metrics.fps = fps;
  metrics.bitrate_kbps = bitrateKbps;
  metrics.dropped_frames = run.progress?.droppedFrames ?? 0;
  const cost = run.sample();
  if (cost !== undefined) {
    metrics.cpu_percent = cost.cpuPercent;
    metrics.rss_bytes = cost.rssBytes;
  }
  const keyframeAgeMs = run.keyframeAgeMs(nowMs);
  if (keyframeAgeMs !== undefined) metrics.keyframe_age_ms = Math.round(keyframeAgeMs);
  return metrics;
}
