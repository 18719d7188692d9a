/** A long video in pieces that several workers encode, and the seamless whole made of them. */
import type { SourceFacts } from '../../contracts/video.js';
import { aacArgs, copyInput, type EncodeCommand, type EncodeOptions, muxedKbps, renditionArgs, sameZero, steadyFilters } from './encode.js';
import { hardwareArgs } from './encoder-args.js';
import { type EncodeOutput, type FfmpegCommand, runArgs } from './ffmpeg-command.js';
import { perSecond } from './frame-rate.js';
import { audioGraph, videoGraph } from './graph.js';
import { hlsArgs, outputFiles } from './hls-args.js';
import type { PlannedRendition, VideoPlan } from './plan.js';
import { sourceInputArgs } from './source-input.js';

export interface Chunk {
  /** From 0. */
  readonly chunk: number;
  /** Frame of the output that it begins with; a multiple of the frames of a segment. */
  readonly firstFrame: number;
  /** Exact: the result has neither more nor less, at the rate of the fastest rendition. */
  readonly frames: number;
  readonly startS: number;
  readonly durationS: number;
}

export interface ChunkOptions {
  /** So many pieces are aimed at. */
  readonly pieces: number;
  /** None is shorter, save the halves at the end of many. Default 20 s. */
  readonly minPieceS?: number;
}

/** Containers with an index, or times that can be searched: a seek into them lands where it should. */
const seekable = /^(?:mov|matroska|mpegts|asf|avi|flv)\b/;

/** From so many pieces on the last third of them is cut in halves: whoever takes the last one then keeps the others waiting half as long. */
const manyPieces = 6;

/** Pieces of about equal length, halves at the end of many, all of whole segments but the last; empty when the video cannot or need not be cut. */
export function planChunks(facts: SourceFacts, plan: VideoPlan, options: ChunkOptions): Chunk[] {
  const { picture, frameRate } = plan;
  if (picture === null || frameRate === null || !seekable.test(facts.container)) return [];
  if (!plan.renditions.some((rendition) => rendition.encoder !== 'copy')) return [];
  const segmentFrames = Math.round(plan.segmentS * perSecond(frameRate));
  const segments = Math.floor(picture.frames / segmentFrames);
  const most = Math.floor(plan.durationS / Math.max(options.minPieceS ?? 20, plan.segmentS));
  const count = Math.min(options.pieces, most, segments);
  if (count < 2) return [];
  const begins = Array.from({ length: count }, (_, piece) => {
    const [begin, end] = [piece, piece + 1].map((at) => Math.round((segments * at) / count)) as [number, number];
    const isHalved = count >= manyPieces && piece >= count - Math.ceil(count / 3) && end - begin > 1;
    return isHalved ? [begin, begin + Math.ceil((end - begin) / 2)] : [begin];
  }).flat();
  return begins.map((begin, chunk) => {
    const firstFrame = begin * segmentFrames;
    const next = begins[chunk + 1];
    const frames = (next === undefined ? picture.frames : next * segmentFrames) - firstFrame;
    return { chunk, firstFrame, frames, startS: firstFrame / perSecond(frameRate), durationS: frames / perSecond(frameRate) };
  });
}

/**
 * Decoding begins so much before a piece: sources with long or open groups of pictures then have whole pictures at its first frame, and
 * filters that look back have seen enough.
 */
const leadS = 4;

/** Encodes the pictures of one piece: a file `<rendition>.mp4` in the folder for each rendition that is encoded. Safe to run twice. */
export function chunkCommand(
  plan: VideoPlan,
  chunk: Chunk,
  options: Pick<EncodeOptions, 'input' | 'folder' | 'threads' | 'maxPixels'>,
): FfmpegCommand {
  const skippedS = Math.max(0, Math.floor(chunk.startS + plan.zeroS) - leadS);
  const video = videoGraph(plan, { firstFrame: chunk.firstFrame, frames: chunk.frames, skippedS });
  const renditions = encoded(plan);
  const args = [
    ...runArgs,
    ...hardwareArgs(
      renditions.map((rendition) => rendition.encoder),
      plan.machine,
    ),
    ...steadyFilters,
    ...(skippedS > 0 ? ['-ss', String(skippedS)] : []),
    ...sameZero,
    ...sourceInputArgs(options.input, options),
    ...(video === undefined ? [] : ['-filter_complex', video.graph]),
  ];
  for (const { rendition, pad } of video?.outputs ?? []) {
    args.push('-map', `[${pad}]`, ...renditionArgs(plan, rendition, options.threads));
    args.push('-map_metadata', '-1', '-video_track_timescale', String(clockOf(rendition)), '-f', 'mp4', `${options.folder}/${rendition.name}.mp4`);
  }
  return { args };
}

/** Ticks per second of a piece's clock: frames are a whole number of them, and small enough to be exact in the lists of pieces. */
function clockOf(rendition: PlannedRendition): number {
  const { num } = rendition.frameRate;
  return num >= 1000 ? num : num * Math.ceil(1000 / num);
}

function encoded(plan: VideoPlan): PlannedRendition[] {
  return plan.renditions.filter((rendition) => rendition.encoder !== 'copy');
}

interface Sound {
  readonly file: string;
  readonly pad: string;
  readonly kbps: number;
  /** Position in `plan.audio`. */
  readonly track: number;
}

/**
 * The sound files of a cut video: one for each track, or for each rate that renditions mux. NUT keeps every packet with its exact
 * time, where MP4 would cut the last one.
 */
function soundsOf(plan: VideoPlan): Sound[] {
  const [first] = plan.audio;
  if (plan.audioLayout !== 'muxed' || first === undefined) {
    return plan.audio.map((audio, track) => ({ file: `${audio.name}.nut`, pad: audio.name, kbps: audio.kbps, track }));
  }
  const rates = [...new Set(plan.renditions.map((rendition) => muxedKbps(rendition, first)))];
  return rates.map((kbps) => ({ file: `audio_${kbps}.nut`, pad: `a${kbps}`, kbps, track: 0 }));
}

/** Encodes all sound of a cut video, once and whole, into the folder. Undefined when it is silent. */
export function chunkAudioCommand(
  plan: VideoPlan,
  options: Pick<EncodeOptions, 'input' | 'folder' | 'loudness'>,
): (FfmpegCommand & { files: readonly string[] }) | undefined {
  const sounds = soundsOf(plan);
  if (sounds.length === 0) return undefined;
  const graphs = plan.audio.map((audio, track) => {
    const pads = sounds.filter((sound) => sound.track === track).map((sound) => sound.pad);
    return audioGraph(plan, audio, pads, options.loudness?.get(audio.index));
  });
  const args = [
    ...runArgs,
    '-vn',
    '-sn',
    '-dn',
    ...sameZero,
    ...sourceInputArgs(options.input),
    ...graphs.flatMap((graph) => ['-filter_complex', graph]),
  ];
  for (const { file, pad, kbps } of sounds) {
    args.push('-map', `[${pad}]`, ...aacArgs(kbps), '-map_metadata', '-1', '-f', 'nut', `${options.folder}/${file}`);
  }
  return { args, files: sounds.map((sound) => sound.file) };
}

export interface JoinOptions extends Pick<EncodeOptions, 'input' | 'folder' | 'keyInfoFile'> {
  readonly chunks: readonly Chunk[];
  /** Folder of each piece, in the order of `chunks`. */
  readonly chunkFolders: readonly string[];
  /** Where {@link chunkAudioCommand} wrote. */
  readonly audioFolder: string;
  /** Where the lists of pieces are written. */
  readonly listFolder: string;
}

export interface JoinCommand extends EncodeCommand {
  /** To be written before FFmpeg is started. */
  readonly lists: readonly { readonly path: string; readonly text: string }[];
}

/** Puts the pieces together without encoding; gives the same files as `encodeCommand`. */
export function joinCommand(plan: VideoPlan, options: JoinOptions): JoinCommand {
  const lists = encoded(plan).map((rendition) => ({ path: `${options.listFolder}/${rendition.name}.txt`, text: listOf(rendition, options) }));
  const sounds = soundsOf(plan);
  const hasCopy = plan.renditions.some((rendition) => rendition.encoder === 'copy');
  const inputs = [
    ...lists.flatMap(({ path }) => ['-protocol_whitelist', 'file', '-f', 'concat', '-safe', '0', '-i', `file:${path}`]),
    ...sounds.flatMap(({ file, track }) => [
      '-itsoffset',
      primingS(plan, track),
      '-protocol_whitelist',
      'file',
      '-f',
      'nut',
      '-i',
      `file:${options.audioFolder}/${file}`,
    ]),
    ...(hasCopy ? copyInput(plan, options) : []),
  ];
  const args = [...runArgs, ...inputs];
  const outputs: EncodeOutput[] = [];
  const [first] = plan.audio;
  for (const rendition of plan.renditions) {
    const files = outputFiles(plan, rendition.name, 'video', options.folder);
    const list = encoded(plan).indexOf(rendition);
    outputs.push(files);
    args.push('-map', list < 0 ? `${lists.length + sounds.length}:${plan.picture?.index ?? 0}` : `${list}:v:0`);
    if (plan.audioLayout === 'muxed' && first !== undefined) {
      args.push('-map', `${lists.length + sounds.findIndex((sound) => sound.kbps === muxedKbps(rendition, first))}:a:0`);
    }
    args.push('-c', 'copy', ...tagArgs(rendition), ...hlsArgs(plan, files, options.keyInfoFile));
  }
  for (const track of plan.audioLayout === 'group' ? plan.audio : []) {
    const files = outputFiles(plan, track.name, 'audio', options.folder);
    outputs.push(files);
    args.push('-map', `${lists.length + plan.audio.indexOf(track)}:a:0`, '-c', 'copy', ...hlsArgs(plan, files, options.keyInfoFile));
  }
  return { args, outputs, frames: plan.picture?.frames ?? null, durationS: plan.durationS, lists };
}

/** The encoder begins with one packet before the first sample; the file begins with it at zero. */
function primingS(plan: VideoPlan, track: number): string {
  return (-1024 / (plan.audio[track]?.sampleRate ?? 48_000)).toFixed(6);
}

function tagArgs(rendition: PlannedRendition): string[] {
  return rendition.codec === 'h265' ? ['-tag:v', 'hvc1'] : [];
}

/** Lengths are given, so that each piece begins at its frame and not where the last one seemed to end. */
function listOf(rendition: PlannedRendition, options: JoinOptions): string {
  const lines = options.chunks.flatMap((chunk, position) => [
    `file '${`${options.chunkFolders[position] ?? ''}/${rendition.name}.mp4`.replaceAll("'", "'\\''")}'`,
    `duration ${chunk.durationS.toFixed(6)}`,
  ]);
  return ['ffconcat version 1.0', ...lines, ''].join('\n');
}
