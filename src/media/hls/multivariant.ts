/** Text of the multivariant playlist (RFC 8216, 4.3.4). Pure. */

export interface Variant {
  readonly playlist: string;
  /** Bits per second, all renditions that play together. */
  readonly bandwidth: number;
  readonly averageBandwidth: number;
  /** RFC 6381, of everything that plays together. */
  readonly codecs: readonly string[];
  /** Undefined for sound alone, as is the frame rate. */
  readonly resolution: { readonly width: number; readonly height: number } | undefined;
  readonly frameRate: number | undefined;
  readonly range: 'SDR' | 'PQ' | 'HLG';
  readonly iframes: { readonly playlist: string; readonly bandwidth: number; readonly averageBandwidth: number; readonly codecs: string } | undefined;
}

export interface AudioRendition {
  /** Undefined: the sound in the segments of the variants. */
  readonly playlist: string | undefined;
  readonly language: string;
  readonly title: string;
  readonly isDefault: boolean;
  readonly channels: number;
}

export interface SubtitleRendition {
  readonly playlist: string;
  readonly language: string;
  readonly title: string;
  readonly isDefault: boolean;
  readonly isForced: boolean;
  readonly isSdh: boolean;
}

export interface Multivariant {
  readonly variants: readonly Variant[];
  /** Empty: no group, the sound (if any) is in the variants. */
  readonly audio: readonly AudioRendition[];
  readonly subtitles: readonly SubtitleRendition[];
}

/** A middle rate to begin with, before anything is known of the network; bits per second. */
const firstAverage = 2_000_000;

/** The best one to begin with stands first, the others follow by rate. */
export function orderVariants<V extends Pick<Variant, 'averageBandwidth' | 'bandwidth'>>(variants: readonly V[]): V[] {
  const byRate = [...variants].sort((a, b) => b.bandwidth - a.bandwidth);
  const distance = ({ averageBandwidth }: V): number => Math.abs(Math.log(Math.max(1, averageBandwidth) / firstAverage));
  const first = [...byRate].sort((a, b) => distance(a) - distance(b))[0];
  return first === undefined ? [] : [first, ...byRate.filter((variant) => variant !== first)];
}

export function formatMultivariant({ variants, audio, subtitles }: Multivariant): string {
  const ordered = orderVariants(variants);
  // Either all variants name their range, or all are SDR and none needs to.
  const namesRange = variants.some(({ range }) => range !== 'SDR');
  const groups = [audio.length > 0 ? 'AUDIO="audio"' : '', subtitles.length > 0 ? 'SUBTITLES="subtitles"' : ''].filter((group) => group !== '');
  const lines = ['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS'];
  lines.push(...withUniqueTitles(audio).map(audioLine), ...withUniqueTitles(subtitles).map(subtitleLine));
  for (const variant of ordered) lines.push(variantLine(variant, groups, namesRange), variant.playlist);
  for (const variant of ordered) {
    const line = iframeLine(variant, namesRange);
    if (line !== undefined) lines.push(line);
  }
  return `${lines.join('\n')}\n`;
}

/** "All EXT-X-MEDIA tags in the same Group MUST have different NAME attributes." */
function withUniqueTitles<R extends { readonly title: string }>(renditions: readonly R[]): R[] {
  const used = new Set<string>();
  return renditions.map((rendition) => {
    const plain = rendition.title.replaceAll(/["\r\n]/g, ' ').trim() || 'Track';
    let title = plain;
    for (let number = 2; used.has(title); number += 1) title = `${plain} ${number}`;
    used.add(title);
    return { ...rendition, title };
  });
}

function audioLine({ playlist, language, title, isDefault, channels }: AudioRendition): string {
  const uri = playlist === undefined ? '' : `,URI="${playlist}"`;
  const choice = `DEFAULT=${isDefault ? 'YES' : 'NO'},AUTOSELECT=YES`;
  return `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="${title}",LANGUAGE="${language}",${choice},CHANNELS="${channels}"${uri}`;
}

const sdhCharacteristics = 'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound';

function subtitleLine({ playlist, language, title, isDefault, isForced, isSdh }: SubtitleRendition): string {
  const choice = `DEFAULT=${isDefault ? 'YES' : 'NO'},AUTOSELECT=YES,FORCED=${isForced ? 'YES' : 'NO'}`;
  const characteristics = isSdh ? `,CHARACTERISTICS="${sdhCharacteristics}"` : '';
  return `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="${title}",LANGUAGE="${language}",${choice}${characteristics},URI="${playlist}"`;
}

function variantLine(variant: Variant, groups: readonly string[], namesRange: boolean): string {
  const attributes = [
    `BANDWIDTH=${variant.bandwidth}`,
    `AVERAGE-BANDWIDTH=${variant.averageBandwidth}`,
    `CODECS="${[...new Set(variant.codecs)].join(',')}"`,
    ...resolution(variant),
    ...(variant.frameRate === undefined ? [] : [`FRAME-RATE=${variant.frameRate.toFixed(3)}`]),
    ...(namesRange ? [`VIDEO-RANGE=${variant.range}`] : []),
    ...groups,
    ...(variant.resolution === undefined ? [] : ['CLOSED-CAPTIONS=NONE']),
  ];
  return `#EXT-X-STREAM-INF:${attributes.join(',')}`;
}

function resolution({ resolution: size }: Variant): string[] {
  return size === undefined ? [] : [`RESOLUTION=${size.width}x${size.height}`];
}

function iframeLine(variant: Variant, namesRange: boolean): string | undefined {
  const { iframes } = variant;
  if (iframes === undefined) return undefined;
  const rates = `BANDWIDTH=${iframes.bandwidth},AVERAGE-BANDWIDTH=${iframes.averageBandwidth},CODECS="${iframes.codecs}"`;
  const attributes = [rates, ...resolution(variant), ...(namesRange ? [`VIDEO-RANGE=${variant.range}`] : []), `URI="${iframes.playlist}"`];
  return `#EXT-X-I-FRAME-STREAM-INF:${attributes.join(',')}`;
}
