/** A camera as it is shown. */
import type { Camera, Stream, StreamConfig, StreamUrls } from '../../contracts/index.js';
import { parseSource } from '../../media/index.js';
import { showAddress } from './address.js';
import type { CameraEntry } from './camera-book.js';
import { defaultPicture } from './default-size.js';
import type { CameraParts } from './parts.js';

/** Where nothing is known of its picture yet. */
const unknownSize = '0x0';

/** As an admin sees it; `host` makes its links. */
export function showCamera(parts: CameraParts, entry: CameraEntry, host?: string): Camera {
  const { record } = entry;
  const stored = parts.streams.stored(record.camera_id);
  const stream = parts.streams.shown(record.camera_id);
  const isRunning = stream?.status?.state === 'running' && stream.status.no_signal !== true;
  return {
    camera_id: record.camera_id,
    name: record.name,
    kind: record.kind,
    status: entry.status,
    error: entry.error,
    ...pictureOf(entry, stored?.config, isRunning ? stream : undefined),
    source: sourceOf(entry, stored?.config),
    device_id: record.device_id,
    spoke_id: record.kind === 'v4l2' ? record.spoke_id : (stream?.status?.spoke_id ?? stored?.spoke ?? null),
    streaming: isRunning,
    recording: parts.recordingOf?.(record.camera_id) ?? false,
    streams: stored === undefined ? {} : playableUrls(parts.urlsOf?.(record.camera_id, host) ?? {}, record, stored.config),
    capabilities: record.capabilities,
    created_at: record.created_at,
    connected_at: record.connected_at,
    last_seen_at: entry.seenAtMs === 0 ? record.last_seen_at : new Date(entry.seenAtMs).toISOString(),
  };
}

/** Where a device is and what an address is, is for those who run cameras. */
export function forViewer(camera: Camera): Camera {
  return { ...camera, source: null };
}

/** WebRTC cannot carry pictures that refer to later ones: its players would show nothing, or stutter. */
function playableUrls(urls: StreamUrls, { kind, capabilities }: CameraEntry['record'], { device = '', codec }: StreamConfig): StreamUrls {
  // What is pulled over RTSP is handed on as it is; everything else may be encoded here, without them.
  const isAsSource = /^rtsps?:/i.test(device) || codec !== 'h264';
  if (kind === 'v4l2' || capabilities?.formats[0]?.b_frames !== true || !isAsSource) return urls;
  const { webrtc: _unplayable, ...rest } = urls;
  return rest;
}

function sourceOf({ record }: CameraEntry, config: StreamConfig | undefined): string {
  if (record.kind === 'v4l2' || config?.device === undefined) return record.source;
  // The address can be changed in the stream; ONVIF cameras are known by the one they were added with.
  return record.kind === 'onvif' ? record.source : showAddress(config.device);
}

function pictureOf({ record }: CameraEntry, config: StreamConfig | undefined, running: Stream | undefined): { resolution: string; fps: number } {
  const video = running?.status?.video;
  const wanted = fromConfig(config);
  const usual = defaultPicture(record.capabilities);
  const asSource = record.kind === 'v4l2' ? {} : deliveredBy(record);
  const fps = video?.frame_rate ?? running?.progress?.fps ?? wanted.framerate ?? asSource.framerate ?? usual.framerate ?? 0;
  return {
    resolution:
      video === undefined ? (wanted.resolution ?? asSource.resolution ?? usual.resolution ?? unknownSize) : `${video.width}x${video.height}`,
    fps: Math.round(fps * 100) / 100,
  };
}

function fromConfig(config: StreamConfig | undefined): { resolution?: string | undefined; framerate?: number | undefined } {
  if (config?.device?.startsWith('test:') !== true) return { resolution: config?.resolution, framerate: config?.framerate };
  const picture = testPicture(config.device);
  return { resolution: config.resolution ?? picture?.resolution, framerate: config.framerate ?? picture?.framerate };
}

function testPicture(device: string): { resolution: string; framerate: number } | undefined {
  const source = parseSource(device, { mediaFolders: [] });
  return source.kind === 'test' ? { resolution: `${source.width}x${source.height}`, framerate: source.frameRate } : undefined;
}

/** The first size that a network camera was seen with is what it delivers now. */
function deliveredBy({ capabilities }: CameraEntry['record']): { resolution?: string; framerate?: number } {
  const size = capabilities?.formats[0]?.sizes[0];
  if (size === undefined) return {};
  const [framerate] = size.frame_rates;
  return { resolution: `${size.width}x${size.height}`, ...(framerate === undefined ? {} : { framerate }) };
}
