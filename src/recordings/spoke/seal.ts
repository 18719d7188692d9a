/** The end of a file that was written: finished and put into the list, or a gap in its place, or nothing. Within `ledger.run` only. */
import { rm } from 'node:fs/promises';
import { finishPart } from './finish.js';
import { type EntryHead, type Gaps, iso } from './gaps.js';
import type { Ledger } from './ledger.js';
import { partPath } from './names.js';
import type { Segment, SegmentStats } from './segment.js';
import { gapCauseOf, messageOf } from './setback.js';
import { nameSpare } from './spare-file.js';

export type ClosedBy = 'rotation' | 'stop' | 'gap' | 'picture_changed';

/** Where files go, and who is told of them. */
export interface Sealing {
  readonly root: string;
  readonly ffmpeg: string;
  readonly ledger: Ledger;
  readonly gaps: Gaps;
  head(recordingId: string): EntryHead;
  onTrouble(message: string, fields: object): void;
}

/** Never fails: what cannot be finished is a gap, and told as trouble. */
export async function sealSegment(sealing: Sealing, segment: Segment, written: SegmentStats, by: ClosedBy): Promise<void> {
  const { root, ffmpeg, ledger, gaps, head, onTrouble } = sealing;
  const { part } = segment;
  try {
    await segment.seal();
    const { path, format, sizeBytes, problem } = await finishPart(root, part, ffmpeg);
    if (problem !== undefined) onTrouble('a recording is kept as fMP4', { filename: part.filename, reason: problem });
    const { video, codecs } = segment.facts;
    await ledger.append({
      ...head(part.recording_id),
      kind: 'segment',
      filename: part.filename,
      path,
      format,
      from: iso(part.from_ms),
      to: iso(written.toMs),
      duration_ms: Math.round(written.durationMs),
      size_bytes: sizeBytes,
      frames: written.frames,
      ...(video === undefined ? {} : { width: video.width, height: video.height }),
      codecs,
      keyframes: format === 'fmp4' ? segment.keyframes : [],
      init_bytes: format === 'fmp4' ? segment.initBytes : 0,
      closed_by: by,
    });
  } catch (error) {
    const detail = `The file could not be finished: ${messageOf(error)}`;
    onTrouble('a recording is lost', { filename: part.filename, reason: detail });
    await ledger.append(gaps.draft({ recordingId: part.recording_id, cause: gapCauseOf(error), detail, fromMs: part.from_ms }, written.toMs));
  }
}

/** Leaves nothing of a file without a picture. Never fails. */
export async function discardSegment(root: string, segment: Segment): Promise<void> {
  await segment.discard().catch(() => undefined);
  await nameSpare(root, segment.part).catch(() => undefined);
  await rm(partPath(root, segment.part), { force: true }).catch(() => undefined);
}
