/** Brings the metrics up to date before each reading. */
import type { BusServer } from '../broker/index.js';
import type { Stream, SystemHealth } from '../contracts/index.js';
import { streamStates } from '../contracts/index.js';
import type { HttpServer } from '../http/index.js';
import { createMetrics, type Metrics } from '../telemetry/index.js';
import type { ConnectedBus } from './connect-bus.js';

export interface HubMetricsSources {
  readonly broker: BusServer;
  readonly connected: ConnectedBus;
  readonly streams: () => Stream[];
  readonly health: () => SystemHealth;
  readonly http: () => HttpServer | undefined;
  readonly version: string;
}

/** Metrics of the hub; the parts are looked at when somebody reads, so that nothing is paid when nobody does. */
export function createHubMetrics(sources: HubMetricsSources): Metrics {
  const metrics = createMetrics();
  const known = new Set<string>();
  let reconnects = 0;
  sources.connected.bus.onReconnect(() => {
    reconnects++;
  });
  metrics.set('weir_build_info', 1, { version: sources.version, node: process.version });
  metrics.onCollect(() => collectStreams(metrics, sources.streams(), known));
  metrics.onCollect(() => {
    for (const { name, status } of sources.health().components)
      metrics.set('weir_health', { healthy: 1, degraded: 0.5, unhealthy: 0 }[status], { component: name });
  });
  metrics.onCollect(() => {
    const { connection } = sources.connected;
    const stats = connection.stats();
    metrics.set('weir_bus_connected', sources.health().components.some((part) => part.name === 'bus' && part.status === 'healthy') ? 1 : 0);
    metrics.setTotal('weir_bus_reconnects_total', reconnects);
    metrics.setTotal('weir_bus_messages_total', stats.inMsgs, { direction: 'in' });
    metrics.setTotal('weir_bus_messages_total', stats.outMsgs, { direction: 'out' });
    metrics.setTotal('weir_bus_bytes_total', stats.inBytes, { direction: 'in' });
    metrics.setTotal('weir_bus_bytes_total', stats.outBytes, { direction: 'out' });
    metrics.set('weir_http_sockets', sources.http()?.bus?.counters().open ?? 0, { kind: 'bus' });
  });
  if (sources.broker.kind === 'supervised') metrics.onCollect(() => collectBroker(metrics, sources.broker));
  return metrics;
}

async function collectBroker(metrics: Metrics, broker: BusServer): Promise<void> {
  metrics.set('weir_broker_up', broker.state.kind === 'ready' || broker.state.kind === 'degraded' ? 1 : 0);
  metrics.setTotal('weir_broker_restarts_total', broker.restarts);
  const figures = await broker.figures();
  metrics.set('gnatsd_varz_connections', figures.connections);
  metrics.set('gnatsd_varz_in_msgs', figures.in_msgs);
  metrics.set('gnatsd_varz_out_msgs', figures.out_msgs);
  metrics.set('gnatsd_varz_in_bytes', figures.in_bytes);
  metrics.set('gnatsd_varz_out_bytes', figures.out_bytes);
  metrics.set('gnatsd_varz_slow_consumers', figures.slow_consumers);
  metrics.set('gnatsd_varz_mem', figures.mem);
  metrics.set('gnatsd_varz_cpu', figures.cpu);
}

function collectStreams(metrics: Metrics, streams: readonly Stream[], known: Set<string>): void {
  const present = new Set(streams.map((stream) => stream.stream_id));
  for (const streamId of known) if (!present.has(streamId)) metrics.removeStream(streamId);
  known.clear();
  for (const state of streamStates)
    metrics.set('weir_streams', streams.filter((stream) => (stream.status?.state ?? 'stopped') === state).length, { state });
  for (const stream of streams) {
    const labels = { stream_id: stream.stream_id };
    known.add(stream.stream_id);
    metrics.set('weir_stream_up', stream.status?.state === 'running' && stream.status.no_signal !== true ? 1 : 0, labels);
    metrics.set('weir_stream_viewers', stream.viewers, labels);
    metrics.setTotal('weir_stream_restarts_total', stream.status?.restarts ?? 0, labels);
    if (stream.progress === null) continue;
    metrics.set('weir_stream_fps', stream.progress.fps, labels);
    metrics.set('weir_stream_bitrate_kbps', stream.progress.bitrate_kbps, labels);
    metrics.set('weir_stream_speed', stream.progress.speed, labels);
    metrics.setTotal('weir_stream_frames_total', stream.progress.frame, labels);
    metrics.setTotal('weir_stream_dropped_frames_total', stream.progress.dropped_frames, labels);
    metrics.setTotal('weir_stream_media_bytes_total', stream.progress.total_size_bytes, labels);
  }
}
