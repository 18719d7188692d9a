/** Leading a long video: pieces for every worker that is free (this one too), then one seamless whole. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addWork, countWaitingTakers } from '../../bus/index.js';
import { type MessageInput, publishSubject, type SourceFacts, type VideoChunkStatus, videoQueues } from '../../contracts/index.js';
import { type Chunk, chunkAudioCommand, chunkCommand, joinCommand, planChunks, type VideoPlan } from '../../media/index.js';
import type { Attempt } from './attempt-parts.js';
import { type FinishedRun, measureLoudness, runForAttempt, tellCommand, writeKey } from './encode-whole.js';
import { attemptError } from './failure.js';

/** Long enough that the start of an encoder does not count, short enough that the last piece keeps nobody waiting for long. */
const pieceS = 45;
/** Slots are not equally fast, and one has to do the sound as well: with several pieces each, all end at about the same time. */
const piecesPerSlot = 3;
const maxPieces = 200;
const maxTries = 3;

/** Empty when the video is too short or cannot be cut, or nobody else is free. */
export async function worthChunking({ parts, order, log, lease }: Attempt, plan: VideoPlan, facts: SourceFacts): Promise<Chunk[]> {
  if (order.chunk_min_s === 0 || plan.durationS < order.chunk_min_s) return [];
  const { name, durable } = videoQueues.chunks;
  // One run by itself is a little less work than pieces.
  const free = await countWaitingTakers(parts.connection, { journal: name, durable }, lease.signal).catch(() => 0);
  if (free === 0) return [];
  const pieces = Math.max(Math.round(plan.durationS / pieceS), (free + 1) * piecesPerSlot);
  const chunks = planChunks(facts, plan, { pieces: Math.min(maxPieces, pieces) });
  if (chunks.length < 2) return [];
  log.info(`cut into ${chunks.length} pieces for this worker and ${free} free ${free === 1 ? 'slot' : 'slots'} of others`);
  return chunks;
}

/** Encodes the sound meanwhile; gives the run that joined them. Throws when a piece fails for good. */
export async function runChunked(attempt: Attempt, plan: VideoPlan, chunks: readonly Chunk[], input: string): Promise<FinishedRun> {
  const { parts, order, progress } = attempt;
  const folder = join(order.staging_path, 'chunks');
  await mkdir(folder);
  const helping = attempt.helpWithPieces();
  const pieces = new Pieces(attempt, plan, chunks, input, folder);
  try {
    await pieces.handOut();
    await encodeSound(attempt, plan, input, folder);
    await pieces.done;
  } finally {
    pieces.stop();
    await helping.stop();
  }
  progress.phase('joining');
  const keyInfoFile = await writeKey(attempt, plan);
  const join_ = joinCommand(plan, {
    input,
    folder: order.staging_path,
    chunks,
    chunkFolders: chunks.map(({ chunk }) => pieceFolder(folder, chunk)),
    audioFolder: folder,
    listFolder: folder,
    ...(keyInfoFile === undefined ? {} : { keyInfoFile }),
  });
  for (const { path, text } of join_.lists) await writeFile(path, text);
  await tellCommand(attempt, join_.args);
  return { command: [parts.machine.ffmpeg, ...join_.args], lines: await runForAttempt(attempt, 'the join', join_.args), damagedPictures: 0 };
}

async function encodeSound(attempt: Attempt, plan: VideoPlan, input: string, folder: string): Promise<void> {
  const loudness = await measureLoudness(attempt, plan, input);
  const command = chunkAudioCommand(plan, { input, folder, loudness });
  if (command !== undefined) await runForAttempt(attempt, 'the sound', command.args);
}

function pieceFolder(folder: string, chunk: number): string {
  return join(folder, String(chunk));
}

interface Piece {
  readonly message: MessageInput<'video_chunk'>;
  /** Parts of the video at which it begins and ends. */
  readonly from: number;
  readonly to: number;
  /** Times it was handed out. */
  copies: number;
  failures: number;
  percent: number;
  fps: number;
  worker: string | undefined;
  isDone: boolean;
  heardAt: number;
}

/** All pieces of one attempt: who works on which, and which have to be handed out again. */
class Pieces {
  readonly #attempt: Attempt;
  readonly #pieces: readonly Piece[];
  readonly #subscription: { stop(): void };
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort: () => void;
  readonly #startedAt = performance.now();
  /** Resolves when all are there; rejects when one fails for good or the job is over. */
  readonly done: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(attempt: Attempt, plan: VideoPlan, chunks: readonly Chunk[], input: string, folder: string) {
    this.#attempt = attempt;
    const { parts, order, lease } = attempt;
    const { max_wall_s, max_output_bytes, max_memory_bytes, stall_s } = order.limits;
    this.#pieces = chunks.map((chunk) => ({
      message: {
        job_id: order.job_id,
        revision: order.revision,
        leader_id: parts.workerId,
        chunk: chunk.chunk,
        source_path: input,
        folder: pieceFolder(folder, chunk.chunk),
        command: [...chunkCommand(plan, chunk, { input, folder: '{folder}' }).args],
        duration_s: chunk.durationS,
        frames: chunk.frames,
        limits: { max_wall_s, max_output_bytes, max_memory_bytes, stall_s },
      },
      from: chunk.startS / plan.durationS,
      to: (chunk.startS + chunk.durationS) / plan.durationS,
      copies: 0,
      failures: 0,
      percent: 0,
      fps: 0,
      worker: undefined,
      isDone: false,
      heardAt: performance.now(),
    }));
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.done.catch(() => undefined);
    this.#subscription = parts.bus.subscribe('video_chunk_status', { job_id: order.job_id }, (status) => this.#heard(status));
    this.#timer = setInterval(() => void this.#lookForLost().catch(this.#reject), Math.max(200, parts.timing.pieceLostMs / 4));
    this.#onAbort = () => this.#reject(lease.signal.reason);
    lease.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  async handOut(): Promise<void> {
    for (const piece of this.#pieces) await this.#add(piece);
  }

  stop(): void {
    this.#subscription.stop();
    clearInterval(this.#timer);
    this.#attempt.lease.signal.removeEventListener('abort', this.#onAbort);
  }

  async #add(piece: Piece): Promise<void> {
    const { parts, order, lease } = this.#attempt;
    piece.copies += 1;
    piece.heardAt = performance.now();
    const { job_id, revision, chunk } = piece.message;
    await addWork(parts.connection, publishSubject('video_chunk', { job_id: order.job_id }, parts.roots), JSON.stringify(piece.message), {
      id: `${job_id}:${revision}:${chunk}:${piece.copies}`,
      signal: lease.signal,
    });
  }

  #heard(status: VideoChunkStatus): void {
    const { order, cost, alive } = this.#attempt;
    const piece = this.#pieces[status.chunk];
    if (status.revision !== order.revision || piece === undefined || piece.isDone) return;
    alive();
    piece.heardAt = performance.now();
    piece.worker = status.worker_id;
    piece.percent = status.percent;
    piece.fps = status.fps;
    if (status.cost !== undefined) cost.addCost(status.cost);
    if (status.state === 'failed') this.#failed(piece, status);
    else if (status.state === 'done') this.#finished(piece);
    this.#tell();
  }

  #finished(piece: Piece): void {
    piece.isDone = true;
    piece.percent = 100;
    piece.fps = 0;
    this.#attempt.log.debug(`piece ${piece.message.chunk} is there, made by ${piece.worker ?? 'somebody'}`);
    if (this.#pieces.every((one) => one.isDone)) this.#resolve();
  }

  #failed(piece: Piece, { failure, worker_id, chunk }: VideoChunkStatus): void {
    piece.worker = undefined;
    piece.failures += 1;
    this.#attempt.log.warning(`piece ${chunk} failed on ${worker_id}: ${failure?.detail ?? 'no reason given'}`);
    if (piece.failures < maxTries && failure?.permanent !== true) {
      this.#add(piece).catch(this.#reject);
      return;
    }
    this.#reject(
      attemptError('internal', `Piece ${chunk} failed: ${failure?.detail ?? 'no reason given'}`, {
        reason: failure?.reason ?? 'piece_failed',
        permanent: failure?.permanent ?? false,
        stderr: failure?.stderr ?? [],
      }),
    );
  }

  /** News may be lost, the folder is not; a piece that nobody speaks of any more goes out again. A second copy does no harm. */
  async #lookForLost(): Promise<void> {
    const { parts, order } = this.#attempt;
    const now = performance.now();
    if (now - this.#startedAt > order.limits.max_wall_s * 1000) throw tooSlow(order.limits.max_wall_s);
    // Those that were never begun wait in the queue behind others, as long as there is life in any.
    const isQuiet = this.#pieces.every((piece) => now - piece.heardAt > parts.timing.pieceLostMs);
    for (const piece of this.#pieces) {
      if (piece.isDone) continue;
      if (await isThere(piece.message.folder)) this.#finished(piece);
      else if (isQuiet || (piece.worker !== undefined && now - piece.heardAt > parts.timing.pieceLostMs)) {
        piece.worker = undefined;
        await this.#add(piece);
      }
    }
  }

  #tell(): void {
    const running = this.#pieces.filter((piece) => !piece.isDone && piece.worker !== undefined);
    this.#attempt.progress.pieces(
      this.#pieces.map(({ from, to, percent }) => ({ from, to, done: percent / 100 })),
      running.reduce((sum, piece) => sum + piece.fps, 0),
      {
        total: this.#pieces.length,
        done: this.#pieces.filter((piece) => piece.isDone).length,
        workers: new Set(running.map((piece) => piece.worker)).size,
      },
    );
  }
}

function tooSlow(seconds: number) {
  return attemptError('deadline_exceeded', `The pieces took longer than ${seconds} s`, { reason: 'too_slow', permanent: true });
}

async function isThere(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;
}
