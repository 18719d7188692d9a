/** Encoding one piece of somebody's long video. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TakenWork } from '../../bus/index.js';
import { type JobCost, parseWith, type VideoChunk, type VideoChunkStatus, videoChunkSchema } from '../../contracts/index.js';
import { allowedOutput, allowedSource } from './allowed-path.js';
import { CostAccount } from './cost.js';
import { failureOf } from './failure.js';
import { runFfmpeg } from './ffmpeg-run.js';
import type { WorkerParts } from './needs.js';

/** The queue lets a piece wait for 15 s before another worker gets it. */
const keepMs = 4000;
const giveBackMs = 1000;

type News = Pick<VideoChunkStatus, 'state' | 'percent' | 'fps'> & { failure?: VideoChunkStatus['failure']; cost?: JobCost };

/** Works on a piece until it is in place, failed or given back, and answers for it. Never throws. */
export async function workOnPiece(parts: WorkerParts, work: TakenWork, stopping: AbortSignal): Promise<void> {
  let chunk: VideoChunk;
  try {
    chunk = parseWith(videoChunkSchema, work.json());
  } catch (error) {
    parts.log.warn({ err: error }, 'a piece that cannot be read was thrown away');
    await work.done();
    return;
  }
  const keep = setInterval(() => work.working(), keepMs);
  try {
    const isWanted = await isFolder(dirname(chunk.folder));
    if (isWanted && !(await isFolder(chunk.folder))) await encodePiece(parts, chunk, stopping);
    else if (isWanted) tell(parts, chunk, { state: 'done', percent: 100, fps: 0 });
    await work.done();
  } catch (error) {
    if (stopping.aborted) {
      await work.giveBack(1);
    } else {
      tell(parts, chunk, { state: 'failed', percent: 0, fps: 0, failure: failureOf(error) });
      // The leader decides whether it comes again.
      if (!(await work.done())) await work.giveBack(giveBackMs);
    }
  } finally {
    clearInterval(keep);
  }
}

async function encodePiece(parts: WorkerParts, chunk: VideoChunk, stopping: AbortSignal): Promise<void> {
  await allowedSource(chunk.source_path, parts.folders.sources);
  await allowedOutput(chunk.folder, parts.folders.outputs);
  const beside = `${chunk.folder}.${randomUUID()}.part`;
  await mkdir(beside);
  const cost = new CostAccount();
  const ended = new AbortController();
  const unwanted = setInterval(() => void endWhenUnwanted(chunk, ended), keepMs / 4);
  let toldAt = Number.NEGATIVE_INFINITY;
  try {
    await runFfmpeg({
      parts,
      args: chunk.command.map((part) => part.replaceAll('{folder}', beside)),
      limits: chunk.limits,
      signal: AbortSignal.any([stopping, ended.signal]),
      folder: beside,
      cost,
      what: `piece ${chunk.chunk}`,
      onProgress: ({ frame, fps }) => {
        if (performance.now() - toldAt < 900) return;
        toldAt = performance.now();
        tell(parts, chunk, { state: 'running', percent: Math.min(100, (frame / (chunk.frames ?? frame)) * 100), fps });
      },
    });
    await rename(beside, chunk.folder);
    tell(parts, chunk, { state: 'done', percent: 100, fps: 0, cost: cost.now() });
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    if (ended.signal.aborted) return;
    // Somebody else was faster with the same piece.
    if (await isFolder(chunk.folder)) tell(parts, chunk, { state: 'done', percent: 100, fps: 0 });
    else throw error;
  } finally {
    clearInterval(unwanted);
  }
}

/** The leader cancelled, failed, or was replaced: its folder is gone. */
async function endWhenUnwanted(chunk: VideoChunk, ended: AbortController): Promise<void> {
  if (!(await isFolder(dirname(chunk.folder)))) ended.abort();
}

function tell(parts: WorkerParts, chunk: VideoChunk, news: News): void {
  const { job_id, revision } = chunk;
  parts.bus.publish(
    'video_chunk_status',
    { job_id },
    { job_id, revision, chunk: chunk.chunk, worker_id: parts.workerId, ...news, timestamp: new Date().toISOString() },
  );
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
