/** From the segments that FFmpeg wrote to a published output: measured, with all playlists and manifests. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WeirError } from '../../contracts/errors.js';
import type { VideoOutput } from '../../contracts/video.js';
import { outputFiles } from '../vod/hls-args.js';
import type { VideoPlan } from '../vod/plan.js';
import { assembleOutput, dashManifest, type PackagedTracks, variantsOf } from './assemble.js';
import { formatMpd } from './dash.js';
import { foldTail } from './fold-tail.js';
import { openTrackMeter, type TrackMeter } from './measure.js';
import { type MeasuredTrack, measureTrack } from './measured-track.js';
import { formatMediaPlaylist, targetDurationOf } from './media-playlist.js';
import { formatMultivariant } from './multivariant.js';
import { noPictures, type OutputPictures, type PackageRequest } from './package-request.js';
import { parseMediaPlaylist } from './parse-playlist.js';
import { readSegmentKey, type SegmentKey } from './segment-key.js';
import { segmentsAmong, type TrackFiles, trackFilesOf, type WrittenOutput } from './track-files.js';
import { writeWhole } from './write-file.js';
import { writeIFrames } from './write-iframes.js';
import { type WrittenSubtitle, writeSubtitle } from './write-subtitles.js';

/** One packaging over the life of a job: segments are measured once, as they come. */
export interface Packager {
  /**
   * Writes a multivariant playlist over the playlists that FFmpeg keeps while it encodes, so that players can begin. Undefined while
   * no rendition has a finished segment. Safe to call again and again.
   */
  growing(): Promise<VideoOutput | undefined>;
  /** Measures the rest and writes the final playlists, multivariant playlist and manifest. Throws `internal` with facts for what is missing. */
  finish(pictures: OutputPictures): Promise<VideoOutput>;
}

interface Bench {
  readonly request: Omit<PackageRequest, 'pictures'>;
  readonly tracks: readonly TrackFiles[];
  /** By name; made when the key is known. */
  readonly meters: Map<string, TrackMeter>;
}

/** Starts packaging; reads and writes nothing yet. Of an encrypted output the key is read as FFmpeg's playlists name it. */
export function openPackager(request: Omit<PackageRequest, 'pictures'>): Packager {
  const tracks = writtenBy(request.plan, request.folder).map(trackFilesOf);
  const bench = { request, tracks, meters: new Map<string, TrackMeter>() };
  return { growing: async () => await writeGrowing(bench), finish: async (pictures) => await writeFinal(bench, pictures) };
}

/** The files of {@link encodeCommand}. */
function writtenBy(plan: VideoPlan, folder: string): WrittenOutput[] {
  return [
    ...plan.renditions.map(({ name }) => outputFiles(plan, name, 'video', folder)),
    ...(plan.audioLayout === 'group' ? plan.audio.map(({ name }) => outputFiles(plan, name, 'audio', folder)) : []),
  ];
}

/** Measures what lies in the folder and writes all playlists. The same as one packager that only finishes. */
export async function packageOutput(request: PackageRequest): Promise<VideoOutput> {
  return await openPackager(request).finish(request.pictures ?? noPictures);
}

/** The output with pictures that were made after it was packaged; its size becomes that of all files in the folder. */
export async function withPictures(folder: string, output: VideoOutput, pictures: OutputPictures): Promise<VideoOutput> {
  return { ...output, ...pictures, size_bytes: await folderSize(folder) };
}

type NameSegments = (track: TrackFiles, meter: TrackMeter, key: SegmentKey | undefined) => Promise<string[]>;

async function measureAll({ request, tracks, meters }: Bench, nameSegments: NameSegments): Promise<MeasuredTrack[]> {
  const measured: MeasuredTrack[] = [];
  for (const track of tracks) {
    request.signal?.throwIfAborted();
    const key = await keyOf(request, track);
    const meter = meters.get(track.name) ?? openTrackMeter(request.folder, track, key);
    const names = await nameSegments(track, meter, key);
    // Only a meter that knows the key is worth keeping.
    if (names.length > 0) meters.set(track.name, meter);
    if (names.length > 0) measured.push(await measureTrack(track, meter, names, frameSeconds(request.plan)));
  }
  return measured;
}

/** How long one picture lasts; without pictures, one packet of AAC. */
function frameSeconds({ frameRate }: VideoPlan): number {
  return frameRate === null ? 1024 / 48_000 : frameRate.den / frameRate.num;
}

async function keyOf({ plan, folder }: Pick<PackageRequest, 'plan' | 'folder'>, track: TrackFiles): Promise<SegmentKey | undefined> {
  if (plan.encryption === 'none') return undefined;
  return await readSegmentKey(folder, parseMediaPlaylist(await readPlaylist(folder, track))?.key);
}

/** Empty while FFmpeg has not begun it. */
async function readPlaylist(folder: string, track: TrackFiles): Promise<string> {
  return await readFile(join(folder, track.playlist), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}

function splitTracks(bench: Bench, measured: readonly MeasuredTrack[], subtitles: readonly WrittenSubtitle[]): PackagedTracks {
  const video = measured.filter(({ files }) => files.kind === 'video');
  const audio = measured.filter(({ files }) => files.kind === 'audio');
  // "EXT-X-TARGETDURATION MUST be the same" for what plays together.
  const targetDurationS = targetDurationOf(measured.flatMap(({ segments }) => segments));
  return { video, audio, subtitles, targetDurationS, iframes: new Map(), plan: bench.request.plan };
}

async function writeGrowing(bench: Bench): Promise<VideoOutput | undefined> {
  const { folder } = bench.request;
  const measured = await measureAll(bench, async (track) => listedSegments(await readPlaylist(folder, track)));
  const tracks = splitTracks(bench, measured, []);
  const { plan } = bench.request;
  // A group without any of its sound would be silent.
  const isPlayable = plan.renditions.length === 0 ? tracks.audio.length > 0 : tracks.video.length > 0;
  if (!isPlayable || (plan.audioLayout === 'group' && tracks.audio.length < plan.audio.length)) return undefined;
  await writeWhole(folder, 'master.m3u8', formatMultivariant(variantsOf(tracks)));
  return assembleOutput(bench.request, tracks, noPictures, { sizeBytes: measured.reduce((sum, track) => sum + track.sizeBytes, 0), dash: null });
}

async function writeFinal(bench: Bench, pictures: OutputPictures): Promise<VideoOutput> {
  const { request } = bench;
  const { folder, plan, profile } = request;
  const names = new Set(await readdir(folder));
  const measured = await measureAll(bench, async (track, meter, key) => await foldTail(folder, track, segmentsAmong(track, names), meter, key));
  const [main] = measured;
  if (main === undefined) throw new WeirError('internal', 'Nothing was encoded', { facts: { reason: 'segment_missing' } });
  const subtitles: WrittenSubtitle[] = [];
  for (const subtitle of plan.subtitles) {
    const written = await writeSubtitle(folder, subtitle, main);
    if (written !== undefined) subtitles.push(written);
  }
  const tracks = splitTracks(bench, measured, subtitles);
  const key = await keyOf(request, main.files);
  for (const track of measured) await writeTrack(folder, track, tracks.targetDurationS, key);
  for (const track of profile.iframes ? tracks.video : []) {
    const iframes = await writeIFrames(folder, track, key);
    if (iframes !== undefined) tracks.iframes.set(track.files.name, iframes);
  }
  const multivariant = variantsOf(tracks);
  const dash = profile.dash && plan.container === 'cmaf' && key === undefined ? 'manifest.mpd' : null;
  if (dash !== null) await writeWhole(folder, dash, formatMpd(dashManifest(tracks)));
  // Last, as whoever finds it expects all the others.
  await writeWhole(folder, 'master.m3u8', formatMultivariant(multivariant));
  return assembleOutput(request, tracks, pictures, { sizeBytes: await folderSize(folder), dash });
}

async function writeTrack(folder: string, track: MeasuredTrack, targetDurationS: number, key: SegmentKey | undefined): Promise<void> {
  const { files, segments } = track;
  const map = files.init === undefined ? undefined : { file: files.init };
  const text = formatMediaPlaylist({
    ...{ targetDurationS, map, segments: segments.map(({ file, durationS }) => ({ file, durationS })) },
    key: key === undefined ? undefined : { uri: key.file, iv: key.iv },
  });
  await writeWhole(folder, files.playlist, text);
}

/** What a playlist of FFmpeg lists is finished. */
function listedSegments(text: string): string[] {
  return parseMediaPlaylist(text)?.segments.map(({ file }) => file) ?? [];
}

async function folderSize(folder: string): Promise<number> {
  let size = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) if (entry.isFile()) size += (await stat(join(folder, entry.name))).size;
  return size;
}
