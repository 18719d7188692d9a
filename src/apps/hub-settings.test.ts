import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Config, type Session, WeirError } from '../contracts/index.js';
import { openStore } from '../store/index.js';
import { silentLogger } from '../telemetry/index.js';
import { withTempFolder } from '../testkit/index.js';
import { loadConfig } from './config.js';
import { applyChanges, type ConfigurableParts } from './hub-settings.js';
import { atOnce, startSettings } from './settings/index.js';

const session: Session = { user_id: 'u1', username: 'anna', role: 'admin', streams: null, expires_at: null };

/** Another value for each key that can be changed at once, and who hears of it. */
const rows: { [S in keyof typeof atOnce]: { readonly listener: string; readonly values: Partial<Record<string, unknown>> } } = {
  streams: { listener: 'streams', values: { linger_s: 7 } },
  cameras: { listener: 'cameras', values: { auto_start_streams: false, max: 7 } },
  external_discovery: {
    listener: 'cameras',
    values: {
      ...{ enabled: true, scan_interval: 60, scan_timeout_s: 7, max_concurrent: 7, startup_scan: true, skydio_ranges: ['192.0.2.0/30'] },
      ...{ skydio_eo_port: 7, skydio_ir_port: 8, skydio_known_hosts: ['a'], generic_ranges: ['192.0.2.0/30'], generic_ports: [7] },
      ...{ generic_paths: ['/a'], generic_known_hosts: ['a'] },
    },
  },
  recordings: {
    listener: 'recordings',
    values: { format: 'mp4', segment_s: 7, segment_bytes: 2_000_000, pre_roll_s: 1, gap_alert_s: 7, max_export_s: 7, export_keep_s: 7 },
  },
  snapshots: { listener: 'recordings', values: { quality: 7, max_count: 7 } },
  storage: {
    listener: 'recordings kick',
    values: {
      ...{ warn_percent: 7, block_percent: 97, min_free_bytes: 7, check_s: 7, cleanup_interval_s: 7, 'retention.enabled': false },
      ...{ 'retention.type': 'size', 'retention.max_age_days': 7, 'retention.max_size_gb': 7 },
    },
  },
  vod: {
    listener: 'videos',
    values: {
      ...{ max_attempts: 7, retry_s: 7, lease_s: 7, chunk_min_s: 7, max_upload_bytes: 7, upload_expire_s: 7, user_quota_bytes: 7 },
      ...{ min_free_bytes: 7, fetch_hosts: ['a'], max_duration_s: 7, max_pixels: 7000, max_streams: 7, max_output_bytes: 7, max_wall_s: 7 },
      ...{ max_memory_bytes: 300_000_000, stall_s: 7, trash_keep_s: 7, replaced_keep_s: 700, link_expires_s: 7, callback_attempts: 7 },
      keep_jobs_days: 7,
    },
  },
  gateway: {
    listener: 'gateway',
    values: {
      ...{ host: 'a.example', command: 'ffmpeg {device_path}', video_profile: 'main', video_level: '4.0', pixel_format: 'yuv422p' },
      ...{ bitrate_kbps: 700, preset: 'medium', start_timeout_s: 7, close_after_s: 7, request_timeout_s: 7, health_interval_s: 7 },
      ...{ breaker_failures: 7, breaker_open_s: 7 },
    },
  },
  rpc: {
    listener: 'rpc',
    values: {
      ...{ max_connections: 7, max_message_bytes: 7000, ping_interval_s: 7, pong_wait_s: 9, max_queue_bytes: 70_000 },
      ...{ rate_limit_per_minute: 7, method_limits: false },
    },
  },
  access: { listener: 'access', values: { session_hours: 7 } },
  log: { listener: 'log', values: { level: 'debug' } },
};

test('each key that can be changed at once reaches the part that it is for, alone, and one that a part refuses is taken back', async () => {
  await withTempFolder(async (folder) => {
    await using store = await openStore({ path: join(folder, 'weir.db') });
    const inputs = { environment: {}, flags: {}, folder };
    const loaded = loadConfig(inputs);
    const alerts = { raise: () => undefined, clear: () => undefined };
    await using settings = await startSettings({ inputs, loaded, store, alerts, log: silentLogger, lookMs: 60_000 });
    const heard: string[] = [];
    let given: unknown;
    let refusal: WeirError | undefined;
    const part = (name: string) => (now: unknown) => {
      heard.push(name);
      given = now;
      if (refusal !== undefined && name === 'gateway') throw refusal;
    };
    const parts: ConfigurableParts = {
      log: { setLevel: part('log') },
      access: { configure: part('access') },
      streams: { configure: part('streams'), kick: () => void heard.push('kick') },
      cameras: { configure: part('cameras') },
      recordings: { configure: part('recordings') },
      videos: { configure: part('videos') },
      gateway: { configure: part('gateway') },
      rpc: { configure: part('rpc') },
    };
    applyChanges(settings, parts, loaded.config);
    const change = (changes: Record<string, unknown>) =>
      settings.operations.change_settings(
        session,
        { params: undefined, query: undefined, body: { changes } },
        { signal: new AbortController().signal },
      );
    for (const [section, { listener, values }] of Object.entries(rows)) {
      assert.deepEqual(Object.keys(values).sort(), [...atOnce[section as keyof typeof atOnce]].sort(), `${section}: every key has its row`);
      for (const [name, value] of Object.entries(values)) {
        heard.length = 0;
        const { changes } = await change({ [`${section}.${name}`]: value });
        assert.deepEqual([heard.join(' '), changes[0]?.applies], [listener, 'at_once'], `${section}.${name}`);
      }
    }
    await change({ 'storage.block_percent': 96 });
    assert.deepEqual((given as Pick<Config, 'storage' | 'snapshots'>).storage.block_percent, 96);
    assert.equal((given as Pick<Config, 'snapshots'>).snapshots.quality, 7, 'what was changed before stays');
    refusal = new WeirError('invalid_argument', 'no such command');
    await assert.rejects(change({ 'gateway.command': 'x' }), /no such command/);
    assert.equal(settings.current().gateway.command, 'ffmpeg {device_path}');
  });
});
