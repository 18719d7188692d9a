/** Recordings as HLS: a playlist of a time over as many files as it takes, and the bytes it names. */
import { type MediaFile, WeirError } from '../../contracts/index.js';
import { encodeDuration, findDurationField, readTrackFacts } from '../../media/index.js';
import type { Keyframe, SegmentRecord } from '../../store/index.js';
import { moveTimes, offsetsOf } from './move-times.js';
import type { RecordingsParts } from './needs.js';
import { formatPlaylist, type PlayableFile } from './playlist.js';
import type { RecordingFiles } from './recording-files.js';
import type { LiveStatus } from './recording-view.js';
import type { Remuxes } from './remuxes.js';
import type { RunningFile, RunningFiles } from './running-file.js';
import { noFile, openPlain } from './stored-file.js';

const maxSpanMs = 24 * 3600_000;
const maxPartBytes = 64 * 1024 * 1024;
const maxInitBytes = 1024 * 1024;
/** Parts never change; playlists of the past hardly do. */
const keepS = 24 * 3600;
/** Files of mp4 or mkv that one playlist may have to look through. */
const maxUnseen = 60;

export interface PlaybackNouns {
  readonly parts: RecordingsParts;
  readonly files: RecordingFiles;
  readonly remuxes: Remuxes;
  readonly running: RunningFiles;
  /** What a spoke says of the stream. */
  readonly liveOf: (streamId: string) => LiveStatus | undefined;
}

/** The playlist of a time. Throws `invalid_argument` for one that is empty or longer than a day, `not_found` when nothing was recorded. */
export async function playlistOf(nouns: PlaybackNouns, streamId: string, fromMs: number, toMs: number, signal: AbortSignal): Promise<MediaFile> {
  if (toMs <= fromMs || toMs - fromMs > maxSpanMs)
    throw new WeirError('invalid_argument', 'A time to play is longer than nothing and at most 24 hours', {
      field: 'to',
      received: new Date(toMs).toISOString(),
    });
  const segments = (await nouns.parts.store.recordings.segmentsWithin(streamId, fromMs, toMs)).filter((segment) => segment.lost_ms === null);
  const files: PlayableFile[] = [];
  let unseen = 0;
  for (const segment of segments) {
    signal.throwIfAborted();
    const keyframes = await nouns.parts.store.recordings.keyframes(segment.filename);
    if (keyframes.length > 0) files.push(toPlayable(segment, keyframes));
    else if (segment.format !== 'fmp4') {
      unseen += 1;
      if (unseen > maxUnseen)
        throw new WeirError('resource_exhausted', 'Too many files must be prepared for so long a time', { hint: 'Ask for a shorter time' });
      const scan = await nouns.remuxes.scan(segment);
      files.push({ ...toPlayable(segment, scan.keyframes), size_bytes: scan.wholeBytes });
    }
  }
  const isOpen = toMs > Date.now() && nouns.liveOf(streamId)?.status.state === 'recording';
  const running = await runningOf(nouns, streamId, segments);
  if (running !== undefined && running.started_ms < toMs) files.push(running);
  if (files.length === 0 && !isOpen)
    throw new WeirError('not_found', `Nothing was recorded of ${streamId} in that time`, { facts: { resource: 'recording', id: streamId } });
  const body = formatPlaylist(files, fromMs, toMs, isOpen);
  return { contentType: 'application/vnd.apple.mpegurl', body, maxAgeS: 0 };
}

/** One part that a playlist names. Throws `not_found`, and `unavailable` when the file is on a disk that the hub does not see. */
export async function playbackPart(nouns: PlaybackNouns, streamId: string, filename: string, part: string): Promise<MediaFile> {
  const source = (await finishedSource(nouns, streamId, filename)) ?? (await runningSource(nouns, streamId, filename));
  if (source === undefined) throw noFile(filename);
  const file = await openPlain(source.path).catch((error: unknown) => {
    throw source.segment === undefined ? noFile(filename, error) : nouns.files.elsewhere(source.segment, error);
  });
  try {
    const init = await readFully(file, 0, source.initBytes);
    const etag = `"${filename}-${part}"`;
    if (part === 'init.mp4') {
      // A finished file tells its length there, a running one does not: players get neither, so that both are the same.
      const field = findDurationField(init);
      init.set(encodeDuration(field, 0), field.offset);
      return { contentType: 'video/mp4', body: init, maxAgeS: keepS, etag };
    }
    const [start = 0, end = -1] = part.replace('.m4s', '').split('-').map(Number);
    if (end < start || end >= source.sizeBytes) throw noFile(`${filename}/${part}`);
    if (end - start >= maxPartBytes) throw new WeirError('payload_too_large', 'A part has at most 64 MiB', { hint: 'Download the file' });
    const bytes = await readFully(file, start, end - start + 1);
    moveTimes(bytes, offsetsOf(readTrackFacts(init), source.startedMs));
    return { contentType: 'video/mp4', body: bytes, maxAgeS: keepS, etag };
  } finally {
    await file.close();
  }
}

interface Source {
  readonly path: string;
  readonly initBytes: number;
  readonly sizeBytes: number;
  readonly startedMs: number;
  readonly segment?: SegmentRecord;
}

/** Where the fragments of a finished file are: in itself, or in its remuxed copy. */
export async function finishedSource(
  nouns: Pick<PlaybackNouns, 'parts' | 'files' | 'remuxes'>,
  streamId: string,
  filename: string,
): Promise<Source | undefined> {
  const segment = await nouns.parts.store.recordings.segment(filename);
  if (segment === undefined || segment.stream_id !== streamId) return undefined;
  const { started_ms: startedMs } = segment;
  if (segment.format === 'fmp4') {
    if (segment.init_bytes <= 0 || segment.init_bytes > maxInitBytes) throw noFile(filename);
    return { path: await nouns.files.pathOf(segment), initBytes: segment.init_bytes, sizeBytes: segment.size_bytes, startedMs, segment };
  }
  const initBytes = segment.init_bytes > 0 ? segment.init_bytes : (await nouns.remuxes.scan(segment)).initBytes;
  return { path: await nouns.remuxes.path(segment), initBytes, sizeBytes: Number.MAX_SAFE_INTEGER, startedMs, segment };
}

async function runningSource(nouns: PlaybackNouns, streamId: string, filename: string): Promise<Source | undefined> {
  const file = await lookAtRunning(nouns, streamId, filename);
  return file === undefined ? undefined : { path: file.path, initBytes: file.initBytes, sizeBytes: file.sizeBytes, startedMs: file.startedMs };
}

async function lookAtRunning(nouns: PlaybackNouns, streamId: string, filename: string): Promise<RunningFile | undefined> {
  const live = nouns.liveOf(streamId)?.status;
  // A file of another format gets other bytes at its end, so places in what it is now would not stay good.
  if (live?.filename !== filename || live.format !== 'fmp4') return undefined;
  return nouns.running.look(streamId, live.spoke_id, filename);
}

async function runningOf(nouns: PlaybackNouns, streamId: string, finished: readonly SegmentRecord[]): Promise<PlayableFile | undefined> {
  const filename = nouns.liveOf(streamId)?.status.filename;
  if (filename === undefined || filename === null || finished.some((segment) => segment.filename === filename)) return undefined;
  const file = await lookAtRunning(nouns, streamId, filename);
  if (file === undefined) return undefined;
  return {
    filename,
    started_ms: file.startedMs,
    duration_ms: file.durationMs,
    size_bytes: file.sizeBytes,
    keyframes: file.keyframes,
    picture: pictureOf(file.facts.codecs, file.facts.video?.width, file.facts.video?.height),
  };
}

function toPlayable(segment: SegmentRecord, keyframes: readonly Keyframe[]): PlayableFile {
  const size_bytes = segment.format === 'fmp4' ? segment.size_bytes : Number.MAX_SAFE_INTEGER;
  return { ...segment, size_bytes, keyframes, picture: pictureOf(segment.codecs, segment.width, segment.height) };
}

export function pictureOf(codecs: string, width: number | null | undefined, height: number | null | undefined): string {
  return `${codecs} ${width ?? 0}x${height ?? 0}`;
}

/** Throws `unavailable` when the file is shorter than the index says. */
export async function readFully(
  file: { read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> },
  start: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, start + at);
    if (bytesRead === 0) throw new WeirError('unavailable', 'The file is shorter than it was');
    at += bytesRead;
  }
  return bytes;
}
