/** Files that MediaMTX recorded: which file belongs to which start, how large it is, how long it plays. */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface SegmentFile {
  readonly file: string;
  readonly sizeBytes: number;
  /** Null for a container that does not tell, and for a file without a whole fragment. */
  readonly durationS: number | null;
}

export interface SegmentFiles {
  /** The file of the segment that began at `start` (RFC 3339, microseconds); undefined when it is not there. */
  find(start: string): Promise<SegmentFile | undefined>;
}

/** Looks at a folder once; one that does not exist is empty. */
export async function readSegmentFolder(folder: string): Promise<SegmentFiles> {
  const byStart = new Map<string, string>();
  for (const name of await readdir(folder).catch(() => [])) {
    const [, micros, seconds] = /-(\d{6})_(\d{10})\.(?:mp4|ts)$/.exec(name) ?? [];
    if (seconds !== undefined) byStart.set(`${seconds}.${micros}`, name);
  }
  return {
    async find(start) {
      const name = byStart.get(keyOf(start) ?? '');
      if (name === undefined) return undefined;
      const file = join(folder, name);
      const facts = await stat(file).catch(() => undefined);
      if (facts === undefined) return undefined;
      const durationS = name.endsWith('.mp4') ? await fragmentedDuration(file).catch(() => null) : null;
      return { file, sizeBytes: facts.size, durationS };
    },
  };
}

/** Seconds and microseconds since 1970; the fraction is taken as text, since a Date ends at milliseconds. */
function keyOf(start: string): string | undefined {
  const ms = Date.parse(start);
  if (Number.isNaN(ms)) return undefined;
  const fraction = /\.(\d+)/.exec(start)?.[1] ?? '';
  return `${Math.floor(ms / 1000)}.${fraction.slice(0, 6).padEnd(6, '0')}`;
}

interface Box {
  readonly type: string;
  /** Of the content, in the file. */
  readonly at: number;
  readonly end: number;
}

/** No box that is read as a whole is larger; the media itself is skipped. */
const maxBoxBytes = 4 * 1024 * 1024;
const maxBoxes = 200_000;

/** Length of the media in the file, from the first to the last whole fragment. */
export async function fragmentedDuration(path: string): Promise<number | null> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let tracks = new Map<number, Track>();
    for await (const box of topBoxes(file, size)) {
      if (box.type === 'moov') tracks = readTracks(await contentOf(file, box));
      else if (box.type === 'moof') addFragment(tracks, await contentOf(file, box));
    }
    const lengths = [...tracks.values()].flatMap(({ from, to, timescale }) =>
      from === undefined || to === undefined ? [] : [(to - from) / timescale],
    );
    return lengths.length === 0 ? null : Math.round(Math.max(...lengths) * 1000) / 1000;
  } finally {
    await file.close();
  }
}

interface Track {
  readonly timescale: number;
  readonly defaultDuration: number;
  from?: number;
  to?: number;
}

async function* topBoxes(file: FileHandle, size: number): AsyncGenerator<Box> {
  const head = Buffer.alloc(16);
  let at = 0;
  for (let count = 0; at + 8 <= size && count < maxBoxes; count++) {
    const { bytesRead } = await file.read(head, 0, 16, at);
    const box = readHead(head.subarray(0, bytesRead), 0, at, size);
    // A torn end.
    if (box === undefined || box.end > size) return;
    yield box;
    at = box.end;
  }
}

/** The box whose head begins at `offset` of `bytes`; `base` is where that lies in the file. */
function readHead(bytes: Buffer, offset: number, base: number, limit: number): Box | undefined {
  if (offset + 8 > bytes.length) return undefined;
  const short = bytes.readUInt32BE(offset);
  const type = bytes.toString('latin1', offset + 4, offset + 8);
  if (short === 1 && offset + 16 > bytes.length) return undefined;
  const length = short === 1 ? Number(bytes.readBigUInt64BE(offset + 8)) : short === 0 ? limit - base : short;
  const headLength = short === 1 ? 16 : 8;
  return length < headLength ? undefined : { type, at: base + headLength, end: base + length };
}

async function contentOf(file: FileHandle, box: Box): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.min(maxBoxBytes, box.end - box.at));
  await file.read(bytes, 0, bytes.length, box.at);
  return bytes;
}

/** The boxes directly inside. */
function inner(bytes: Buffer): { type: string; content: Buffer }[] {
  const found: { type: string; content: Buffer }[] = [];
  for (let at = 0; ; ) {
    const box = readHead(bytes, at, at, bytes.length);
    if (box === undefined || box.end > bytes.length) return found;
    found.push({ type: box.type, content: bytes.subarray(box.at, box.end) });
    at = box.end;
  }
}

function find(bytes: Buffer, ...path: string[]): Buffer | undefined {
  let content: Buffer | undefined = bytes;
  for (const type of path) content = content === undefined ? undefined : inner(content).find((box) => box.type === type)?.content;
  return content;
}

function readTracks(moov: Buffer): Map<number, Track> {
  const defaults = new Map<number, number>();
  for (const { type, content } of inner(find(moov, 'mvex') ?? Buffer.alloc(0))) {
    if (type === 'trex') defaults.set(content.readUInt32BE(4), content.readUInt32BE(12));
  }
  const tracks = new Map<number, Track>();
  for (const { type, content } of inner(moov)) {
    if (type !== 'trak') continue;
    const head = find(content, 'tkhd');
    const media = find(content, 'mdia', 'mdhd');
    if (head === undefined || media === undefined) continue;
    const id = head.readUInt32BE(head[0] === 1 ? 20 : 12);
    const timescale = media.readUInt32BE(media[0] === 1 ? 20 : 12);
    if (timescale > 0) tracks.set(id, { timescale, defaultDuration: defaults.get(id) ?? 0 });
  }
  return tracks;
}

function addFragment(tracks: ReadonlyMap<number, Track>, moof: Buffer): void {
  for (const { type, content } of inner(moof)) {
    if (type !== 'traf') continue;
    const head = find(content, 'tfhd');
    const time = find(content, 'tfdt');
    const track = head === undefined ? undefined : tracks.get(head.readUInt32BE(4));
    if (head === undefined || time === undefined || track === undefined) continue;
    const begin = time[0] === 1 ? Number(time.readBigUInt64BE(4)) : time.readUInt32BE(4);
    const perSample = durationInHead(head) ?? track.defaultDuration;
    let length = 0;
    for (const run of inner(content)) if (run.type === 'trun') length += durationOfRun(run.content, perSample);
    track.from = Math.min(track.from ?? begin, begin);
    track.to = Math.max(track.to ?? 0, begin + length);
  }
}

function durationInHead(tfhd: Buffer): number | undefined {
  const flags = tfhd.readUIntBE(1, 3);
  if ((flags & 0x8) === 0) return undefined;
  return tfhd.readUInt32BE(8 + ((flags & 0x1) === 0 ? 0 : 8) + ((flags & 0x2) === 0 ? 0 : 4));
}

function durationOfRun(trun: Buffer, perSample: number): number {
  const flags = trun.readUIntBE(1, 3);
  const samples = trun.readUInt32BE(4);
  if ((flags & 0x100) === 0) return samples * perSample;
  const begin = 8 + ((flags & 0x1) === 0 ? 0 : 4) + ((flags & 0x4) === 0 ? 0 : 4);
  const stride = 4 * [0x100, 0x200, 0x400, 0x800].filter((flag) => (flags & flag) !== 0).length;
  let length = 0;
  for (let at = begin, left = samples; left > 0 && at + 4 <= trun.length; at += stride, left--) length += trun.readUInt32BE(at);
  return length;
}
