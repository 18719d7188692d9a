/** From a wish to the configuration of a path. Pure. */
import { WeirError } from '../../contracts/index.js';
import type { GatewayRecordOrder, GatewaySettings, PathSource, PathWish } from '../gateway.js';
import { checkDevicePath, fillTemplate, formatCommand } from './command.js';

export interface RecordFields {
  readonly record: boolean;
  readonly recordPath?: string;
  readonly recordFormat?: 'fmp4' | 'mpegts';
  readonly recordPartDuration?: string;
  readonly recordSegmentDuration?: string;
  readonly recordDeleteAfter?: string;
}

interface PublishedPath {
  readonly source: 'publisher';
  /** Else anybody with the right to publish could throw the camera out. */
  readonly overridePublisher: false;
  readonly runOnDemand: string;
  readonly runOnDemandRestart: true;
  readonly runOnDemandStartTimeout: string;
  readonly runOnDemandCloseAfter: string;
}

interface PulledPath {
  readonly source: string;
  readonly sourceOnDemand: true;
  readonly sourceOnDemandStartTimeout: string;
  readonly sourceOnDemandCloseAfter: string;
  readonly rtspTransport?: 'tcp';
}

export type PathConfig = (PublishedPath | PulledPath) & RecordFields;

export interface PathSurroundings {
  readonly settings: GatewaySettings;
  readonly ffmpeg: string;
  /** Where commands that MediaMTX runs find its RTSP listener. */
  readonly rtspPort: number;
  readonly publisher: (streamId: string) => { readonly user: string; readonly password: string };
  /** Arguments that make FFmpeg read the stream from the hub, `-i` included. */
  readonly hubInput: (streamId: string) => readonly string[];
  /** Folder for recordings of MediaMTX itself; undefined leaves it to the configuration of one that others run. */
  readonly recordFolder: string | undefined;
  /** Stands in each command, so that one whose MediaMTX was killed is found. */
  readonly mark: string;
}

/** Throws `invalid_argument` for a wish that cannot be put into a command or an address without changing its meaning. */
export function toPathConfig(wish: PathWish, record: GatewayRecordOrder | null, around: PathSurroundings): PathConfig {
  return { ...sourceFields(wish, around), ...recordFields(record, around.recordFolder) };
}

function sourceFields(wish: PathWish, around: PathSurroundings): PublishedPath | PulledPath {
  const { source, streamId } = wish;
  const start = toGoDuration(around.settings.start_timeout_s);
  const close = toGoDuration(around.settings.close_after_s);
  const url = source.kind === 'network' ? pullable(source.url) : undefined;
  if (url !== undefined) {
    return {
      source: url,
      sourceOnDemand: true,
      sourceOnDemandStartTimeout: start,
      sourceOnDemandCloseAfter: close,
      ...(url.startsWith('rtsp') ? { rtspTransport: 'tcp' } : {}),
    };
  }
  const words = source.kind === 'v4l2' ? captureWords(streamId, source, around) : republishWords(streamId, around);
  return {
    source: 'publisher',
    overridePublisher: false,
    runOnDemand: formatCommand(words),
    runOnDemandRestart: true,
    runOnDemandStartTimeout: start,
    runOnDemandCloseAfter: close,
  };
}

/** The address as MediaMTX takes it; undefined for what it cannot pull, which is then republished. */
function pullable(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(?:rtsps?|rtmps?|srt):$/.test(url.protocol) || url.host === '') return undefined;
  // It wants both or neither.
  if ((url.username === '') !== (url.password === '')) return undefined;
  // It replaces `$NAME`, one of them by what a reader wrote.
  return text.replaceAll('$', '%24');
}

const quiet = ['-nostdin', '-hide_banner', '-loglevel', 'error'];

function captureWords(streamId: string, source: Extract<PathSource, { kind: 'v4l2' }>, around: PathSurroundings): string[] {
  const { settings, rtspPort } = around;
  const devicePath = checkDevicePath(source.devicePath);
  const publisher = around.publisher(streamId);
  if (settings.command !== undefined) return fillTemplate(settings.command, { devicePath, rtspPort, pathName: streamId, publisher });
  const { width, height, frameRate, inputFormat } = source;
  return [
    ...[around.ffmpeg, ...quiet, '-f', 'v4l2'],
    ...(inputFormat === undefined ? [] : ['-input_format', inputFormat]),
    ...(width === undefined || height === undefined ? [] : ['-video_size', `${width}x${height}`]),
    ...(frameRate === undefined ? [] : ['-framerate', String(frameRate)]),
    ...['-i', devicePath],
    ...encodeWords(settings, frameRate),
    ...publishWords(streamId, around),
  ];
}

/** A keyframe each second: a player begins with one, and segments end before one. */
function encodeWords(settings: GatewaySettings, frameRate = 30): string[] {
  // 4:2:2 exists in no profile below.
  const profile = settings.pixel_format === 'yuv422p' ? 'high422' : settings.video_profile;
  return [
    ...['-an', '-c:v', 'libx264', '-profile:v', profile, '-level', settings.video_level, '-pix_fmt', settings.pixel_format],
    ...['-preset', settings.preset, '-tune', 'zerolatency', '-b:v', `${settings.bitrate_kbps}k`, '-g', String(Math.max(1, Math.round(frameRate)))],
  ];
}

function republishWords(streamId: string, around: PathSurroundings): string[] {
  return [around.ffmpeg, ...quiet, ...around.hubInput(streamId), '-c', 'copy', ...publishWords(streamId, around)];
}

function publishWords(streamId: string, around: PathSurroundings): string[] {
  const { user, password } = around.publisher(streamId);
  const url = `rtsp://${user}:${password}@127.0.0.1:${around.rtspPort}/${streamId}`;
  return ['-metadata', `title=${around.mark}`, '-f', 'rtsp', '-rtsp_transport', 'tcp', url];
}

/** Only these fields may change without the path being made anew. */
export function recordFields(order: GatewayRecordOrder | null, folder: string | undefined): RecordFields {
  if (order === null) return { record: false };
  const segmentS = order.segmentS ?? 600;
  const deleteAfterS = order.deleteAfterS ?? 0;
  if (segmentS < 1 || segmentS > 86_400) throw orderError('segment_s', segmentS, 'from 1 to 86400');
  if (deleteAfterS !== 0 && deleteAfterS < segmentS) throw orderError('delete_after_s', deleteAfterS, '0, or not less than a segment');
  if (folder?.includes('%') === true) throw orderError('recordings.folder', folder, 'a path without "%"');
  return {
    record: true,
    ...(folder === undefined ? {} : { recordPath: `${folder}/%path/%Y-%m-%d_%H-%M-%S-%f_%s` }),
    recordFormat: order.format ?? 'fmp4',
    recordPartDuration: '1s',
    recordSegmentDuration: toGoDuration(segmentS),
    recordDeleteAfter: toGoDuration(deleteAfterS),
  };
}

function orderError(field: string, received: unknown, wanted: string): WeirError {
  return new WeirError('invalid_argument', `${field} must be ${wanted}`, { field, received });
}

function toGoDuration(seconds: number): string {
  return Number.isInteger(seconds) ? `${seconds}s` : `${Math.round(seconds * 1000)}ms`;
}
