/** Many viewers of one Weir at once: a process of its own that opens their sockets, so that it takes no time from the bench. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BusCredentials } from '../contracts/access.js';
import type { Weir } from '../e2e/weir.js';
import { withDeadline } from '../testkit/index.js';

export interface Seat {
  /** WebSocket to open. */
  readonly url: string;
  /** Bearer token for the hub's proxy; left out on the direct way. */
  readonly token?: string;
  readonly credentials: BusCredentials;
}

export interface AudienceOrder {
  readonly kind: 'media' | 'progress';
  readonly streamId: string;
  readonly seats: readonly Seat[];
}

export interface AudienceReport {
  readonly received: number;
  /** Messages missing in the order of what was received, over all viewers. */
  readonly lost: number;
  /** Times a viewer was seconds behind and went on at the newest keyframe. */
  readonly jumps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly cpuPercent: number;
}

export interface Audience {
  /** Counts what arrives in the next `ms`. */
  measure(ms: number): Promise<AudienceReport>;
  stop(): Promise<void>;
}

/** One user may hold so many sockets and logins; more viewers are more users. */
const [socketsPerUser, loginsPerUser] = [64, 20];

/** Logins of as many users as it takes; with `ownLogins` each seat has a login of its own, as a reading place needs. */
export async function takeSeats(weir: Weir, count: number, options: { ownLogins: boolean }): Promise<Seat[]> {
  const seats: Seat[] = [];
  const perUser = options.ownLogins ? loginsPerUser : socketsPerUser;
  const url = `${weir.url.replace(/^http/, 'ws')}/nats`;
  while (seats.length < count) {
    const token = (await weir.api<{ secret: string }>('POST', '/api/v1/tokens', { name: `bench ${seats.length}`, role: 'viewer' })).secret;
    const login = async () => {
      const answer = await weir.request('POST', '/api/v1/bus/credentials', {}, token);
      if (!answer.ok) throw new Error(`bus credentials: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as BusCredentials;
    };
    const shared = options.ownLogins ? undefined : await login();
    for (let index = 0; index < perUser && seats.length < count; index += 1) seats.push({ url, token, credentials: shared ?? (await login()) });
  }
  return seats;
}

/** Resolves when all of them receive. */
export async function openAudience(order: AudienceOrder, deadlineMs = 60_000): Promise<Audience> {
  const child = fork(fileURLToPath(new URL('./audience-process.js', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    await ask(child, { order }, deadlineMs);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    measure: (ms) => ask(child, { measureMs: ms }, ms + 20_000) as Promise<AudienceReport>,
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function ask(child: ChildProcess, message: object, deadlineMs: number): Promise<unknown> {
  const answer = once(child, 'message');
  const end = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the audience left with ${code}`)));
  end.catch(() => undefined);
  child.send(message);
  const [reply] = (await withDeadline(Promise.race([answer, end]), deadlineMs, 'the audience')) as [{ failure?: string }];
  if (reply.failure !== undefined) throw new Error(reply.failure);
  return reply;
}
