/**
 * Variables of an older camera service (`CAMERA_SERVICE_` and the path of its setting) that mean the same as a key of ours. They count
 * less than any name of our own. Its other variables have no counterpart; they are told, and change nothing.
 */

/** A variable of the older service. */
export interface OlderName {
  readonly path: string;
  /** From its way of writing to ours; default: as it is. */
  readonly convert?: (text: string) => string;
}

export const olderPrefix = 'CAMERA_SERVICE_';

const durationUnits: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** `90`, `1m30s`, `1.5h` to seconds; what is not a duration stays and is refused by the schema. */
export function toSeconds(text: string): string {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return text;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) total += Number(amount) * (durationUnits[unit ?? ''] ?? 0);
  return String(total);
}

/** `600k`, `2M`, or bits per second without a unit, to kbit/s. */
function toKbps(text: string): string {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([kKmM]?)$/.exec(text) ?? [];
  if (amount === undefined) return text;
  return String(Math.round(Number(amount) * (unit === '' ? 0.001 : /m/i.test(unit ?? '') ? 1000 : 1)));
}

function toLevel(text: string): string {
  const level = text.toLowerCase();
  return { trace: 'debug', warn: 'warning', fatal: 'error', panic: 'error' }[level] ?? level;
}

/** `[a b]`, `["a","b"]` or `a b` to `a,b`. */
function toList(text: string): string {
  return text
    .replaceAll(/[[\]"']/g, ' ')
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .join(',');
}

const seconds = { convert: toSeconds };
const list = { convert: toList };

const table: Readonly<Record<string, OlderName>> = {
  SERVER_HOST: { path: 'http.host' },
  SERVER_PORT: { path: 'rpc.port' },
  SERVER_MAX_CONNECTIONS: { path: 'rpc.max_connections' },
  SERVER_MAX_MESSAGE_SIZE: { path: 'rpc.max_message_bytes' },
  SERVER_PING_INTERVAL: { path: 'rpc.ping_interval_s', ...seconds },
  SERVER_PONG_WAIT: { path: 'rpc.pong_wait_s', ...seconds },
  MEDIAMTX_HOST: { path: 'gateway.host' },
  MEDIAMTX_API_PORT: { path: 'gateway.api_port' },
  MEDIAMTX_RTSP_PORT: { path: 'gateway.rtsp_port' },
  MEDIAMTX_WEBRTC_PORT: { path: 'gateway.webrtc_port' },
  MEDIAMTX_HLS_PORT: { path: 'gateway.hls_port' },
  MEDIAMTX_TIMEOUT: { path: 'gateway.request_timeout_s', ...seconds },
  MEDIAMTX_HEALTH_CHECK_INTERVAL: { path: 'gateway.health_interval_s', ...seconds },
  MEDIAMTX_HEALTH_FAILURE_THRESHOLD: { path: 'gateway.breaker_failures' },
  MEDIAMTX_HEALTH_CIRCUIT_BREAKER_TIMEOUT: { path: 'gateway.breaker_open_s', ...seconds },
  MEDIAMTX_CIRCUIT_BREAKER_FAILURE_THRESHOLD: { path: 'gateway.breaker_failures' },
  MEDIAMTX_CIRCUIT_BREAKER_RECOVERY_TIMEOUT: { path: 'gateway.breaker_open_s', ...seconds },
  MEDIAMTX_RUN_ON_DEMAND_START_TIMEOUT: { path: 'gateway.start_timeout_s', ...seconds },
  MEDIAMTX_RUN_ON_DEMAND_CLOSE_AFTER: { path: 'gateway.close_after_s', ...seconds },
  MEDIAMTX_CODEC_VIDEO_PROFILE: { path: 'gateway.video_profile' },
  MEDIAMTX_CODEC_VIDEO_LEVEL: { path: 'gateway.video_level' },
  MEDIAMTX_CODEC_PIXEL_FORMAT: { path: 'gateway.pixel_format' },
  MEDIAMTX_CODEC_BITRATE: { path: 'gateway.bitrate_kbps', convert: toKbps },
  MEDIAMTX_CODEC_PRESET: { path: 'gateway.preset' },
  MEDIAMTX_SNAPSHOTS_PATH: { path: 'snapshots.folder' },
  STORAGE_DEFAULT_PATH: { path: 'recordings.folder' },
  MEDIAMTX_RECORDINGS_PATH: { path: 'recordings.folder' },
  CAMERA_AUTO_START_STREAMS: { path: 'cameras.auto_start_streams' },
  CAMERA_FALLBACK_POLL_INTERVAL: { path: 'cameras.reconcile_s', ...seconds },
  CAMERA_CAPABILITY_TIMEOUT: { path: 'cameras.probe_timeout_s', ...seconds },
  MEDIAMTX_RECORD_SEGMENT_DURATION: { path: 'recordings.segment_s', ...seconds },
  RECORDING_SEGMENT_DURATION: { path: 'recordings.segment_s', ...seconds },
  RECORDING_MAX_SEGMENT_SIZE: { path: 'recordings.segment_bytes' },
  RECORDING_FORMAT: { path: 'recordings.format' },
  SNAPSHOTS_QUALITY: { path: 'snapshots.quality' },
  SNAPSHOTS_MAX_COUNT: { path: 'snapshots.max_count' },
  STORAGE_WARN_PERCENT: { path: 'storage.warn_percent' },
  STORAGE_BLOCK_PERCENT: { path: 'storage.block_percent' },
  RECORDING_CLEANUP_INTERVAL: { path: 'storage.cleanup_interval_s', ...seconds },
  RETENTION_POLICY_ENABLED: { path: 'storage.retention.enabled' },
  RETENTION_POLICY_TYPE: { path: 'storage.retention.type' },
  RETENTION_POLICY_MAX_AGE_DAYS: { path: 'storage.retention.max_age_days' },
  RETENTION_POLICY_MAX_SIZE_GB: { path: 'storage.retention.max_size_gb' },
  SECURITY_JWT_SECRET_KEY: { path: 'access.jwt_secret' },
  SECURITY_CORS_ORIGINS: { path: 'http.allowed_origins', ...list },
  HTTP_HEALTH_PORT: { path: 'rpc.health_port' },
  EXTERNAL_DISCOVERY_ENABLED: { path: 'external_discovery.enabled' },
  EXTERNAL_DISCOVERY_SCAN_INTERVAL: { path: 'external_discovery.scan_interval', ...seconds },
  EXTERNAL_DISCOVERY_SCAN_TIMEOUT: { path: 'external_discovery.scan_timeout_s', ...seconds },
  EXTERNAL_DISCOVERY_MAX_CONCURRENT_SCANS: { path: 'external_discovery.max_concurrent' },
  EXTERNAL_DISCOVERY_ENABLE_STARTUP_SCAN: { path: 'external_discovery.startup_scan' },
  EXTERNAL_DISCOVERY_SKYDIO_NETWORK_RANGES: { path: 'external_discovery.skydio_ranges', ...list },
  EXTERNAL_DISCOVERY_SKYDIO_EO_PORT: { path: 'external_discovery.skydio_eo_port' },
  EXTERNAL_DISCOVERY_SKYDIO_IR_PORT: { path: 'external_discovery.skydio_ir_port' },
  EXTERNAL_DISCOVERY_SKYDIO_KNOWN_IPS: { path: 'external_discovery.skydio_known_hosts', ...list },
  EXTERNAL_DISCOVERY_GENERIC_UAV_NETWORK_RANGES: { path: 'external_discovery.generic_ranges', ...list },
  EXTERNAL_DISCOVERY_GENERIC_UAV_COMMON_PORTS: { path: 'external_discovery.generic_ports', ...list },
  EXTERNAL_DISCOVERY_GENERIC_UAV_STREAM_PATHS: { path: 'external_discovery.generic_paths', ...list },
  EXTERNAL_DISCOVERY_GENERIC_UAV_KNOWN_IPS: { path: 'external_discovery.generic_known_hosts', ...list },
  LOGGING_LEVEL: { path: 'log.level', convert: toLevel },
  LOGGING_FORMAT: { path: 'log.format' },
};

/** By the whole name of the variable. Where two mean one key, the later row wins. */
export const olderNames: Readonly<Record<string, OlderName>> = Object.fromEntries(
  Object.entries(table).map(([name, row]) => [`${olderPrefix}${name}`, row]),
);

/** Why a variable of the older service that is not in the table changes nothing; undefined when nothing needs to be said. */
export function adviceOnOlderName(name: string, value: string): string | undefined {
  if (!name.startsWith(olderPrefix) || olderNames[name] !== undefined) return undefined;
  if (name !== `${olderPrefix}ENABLE_HOT_RELOAD`) return `${name} in the environment has no counterpart here and changes nothing`;
  return value === 'true' ? undefined : `${name} changes nothing: the file is always followed`;
}
