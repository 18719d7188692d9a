/** The nats-server of Weir: started, kept running, adopted by the next hub, and told who may log in. */
import { WeirError } from '../contracts/errors.js';
import { acquireFileLock } from '../supervisor/index.js';
import type { Broker, BrokerOptions } from './broker.js';
import { planLaunch } from './launch.js';
import { SupervisedBroker } from './supervised-broker.js';
import { checkUsers } from './users.js';
import { findServerProgram } from './version.js';

/**
 * Starts nats-server in `folder`, or adopts the one that an earlier process started there, and resolves when it is ready.
 * The server outlives this process. Fails with `not_found` (no nats-server), `unsupported` (too old), `failed_precondition` (folder in use,
 * port taken: both name the process), `invalid_argument` (configuration refused), `resource_exhausted` (disk full), `deadline_exceeded`, `cancelled`.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  if (options.users.length === 0) throw new WeirError('invalid_argument', 'The broker needs at least one user');
  checkUsers(options.users);
  const program = await findServerProgram(options.binary, options.signal);
  const plan = planLaunch(options, program);
  const lock = acquireFileLock(`${plan.folder}/lock`, 'the broker');
  const broker = new SupervisedBroker(plan, lock, options);
  try {
    await broker.start(options.signal, options.readyTimeoutMs ?? 60_000);
    return broker;
  } catch (error) {
    lock.release();
    throw error;
  }
}
