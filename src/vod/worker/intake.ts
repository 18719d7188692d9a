/** Taking work: one ticket or piece per free slot, whichever comes first. */
import { setTimeout as delay } from 'node:timers/promises';
import { type TakenWork, takeWork, type WorkTaker } from '../../bus/index.js';
import { videoQueues } from '../../contracts/index.js';
import type { WorkerParts } from './needs.js';

export type Taken = { readonly kind: 'ticket' | 'piece'; readonly work: TakenWork };

export interface Intake {
  /** The next piece or ticket. Throws when `signal` fires; nothing is taken then, or it is given back. */
  next(signal: AbortSignal): Promise<Taken>;
  /** The next piece only, for a worker that leads a job and has no room for another. */
  nextPiece(signal: AbortSignal): Promise<Taken>;
}

export function createIntake({ connection, log }: Pick<WorkerParts, 'connection' | 'log'>): Intake {
  const { processing, chunks } = videoQueues;
  const tickets = takeWork(connection, { journal: processing.name, durable: processing.durable });
  const pieces = takeWork(connection, { journal: chunks.name, durable: chunks.durable });
  const take = async (kind: Taken['kind'], from: WorkTaker, signal: AbortSignal): Promise<Taken> => {
    for (;;) {
      try {
        return { kind, work: await from.next(signal) };
      } catch (error) {
        if (signal.aborted || connection.isClosed()) throw error;
        log.debug({ err: error }, 'no work can be taken now');
        await delay(1000, undefined, { signal });
      }
    }
  };
  return {
    nextPiece: (signal) => take('piece', pieces, signal),
    async next(signal) {
      const decided = new AbortController();
      const either = AbortSignal.any([signal, decided.signal]);
      const waiting = [take('piece', pieces, either), take('ticket', tickets, either)];
      let first: Taken | undefined;
      try {
        first = await Promise.any(waiting);
        return first;
      } catch {
        throw signal.reason;
      } finally {
        decided.abort();
        for (const one of waiting)
          one.then(
            (taken) => (taken === first ? undefined : void taken.work.giveBack(1)),
            () => undefined,
          );
      }
    },
  };
}
