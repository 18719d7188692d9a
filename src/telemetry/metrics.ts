/** Metrics in Prometheus form. Every name stands in one table, so that code, reference and dashboards cannot drift apart. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

interface MetricRow {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

const perStream = ['stream_id'] as const;
const jobBuckets = [0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400] as const;
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export const metricTable = {
  weir_build_info: { type: 'gauge', help: 'Always 1; the labels tell the build.', labels: ['version', 'node'] },
  weir_health: { type: 'gauge', help: 'Health of a component: 1 healthy, 0.5 degraded, 0 unhealthy.', labels: ['component'] },

  weir_streams: { type: 'gauge', help: 'Defined streams by state.', labels: ['state'] },
  weir_stream_up: { type: 'gauge', help: '1 while the source is playing.', labels: perStream },
  weir_stream_fps: { type: 'gauge', help: 'Frames per second.', labels: perStream },
  weir_stream_bitrate_kbps: { type: 'gauge', help: 'Bit rate in kbit/s.', labels: perStream },
  weir_stream_speed: { type: 'gauge', help: 'Media time per real time.', labels: perStream },
  weir_stream_frames_total: { type: 'counter', help: 'Frames encoded.', labels: perStream },
  weir_stream_dropped_frames_total: { type: 'counter', help: 'Frames dropped.', labels: perStream },
  weir_stream_duplicated_frames_total: { type: 'counter', help: 'Frames duplicated.', labels: perStream },
  weir_stream_restarts_total: { type: 'counter', help: 'Starts of FFmpeg after an end that nobody asked for.', labels: perStream },
  weir_stream_viewers: { type: 'gauge', help: 'Viewers reading now.', labels: perStream },
  weir_stream_cpu_percent: { type: 'gauge', help: 'Of one core, used by FFmpeg.', labels: perStream },
  weir_stream_rss_bytes: { type: 'gauge', help: 'Resident memory of FFmpeg.', labels: perStream },
  weir_stream_media_bytes_total: { type: 'counter', help: 'Media published on the bus.', labels: perStream },
  weir_stream_media_lost_fragments_total: { type: 'counter', help: 'Fragments that left the pre-roll before the bus took them.', labels: perStream },

  weir_cameras: { type: 'gauge', help: 'Known cameras by status.', labels: ['status'] },
  weir_camera_up: { type: 'gauge', help: '1 while the camera is connected.', labels: perStream },

  weir_recordings: { type: 'gauge', help: 'Recordings that are wanted now, by state.', labels: ['state'] },
  weir_recording_active: { type: 'gauge', help: '1 while pictures are written, 0 while a recording waits for them.', labels: perStream },
  weir_recording_elapsed_seconds: { type: 'gauge', help: 'Recorded by the recording under way.', labels: perStream },
  weir_recording_size_bytes: { type: 'gauge', help: 'Written by the recording under way.', labels: perStream },
  weir_recording_dropped_fragments: {
    type: 'gauge',
    help: 'Given up of the stream because the disk was too slow, since its spoke began.',
    labels: perStream,
  },
  weir_recording_segments: { type: 'gauge', help: 'Files finished by the recording under way.', labels: perStream },

  weir_storage_total_bytes: { type: 'gauge', help: 'Size of the disk that recordings are kept on.', labels: [] },
  weir_storage_available_bytes: { type: 'gauge', help: 'Free room on that disk.', labels: [] },
  weir_storage_kept_bytes: { type: 'gauge', help: 'Kept, by kind: recordings, snapshots, exports.', labels: ['kind'] },
  weir_storage_state: { type: 'gauge', help: '1 for the state that holds: ok, warning, blocked.', labels: ['state'] },
  weir_storage_full_in_days: {
    type: 'gauge',
    help: 'Days until the oldest recordings go, or nothing new is recorded at the rate of the last week; absent: never.',
    labels: [],
  },
  weir_storage_stream_bytes: { type: 'gauge', help: 'Recordings kept of the stream.', labels: perStream },

  weir_video_jobs: { type: 'gauge', help: 'Jobs on videos by state: queued, retrying, running.', labels: ['state'] },
  weir_video_queue_paused: { type: 'gauge', help: '1 while no job is started.', labels: [] },
  weir_video_queue_oldest_seconds: { type: 'gauge', help: 'Age of the oldest job that could start; absent: none waits.', labels: [] },
  weir_video_workers: { type: 'gauge', help: 'Workers on videos by state.', labels: ['state'] },
  weir_video_dead_letters: { type: 'gauge', help: 'Requests given up and not replayed.', labels: [] },
  weir_video_callbacks_total: { type: 'counter', help: 'Attempts to deliver callbacks, by outcome: delivered, failed.', labels: ['outcome'] },
  weir_video_jobs_ended_total: { type: 'counter', help: 'Jobs that ended, by state: done, dead, cancelled.', labels: ['state'] },
  weir_video_failures_total: { type: 'counter', help: 'Attempts that failed, by reason.', labels: ['reason'] },
  weir_video_wait_seconds: { type: 'histogram', help: 'From queued to started, first attempts.', labels: [], buckets: jobBuckets },
  weir_video_run_seconds: {
    type: 'histogram',
    help: 'From the start of the last attempt to its end, of jobs that are done.',
    labels: [],
    buckets: jobBuckets,
  },
  weir_video_speed: {
    type: 'histogram',
    help: 'Seconds of video per second of work, of jobs that are done.',
    labels: [],
    buckets: [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32],
  },
  weir_video_cpu_seconds_total: { type: 'counter', help: 'CPU time of FFmpeg, of jobs that ended.', labels: [] },
  weir_video_written_bytes_total: { type: 'counter', help: 'Bytes that jobs wrote.', labels: [] },
  weir_video_cpu_seconds: { type: 'histogram', help: 'CPU time of FFmpeg per video.', labels: [], buckets: jobBuckets },
  weir_video_written_bytes: {
    type: 'histogram',
    help: 'Bytes written per video.',
    labels: [],
    buckets: [1e6, 1e7, 1e8, 1e9, 1e10, 1e11],
  },

  weir_rpc_sockets: { type: 'gauge', help: 'Open JSON-RPC sockets by state: anonymous, authenticated.', labels: ['state'] },
  weir_rpc_connections_total: { type: 'counter', help: 'JSON-RPC sockets that were let in.', labels: [] },
  weir_rpc_refused_total: { type: 'counter', help: 'JSON-RPC sockets that were not let in.', labels: ['reason'] },
  weir_rpc_cut_total: { type: 'counter', help: 'JSON-RPC sockets that were ended by the hub.', labels: ['reason'] },
  weir_rpc_requests_total: { type: 'counter', help: 'JSON-RPC calls; the outcome is ok, or the number of the error.', labels: ['method', 'outcome'] },
  weir_rpc_request_duration_seconds: { type: 'histogram', help: 'Time to answer a JSON-RPC call.', labels: ['method'], buckets: requestBuckets },
  weir_rpc_notifications_total: { type: 'counter', help: 'Notifications sent to JSON-RPC clients.', labels: [] },

  weir_gateway_state: { type: 'gauge', help: '1 for the state that holds.', labels: ['kind', 'state'] },
  weir_gateway_paths: { type: 'gauge', help: 'Paths of the gateway by readiness.', labels: ['ready'] },
  weir_gateway_readers: { type: 'gauge', help: 'Readers at the gateway.', labels: perStream },
  weir_gateway_received_bytes_total: { type: 'counter', help: 'Taken in by the gateway.', labels: perStream },
  weir_gateway_sent_bytes_total: { type: 'counter', help: 'Sent to readers by the gateway.', labels: perStream },

  weir_spokes: { type: 'gauge', help: 'Known spokes by state.', labels: ['state'] },
  weir_alerts_open: { type: 'gauge', help: 'Alerts that are not cleared.', labels: ['severity'] },

  weir_broker_up: { type: 'gauge', help: '1 while the supervised broker is ready.', labels: [] },
  weir_broker_restarts_total: { type: 'counter', help: 'Starts of the broker after an end that nobody asked for.', labels: [] },
  weir_bus_connected: { type: 'gauge', help: '1 while this process is connected to the bus.', labels: [] },
  weir_bus_reconnects_total: { type: 'counter', help: 'Connections made again after a loss.', labels: [] },
  weir_bus_messages_total: { type: 'counter', help: 'Messages by direction: in, out.', labels: ['direction'] },
  weir_bus_bytes_total: { type: 'counter', help: 'Bytes by direction: in, out.', labels: ['direction'] },
  weir_bus_rejected_messages_total: { type: 'counter', help: 'Messages that did not fit their schema.', labels: ['channel'] },
  weir_bus_dropped_messages_total: { type: 'counter', help: 'Messages that a full queue gave up.', labels: ['queue'] },

  weir_http_requests_total: { type: 'counter', help: 'HTTP requests.', labels: ['method', 'route', 'status'] },
  weir_http_request_duration_seconds: { type: 'histogram', help: 'Time to answer.', labels: ['method', 'route'], buckets: requestBuckets },
  weir_http_sockets: { type: 'gauge', help: 'Open WebSockets by kind.', labels: ['kind'] },
  weir_logins_total: { type: 'counter', help: 'Logins by outcome.', labels: ['outcome'] },

  gnatsd_varz_connections: { type: 'gauge', help: 'Connections of the broker.', labels: [] },
  gnatsd_varz_in_msgs: { type: 'gauge', help: 'Messages the broker took.', labels: [] },
  gnatsd_varz_out_msgs: { type: 'gauge', help: 'Messages the broker delivered.', labels: [] },
  gnatsd_varz_in_bytes: { type: 'gauge', help: 'Bytes the broker took.', labels: [] },
  gnatsd_varz_out_bytes: { type: 'gauge', help: 'Bytes the broker delivered.', labels: [] },
  gnatsd_varz_slow_consumers: { type: 'gauge', help: 'Connections the broker cut because they read too slowly.', labels: [] },
  gnatsd_varz_mem: { type: 'gauge', help: 'Resident memory of the broker.', labels: [] },
  gnatsd_varz_cpu: { type: 'gauge', help: 'CPU percent of the broker.', labels: [] },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof metricTable;
type NamesOfType<T extends MetricRow['type']> = { [N in MetricName]: (typeof metricTable)[N]['type'] extends T ? N : never }[MetricName];
export type MetricLabels<N extends MetricName> = { [L in (typeof metricTable)[N]['labels'][number]]: string };
/** The labels may be left out only where there are none. */
type LabelArgs<N extends MetricName> = (typeof metricTable)[N]['labels'] extends readonly [] ? [] : [labels: MetricLabels<N>];

export interface Metrics {
  set<N extends NamesOfType<'gauge'>>(name: N, value: number, ...labels: LabelArgs<N>): void;
  /** Adds to a counter; amounts below zero are ignored, since a counter never goes back. */
  add<N extends NamesOfType<'counter'>>(name: N, amount: number, ...labels: LabelArgs<N>): void;
  /** Brings a counter to a total that is counted elsewhere; a lower total starts it anew. */
  setTotal<N extends NamesOfType<'counter'>>(name: N, total: number, ...labels: LabelArgs<N>): void;
  observe<N extends NamesOfType<'histogram'>>(name: N, value: number, ...labels: LabelArgs<N>): void;
  /** Forgets one series: what it spoke of is gone, or not known now. */
  remove<N extends NamesOfType<'gauge' | 'counter'>>(name: N, ...labels: LabelArgs<N>): void;
  /** Forgets all series of a stream that is gone, so that their number stays bounded. */
  removeStream(streamId: string): void;
  /** Called before each reading, to bring gauges up to date; a failure there is ignored. Returns the way to end that. */
  onCollect(collect: () => void | Promise<void>): () => void;
  /** The exposition text. With `streams`: without what speaks of any other stream, as for a reader bound to these. */
  text(options?: { streams?: readonly string[] }): Promise<string>;
  readonly contentType: string;
}

/** A registry with all metrics of {@link metricTable}. `processMetrics` adds those of Node (`process_*`, `nodejs_*`); default true. */
export function createMetrics(options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  const gauges = new Map<string, Gauge>();
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  for (const [name, row] of Object.entries<MetricRow>(metricTable)) {
    const common = { name, help: row.help, labelNames: [...row.labels], registers: [registry] };
    if (row.type === 'gauge') gauges.set(name, new Gauge(common));
    else if (row.type === 'counter') counters.set(name, new Counter(common));
    else histograms.set(name, new Histogram({ ...common, buckets: [...(row.buckets ?? [])] }));
  }
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry });
  const collectors = new Set<() => void | Promise<void>>();
  const totals = new Map<string, number>();

  return {
    set: (name, value, ...labels) => gauges.get(name)?.set(labels[0] ?? {}, value),
    add(name, amount, ...labels) {
      if (amount > 0) counters.get(name)?.inc(labels[0] ?? {}, amount);
    },
    setTotal(name, total, ...labels) {
      const key = `${name} ${JSON.stringify(labels[0] ?? {})}`;
      const before = totals.get(key) ?? 0;
      totals.set(key, total);
      const counter = counters.get(name);
      if (total < before) counter?.remove(labels[0] ?? {});
      counter?.inc(labels[0] ?? {}, total < before ? total : total - before);
    },
    observe: (name, value, ...labels) => histograms.get(name)?.observe(labels[0] ?? {}, value),
    remove(name, ...labels) {
      totals.delete(`${name} ${JSON.stringify(labels[0] ?? {})}`);
      (gauges.get(name) ?? counters.get(name))?.remove(labels[0] ?? {});
    },
    removeStream(streamId) {
      for (const [name, row] of Object.entries<MetricRow>(metricTable)) {
        if (row.labels === perStream) (gauges.get(name) ?? counters.get(name))?.remove({ stream_id: streamId });
      }
      for (const key of totals.keys()) if (key.endsWith(` ${JSON.stringify({ stream_id: streamId })}`)) totals.delete(key);
    },
    onCollect(collect) {
      collectors.add(collect);
      return () => collectors.delete(collect);
    },
    async text({ streams } = {}) {
      await Promise.allSettled([...collectors].map(async (collect) => collect()));
      const all = await registry.metrics();
      return streams === undefined ? all : onlyOf(all, new Set(streams));
    },
    contentType: registry.contentType,
  };
}

/** Leaves out the lines of other streams, and the counts over all streams. */
function onlyOf(text: string, streams: ReadonlySet<string>): string {
  return text
    .split('\n')
    .filter((line) => {
      if (/^weir_(?:streams|cameras|recordings|gateway_paths)\{/.test(line)) return false;
      const [, streamId] = /^[a-z_]+\{(?:[^}]*,)?stream_id="([^"]*)"/.exec(line) ?? [];
      return streamId === undefined || streams.has(streamId);
    })
    .join('\n');
}
