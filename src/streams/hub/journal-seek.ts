/** Single messages of a journal by place: next of a subject from a sequence on, newest of a subject. */
import { JetStreamApiError, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { JournalMessage } from '../../bus/index.js';
import { WeirError } from '../../contracts/index.js';

const noMessage = 10_037;
const noJournal = 10_059;

/** First message of `subject` at or after `sequence`; undefined when there is none. */
export async function nextOf(
  connection: NatsConnection,
  journal: string,
  subject: string,
  sequence: number,
  signal: AbortSignal,
): Promise<JournalMessage | undefined> {
  return find(connection, journal, { seq: sequence, next_by_subj: subject }, signal);
}

/** Newest message of `subject`; undefined when there is none. */
export async function newestOf(
  connection: NatsConnection,
  journal: string,
  subject: string,
  signal: AbortSignal,
): Promise<JournalMessage | undefined> {
  return find(connection, journal, { last_by_subj: subject }, signal);
}

async function find(
  connection: NatsConnection,
  journal: string,
  query: { seq: number; next_by_subj: string } | { last_by_subj: string },
  signal: AbortSignal,
): Promise<JournalMessage | undefined> {
  signal.throwIfAborted();
  try {
    const manager = await managerOf(connection);
    const stored = await manager.streams.getMessage(journal, query as never);
    return stored === null ? undefined : toMessage(stored);
  } catch (error) {
    const code = error instanceof JetStreamApiError ? error.code : undefined;
    if (code === noMessage) return undefined;
    if (code === noJournal) throw new WeirError('not_found', `There is no journal ${journal}`, { cause: error });
    if (error instanceof WeirError) throw error;
    throw new WeirError('unavailable', `Journal ${journal} cannot be read now`, { cause: error });
  }
}

const managers = new WeakMap<NatsConnection, ReturnType<typeof jetstreamManager>>();

/** Made once per connection; the check for JetStream would cost a round trip each time, and fail while the broker is away. */
export function managerOf(connection: NatsConnection): ReturnType<typeof jetstreamManager> {
  const known = managers.get(connection);
  if (known !== undefined) return known;
  const manager = jetstreamManager(connection, { checkAPI: false });
  managers.set(connection, manager);
  return manager;
}

function toMessage(stored: StoredMsg): JournalMessage {
  return {
    sequence: stored.seq,
    subject: stored.subject,
    time: stored.time.getTime(),
    data: stored.data,
    header: (name) => {
      const value = stored.header?.get(name);
      return value === undefined || value === '' ? undefined : value;
    },
    json: () => JSON.parse(new TextDecoder().decode(stored.data)) as unknown,
  };
}
