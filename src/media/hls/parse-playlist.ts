/** Reads playlists back (RFC 8216, 4): tolerant, so that rules can say what is wrong with them. */

export interface ParsedSegment {
  readonly file: string;
  readonly durationS: number;
  readonly range: { readonly start: number; readonly end: number } | undefined;
}

export interface ParsedMediaPlaylist {
  /** Names of all tags in it, without `#`. */
  readonly tags: ReadonlySet<string>;
  readonly targetDurationS: number | undefined;
  readonly type: string | undefined;
  readonly map: { readonly file: string; readonly range: { readonly start: number; readonly end: number } | undefined } | undefined;
  readonly key: ReadonlyMap<string, string> | undefined;
  readonly segments: readonly ParsedSegment[];
}

export interface ParsedVariant {
  readonly playlist: string;
  readonly attributes: ReadonlyMap<string, string>;
}

export interface ParsedMultivariant {
  readonly tags: ReadonlySet<string>;
  /** In the order of the file. */
  readonly variants: readonly ParsedVariant[];
  readonly iframes: readonly ParsedVariant[];
  /** `EXT-X-MEDIA`. */
  readonly media: readonly ReadonlyMap<string, string>[];
}

/** `A=1,B="x,y"`; quotes are taken off. */
export function parseAttributes(text: string): Map<string, string> {
  return new Map([...text.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^",]*))/g)].map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']));
}

function* linesOf(text: string): Generator<{ tag: string; value: string; line: string }> {
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim();
    const [, tag = '', value = ''] = /^#(EXT[A-Z0-9-]*):?(.*)$/.exec(trimmed) ?? [];
    if (trimmed !== '' && (tag !== '' || !trimmed.startsWith('#'))) yield { tag, value, line: trimmed };
  }
}

function parseRange(text: string | undefined, from: number): { start: number; end: number } | undefined {
  const [, length, start] = /^(\d+)(?:@(\d+))?$/.exec(text ?? '') ?? [];
  if (length === undefined) return undefined;
  const at = start === undefined ? from : Number(start);
  return { start: at, end: at + Number(length) };
}

/** Undefined when the text does not begin with `#EXTM3U`. */
export function parseMediaPlaylist(text: string): ParsedMediaPlaylist | undefined {
  if (!text.startsWith('#EXTM3U')) return undefined;
  const tags = new Set<string>();
  const values = new Map<string, string>();
  const segments: ParsedSegment[] = [];
  let [durationS, range]: [number, ParsedSegment['range']] = [Number.NaN, undefined];
  for (const { tag, value, line } of linesOf(text)) {
    if (tag === '') {
      segments.push({ file: line, durationS, range });
      [durationS, range] = [Number.NaN, undefined];
    } else if (tag === 'EXTINF') durationS = Number.parseFloat(value);
    else if (tag === 'EXT-X-BYTERANGE') range = parseRange(value, segments.at(-1)?.range?.end ?? 0);
    else values.set(tag, value);
    if (tag !== '') tags.add(tag);
  }
  const map = values.has('EXT-X-MAP') ? parseAttributes(values.get('EXT-X-MAP') ?? '') : undefined;
  const target = Number.parseInt(values.get('EXT-X-TARGETDURATION') ?? '', 10);
  return {
    ...{ tags, segments, type: values.get('EXT-X-PLAYLIST-TYPE') },
    targetDurationS: Number.isNaN(target) ? undefined : target,
    map: map === undefined ? undefined : { file: map.get('URI') ?? '', range: parseRange(map.get('BYTERANGE'), 0) },
    key: values.has('EXT-X-KEY') ? parseAttributes(values.get('EXT-X-KEY') ?? '') : undefined,
  };
}

/** Undefined when the text does not begin with `#EXTM3U`. */
export function parseMultivariant(text: string): ParsedMultivariant | undefined {
  if (!text.startsWith('#EXTM3U')) return undefined;
  const tags = new Set<string>();
  const variants: ParsedVariant[] = [];
  const iframes: ParsedVariant[] = [];
  const media: ReadonlyMap<string, string>[] = [];
  let pending: Map<string, string> | undefined;
  for (const { tag, value, line } of linesOf(text)) {
    if (tag !== '') tags.add(tag);
    if (tag === 'EXT-X-STREAM-INF') pending = parseAttributes(value);
    else if (tag === 'EXT-X-MEDIA') media.push(parseAttributes(value));
    else if (tag === 'EXT-X-I-FRAME-STREAM-INF') {
      const attributes = parseAttributes(value);
      iframes.push({ playlist: attributes.get('URI') ?? '', attributes });
    } else if (tag === '') {
      variants.push({ playlist: line, attributes: pending ?? new Map() });
      pending = undefined;
    }
  }
  return { tags, variants, iframes, media };
}
