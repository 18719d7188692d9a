/** What rules look at: the playlists of an output as a player reads them, and the segments as they really are. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WeirError } from '../../../contracts/errors.js';
import type { VideoOutput } from '../../../contracts/video.js';
import { openTrackMeter } from '../measure.js';
import { type MeasuredTrack, measureTrack } from '../measured-track.js';
import { type ParsedMediaPlaylist, type ParsedMultivariant, type ParsedVariant, parseMediaPlaylist, parseMultivariant } from '../parse-playlist.js';
import { decryptSegment, readSegmentKey, type SegmentKey } from '../segment-key.js';

/** How the server delivers one file: for the rules about HTTP. Header values in lower case; empty when absent. */
export type Delivery = (file: string) => Promise<{ readonly status: number; readonly contentType: string; readonly contentEncoding: string }>;

export interface PlaylistFacts {
  readonly file: string;
  readonly playlist: ParsedMediaPlaylist;
}

/** A playlist of picture or sound with its measured segments. */
export interface TrackFacts extends PlaylistFacts {
  readonly track: MeasuredTrack;
}

export interface VariantFacts extends TrackFacts {
  readonly variant: ParsedVariant;
}

export interface IFrameFacts extends PlaylistFacts {
  readonly line: ParsedVariant;
  /** The bytes of each entry, decrypted. */
  readonly frames: readonly Uint8Array[];
  /** The rendition that it was made of. */
  readonly source: TrackFacts | undefined;
}

export interface SubtitleFacts extends PlaylistFacts {
  readonly attributes: ReadonlyMap<string, string>;
  readonly segments: readonly { readonly file: string; readonly text: string; readonly sizeBytes: number }[];
}

export interface Fault {
  readonly file: string;
  readonly detail: string;
  /** Of the error, where it tells one. */
  readonly reason: string;
}

export interface OutputFacts {
  readonly output: VideoOutput;
  readonly master: ParsedMultivariant;
  readonly variants: readonly VariantFacts[];
  /** Of audio groups, with files of their own. */
  readonly audio: readonly (TrackFacts & { readonly attributes: ReadonlyMap<string, string> })[];
  readonly iframes: readonly IFrameFacts[];
  readonly subtitles: readonly SubtitleFacts[];
  /** What could not be read at all; such playlists are missing above. */
  readonly faults: readonly Fault[];
  readonly delivery: Delivery | undefined;
}

interface Loading {
  readonly folder: string;
  readonly faults: Fault[];
  readonly signal: AbortSignal | undefined;
}

/** Throws `not_found` when the folder is not there. */
export async function loadOutput(
  folder: string,
  output: VideoOutput,
  options: { readonly delivery?: Delivery | undefined; readonly signal?: AbortSignal | undefined },
): Promise<OutputFacts> {
  const isThere = await stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isThere) throw new WeirError('not_found', 'The output is not there', { facts: { resource: 'output' } });
  const loading: Loading = { folder, faults: [], signal: options.signal };
  const text = await attempt(loading, output.master, async () => await readFile(inside(folder, output.master), 'utf8'));
  const master = parseMultivariant(text ?? '') ?? { tags: new Set(), variants: [], iframes: [], media: [] };
  if (text !== undefined && !text.startsWith('#EXTM3U'))
    loading.faults.push({ file: output.master, reason: 'segment_missing', detail: 'It is no playlist' });
  const variants = await all(master.variants, async (variant) => spread(await loadTrack(loading, variant.playlist), { variant }));
  const files = (type: string) => master.media.filter((one) => one.get('TYPE') === type && one.has('URI'));
  const audio = await all(files('AUDIO'), async (attributes) => spread(await loadTrack(loading, attributes.get('URI') ?? ''), { attributes }));
  return {
    ...{ output, master, variants, audio, faults: loading.faults, delivery: options.delivery },
    subtitles: await all(files('SUBTITLES'), async (attributes) => await loadSubtitles(loading, attributes)),
    iframes: await all(master.iframes, async (line) => await loadIFrames(loading, line, variants)),
  };
}

/** One rendition of an output, measured. Throws `internal` when it cannot be read. */
export async function loadRendition(folder: string, playlist: string): Promise<TrackFacts> {
  const loading: Loading = { folder, faults: [], signal: undefined };
  const loaded = await loadTrack(loading, playlist);
  if (loaded !== undefined) return loaded;
  throw new WeirError('internal', `${playlist}: ${loading.faults[0]?.detail ?? 'cannot be read'}`, {
    facts: { reason: 'segment_missing', file: playlist },
  });
}

async function all<I, O>(items: readonly I[], load: (item: I) => Promise<O | undefined>): Promise<O[]> {
  const loaded: O[] = [];
  for (const item of items) {
    const one = await load(item);
    if (one !== undefined) loaded.push(one);
  }
  return loaded;
}

function spread<A extends object, B extends object>(one: A | undefined, more: B): (A & B) | undefined {
  return one === undefined ? undefined : { ...one, ...more };
}

/** Playlists of ours name files beside them only. */
function inside(folder: string, file: string): string {
  if (basename(file) !== file || file === '') throw new Error(`${JSON.stringify(file)} is no file of the output`);
  return join(folder, file);
}

async function attempt<T>(loading: Loading, file: string, read: () => Promise<T>): Promise<T | undefined> {
  loading.signal?.throwIfAborted();
  try {
    return await read();
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const reason = error instanceof WeirError && typeof error.facts?.reason === 'string' ? error.facts.reason : 'segment_missing';
    loading.faults.push({ file, reason, detail: isMissing ? 'It is not there' : error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

async function loadPlaylist(loading: Loading, file: string): Promise<PlaylistFacts | undefined> {
  return await attempt(loading, file, async () => {
    const playlist = parseMediaPlaylist(await readFile(inside(loading.folder, file), 'utf8'));
    if (playlist === undefined) throw new Error('It is no playlist');
    if (playlist.segments.length === 0) throw new Error('It lists no segment');
    if (playlist.segments.some(({ durationS }) => Number.isNaN(durationS))) throw new Error('A segment has no EXTINF');
    return { file, playlist };
  });
}

async function loadTrack(loading: Loading, file: string): Promise<TrackFacts | undefined> {
  const loaded = await loadPlaylist(loading, file);
  if (loaded === undefined) return undefined;
  return await attempt(loading, file, async () => {
    const { playlist } = loaded;
    const names = playlist.segments.map((segment) => basename(inside(loading.folder, segment.file)));
    const isFragmented = /\.(?:m4s|mp4)$/.test(names[0] ?? '');
    // Without a map the init segment that lies beside still tells what the segments are.
    const init = playlist.map?.file ?? (isFragmented ? `${file.replace(/\.m3u8$/, '')}_init.mp4` : undefined);
    const meter = openTrackMeter(loading.folder, { init }, await readSegmentKey(loading.folder, playlist.key));
    const files = { name: file.replace(/\.m3u8$/, ''), kind: 'video' as const, playlist: file, segments: '', init };
    return { ...loaded, track: await measureTrack(files, meter, names, playlist.segments.at(-1)?.durationS) };
  });
}

async function loadSubtitles(loading: Loading, attributes: ReadonlyMap<string, string>): Promise<SubtitleFacts | undefined> {
  const loaded = await loadPlaylist(loading, attributes.get('URI') ?? '');
  if (loaded === undefined) return undefined;
  return await attempt(loading, loaded.file, async () => {
    const segments = await all(loaded.playlist.segments, async ({ file }) => {
      const bytes = await readFile(inside(loading.folder, file));
      return { file, text: bytes.toString(), sizeBytes: bytes.byteLength };
    });
    return { ...loaded, attributes, segments };
  });
}

async function loadIFrames(loading: Loading, line: ParsedVariant, variants: readonly TrackFacts[]): Promise<IFrameFacts | undefined> {
  const loaded = await loadPlaylist(loading, line.playlist);
  if (loaded === undefined) return undefined;
  return await attempt(loading, loaded.file, async () => {
    const key = await readSegmentKey(loading.folder, loaded.playlist.key);
    let [opened, bytes]: [string, Uint8Array] = ['', new Uint8Array()];
    const frames: Uint8Array[] = [];
    for (const [number, { file, range }] of loaded.playlist.segments.entries()) {
      if (file !== opened) [opened, bytes] = [file, await readFile(inside(loading.folder, file))];
      const part = range === undefined ? bytes : bytes.subarray(range.start, range.end);
      frames.push(key === undefined ? Uint8Array.from(part.subarray(0, frameHeadBytes)) : decryptedFrame(part, key, number));
    }
    const name = loaded.file.replace(/_iframes\.m3u8$/, '');
    return { ...loaded, line, frames, source: variants.find(({ track }) => track.files.name === name) };
  });
}

/** Nothing where the range is torn: a rule tells of it. */
function decryptedFrame(part: Uint8Array, key: SegmentKey, number: number): Uint8Array {
  try {
    return decryptSegment(part, key, number);
  } catch {
    return new Uint8Array();
  }
}

/** Enough of a frame to see how it begins. */
const frameHeadBytes = 4096;
