/** Text of media playlists (RFC 8216). Pure. */

export interface PlaylistSegment {
  readonly file: string;
  readonly durationS: number;
  readonly range?: { readonly start: number; readonly end: number } | undefined;
}

export interface PlaylistKey {
  readonly uri: string;
  readonly iv: Uint8Array | undefined;
}

export interface MediaPlaylist {
  readonly segments: readonly PlaylistSegment[];
  /** The same for all playlists of an output. */
  readonly targetDurationS: number;
  readonly map?: { readonly file: string; readonly range?: { readonly start: number; readonly end: number } | undefined } | undefined;
  readonly key?: PlaylistKey | undefined;
  readonly isIFramesOnly?: boolean;
  /** False for WebVTT, where the word has no meaning. Default true. */
  readonly isIndependent?: boolean;
}

/** Whole seconds that no segment exceeds when rounded. */
export function targetDurationOf(segments: readonly { readonly durationS: number }[]): number {
  return Math.max(1, ...[...maxOf(segments)].map((durationS) => Math.round(durationS)));
}

function* maxOf(segments: readonly { readonly durationS: number }[]): Generator<number> {
  let longest = 0;
  for (const { durationS } of segments) longest = Math.max(longest, durationS);
  yield longest;
}

export function formatMediaPlaylist(playlist: MediaPlaylist): string {
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${versionOf(playlist)}`,
    `#EXT-X-TARGETDURATION:${playlist.targetDurationS}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
  ];
  if (playlist.isIndependent !== false) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  if (playlist.isIFramesOnly === true) lines.push('#EXT-X-I-FRAMES-ONLY');
  // A map before the key is not encrypted.
  if (playlist.map !== undefined) lines.push(mapLine(playlist.map));
  if (playlist.key !== undefined) lines.push(keyLine(playlist.key));
  for (const { file, durationS, range } of playlist.segments) {
    lines.push(`#EXTINF:${durationS.toFixed(6)},`);
    if (range !== undefined) lines.push(`#EXT-X-BYTERANGE:${range.end - range.start}@${range.start}`);
    lines.push(file);
  }
  lines.push('#EXT-X-ENDLIST', '');
  return lines.join('\n');
}

/** The lowest version that knows all tags in use, so that old players are not turned away. */
function versionOf({ map, isIFramesOnly }: MediaPlaylist): number {
  if (isIFramesOnly === true) return map === undefined ? 4 : 5;
  return map === undefined ? 3 : 6;
}

function mapLine({ file, range }: NonNullable<MediaPlaylist['map']>): string {
  const bytes = range === undefined ? '' : `,BYTERANGE="${range.end - range.start}@${range.start}"`;
  return `#EXT-X-MAP:URI="${file}"${bytes}`;
}

function keyLine({ uri, iv }: PlaylistKey): string {
  const vector = iv === undefined ? '' : `,IV=0x${Buffer.from(iv).toString('hex')}`;
  return `#EXT-X-KEY:METHOD=AES-128,URI="${uri}"${vector}`;
}
