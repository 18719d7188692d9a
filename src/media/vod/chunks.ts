/** A long video in pieces that several workers encode, and the seamless whole made of them. */
import type { SourceFacts } from '../../contracts/video.js';
import type { EncodeCommand, EncodeOptions, FfmpegCommand } from './encode.js';
import type { VideoPlan } from './plan.js';

export interface Chunk {
  /** From 0. */
  readonly chunk: number;
  /** Frame of the output that it begins with; a multiple of the keyframe interval. */
  readonly firstFrame: number;
  /** Exact: the result has neither more nor less. */
  readonly frames: number;
  readonly startS: number;
  readonly durationS: number;
}

export interface ChunkOptions {
  /** So many pieces are aimed at. */
  readonly pieces: number;
  /** None is shorter. Default 20 s. */
  readonly minPieceS?: number;
}

/** Pieces of about equal length, all of a whole number of segments but the last; empty when the video cannot or need not be cut. */
export function planChunks(facts: SourceFacts, plan: VideoPlan, options: ChunkOptions): Chunk[] {
  throw new Error(`not written: ${facts.container} ${plan.profile} ${options.pieces}`);
}

/** Encodes the pictures of one piece: a file `<rendition>.mp4` in the folder for each rendition that is encoded. Safe to run twice. */
export function chunkCommand(plan: VideoPlan, chunk: Chunk, options: Pick<EncodeOptions, 'input' | 'folder' | 'threads'>): FfmpegCommand {
  throw new Error(`not written: ${plan.profile} ${chunk.chunk} ${options.input}`);
}

/** Names of the files that a piece consists of. */
export function chunkFiles(plan: VideoPlan): string[] {
  throw new Error(`not written: ${plan.profile}`);
}

/** Encodes all sound of a cut video, once and whole: a file `<name>.m4a` in the folder for each track. Undefined when it is silent. */
export function chunkAudioCommand(
  plan: VideoPlan,
  options: Pick<EncodeOptions, 'input' | 'folder' | 'loudness'>,
): (FfmpegCommand & { files: readonly string[] }) | undefined {
  throw new Error(`not written: ${plan.profile} ${options.input}`);
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
  readonly lists: readonly { path: string; text: string }[];
}

/** Puts the pieces together without encoding; gives the same files as {@link encodeCommand}. */
export function joinCommand(plan: VideoPlan, options: JoinOptions): JoinCommand {
  throw new Error(`not written: ${plan.profile} ${options.folder}`);
}
