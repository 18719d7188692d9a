/** Makes a file of what a killed process left: its torn end is cut off, and it gets its name. */
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SegmentEntry } from '../../contracts/index.js';
import { encodeDuration, type FragmentScan, findDurationField, scanFragments } from '../../media/index.js';
import { finishPart } from './finish.js';
import { flushInTurn } from './flush-gate.js';
import { finishedPath, partPath } from './names.js';
import type { PartNote } from './note.js';
import { nameSpare } from './spare-file.js';

/** What the list shall say of it; `durationMs` is exact. */
export type RecoveredPart = Pick<SegmentEntry, 'path' | 'format' | 'size_bytes' | 'frames' | 'codecs' | 'keyframes' | 'init_bytes'> & {
  width?: number;
  height?: number;
  durationMs: number;
};

/**
 * Undefined when there is nothing in it, or no such file. A file that has its name already, and is only missing in the list, is described.
 * Fails when the disk does.
 */
export async function recoverPart(options: {
  readonly root: string;
  readonly part: PartNote;
  readonly ffmpeg: string;
}): Promise<RecoveredPart | undefined> {
  const { root, part, ffmpeg } = options;
  await nameSpare(root, part);
  const path = partPath(root, part);
  await rm(`${path}.remux`, { force: true });
  if (!(await isFile(path))) return describeFinished(root, part);
  const scan = await scanFile(path);
  if (scan.facts === undefined || scan.fragments === 0) {
    await rm(path, { force: true });
    return undefined;
  }
  await mend(path, scan);
  const finished = await finishPart(root, part, ffmpeg);
  return describe(scan, finished.path, finished.format, finished.sizeBytes);
}

async function describeFinished(root: string, part: PartNote): Promise<RecoveredPart | undefined> {
  for (const format of part.format === 'fmp4' ? ([part.format] as const) : ([part.format, 'fmp4'] as const)) {
    const path = finishedPath(part, format);
    if (!(await isFile(join(root, path)))) continue;
    const scan = await scanFile(join(root, path));
    // A remuxed one cannot be read by fragments; it was whole when it got its name.
    if (scan.fragments === 0) return undefined;
    return describe(scan, path, 'fmp4', (await stat(join(root, path))).size);
  }
  return undefined;
}

function describe(scan: FragmentScan, path: string, format: SegmentEntry['format'], sizeBytes: number): RecoveredPart {
  const video = scan.facts?.video;
  const isFragmented = format === 'fmp4';
  return {
    path,
    format,
    size_bytes: sizeBytes,
    frames: scan.frames,
    ...(video === undefined ? {} : { width: video.width, height: video.height }),
    codecs: scan.facts?.codecs ?? '',
    keyframes: isFragmented ? scan.keyframes.map(([ms, offset]) => [ms, offset]) : [],
    init_bytes: isFragmented ? scan.initBytes : 0,
    durationMs: scan.durationMs,
  };
}

async function mend(path: string, scan: FragmentScan): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.truncate(scan.wholeBytes);
    const init = Buffer.alloc(scan.initBytes);
    await handle.read(init, 0, init.length, 0);
    const field = findDurationField(init);
    const duration = encodeDuration(field, scan.durationMs);
    await handle.write(duration, 0, duration.length, field.offset);
    await flushInTurn(() => handle.sync());
  } finally {
    await handle.close();
  }
}

/** What of a file is whole. */
export function scanFile(path: string): Promise<FragmentScan> {
  return scanFragments(createReadStream(path, { highWaterMark: 1024 * 1024 }));
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
