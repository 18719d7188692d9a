/** A `.part` becomes a file that people see: renamed, or remuxed by FFmpeg and then renamed. Never half of one. */
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RecordingFormat } from '../../contracts/index.js';
import { runProgram } from '../../media/index.js';
import { flushInTurn } from './flush-gate.js';
import { finishedPath, partPath } from './names.js';
import type { PartNote } from './note.js';
import { syncFolder } from './segment-file.js';
import { nameSpare } from './spare-file.js';

export interface Finished {
  /** Below the recordings folder. */
  readonly path: string;
  /** `fmp4` when the remux to another failed: the recording is kept as it is. */
  readonly format: RecordingFormat;
  readonly sizeBytes: number;
  /** Why it is not in the format that was ordered. */
  readonly problem?: string;
}

/** FFmpeg makes files for everybody to read; what is written directly is not. */
const fileMode = 0o640;
const remuxTimeoutMs = 15 * 60_000;

/** Fails when the file cannot be renamed; it is then still there as `.part`. */
export async function finishPart(root: string, part: PartNote, ffmpeg: string): Promise<Finished> {
  await nameSpare(root, part);
  const from = partPath(root, part);
  const problem = part.format === 'fmp4' ? undefined : await remux(from, join(root, finishedPath(part, part.format)), part.format, ffmpeg);
  const format = problem === undefined ? part.format : 'fmp4';
  const path = finishedPath(part, format);
  if (format === 'fmp4') await rename(from, join(root, path));
  await syncFolder(dirname(from));
  // Only now is the other one surely on the disk.
  if (format !== 'fmp4') await rm(from, { force: true });
  const { size } = await stat(join(root, path));
  return { path, format, sizeBytes: size, ...(problem === undefined ? {} : { problem }) };
}

/** Undefined when it is done, else why not. */
async function remux(from: string, to: string, format: 'mp4' | 'mkv', ffmpeg: string): Promise<string | undefined> {
  const beside = `${from}.remux`;
  const output = format === 'mkv' ? ['-f', 'matroska'] : ['-movflags', '+faststart', '-f', 'mp4'];
  // Without -xerror FFmpeg may say that all is well when a full disk took everything but the end.
  const input = ['-hide_banner', '-nostdin', '-v', 'error', '-xerror', '-f', 'mp4', '-i', `file:${from}`, '-map', '0', '-c', 'copy'];
  try {
    const result = await runProgram(ffmpeg, [...input, ...output, '-y', `file:${beside}`], { timeoutMs: remuxTimeoutMs });
    if (result.code !== 0) return result.timedOut ? 'FFmpeg took too long to remux' : `FFmpeg could not remux: ${result.stderr.trim().slice(-300)}`;
    const handle = await open(beside, 'r+');
    try {
      await handle.chmod(fileMode);
      await flushInTurn(() => handle.sync());
    } finally {
      await handle.close();
    }
    await rename(beside, to);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(beside, { force: true }).catch(() => undefined);
  }
}
