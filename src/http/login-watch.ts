/** Cuts connections that outlive their login: nobody watches on with a token that has expired, or by the rights of a user who is gone. */
import type { OpenConnections } from './connections.js';
import type { Authentication } from './operations.js';

export interface LoginWatchOptions {
  readonly connections: OpenConnections;
  readonly authentication: Pick<Authentication, 'rightsNow'>;
  /** Told when nobody could be asked; the next look tries again. */
  readonly onFailure: (error: unknown) => void;
  /** Milliseconds between two looks; default 3000. */
  readonly everyMs?: number;
}

export interface LoginWatch {
  /** A look at once: somebody lost rights. */
  look(): Promise<void>;
  stop(): void;
}

/** Looks every few seconds, one look at a time. */
export function startLoginWatch({ connections, authentication, onFailure, everyMs = 3000 }: LoginWatchOptions): LoginWatch {
  let running: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    if (connections.size === 0) return;
    const holds = async (principal: Parameters<Authentication['rightsNow']>[0]) => (await authentication.rightsNow(principal)) !== undefined;
    await connections.cutEnded(holds).then(() => undefined, onFailure);
  };
  const inTurn = (): Promise<void> => {
    running = running.then(look);
    return running;
  };
  const timer = setInterval(() => void inTurn(), everyMs);
  timer.unref();
  return { look: inTurn, stop: () => clearInterval(timer) };
}
