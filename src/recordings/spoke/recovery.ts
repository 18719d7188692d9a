/** What an earlier process left: its note read and written, its files finished, its gaps put into the list. */
import { rm, stat } from 'node:fs/promises';
import type { GapCause } from '../../contracts/index.js';
import { iso, noGapMs, type OpenGap, type UnlistedGap } from './gaps.js';
import { partPath, segmentName } from './names.js';
import type { Note, PartNote, SpareNote } from './note.js';
import { type BegunOrder, OrderBook } from './orders.js';
import { type RecoveredPart, recoverPart, scanFile } from './recover.js';
import type { Sealing } from './seal.js';

/** A note, and when its writer was last seen alive. */
export interface Before {
  readonly note: Note;
  readonly aliveMs: number;
}

export interface Recovery extends Sealing {
  /** The file is dealt with; `found` is what went into the list, if anything. */
  onPart(part: PartNote, found: RecoveredPart | undefined): void;
}

export function bookOf(note: Note): OrderBook {
  return new OrderBook(note.orders, note.begun.map(toBegun));
}

export interface NoteFacts {
  readonly bootId: string;
  readonly book: OrderBook;
  readonly floorMs: number;
  readonly gap: OpenGap | undefined;
  readonly unlisted: readonly UnlistedGap[];
  readonly parts: PartNote[];
  readonly spares: SpareNote[];
}

export function noteOf({ bootId, book, floorMs, gap, unlisted, parts, spares }: NoteFacts): Note {
  return {
    boot_id: bootId,
    orders: [...book.wanted],
    begun: book.begun.map(({ order, beganAtMs, tally }) => ({
      order,
      began_ms: beganAtMs,
      started_ms: tally.startedAtMs,
      elapsed_ms: tally.elapsedMs,
      size_bytes: tally.sizeBytes,
      segments: tally.segments,
      filename: tally.filename,
    })),
    floor_ms: Number.isFinite(floorMs) ? floorMs : null,
    gap: gap === undefined ? null : gapNoteOf(gap),
    unlisted: unlisted.map((one) => ({ ...gapNoteOf(one), to_ms: one.toMs })),
    parts,
    spares,
  };
}

/** Why nothing was recorded since that process; undefined when nothing was to be. */
export function gapSince({ note, aliveMs }: Before, owner: BegunOrder | undefined, bootId: string): OpenGap | undefined {
  if (owner === undefined) return undefined;
  const { gap } = note;
  if (gap !== null && !wasKilled(note)) return openGapOf(gap);
  const cause: GapCause = note.boot_id === bootId ? 'spoke_killed' : 'host_restarted';
  const fromMs = Math.max(note.floor_ms ?? owner.beganAtMs, gap === null ? 0 : aliveMs);
  return { recordingId: owner.order.recording_id, cause, detail: undefined, fromMs };
}

/**
 * Gaps that may not be in the list, oldest first. That which was open at a kill lasted until a file was begun, which may be one that the
 * note does not name yet, else as long as its process was seen alive.
 */
export function gapsLeft({ note, aliveMs }: Before): UnlistedGap[] {
  const ended = note.unlisted.map((one) => ({ ...openGapOf(one), toMs: one.to_ms }));
  return note.gap !== null && wasKilled(note) ? [...ended, { ...openGapOf(note.gap), toMs: aliveMs }] : ended;
}

/** Finishes files and puts them, and the gaps between them, into the list in the order of time. Within `ledger.run` only. */
export async function recoverList(recovery: Recovery, before: Before): Promise<void> {
  const { note } = before;
  const left = gapsLeft(before);
  const recoverGaps = async (toMs: number) => {
    for (const gap of left) await recoverGap(recovery, gap, Math.min(gap.toMs, toMs));
  };
  const recover = async (part: PartNote) => {
    await recoverGaps(part.from_ms);
    if (note.gap !== null && wasKilled(note)) await recoverGap(recovery, openGapOf(note.gap), part.from_ms);
    await recoverOne(recovery, part);
  };
  for (const part of [...note.parts].sort((a, b) => a.from_ms - b.from_ms)) await recover(part);
  for (const spare of note.spares) for (const part of await partsOf(recovery, note, spare)) await recover(part);
  // A process that was killed before it had recovered the files of the one before leaves them with a gap that began behind them.
  await recoverGaps(Number.POSITIVE_INFINITY);
}

/** A file that was begun in the very moment of the kill, before it was noted as such; an empty one is removed. */
async function partsOf({ root, ledger, head }: Recovery, { floor_ms: floorMs, parts }: Note, spare: SpareNote): Promise<PartNote[]> {
  const { name, ...rest } = spare;
  const path = partPath(root, { folder: spare.folder, filename: name });
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size === 0) {
    await rm(path, { force: true });
    return [];
  }
  // Its last write was its last picture.
  const { durationMs } = await scanFile(path);
  const fromMs = Math.max(found.mtimeMs - durationMs, floorMs ?? 0, await ledger.endMs(), ...parts.map((part) => part.from_ms));
  return [{ ...rest, filename: segmentName(head(spare.recording_id).stream_id, fromMs), from_ms: fromMs, spare: name }];
}

/** Puts into the list what of an open gap is not there yet. */
async function recoverGap({ ledger, gaps }: Recovery, gap: OpenGap, toMs: number): Promise<void> {
  const fromMs = Math.max(gap.fromMs, await ledger.endMs());
  if (toMs - fromMs < noGapMs) return;
  await ledger.append(gaps.draft({ ...gap, fromMs }, toMs));
}

async function recoverOne(recovery: Recovery, part: PartNote): Promise<void> {
  const { ledger, root, ffmpeg, onPart, onTrouble, head } = recovery;
  try {
    const found = (await ledger.hasSegment(part.filename)) ? undefined : await recoverPart({ root, ffmpeg, part });
    onPart(part, found);
    if (found === undefined) return;
    const { durationMs, ...rest } = found;
    await ledger.append({
      ...head(part.recording_id),
      kind: 'segment',
      filename: part.filename,
      from: iso(part.from_ms),
      to: iso(part.from_ms + durationMs),
      duration_ms: Math.round(durationMs),
      ...rest,
      closed_by: 'recovered',
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    onTrouble('a file of an earlier process could not be recovered', { filename: part.filename, reason });
  }
}

/** A process that was told to stop has no file open, and says so. */
function wasKilled(note: Note): boolean {
  return note.parts.length > 0 || note.gap?.cause !== 'spoke_stopped';
}

function gapNoteOf({ recordingId, cause, detail, fromMs }: Readonly<OpenGap>): NonNullable<Note['gap']> {
  return { recording_id: recordingId, cause, from_ms: fromMs, ...(detail === undefined ? {} : { detail }) };
}

function openGapOf({ recording_id: recordingId, cause, detail, from_ms: fromMs }: NonNullable<Note['gap']>): OpenGap {
  return { recordingId, cause, detail, fromMs };
}

function toBegun(one: Note['begun'][number]): BegunOrder {
  const { order, began_ms: beganAtMs, started_ms: startedAtMs, elapsed_ms: elapsedMs, size_bytes: sizeBytes, segments, filename } = one;
  return { order, beganAtMs, tally: { startedAtMs, elapsedMs, sizeBytes, segments, filename } };
}
