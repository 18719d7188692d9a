/**
 * The index of recordings at the size of two months of sixteen cameras (138,240 files of ten minutes): any page of the list with its exact
 * total, coverage of a month, and the way from a time to the first byte of its keyframe.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKeyframe } from '../recordings/hub/thumbnails.js';
import { openStore, type SegmentQuery, type SegmentRecord } from '../store/index.js';
import { atMost, type Figure, percentile, printFigures, told } from './figures.js';

const cameras = 16;
const days = 60;
const segmentMs = 600_000;
const dayMs = 86_400_000;
const keyframes = Array.from({ length: 600 }, (_, index) => [index * 1000, 1000 + index * 50_000] as const);
const total = (cameras * days * dayMs) / segmentMs;
const startMs = Math.floor((Date.now() - days * dayMs) / dayMs) * dayMs;

const folder = await mkdtemp(join(tmpdir(), 'weir-bench-index-'));
const store = await openStore({ path: join(folder, 'weir.db') });

function segment(camera: number, number: number): SegmentRecord {
  const started_ms = startMs + number * segmentMs + camera * 7000;
  return {
    filename: `camera${camera}_${String(number).padStart(6, '0')}`,
    recording_id: `always-${camera}`,
    stream_id: `camera${camera}`,
    spoke_id: 's1',
    path: `camera${camera}/x/${number}.mp4`,
    format: 'fmp4',
    started_ms,
    ended_ms: started_ms + segmentMs,
    duration_ms: segmentMs,
    size_bytes: 30_001_000,
    frames: 15_000,
    width: 1280,
    height: 720,
    codecs: 'avc1.42c01f',
    init_bytes: 800,
    protected: number % 500 === 0,
    recovered: false,
    lost_ms: null,
  };
}

async function fill(): Promise<number> {
  const began = performance.now();
  for (let number = 0; number < total / cameras; number += 60) {
    await store.transaction(async (tx) => {
      for (let next = number; next < Math.min(number + 60, total / cameras); next += 1)
        for (let camera = 0; camera < cameras; camera += 1) await tx.recordings.addSegment(segment(camera, next), keyframes);
    });
  }
  return (performance.now() - began) / total;
}

/** Pages as people ask for them: near, far, by stream, by time, by right, protected or not. */
function anyQuery(random: () => number): SegmentQuery {
  const pick = random();
  const day = Math.floor(random() * (days - 2));
  const fromMs = startMs + day * dayMs + Math.floor(random() * dayMs);
  const limit = random() < 0.8 ? 50 : 200;
  if (pick < 0.25) return { limit, offset: Math.floor(random() * (total - limit)), streams: null };
  if (pick < 0.4) return { limit, offset: Math.floor(random() * (total / cameras - limit)), streams: [`camera${Math.floor(random() * cameras)}`] };
  if (pick < 0.5) return { limit, offset: Math.floor(random() * 5000), streams: ['camera1', 'camera5', 'camera9'] };
  if (pick < 0.7) return { limit, offset: 0, streams: null, from_ms: fromMs, to_ms: fromMs + 2 * 3600_000 };
  if (pick < 0.85) return { limit, offset: Math.floor(random() * 3000), streams: null, from_ms: startMs + dayMs, to_ms: fromMs + dayMs };
  if (pick < 0.92) return { limit, offset: 0, streams: null, protected: true };
  return { limit, offset: Math.floor(random() * 1000), streams: null, protected: false, from_ms: fromMs };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function seeded(): () => number {
  let state = 42;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

async function seekTimes(random: () => number): Promise<number[]> {
  const box = (type: string, size: number) => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(size, 0);
    bytes.write(type, 4);
    return bytes;
  };
  const fragment = Buffer.concat([box('moof', 400), box('mdat', 49_600)]);
  const path = join(folder, 'one.mp4');
  await writeFile(path, Buffer.concat([box('ftyp', 1000), ...keyframes.map(() => fragment)]));
  const times: number[] = [];
  for (let round = 0; round < 500; round += 1) {
    const atMs = startMs + Math.floor(random() * (days - 1) * dayMs) + dayMs / 2;
    times.push(
      await timed(async () => {
        const found = await store.recordings.segmentAt(`camera${Math.floor(random() * cameras)}`, atMs, 10_000);
        if (found === undefined) throw new Error('nothing at that time');
        const key = (await store.recordings.keyframes(found.filename)).findLast(([ms]) => ms <= atMs - found.started_ms);
        await readKeyframe({ path, initBytes: 800, offset: key?.[1] ?? 1000 });
      }),
    );
  }
  return times;
}

async function checkTotals(random: () => number): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const query = anyQuery(random);
    const { total: said } = await store.recordings.segments(query);
    const all = await store.recordings.segments({ ...query, offset: 0, limit: 1_000_000 });
    if (said !== all.items.length) throw new Error(`the total ${said} of ${JSON.stringify(query)} is not ${all.items.length}`);
    const page = await store.recordings.segments(query);
    const expected = all.items.slice(query.offset, query.offset + query.limit).map((one) => one.filename);
    if (JSON.stringify(page.items.map((one) => one.filename)) !== JSON.stringify(expected))
      throw new Error(`another page than that of ${JSON.stringify(query)}`);
  }
}

try {
  await mkdir(folder, { recursive: true });
  const perSegmentMs = await fill();
  const random = seeded();
  await checkTotals(random);
  const lists: number[] = [];
  for (let round = 0; round < 1000; round += 1) lists.push(await timed(() => store.recordings.segments(anyQuery(random))));
  const months: number[] = [];
  for (let round = 0; round < 50; round += 1)
    months.push(await timed(() => store.recordings.segmentsWithin(`camera${round % cameras}`, startMs + 10 * dayMs, startMs + 41 * dayMs)));
  const seeks = await seekTimes(random);
  const totals = await timed(() => store.recordings.totals());
  const figures: Figure[] = [
    told('files in the index', total, ''),
    told('taking one file over, in batches', perSegmentMs, 'ms', 3),
    told('list of files, any page with total, p50', percentile(lists, 0.5), 'ms', 2),
    atMost('list of files, any page with total, p95', percentile(lists, 0.95), 10, 'ms', 2),
    told('list of files, worst of 1000', Math.max(...lists), 'ms', 2),
    told('files of one camera in 31 days, p95', percentile(months, 0.95), 'ms', 1),
    told('seek: time to its keyframe read, p50', percentile(seeks, 0.5), 'ms', 2),
    atMost('seek: time to its keyframe read, p95', percentile(seeks, 0.95), 50, 'ms', 2),
    told('sums of all streams', totals, 'ms', 1),
  ];
  printFigures(figures);
} finally {
  await store.stop();
  await rm(folder, { recursive: true, force: true });
}
