/** What an export is joined from: finished files, and the file that is being written up to its last keyframe. */
import type { FileHandle } from 'node:fs/promises';
import { type Coverage, WeirError } from '../../contracts/index.js';
import type { SegmentRecord } from '../../store/index.js';
import type { RecordingsParts } from './needs.js';
import { type PlaybackNouns, pictureOf } from './playback.js';
import type { RecordingFiles } from './recording-files.js';
import { iso } from './recording-view.js';
import { openPlain } from './stored-file.js';

/** A running file may be finished between the look at it and its opening; then it is among the others soon. */
const maxLooks = 3;

export interface PieceNouns {
  readonly parts: RecordingsParts;
  readonly files: RecordingFiles;
  readonly playback: Pick<PlaybackNouns, 'liveOf' | 'running'>;
  /** What is recorded of a time, and what is missing. */
  readonly coverage: (streamId: string, fromMs: number, toMs: number) => Promise<Coverage>;
}

/** A file, or the part of it that is whole. */
export interface ExportPiece {
  readonly filename: string;
  readonly path: string;
  readonly started_ms: number;
  readonly ended_ms: number;
  readonly duration_ms: number;
  readonly size_bytes: number;
  readonly picture: string;
  /** It goes on after `ended_ms`, so it must be told where to end. */
  readonly isRunning: boolean;
}

interface Asked {
  readonly stream_id: string;
  readonly from_ms: number;
  readonly to_ms: number;
}

/** The pieces of a time, in order. Throws when there are none, when one cannot be read here, and when a decoder could not go on from one to the next. */
export async function findPieces(nouns: PieceNouns, asked: Asked): Promise<ExportPiece[]> {
  // The running one first: finished meanwhile, it is found among the finished ones.
  const running = await runningPiece(nouns, asked);
  const found = await nouns.parts.store.recordings.segmentsWithin(asked.stream_id, asked.from_ms, asked.to_ms);
  const segments = found.filter((segment) => segment.lost_ms === null && segment.frames > 0);
  const all: ExportPiece[] = [];
  for (const segment of segments) all.push(await finishedPiece(nouns.files, segment));
  if (running !== undefined && !segments.some((segment) => segment.filename === running.filename)) all.push(running);
  const pieces = withoutOverlap(all);
  const [first] = pieces;
  if (first === undefined) {
    // A stream that was deleted may still have recordings; one that never was has none.
    if (!nouns.parts.streams.exists(asked.stream_id))
      throw new WeirError('not_found', `There is no stream ${asked.stream_id}`, { facts: { resource: 'stream', id: asked.stream_id } });
    throw new WeirError('not_found', `Nothing was recorded of ${asked.stream_id} in that time`, {
      facts: { resource: 'recording', id: asked.stream_id },
      hint: 'The file that is being written can be exported up to its last keyframe; try again in a few seconds',
    });
  }
  const changed = pieces.find((piece) => piece.picture !== first.picture);
  if (changed !== undefined)
    throw new WeirError('failed_precondition', `The picture changes at ${iso(changed.started_ms)}: one MP4 cannot hold both`, {
      facts: { state: 'picture_changed', allowed_states: ['same_picture'], changed_at: iso(changed.started_ms) },
      hint: 'Export the time before and the time after by themselves',
    });
  return pieces;
}

/** Milliseconds of the time that the pieces do not hold although they were to be recorded, what is written but not whole yet among them. */
export async function missingOf(nouns: PieceNouns, asked: Asked, pieces: readonly ExportPiece[]): Promise<number> {
  const { missing_s, spans } = await nouns.coverage(asked.stream_id, asked.from_ms, asked.to_ms);
  const found = await nouns.parts.store.recordings.segmentsWithin(asked.stream_id, asked.from_ms, asked.to_ms);
  const finished = new Set(found.map((segment) => segment.filename));
  const heldMs = Math.max(Number.NEGATIVE_INFINITY, ...pieces.map((piece) => piece.ended_ms));
  let ms = missing_s * 1000;
  for (const span of spans) {
    if (span.state !== 'present' || (span.filename !== undefined && finished.has(span.filename))) continue;
    ms += Math.max(0, Date.parse(span.to) - Math.max(Date.parse(span.from), heldMs));
  }
  return Math.round(ms);
}

/**
 * Looks for the pieces and holds the running one open while `use` works, so that it is still there when its spoke finishes it:
 * renamed or deleted, an open file is read on.
 */
export async function withPieces(nouns: PieceNouns, asked: Asked, use: (pieces: readonly ExportPiece[]) => Promise<void>): Promise<void> {
  for (let look = 1; ; look += 1) {
    const pieces = await findPieces(nouns, asked);
    const running = pieces.find((piece) => piece.isRunning);
    if (running === undefined) return use(pieces);
    let handle: FileHandle;
    try {
      handle = await openPlain(running.path);
    } catch (error) {
      if (look < maxLooks) continue;
      throw new WeirError('unavailable', `${running.filename} is just being finished`, { hint: 'Try again in a few seconds', cause: error });
    }
    try {
      const held = { ...running, path: `/proc/${process.pid}/fd/${handle.fd}` };
      return await use(pieces.map((piece) => (piece === running ? held : piece)));
    } finally {
      await handle.close();
    }
  }
}

async function finishedPiece(files: RecordingFiles, segment: SegmentRecord): Promise<ExportPiece> {
  await files.stored(segment);
  const { filename, started_ms, ended_ms, duration_ms, size_bytes, codecs, width, height } = segment;
  const path = await files.pathOf(segment);
  return { filename, path, started_ms, ended_ms, duration_ms, size_bytes, picture: pictureOf(codecs, width, height), isRunning: false };
}

/** Undefined when nothing is being written, nothing of it is whole within the time, or it is on a disk that the hub does not see. */
async function runningPiece({ playback }: PieceNouns, { stream_id, from_ms, to_ms }: Asked): Promise<ExportPiece | undefined> {
  const live = playback.liveOf(stream_id)?.status;
  if (live === undefined || live.filename === null) return undefined;
  const file = await playback.running.look(stream_id, live.spoke_id, live.filename);
  if (file === undefined) return undefined;
  const { filename, path, durationMs, sizeBytes, facts } = file;
  // As its spoke will say when it is finished.
  const startedMs = Math.floor(file.startedMs);
  const endedMs = startedMs + durationMs;
  if (startedMs >= to_ms || endedMs <= from_ms) return undefined;
  const picture = pictureOf(facts.codecs, facts.video?.width, facts.video?.height);
  return { filename, path, started_ms: startedMs, ended_ms: endedMs, duration_ms: durationMs, size_bytes: sizeBytes, picture, isRunning: true };
}

/** A file that begins within the one before it, by a pre-roll or at another spoke, is left out when it brings nothing new. */
function withoutOverlap(pieces: readonly ExportPiece[]): ExportPiece[] {
  const kept: ExportPiece[] = [];
  for (const piece of pieces) {
    const last = kept.at(-1);
    if (last === undefined || piece.ended_ms > last.ended_ms) kept.push(piece);
  }
  return kept;
}

/**
 * Input of FFmpeg's concat demuxer. Each file is told its length, so that one follows the other without reading them first. The first
 * one is told where to begin: a seek of the whole list goes to the keyframe after most times, and not to the one before.
 */
export function concatList(pieces: readonly ExportPiece[], fromMs: number, toMs: number): string {
  const lines = ['ffconcat version 1.0'];
  for (const [index, piece] of pieces.entries()) {
    const next = pieces[index + 1];
    // Where files overlap the later one has the time.
    const endMs = Math.min(toMs, next?.started_ms ?? toMs);
    lines.push(`file 'file:${piece.path.replaceAll("'", "'\\''")}'`);
    const skipS = index === 0 ? Math.max(0, fromMs - piece.started_ms) / 1000 : 0;
    if (skipS > 0) lines.push(`inpoint ${skipS.toFixed(3)}`);
    const isCut = endMs < piece.ended_ms || piece.isRunning;
    const endS = (isCut ? Math.max(0, Math.min(endMs, piece.ended_ms) - piece.started_ms) : piece.duration_ms) / 1000;
    lines.push(`duration ${Math.max(0, endS - skipS).toFixed(3)}`);
    if (isCut) lines.push(`outpoint ${endS.toFixed(3)}`);
  }
  return `${lines.join('\n')}\n`;
}
