/** The agents that `weir up` keeps on its own machine: a spoke for streams, a worker for videos. */
import type { BusServer } from '../broker/index.js';
import type { Config } from '../contracts/index.js';
import type { SupervisedProcess } from '../supervisor/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Closers } from './closers.js';
import type { BusLoginSettings } from './connect-bus.js';
import type { DataFolder } from './data-folder.js';
import { localSpokeId, superviseLocalSpoke } from './local-spoke.js';
import { localWorkerId, superviseLocalWorker } from './local-worker.js';

export interface AgentParts {
  readonly config: Config;
  readonly data: DataFolder;
  readonly log: Logger;
  /** The hub's own. */
  readonly login: BusLoginSettings;
  readonly broker: BusServer;
  readonly closers: Closers;
}

/** Starts or adopts the spoke. */
export function startLocalSpoke(parts: AgentParts): SupervisedProcess {
  const { config, data } = parts;
  const spoke = superviseLocalSpoke({ config, data, ...loginAs(parts, `spoke-${localSpokeId}`, 'local-spoke-password') });
  return kept(parts, spoke, 'local spoke');
}

/** Starts or adopts the worker. */
export function startLocalWorker(parts: AgentParts): SupervisedProcess {
  const { config, data } = parts;
  const worker = superviseLocalWorker({ config, data, ...loginAs(parts, `worker-${localWorkerId}`, 'local-worker-password') });
  return kept(parts, worker, 'local worker');
}

/** With an external NATS, whose users are not ours to write, an agent logs in as the hub does. */
function loginAs({ login, broker, data }: AgentParts, user: string, secret: string) {
  if (broker.kind !== 'supervised') return { login, inboxPrefix: undefined };
  return { login: { ...login, user, password: data.secret(secret) }, inboxPrefix: `_INBOX_${user}` };
}

function kept({ log, closers }: AgentParts, agent: SupervisedProcess, what: string): SupervisedProcess {
  agent.onState((state) => {
    if (state.kind === 'backoff' || state.kind === 'crash_loop') log.error({ reason: state.last.message }, `the ${what} ended and is started again`);
    else if (state.kind === 'running') log.info({ pid: state.pid, adopted: state.adopted }, `${what} runs`);
  });
  closers.push({ close: () => agent.stop('the hub stops'), detach: () => agent.detach() });
  return agent;
}
