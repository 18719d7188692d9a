/** History, a page at a time. */
import { type NatsConnection, nuid } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { type ConsumerInfo, type ConsumerSettings, createConsumer, deleteConsumer, streamInfo, toNanos } from './jetstream-api.js';
import type { JournalPage, ReadJournalOptions } from './journal.js';
import { PulledJournalMessage } from './journal-message.js';
import { openPull, type PulledMessage } from './pull.js';

const defaultLimit = 1000;
const searchSteps = 12;
const silenceMs = 5000;
const readAttempts = 3;

/** The reading ended before all was read; it can be read once more. */
class BrokenOff extends WeirError {}

/** Reads history, oldest first, never more than `limit`. Throws `not_found` when there is no such journal. */
export async function readJournal(connection: NatsConnection, name: string, options: ReadJournalOptions = {}): Promise<JournalPage> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readPage(connection, name, options);
    } catch (error) {
      // A broker that reloads its users forgets who was reading.
      if (!(error instanceof BrokenOff) || attempt === readAttempts) throw error;
    }
  }
}

async function readPage(connection: NatsConnection, name: string, options: ReadJournalOptions): Promise<JournalPage> {
  const limit = options.limit ?? defaultLimit;
  const info = await streamInfo(connection, name, options.signal);
  const empty = { items: [], last: Math.max(options.after ?? 0, info.state.last_seq), more: false };
  if (info.state.messages === 0 || (options.after ?? 0) >= info.state.last_seq) return empty;
  let place = await openPlace(connection, name, options, startOf(options));
  try {
    if (place.num_pending === 0) return empty;
    if (options.after !== undefined || place.num_pending <= limit) return await readOn(connection, name, place, options, limit, 'oldest');
    const older = place.num_pending;
    place = await skipToNewest(connection, name, options, place, limit, info.state);
    const page = await readOn(connection, name, place, options, limit, 'newest');
    return { ...page, more: older > page.items.length };
  } finally {
    // It would vanish by itself, only later.
    void deleteConsumer(connection, name, place.name).catch(() => undefined);
  }
}

type Start = Pick<ConsumerSettings, 'deliver_policy' | 'opt_start_seq' | 'opt_start_time'>;

function startOf(options: ReadJournalOptions): Start {
  if (options.after !== undefined) return { deliver_policy: 'by_start_sequence', opt_start_seq: options.after + 1 };
  if (options.since !== undefined) return { deliver_policy: 'by_start_time', opt_start_time: new Date(options.since).toISOString() };
  return { deliver_policy: 'all' };
}

function openPlace(connection: NatsConnection, journal: string, options: ReadJournalOptions, start: Start): Promise<ConsumerInfo> {
  const settings: ConsumerSettings = {
    name: `read-${nuid.next()}`,
    ack_policy: 'none',
    ...start,
    inactive_threshold: toNanos(10_000),
    mem_storage: true,
    num_replicas: 1,
    ...(options.subject === undefined ? {} : { filter_subject: options.subject }),
  };
  return createConsumer(connection, journal, settings, options.signal);
}

/**
 * A journal can only be read forwards. To find where the newest `limit` matches begin, the server is asked how many follow a
 * guessed sequence; guesses by density meet the mark in a few steps.
 */
async function skipToNewest(
  connection: NatsConnection,
  journal: string,
  options: ReadJournalOptions,
  place: ConsumerInfo,
  limit: number,
  state: { first_seq: number; last_seq: number },
): Promise<ConsumerInfo> {
  let best = place;
  // `low` has too many after it, `high` too few.
  let low = state.first_seq;
  let high = state.last_seq + 1;
  let pending = place.num_pending;
  for (let step = 0; step < searchSteps && high - low > 1 && best.num_pending > limit * 1.5; step += 1) {
    const wanted = (limit * 1.2) / pending;
    const guess = step < 6 ? Math.floor(high - (high - low) * Math.min(0.95, wanted)) : Math.floor((low + high) / 2);
    const at = Math.min(high - 1, Math.max(low + 1, guess));
    const next = await openPlace(connection, journal, options, { deliver_policy: 'by_start_sequence', opt_start_seq: at });
    const enough = next.num_pending >= limit;
    void deleteConsumer(connection, journal, enough ? best.name : next.name).catch(() => undefined);
    if (enough) {
      best = next;
      low = at;
      pending = next.num_pending;
    } else {
      high = at;
    }
  }
  return best;
}

/** Reads what the place has now; of more than `limit`, the oldest or the newest are kept. */
async function readOn(
  connection: NatsConnection,
  journal: string,
  place: ConsumerInfo,
  options: ReadJournalOptions,
  limit: number,
  keep: 'oldest' | 'newest',
): Promise<JournalPage> {
  const toRead = keep === 'oldest' ? Math.min(limit, place.num_pending) : place.num_pending;
  const items: PulledMessage[] = [];
  let last = options.after ?? 0;
  let reachedEnd = false;
  await new Promise<void>((resolve, reject) => {
    let count = 0;
    const finish = (end: () => void) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      pull.close();
      end();
    };
    const abort = () => finish(() => reject(new WeirError('cancelled', `Reading ${journal} was cancelled`)));
    const late = () =>
      finish(() => reject(new WeirError('deadline_exceeded', `Journal ${journal} went silent after ${count} of ${toRead} messages`)));
    let timer = setTimeout(late, silenceMs);
    const pull = openPull(connection, {
      journal,
      consumer: place.name,
      credit: Math.min(512, toRead),
      creditBytes: 8 * 1024 ** 2,
      onMessage(message) {
        clearTimeout(timer);
        timer = setTimeout(late, silenceMs);
        count += 1;
        if (options.until !== undefined && message.time >= options.until) {
          reachedEnd = true;
          finish(resolve);
          return;
        }
        last = message.sequence;
        items.push(message);
        if (items.length > limit * 2) items.splice(0, items.length - limit);
        if (count >= toRead) finish(resolve);
        else pull.release(message);
      },
      onEnd: (reason) => finish(() => reject(new BrokenOff('unavailable', `Journal ${journal} could not be read on: ${reason}`))),
    });
    if (options.signal?.aborted) abort();
    else options.signal?.addEventListener('abort', abort, { once: true });
  });
  const kept = keep === 'oldest' ? items.slice(0, limit) : items.slice(-limit);
  return { items: kept.map((message) => new PulledJournalMessage(message)), last, more: !reachedEnd && place.num_pending > toRead };
}
