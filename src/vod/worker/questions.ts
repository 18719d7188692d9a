/** `video.thumbnail` and `video.metadata`: small questions that any worker answers. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type MessageOf, WeirError } from '../../contracts/index.js';
import { inspectSource, thumbnailArgs } from '../../media/index.js';
import { allowedOutput, allowedSource } from './allowed-path.js';
import { CostAccount } from './cost.js';
import { runFfmpeg } from './ffmpeg-run.js';
import type { WorkerParts } from './needs.js';

/** Members share the questions: each is answered once. */
const queue = 'vod_workers';
const limits = { max_wall_s: 60, max_output_bytes: 64 * 1024 ** 2, max_memory_bytes: 2 * 1024 ** 3, stall_s: 60 };
const sourceLimits = { maxDurationS: 7 * 86_400, maxPixels: 35_389_440, maxStreams: 64 };

/** Answers until stopped. */
export async function serveQuestions(parts: WorkerParts, stopping: AbortSignal): Promise<{ stop(): Promise<void> }> {
  const { bus } = parts;
  const timestamp = () => new Date().toISOString();
  const servers = [
    bus.serve(
      'video_thumbnail',
      {},
      async (request, _meta, signal) => {
        const answer = { video_id: request.video_id, timestamp: timestamp() };
        try {
          return { ...answer, ok: true, thumbnail_path: await makeThumbnail(parts, request, AbortSignal.any([signal, stopping])) };
        } catch (error) {
          return { ...answer, ok: false, thumbnail_path: null, error: WeirError.from(error).toProblem() };
        }
      },
      { queue, concurrency: 1 },
    ),
    bus.serve(
      'video_metadata',
      {},
      async (request, _meta, signal) => {
        const answer = { video_id: request.video_id, timestamp: timestamp() };
        try {
          return { ...answer, ok: true, facts: await inspect(parts, request.source_path, AbortSignal.any([signal, stopping])) };
        } catch (error) {
          return { ...answer, ok: false, facts: null, error: WeirError.from(error).toProblem() };
        }
      },
      { queue, concurrency: 1 },
    ),
  ];
  await Promise.all(servers.map((server) => server.ready));
  return {
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

async function inspect(parts: WorkerParts, path: string, signal: AbortSignal) {
  const { machine, sandbox, folders } = parts;
  return await inspectSource(await openToMessages(path, folders.sources), {
    ffprobe: machine.ffprobe,
    limits: sourceLimits,
    sandbox,
    signal,
  });
}

async function makeThumbnail(parts: WorkerParts, request: MessageOf<'video_thumbnail'>, signal: AbortSignal): Promise<string> {
  const input = await openToMessages(request.source_path, parts.folders.sources);
  const folder = await outputFolder(parts, request);
  const facts = await inspect(parts, input, signal);
  if (facts.video === null) throw new WeirError('unsupported', 'There is no picture in this source', { facts: { reason: 'no_video_or_audio' } });
  await mkdir(folder, { recursive: true });
  const output = join(folder, 'thumbnail.jpg');
  const beside = join(folder, `.thumbnail.${process.pid}.jpg`);
  const timeS = request.thumbnail_time === undefined ? undefined : secondsOf(request.thumbnail_time);
  try {
    await runFfmpeg({
      parts,
      args: thumbnailArgs({ input, timeS, durationS: facts.duration_s, output: beside }),
      limits,
      signal,
      cost: new CostAccount(),
      what: 'the thumbnail',
      reportsProgress: false,
    });
    await rename(beside, output);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  return output;
}

/** As the hub names what was uploaded to it. */
const uploadedFile = /\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/source$/;

/** The real path of a source. A message does not tell who sent it, so what somebody has uploaded is none of its business. */
async function openToMessages(path: string, folders: readonly string[]): Promise<string> {
  const real = await allowedSource(path, folders);
  if (!uploadedFile.test(real)) return real;
  throw new WeirError('permission_denied', `${path} was uploaded by somebody`, {
    field: 'source_path',
    received: path,
    facts: { reason: 'not_yours' },
  });
}

async function outputFolder(parts: WorkerParts, request: MessageOf<'video_thumbnail'>): Promise<string> {
  const [library, ...others] = parts.folders.outputs;
  if (request.output_path !== undefined) return await allowedOutput(request.output_path, others);
  if (library === undefined) throw new WeirError('failed_precondition', 'This worker has no folder for results');
  return await allowedOutput(join(library, request.video_id), [library]);
}

/** Seconds, or `[hh:]mm:ss`. */
function secondsOf(time: string): number {
  return time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
