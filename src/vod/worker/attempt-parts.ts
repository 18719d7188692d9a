/** What the steps of an attempt work with. */
import type { JobOrder } from '../../contracts/index.js';
import type { CostAccount } from './cost.js';
import type { JobLogger } from './job-log.js';
import type { Lease } from './lease.js';
import type { WorkerParts } from './needs.js';
import type { JobProgressTeller } from './progress.js';

/** Everything that the steps of an attempt share. */
export interface Attempt {
  readonly parts: WorkerParts;
  readonly order: JobOrder;
  readonly lease: Lease;
  readonly cost: CostAccount;
  readonly log: JobLogger;
  readonly progress: JobProgressTeller;
  /** The work goes forward. */
  readonly alive: () => void;
  /** This slot takes pieces of cut videos until it is told to stop; a piece it has is finished first. */
  readonly helpWithPieces: () => { stop(): Promise<void> };
}
