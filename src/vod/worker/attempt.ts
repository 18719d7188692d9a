/** One attempt at a job: from the order to a result in place, or to a failure the hub knows of. */
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JobOrder, VideoOutput } from '../../contracts/index.js';
import type { Attempt } from './attempt-parts.js';
import { CostAccount } from './cost.js';
import { diskFull, isDiskFull } from './disk.js';
import { failureOf } from './failure.js';
import { createJobLog } from './job-log.js';
import type { Lease } from './lease.js';
import { makeVideo } from './make-video.js';
import type { WorkerParts } from './needs.js';
import { JobProgressTeller } from './progress.js';
import { putInPlace } from './publication.js';

/** What becomes of the ticket. */
export type TicketFate = { readonly kind: 'done' } | { readonly kind: 'give_back'; readonly delayMs: number };

/** A worker that stops does not wait for a hub that is away. */
const lastWordMs = 1500;

const done: TicketFate = { kind: 'done' };

/** Never throws: what failed is told to the hub, which may be away for as long as it likes. `stopping` ends that wait. */
export async function runAttempt(
  parts: WorkerParts,
  order: JobOrder,
  lease: Lease,
  options: Pick<Attempt, 'alive' | 'helpWithPieces'> & { stopping: AbortSignal },
): Promise<TicketFate> {
  const attempt: Attempt = {
    parts,
    order,
    lease,
    cost: new CostAccount(),
    log: createJobLog(parts, order.job_id),
    progress: new JobProgressTeller(parts, order),
    alive: options.alive,
    helpWithPieces: options.helpWithPieces,
  };
  attempt.log.info(`attempt ${order.attempt} on worker ${parts.workerId}, revision ${order.revision}`);
  try {
    await publish(attempt, await makeVideo(attempt));
    return done;
  } catch (thrown) {
    const error = (await brokeForWantOfRoom(attempt, thrown)) ? diskFull('the work', thrown) : thrown;
    await rm(order.staging_path, { recursive: true, force: true }).catch((cause: unknown) =>
      parts.log.warn({ err: cause, folder: order.staging_path }, 'a staging folder could not be deleted; the next attempt does it'),
    );
    return await tellFailure(attempt, error, options.stopping);
  } finally {
    attempt.progress.stop();
    lease.close();
  }
}

/** On a full disk anything may break, in any words. */
async function brokeForWantOfRoom({ order, lease }: Attempt, error: unknown): Promise<boolean> {
  return lease.ended === undefined && !failureOf(error).permanent && (await isDiskFull(dirname(order.staging_path)));
}

async function publish({ order, lease, cost, log, progress }: Attempt, output: VideoOutput): Promise<void> {
  progress.phase('publishing');
  await lease.tellSurely({ kind: 'publish', output }, lease.signal);
  lease.signal.throwIfAborted();
  await putInPlace(order.staging_path, order.output_path);
  cost.wroteAtLeast(output.size_bytes);
  progress.finished();
  const total = cost.now();
  log.info(`in place after ${total.wall_s} s, ${total.cpu_s} s of processor time`);
  // A source that is to be deleted is deleted by the hub, which knows who else uses it.
  const finished = { kind: 'done', output, cost: total } as const;
  await lease.tellSurely(finished, lease.signal).catch(async (error: unknown) => {
    // A worker that stops has its result in place: told in its last moment, the work need not be done again.
    if (lease.ended !== 'stopping' || (await lease.tell(finished, lastWordMs)) === undefined) throw error;
  });
}

async function tellFailure({ lease, cost, log, order, parts }: Attempt, error: unknown, stopping: AbortSignal): Promise<TicketFate> {
  switch (lease.ended) {
    case 'lost':
      return done;
    case 'cancelled':
      await lease.tell({ kind: 'cancelled' }, lastWordMs);
      return done;
    case 'stopping':
      await lease.tell({ kind: 'returned', detail: 'the worker stops' }, lastWordMs);
      return { kind: 'give_back', delayMs: 1 };
    case undefined:
      break;
  }
  const failure = failureOf(error);
  log.error(failure.detail);
  parts.log.warn(
    { job_id: order.job_id, video_id: order.video_id, attempt: order.attempt, reason: failure.reason, detail: failure.detail },
    'a job failed',
  );
  const reply = await lease.tellSurely({ kind: 'failed', failure, cost: cost.now() }, stopping).catch(() => undefined);
  if (reply === undefined) return { kind: 'give_back', delayMs: 1 };
  return reply.final === true || reply.verdict === 'stop' ? done : { kind: 'give_back', delayMs: reply.retry_in_ms ?? 1000 };
}
