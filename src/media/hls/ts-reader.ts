/**
 * Reads one MPEG-TS segment (ISO/IEC 13818-1) as FFmpeg writes them: one programme, tables of one packet each, one access unit per packet of
 * the picture's elementary stream.
 */
import { WeirError } from '../../contracts/errors.js';
import { type AdtsFacts, readAdts } from './adts.js';
import { nalTypes, nalUnits, readSequenceParameters, type SequenceFacts } from './h264.js';

export const packetBytes = 188;
const syncByte = 0x47;
const streamTypes: Readonly<Record<number, 'h264' | 'hevc' | 'aac'>> = { 27: 'h264', 36: 'hevc', 15: 'aac' };
/** Bytes of an access unit that are looked at for parameter sets and the type of the first slice. */
const headBytes = 16_384;

export interface TsKeyframe {
  /** In units of 1/90000 s. */
  readonly pts: number;
  /** Byte of its first packet, or of the tables right before it. */
  readonly start: number;
  /** Byte after its last packet. */
  readonly end: number;
  readonly isIdr: boolean;
}

export interface TsVideo {
  readonly codec: 'h264' | 'hevc';
  readonly frames: number;
  /** Presentation time of each picture in decoding order, units of 1/90000 s, as they stand there (33 bits). */
  readonly pts: readonly number[];
  readonly keyframes: readonly TsKeyframe[];
  readonly sequence: SequenceFacts | undefined;
}

export interface TsAudio extends AdtsFacts {
  readonly firstPts: number;
  /** Frames of 1024 samples. */
  readonly frames: number;
  readonly payloadBytes: number;
  /** Greatest distance between where a packet begins and where the one before it ended; units of 1/90000 s. */
  readonly maxGap: number;
}

export interface TsFacts {
  readonly video: TsVideo | undefined;
  readonly audio: TsAudio | undefined;
  /** Elementary streams of any kind. */
  readonly streams: number;
  /** Byte after the first programme map; what comes before it initialises a decoder. */
  readonly tablesEnd: number;
}

interface Elementary {
  readonly codec: 'h264' | 'hevc' | 'aac';
  readonly pid: number;
  pts: number[];
  /** Of the unit being read. */
  head: Uint8Array[];
  headSize: number;
  start: number;
  end: number;
  isRandomAccess: boolean;
  payloadBytes: number;
}

interface Reading {
  readonly bytes: Uint8Array;
  pmtPid: number;
  tablesEnd: number;
  tablesStart: number;
  streams: number;
  video: Elementary | undefined;
  audio: Elementary | undefined;
  keyframes: TsKeyframe[];
  sequence: SequenceFacts | undefined;
  adts: AdtsFacts | undefined;
  audioFrames: number;
  audioEnd: number;
  maxGap: number;
}

/** Throws `internal` when it is no MPEG-TS, or holds no programme. */
export function readTsSegment(bytes: Uint8Array): TsFacts {
  if (bytes.length === 0 || bytes.length % packetBytes !== 0) throw damaged(`${bytes.length} bytes are no whole number of packets`);
  const reading: Reading = {
    ...{ bytes, pmtPid: -1, tablesEnd: 0, tablesStart: -1, streams: 0, video: undefined, audio: undefined },
    ...{ keyframes: [], sequence: undefined, adts: undefined, audioFrames: 0, audioEnd: -1, maxGap: 0 },
  };
  for (let at = 0; at < bytes.length; at += packetBytes) readPacket(reading, at);
  if (reading.tablesEnd === 0) throw damaged('no programme map');
  if (reading.video !== undefined) endVideoUnit(reading, reading.video);
  if (reading.audio !== undefined) endAudioUnit(reading, reading.audio);
  return { video: videoFacts(reading), audio: audioFacts(reading), streams: reading.streams, tablesEnd: reading.tablesEnd };
}

function damaged(what: string): WeirError {
  return new WeirError('internal', `Not MPEG-TS: ${what}`);
}

function readPacket(reading: Reading, at: number): void {
  const { bytes } = reading;
  if (bytes[at] !== syncByte) throw damaged(`no sync byte at ${at}`);
  const second = bytes[at + 1] ?? 0;
  const pid = ((second & 0x1f) << 8) | (bytes[at + 2] ?? 0);
  const control = ((bytes[at + 3] ?? 0) >> 4) & 3;
  const hasField = (control & 2) !== 0;
  const body = at + 4 + (hasField ? 1 + (bytes[at + 4] ?? 0) : 0);
  const isStart = (second & 0x40) !== 0;
  if ((control & 1) === 0 || body >= at + packetBytes) return;
  if (pid === 0 || pid === reading.pmtPid) {
    if (isStart) readTable(reading, pid, at, body);
    return;
  }
  const isRandomAccess = hasField && (bytes[at + 4] ?? 0) > 0 && ((bytes[at + 5] ?? 0) & 0x40) !== 0;
  const stream = pid === reading.video?.pid ? reading.video : pid === reading.audio?.pid ? reading.audio : undefined;
  // Tables initialise the picture only when nothing but them stands in between.
  const tablesStart = reading.tablesStart;
  reading.tablesStart = -1;
  if (stream === undefined) return;
  readPayload(reading, stream, { at, body, isStart, isRandomAccess, tablesStart });
}

function readTable(reading: Reading, pid: number, at: number, body: number): void {
  const { bytes } = reading;
  const table = body + 1 + (bytes[body] ?? 0);
  const sectionEnd = table + 3 + (uint16(bytes, table + 1) & 0xfff) - 4;
  if (sectionEnd > at + packetBytes) throw damaged('a table of several packets');
  if (pid === 0) {
    reading.tablesStart = at;
    for (let entry = table + 8; entry + 4 <= sectionEnd; entry += 4) {
      if (uint16(bytes, entry) !== 0) reading.pmtPid = uint16(bytes, entry + 2) & 0x1fff;
    }
  } else if (reading.tablesEnd === 0) {
    reading.tablesEnd = at + packetBytes;
    readStreams(reading, table + 12 + (uint16(bytes, table + 10) & 0xfff), sectionEnd);
  }
}

function readStreams(reading: Reading, start: number, end: number): void {
  const { bytes } = reading;
  for (let entry = start; entry + 5 <= end; entry += 5 + (uint16(bytes, entry + 3) & 0xfff)) {
    const codec = streamTypes[bytes[entry] ?? 0];
    const pid = uint16(bytes, entry + 1) & 0x1fff;
    reading.streams += 1;
    if (codec === 'aac') reading.audio ??= elementary(codec, pid);
    else if (codec !== undefined) reading.video ??= elementary(codec, pid);
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function elementary(codec: Elementary['codec'], pid: number): Elementary {
  return { codec, pid, pts: [], head: [], headSize: 0, start: 0, end: 0, isRandomAccess: false, payloadBytes: 0 };
}

interface Payload {
  readonly at: number;
  readonly body: number;
  readonly isStart: boolean;
  readonly isRandomAccess: boolean;
  readonly tablesStart: number;
}

function readPayload(reading: Reading, stream: Elementary, payload: Payload): void {
  let { body } = payload;
  const isAudio = stream === reading.audio;
  if (payload.isStart) {
    if (isAudio) endAudioUnit(reading, stream);
    else endVideoUnit(reading, stream);
    const { bytes } = reading;
    if (bytes[body] !== 0 || bytes[body + 1] !== 0 || bytes[body + 2] !== 1) throw damaged(`no start of a unit at ${payload.at}`);
    stream.pts.push(readPts(bytes, body));
    body += 9 + (bytes[body + 8] ?? 0);
    stream.start = payload.tablesStart >= 0 ? payload.tablesStart : payload.at;
    stream.isRandomAccess = payload.isRandomAccess;
    stream.head = [];
    stream.headSize = 0;
  }
  if (stream.pts.length === 0) return;
  stream.end = payload.at + packetBytes;
  const size = payload.at + packetBytes - body;
  stream.payloadBytes += size;
  if (!isAudio && (!stream.isRandomAccess || stream.headSize >= headBytes)) return;
  stream.head.push(reading.bytes.subarray(body, payload.at + packetBytes));
  stream.headSize += size;
}

function readPts(bytes: Uint8Array, pes: number): number {
  if (((bytes[pes + 7] ?? 0) & 0x80) === 0) throw damaged('a unit without a timestamp');
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = bytes.subarray(pes + 9, pes + 14);
  return ((a >> 1) & 7) * 2 ** 30 + ((b << 22) | ((c >> 1) << 15) | (d << 7) | (e >> 1));
}

function endVideoUnit(reading: Reading, video: Elementary): void {
  const pts = video.pts.at(-1);
  if (pts === undefined || !video.isRandomAccess) return;
  const head = Buffer.concat(video.head);
  let isIdr = video.codec === 'hevc';
  if (video.codec === 'h264') {
    for (const nal of nalUnits(head)) {
      const type = (nal[0] ?? 0) & 0x1f;
      if (type === nalTypes.sequence) reading.sequence ??= readSequenceParameters(nal);
      if (type === nalTypes.idr) isIdr = true;
      if (type === nalTypes.idr || type === nalTypes.slice) break;
    }
  }
  reading.keyframes.push({ pts, start: video.start, end: video.end, isIdr });
  video.isRandomAccess = false;
}

function endAudioUnit(reading: Reading, audio: Elementary): void {
  const pts = audio.pts.at(-1);
  if (pts === undefined || audio.head.length === 0) return;
  const { frames, facts } = readAdts(Buffer.concat(audio.head));
  audio.head = [];
  reading.adts ??= facts;
  if (reading.audioEnd >= 0) reading.maxGap = Math.max(reading.maxGap, Math.abs(pts - reading.audioEnd));
  reading.audioFrames += frames;
  const rate = reading.adts?.sampleRate ?? 0;
  reading.audioEnd = pts + (rate === 0 ? 0 : (frames * 1024 * 90_000) / rate);
}

function videoFacts(reading: Reading): TsVideo | undefined {
  const { video, keyframes, sequence } = reading;
  if (video === undefined || video.pts.length === 0 || video.codec === 'aac') return undefined;
  return { codec: video.codec, frames: video.pts.length, pts: video.pts, keyframes, sequence };
}

function audioFacts(reading: Reading): TsAudio | undefined {
  const { audio, adts } = reading;
  const firstPts = audio?.pts[0];
  if (audio === undefined || firstPts === undefined || adts === undefined) return undefined;
  return { ...adts, firstPts, frames: reading.audioFrames, payloadBytes: audio.payloadBytes, maxGap: reading.maxGap };
}
