/**
 * What a change of each key needs. `at_once`: a running hub can follow; it does where somebody listens (`Settings.onChange`).
 * `restart`: it is written now and holds from the next start on.
 */
import type { Setting } from '../../contracts/index.js';

type Applies = Setting['applies'];

/** Each has its listener in `followSettings`. */
export const atOnce = {
  streams: ['linger_s'],
  cameras: ['auto_start_streams', 'max'],
  external_discovery: [
    'enabled',
    'scan_interval',
    'scan_timeout_s',
    'max_concurrent',
    'startup_scan',
    'skydio_ranges',
    'skydio_eo_port',
    'skydio_ir_port',
    'skydio_known_hosts',
    'generic_ranges',
    'generic_ports',
    'generic_paths',
    'generic_known_hosts',
  ],
  recordings: ['format', 'segment_s', 'segment_bytes', 'pre_roll_s', 'gap_alert_s', 'max_export_s', 'export_keep_s'],
  snapshots: ['quality', 'max_count'],
  storage: [
    'warn_percent',
    'block_percent',
    'min_free_bytes',
    'check_s',
    'cleanup_interval_s',
    'retention.enabled',
    'retention.type',
    'retention.max_age_days',
    'retention.max_size_gb',
  ],
  vod: [
    'max_attempts',
    'retry_s',
    'lease_s',
    'chunk_min_s',
    'max_upload_bytes',
    'upload_expire_s',
    'user_quota_bytes',
    'min_free_bytes',
    'fetch_hosts',
    'max_duration_s',
    'max_pixels',
    'max_streams',
    'max_output_bytes',
    'max_wall_s',
    'max_memory_bytes',
    'stall_s',
    'trash_keep_s',
    'replaced_keep_s',
    'link_expires_s',
    'callback_attempts',
    'keep_jobs_days',
  ],
  gateway: [
    'host',
    'command',
    'video_profile',
    'video_level',
    'pixel_format',
    'bitrate_kbps',
    'preset',
    'start_timeout_s',
    'close_after_s',
    'request_timeout_s',
    'health_interval_s',
    'breaker_failures',
    'breaker_open_s',
  ],
  rpc: ['max_connections', 'max_message_bytes', 'ping_interval_s', 'pong_wait_s', 'max_queue_bytes', 'rate_limit_per_minute', 'method_limits'],
  access: ['session_hours'],
  log: ['level'],
};

/** Sockets, files and programs that are opened once, and what a process of its own was started with. */
const atRestart = {
  http: ['host', 'port', 'public_url', 'allowed_origins', 'trust_proxy', 'tls.cert_file', 'tls.key_file', 'tls.ca_file'],
  nats: [
    'url',
    'user',
    'password',
    'token',
    'nkey_seed_file',
    'credentials_file',
    'tls.enabled',
    'tls.cert_file',
    'tls.key_file',
    'tls.ca_file',
    'binary',
    'host',
    'port',
    'websocket_port',
    'monitor_port',
    'max_payload_bytes',
    'root',
  ],
  database: ['url'],
  streams: ['media_folders', 'source_hosts', 'pre_roll_s', 'pre_roll_bytes', 'media_max_age_s', 'media_max_bytes', 'test_picture', 'local_spoke'],
  ffmpeg: ['ffmpeg', 'ffprobe', 'hardware'],
  cameras: ['discover', 'reconcile_s', 'probe_timeout_s'],
  recordings: ['folder'],
  snapshots: ['folder'],
  gateway: [
    'kind',
    'url',
    'api_user',
    'api_password',
    'binary',
    'open_cameras',
    'bind',
    'api_port',
    'rtsp_port',
    'webrtc_port',
    'hls_port',
    'rtmp_port',
    'srt_port',
  ],
  vod: ['root', 'upload_folder', 'folder', 'source_folders', 'output_folders', 'profile', 'profiles', 'local_worker', 'slots'],
  rpc: ['port', 'health_port'],
  access: ['admin_password', 'jwt_secret', 'bus_credentials_s', 'bus_users'],
  log: ['format'],
};

function rows(sections: Readonly<Record<string, readonly string[]>>, applies: Applies): [string, Applies][] {
  return Object.entries(sections).flatMap(([section, names]) => names.map((name): [string, Applies] => [`${section}.${name}`, applies]));
}

/** Every key of the configuration; a test holds it to the schema. */
export const appliesOf: ReadonlyMap<string, Applies> = new Map([['data_dir', 'restart'], ...rows(atOnce, 'at_once'), ...rows(atRestart, 'restart')]);
