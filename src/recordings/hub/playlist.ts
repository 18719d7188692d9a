/** HLS playlists over files of fragments (RFC 8216, version 7). Pure. */
import type { Keyframe } from '../../store/index.js';

/** A file as the playlist sees it. */
export interface PlayableFile {
  readonly filename: string;
  readonly started_ms: number;
  readonly duration_ms: number;
  readonly size_bytes: number;
  readonly keyframes: readonly Keyframe[];
  /** Equal for files that one decoder can play one after the other. */
  readonly picture: string;
}

/** Bytes of a file from one keyframe to another. */
export interface PlayablePart {
  readonly start: number;
  /** Included. */
  readonly end: number;
  readonly from_ms: number;
  readonly to_ms: number;
}

const targetMs = 4000;
const targetBytes = 8 * 1024 * 1024;
/** Files follow each other without a break when no more lies between. */
const seamMs = 250;

/** The parts of a file that touch a time, each beginning with a keyframe at or after `notBeforeMs`, none longer than it must be. */
export function partsOf(file: PlayableFile, fromMs: number, toMs: number, notBeforeMs = Number.NEGATIVE_INFINITY): PlayablePart[] {
  const parts: PlayablePart[] = [];
  const groups = file.keyframes.map(([ms, start], index): PlayablePart => {
    const next = file.keyframes[index + 1];
    const to_ms = file.started_ms + (next?.[0] ?? file.duration_ms);
    return { start, end: (next?.[1] ?? file.size_bytes) - 1, from_ms: file.started_ms + ms, to_ms };
  });
  for (const group of groups) {
    if (group.to_ms <= fromMs || group.from_ms >= toMs || group.end < group.start || group.from_ms < notBeforeMs) continue;
    const last = parts.at(-1);
    const fits = last !== undefined && last.to_ms - last.from_ms < targetMs && group.end - last.start < targetBytes;
    if (fits && last.end + 1 === group.start) parts[parts.length - 1] = { ...last, end: group.end, to_ms: group.to_ms };
    else parts.push(group);
  }
  return parts;
}

/** `isOpen`: more will follow, so a player asks again. Files must be in order; where they overlap the earlier one is played. */
export function formatPlaylist(files: readonly PlayableFile[], fromMs: number, toMs: number, isOpen: boolean): string {
  const body: string[] = [];
  let longestMs = 1000;
  let end: { ms: number; picture: string } | undefined;
  let firstMs: number | undefined;
  for (const file of files) {
    const parts = partsOf(file, fromMs, toMs, end === undefined ? undefined : end.ms - seamMs);
    const [first] = parts;
    if (first === undefined) continue;
    firstMs ??= first.from_ms;
    if (end !== undefined && (first.from_ms - end.ms > seamMs || end.picture !== file.picture)) body.push('#EXT-X-DISCONTINUITY');
    body.push(`#EXT-X-MAP:URI="${file.filename}/init.mp4"`, `#EXT-X-PROGRAM-DATE-TIME:${new Date(first.from_ms).toISOString()}`);
    for (const part of parts) {
      const lengthMs = part.to_ms - part.from_ms;
      longestMs = Math.max(longestMs, lengthMs);
      body.push(`#EXTINF:${(lengthMs / 1000).toFixed(3)},`, `${file.filename}/${part.start}-${part.end}.m4s`);
    }
    end = { ms: parts.at(-1)?.to_ms ?? first.to_ms, picture: file.picture };
  }
  const skippedMs = fromMs - (firstMs ?? fromMs);
  const head = ['#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${Math.ceil(longestMs / 1000)}`, '#EXT-X-MEDIA-SEQUENCE:0'];
  head.push(`#EXT-X-PLAYLIST-TYPE:${isOpen ? 'EVENT' : 'VOD'}`, '#EXT-X-INDEPENDENT-SEGMENTS');
  // The picture begins at the keyframe before; players that know this tag begin where they were asked to.
  if (skippedMs > 100) head.push(`#EXT-X-START:TIME-OFFSET=${(skippedMs / 1000).toFixed(3)},PRECISE=YES`);
  return `${[...head, ...body, ...(isOpen ? [] : ['#EXT-X-ENDLIST'])].join('\n')}\n`;
}
