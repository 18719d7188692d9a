/** What an initialisation segment says about its tracks. */
import { type Box, boxesIn, findBox, findPath, malformed, typeName, viewOf } from './boxes.js';

export interface VideoTrack {
  readonly id: number;
  readonly timescale: number;
  /** FFmpeg's word: `h264`, `hevc`, `av1`, `vp9`, else the sample entry's four characters. */
  readonly codec: string;
  /** RFC 6381, for example `avc1.64001f`. */
  readonly codecs: string;
  readonly width: number;
  readonly height: number;
  readonly profile: string | undefined;
}

export interface AudioTrack {
  readonly id: number;
  readonly timescale: number;
  /** `aac`, `opus`, `mp3`, else the sample entry's four characters. */
  readonly codec: string;
  readonly codecs: string;
  readonly sampleRate: number;
  readonly channels: number;
}

/** Defaults that `moov` gives for the samples of a track. */
export interface SampleDefaults {
  readonly duration: number;
  readonly flags: number;
}

export interface TrackFacts {
  /** All tracks, for `Weir-Codecs` and `MediaSource.isTypeSupported`: `avc1.64001f,mp4a.40.2`. */
  readonly codecs: string;
  /** `video/mp4; codecs="…"`, or `audio/mp4` without video. */
  readonly mimeType: string;
  readonly video: VideoTrack | undefined;
  readonly audio: AudioTrack | undefined;
  readonly defaults: ReadonlyMap<number, SampleDefaults>;
}

/** Reads the tracks out of an initialisation segment. Throws `invalid_argument` when it has no readable `moov`. */
export function readTrackFacts(init: Uint8Array): TrackFacts {
  const view = viewOf(init);
  try {
    const moov = findBox(view, { body: 0, end: init.byteLength }, 'moov');
    if (moov === undefined) throw malformed('no moov');
    return readMoov(view, moov);
  } catch (error) {
    if (error instanceof RangeError) throw malformed('moov is cut short');
    throw error;
  }
}

function readMoov(view: DataView, moov: Box): TrackFacts {
  let video: VideoTrack | undefined;
  let audio: AudioTrack | undefined;
  for (const box of boxesIn(view, moov.body, moov.end)) {
    if (box.type !== 'trak') continue;
    const track = readTrack(view, box);
    if (track?.handler === 'vide') video ??= readVideo(view, track);
    else if (track?.handler === 'soun') audio ??= readAudio(view, track);
  }
  const codecs = [video?.codecs, audio?.codecs].filter((codec) => codec !== undefined).join(',');
  const mimeType = `${video === undefined && audio !== undefined ? 'audio' : 'video'}/mp4; codecs="${codecs}"`;
  return { codecs, mimeType, video, audio, defaults: readDefaults(view, moov) };
}

interface TrackEntry {
  readonly id: number;
  readonly timescale: number;
  readonly handler: string;
  /** The first sample entry. */
  readonly entry: Box;
}

function readTrack(view: DataView, trak: Box): TrackEntry | undefined {
  const tkhd = findBox(view, trak, 'tkhd');
  const mdia = findBox(view, trak, 'mdia');
  if (tkhd === undefined || mdia === undefined) return undefined;
  const mdhd = findBox(view, mdia, 'mdhd');
  const hdlr = findBox(view, mdia, 'hdlr');
  const stsd = findPath(view, mdia, ['minf', 'stbl', 'stsd']);
  if (mdhd === undefined || hdlr === undefined || stsd === undefined) return undefined;
  const [entry] = boxesIn(view, stsd.body + 8, stsd.end);
  if (entry === undefined) return undefined;
  return {
    // Version 1 has 64-bit times before the field.
    id: view.getUint32(tkhd.body + (view.getUint8(tkhd.body) === 1 ? 20 : 12)),
    timescale: view.getUint32(mdhd.body + (view.getUint8(mdhd.body) === 1 ? 20 : 12)),
    handler: typeName(view.getUint32(hdlr.body + 8)),
    entry,
  };
}

function readDefaults(view: DataView, moov: Box): Map<number, SampleDefaults> {
  const defaults = new Map<number, SampleDefaults>();
  const mvex = findBox(view, moov, 'mvex');
  if (mvex === undefined) return defaults;
  for (const trex of boxesIn(view, mvex.body, mvex.end)) {
    if (trex.type !== 'trex') continue;
    defaults.set(view.getUint32(trex.body + 4), { duration: view.getUint32(trex.body + 12), flags: view.getUint32(trex.body + 20) });
  }
  return defaults;
}

/** Bytes of a visual and of an audio sample entry before their inner boxes. */
const visualEntryBytes = 78;
const audioEntryBytes = 28;

function readVideo(view: DataView, track: TrackEntry): VideoTrack {
  const { entry, id, timescale } = track;
  const width = view.getUint16(entry.body + 24);
  const height = view.getUint16(entry.body + 26);
  const inner = { body: entry.body + visualEntryBytes, end: entry.end };
  return { id, timescale, width, height, ...videoCodec(view, entry.type, inner) };
}

function videoCodec(
  view: DataView,
  type: string,
  inner: { body: number; end: number },
): { codec: string; codecs: string; profile: string | undefined } {
  switch (type) {
    case 'avc1':
    case 'avc3': {
      const config = required(findBox(view, inner, 'avcC'), 'avcC');
      const profile = view.getUint8(config.body + 1);
      const constraints = view.getUint8(config.body + 2);
      return {
        codec: 'h264',
        codecs: `${type}.${hex(profile)}${hex(constraints)}${hex(view.getUint8(config.body + 3))}`,
        profile: avcProfile(profile, constraints),
      };
    }
    case 'hvc1':
    case 'hev1': {
      const config = required(findBox(view, inner, 'hvcC'), 'hvcC');
      return { codec: 'hevc', codecs: `${type}.${hevcParameters(view, config.body)}`, profile: hevcProfile(view.getUint8(config.body + 1) & 0x1f) };
    }
    case 'av01': {
      const config = required(findBox(view, inner, 'av1C'), 'av1C');
      return { codec: 'av1', codecs: av1Codecs(view, config.body), profile: undefined };
    }
    case 'vp09': {
      const config = required(findBox(view, inner, 'vpcC'), 'vpcC');
      const part = (at: number) => String(view.getUint8(config.body + at)).padStart(2, '0');
      return {
        codec: 'vp9',
        codecs: `vp09.${part(4)}.${part(5)}.${String(view.getUint8(config.body + 6) >> 4).padStart(2, '0')}`,
        profile: undefined,
      };
    }
    default:
      return { codec: type.trim(), codecs: type.trim(), profile: undefined };
  }
}

function readAudio(view: DataView, track: TrackEntry): AudioTrack {
  const { entry, id, timescale } = track;
  const channels = view.getUint16(entry.body + 16);
  const sampleRate = view.getUint16(entry.body + 24);
  const inner = { body: entry.body + audioEntryBytes, end: entry.end };
  if (entry.type === 'mp4a') {
    const config = readEsds(view, required(findBox(view, inner, 'esds'), 'esds'));
    return {
      id,
      timescale,
      codec: config.codec,
      codecs: config.codecs,
      sampleRate: config.sampleRate ?? (sampleRate || timescale),
      channels: config.channels ?? channels,
    };
  }
  const codec = entry.type === 'Opus' ? 'opus' : entry.type.trim();
  // RFC 6381 names Opus in ISOBMFF by its sample entry, which browsers know in lower case.
  return { id, timescale, codec, codecs: codec, sampleRate: sampleRate || timescale, channels };
}

interface AudioConfig {
  readonly codec: string;
  readonly codecs: string;
  readonly sampleRate: number | undefined;
  readonly channels: number | undefined;
}

const sampleRates = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];

/** Descriptors of ISO/IEC 14496-1: ES (3) holds decoder configuration (4), which holds the decoder's own bytes (5). */
function readEsds(view: DataView, esds: Box): AudioConfig {
  const es = descriptor(view, esds.body + 4, esds.end);
  if (es.tag !== 3) throw malformed('esds without ES descriptor');
  const flags = view.getUint8(es.body + 2);
  let at = es.body + 3;
  if ((flags & 0x80) !== 0) at += 2;
  if ((flags & 0x40) !== 0) at += 1 + view.getUint8(at);
  if ((flags & 0x20) !== 0) at += 2;
  const decoder = descriptor(view, at, esds.end);
  if (decoder.tag !== 4) throw malformed('esds without decoder configuration');
  const objectType = view.getUint8(decoder.body);
  if (objectType !== 0x40) {
    const isMp3 = objectType === 0x6b || objectType === 0x69;
    return { codec: isMp3 ? 'mp3' : `mp4a.${hex(objectType)}`, codecs: `mp4a.${hex(objectType)}`, sampleRate: undefined, channels: undefined };
  }
  const specific = descriptor(view, decoder.body + 13, decoder.end);
  if (specific.tag !== 5 || specific.end - specific.body < 2) throw malformed('esds without audio configuration');
  const head = view.getUint16(specific.body);
  const isEscaped = head >> 11 === 31;
  const type = isEscaped ? 32 + ((head >> 5) & 0x3f) : head >> 11;
  if (isEscaped) return { codec: 'aac', codecs: `mp4a.40.${type}`, sampleRate: undefined, channels: undefined };
  return { codec: 'aac', codecs: `mp4a.40.${type}`, sampleRate: sampleRates[(head >> 7) & 0xf], channels: aacChannels((head >> 3) & 0xf) };
}

function aacChannels(configuration: number): number | undefined {
  if (configuration === 0) return undefined;
  return configuration === 7 ? 8 : configuration;
}

function descriptor(view: DataView, start: number, limit: number): { tag: number; body: number; end: number } {
  const tag = view.getUint8(start);
  let size = 0;
  let at = start + 1;
  for (let more = true; more && at < start + 5; at += 1) {
    const byte = view.getUint8(at);
    size = (size << 7) | (byte & 0x7f);
    more = (byte & 0x80) !== 0;
  }
  if (at + size > limit) throw malformed('descriptor is cut short');
  return { tag, body: at, end: at + size };
}

function required(box: Box | undefined, name: string): Box {
  if (box === undefined) throw malformed(`no ${name}`);
  return box;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function avcProfile(profile: number, constraints: number): string | undefined {
  if (profile === 66) return (constraints & 0x40) !== 0 ? 'Constrained Baseline' : 'Baseline';
  return ({ 77: 'Main', 88: 'Extended', 100: 'High', 110: 'High 10', 122: 'High 4:2:2', 244: 'High 4:4:4 Predictive' } as Record<number, string>)[
    profile
  ];
}

function hevcProfile(profile: number): string | undefined {
  return ({ 1: 'Main', 2: 'Main 10', 3: 'Main Still Picture', 4: 'Rext' } as Record<number, string>)[profile];
}

/** ISO/IEC 14496-15 annex E: profile, reversed compatibility flags, tier and level, constraint bytes without trailing zeros. */
function hevcParameters(view: DataView, config: number): string {
  const first = view.getUint8(config + 1);
  const space = ['', 'A', 'B', 'C'][first >> 6] ?? '';
  const tier = (first & 0x20) !== 0 ? 'H' : 'L';
  let compatibility = 0;
  const flags = view.getUint32(config + 2);
  for (let bit = 0; bit < 32; bit += 1) if ((flags & (1 << bit)) !== 0) compatibility |= 1 << (31 - bit);
  const constraints = [];
  for (let at = 0; at < 6; at += 1) constraints.push(view.getUint8(config + 6 + at));
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  const parts = [`${space}${first & 0x1f}`, (compatibility >>> 0).toString(16), `${tier}${view.getUint8(config + 12)}`];
  return [...parts, ...constraints.map((byte) => byte.toString(16))].join('.');
}

function av1Codecs(view: DataView, config: number): string {
  const second = view.getUint8(config + 1);
  const third = view.getUint8(config + 2);
  const depth = (third & 0x40) === 0 ? 8 : (third & 0x20) !== 0 ? 12 : 10;
  const level = String(second & 0x1f).padStart(2, '0');
  return `av01.${second >> 5}.${level}${(third & 0x80) !== 0 ? 'H' : 'M'}.${String(depth).padStart(2, '0')}`;
}
