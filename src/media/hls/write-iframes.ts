/** I-frame playlists: byte ranges of the segments that are there anyway. */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { bandwidthOf, type IFrame, iframesOf, type MeasuredTrack } from './measured-track.js';
import { formatMediaPlaylist, type PlaylistSegment, targetDurationOf } from './media-playlist.js';
import type { Variant } from './multivariant.js';
import { decryptSegment, encryptSegment, type SegmentKey } from './segment-key.js';
import { writeWhole } from './write-file.js';

/** Undefined when no keyframe can be fetched alone. */
export async function writeIFrames(folder: string, track: MeasuredTrack, key: SegmentKey | undefined): Promise<Variant['iframes']> {
  const iframes = iframesOf(track);
  if (iframes.length === 0 || track.video === undefined) return undefined;
  const targetDurationS = targetDurationOf(iframes);
  const playlist = `${track.files.name}_iframes.m3u8`;
  const [segments, sizes] = key === undefined ? [iframes, iframes] : await writeEncrypted(folder, track, iframes, key);
  const text = formatMediaPlaylist({
    ...{ segments, targetDurationS, map: mapOf(track, key), isIFramesOnly: true },
    key: key === undefined ? undefined : { uri: key.file, iv: key.iv },
  });
  await writeWhole(folder, playlist, text);
  const { peak, average } = bandwidthOf(sizes, targetDurationS);
  return { playlist, bandwidth: peak, averageBandwidth: average, codecs: track.video.codecs };
}

/** Tables or `moov` that a decoder needs before any frame. Those of encrypted MPEG-TS stand before each frame instead. */
function mapOf(track: MeasuredTrack, key: SegmentKey | undefined): { file: string; range?: { start: number; end: number } } | undefined {
  if (track.files.init !== undefined) return { file: track.files.init };
  const [first] = track.segments;
  if (key !== undefined || first === undefined) return undefined;
  return { file: first.file, range: { start: 0, end: first.tablesEnd } };
}

/**
 * "The encryption is applied to the byte range": a range of an encrypted segment cannot be decrypted, so the frames are laid down in a file
 * of their own, each encrypted by itself.
 */
async function writeEncrypted(
  folder: string,
  track: MeasuredTrack,
  iframes: readonly IFrame[],
  key: SegmentKey,
): Promise<[PlaylistSegment[], IFrame[]]> {
  const file = `${track.files.name}_iframes${extname(track.files.segments)}`;
  const parts: Uint8Array[] = [];
  const sizes: IFrame[] = [];
  let [at, opened, clear]: [number, string, Uint8Array] = [0, '', new Uint8Array()];
  for (const [number, iframe] of iframes.entries()) {
    if (iframe.file !== opened) {
      clear = decryptSegment(await readFile(join(folder, iframe.file)), key, iframe.sequence);
      opened = iframe.file;
    }
    const { start, end } = iframe.range;
    const tablesEnd = track.segments[iframe.sequence]?.tablesEnd ?? 0;
    const needsTables = track.files.init === undefined && start >= tablesEnd;
    const bytes = needsTables ? Buffer.concat([clear.subarray(0, tablesEnd), clear.subarray(start, end)]) : clear.subarray(start, end);
    const part = encryptSegment(bytes, key, number);
    parts.push(part);
    sizes.push({ ...iframe, file, range: { start: at, end: at + part.byteLength }, sizeBytes: part.byteLength });
    at += part.byteLength;
  }
  await writeWhole(folder, file, Buffer.concat(parts));
  return [sizes, sizes];
}
