/** Reading media: a place asked of the hub, a pull, and the order and lag of what comes. */
import type { NatsConnection } from '@nats-io/nats-core';
import { mediaHeaders, type WatchReply, type WatchRequest, WeirError } from '../contracts/index.js';
import { connectionEvents } from './connection-events.js';
import { createMediaOrder } from './media-order.js';
import type { MediaReader, MediaReaderCounters, MediaReaderOptions, MediaReaderState } from './media-reader.js';
import { openPull, type Pull, type PulledMessage } from './pull.js';
import { pause } from './waiting.js';

const firstRetryMs = 100;
const lastRetryMs = 2000;
/** Lag that lasts for so long is not a catching up. */
const lagPatienceMs = 500;

type PlaceEnd = 'ended' | 'lagging' | 'no_init';

/**
 * Reads a stream's media until stopped; recovers by itself from broker restarts, hub restarts and lost connections, without
 * losing or doubling a fragment as long as the journal keeps it. `closed` rejects when the hub refuses the viewer, or when a
 * receiver throws.
 */
export function openMediaReader(options: MediaReaderOptions): MediaReader {
  const { connection } = options;
  const abort = new AbortController();
  const stopBySignal = () => abort.abort();
  if (options.signal?.aborted) abort.abort();
  else options.signal?.addEventListener('abort', stopBySignal, { once: true });
  const counters: MediaReaderCounters = { received: 0, bytes: 0, skipped: 0, gaps: 0, reopened: -1, lag_ms: 0 };
  const order = createMediaOrder({
    onInit: options.onInit,
    onFragment: options.onFragment,
    onGap(gap) {
      counters.gaps += 1;
      options.onGap?.(gap);
    },
  });
  const lag = createLagMeter();
  let state: MediaReaderState = { state: 'opening' };
  /** Journal sequence of the last message dealt with, and the journal it belongs to. */
  let last: { sequence: number; journalId: string } | undefined;

  function setState(to: MediaReaderState): void {
    state = to;
    options.onState?.(to);
  }

  function askPlace(): Promise<WatchReply> {
    const request: WatchRequest = { viewer: options.viewer };
    if (last !== undefined) {
      request.after = last.sequence;
      request.journal = last.journalId;
    }
    return options.watch(request, abort.signal);
  }

  /** Deals with one message; tells when the place is of no use any more. */
  async function deal(message: PulledMessage, reply: WatchReply, isLast: boolean): Promise<PlaceEnd | undefined> {
    counters.received += 1;
    counters.bytes += message.msg.data.length;
    const outcome = await order.take(message);
    last = { sequence: message.sequence, journalId: reply.journal_id };
    if (outcome === 'skipped') counters.skipped += 1;
    if (outcome === 'no_init') {
      counters.skipped += 1;
      return 'no_init';
    }
    if (outcome === 'delivered' && state.state !== 'playing') setState({ state: 'playing', reply });
    counters.lag_ms = lag.measure(message, isLast);
    return counters.lag_ms > (options.maxLagMs ?? 3000) && lag.lasts(lagPatienceMs) ? 'lagging' : undefined;
  }

  /** Reads from a place until it does not work any more, or is too far behind. */
  async function readFrom(reply: WatchReply): Promise<PlaceEnd> {
    const waiting: PulledMessage[] = [];
    let ended = false;
    let wake: () => void = () => undefined;
    const pull: Pull = openPull(connection, {
      journal: reply.journal,
      consumer: reply.consumer,
      credit: options.credit ?? 64,
      creditBytes: options.creditBytes ?? 8 * 1024 ** 2,
      onMessage(message) {
        waiting.push(message);
        wake();
      },
      onEnd() {
        ended = true;
        wake();
      },
    });
    const stop = () => wake();
    abort.signal.addEventListener('abort', stop, { once: true });
    try {
      while (!abort.signal.aborted) {
        const message = waiting.shift();
        if (message !== undefined) {
          const end = await deal(message, reply, waiting.length === 0);
          if (end !== undefined) return end;
          pull.release(message);
        } else if (ended) {
          return 'ended';
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      return 'ended';
    } finally {
      abort.signal.removeEventListener('abort', stop);
      pull.close();
    }
  }

  /** One life of a place; false when it was of no use, so that asking again at once would be no better. */
  async function openAndRead(): Promise<boolean> {
    await connectionEvents(connection).untilConnected(abort.signal);
    const reply = await askPlace();
    counters.reopened += 1;
    if (reply.init !== undefined && reply.epoch !== undefined) {
      await order.begin({ epoch: reply.epoch, data: fromBase64(reply.init), codecs: reply.codecs, picture: reply.picture });
    }
    setState({ state: 'waiting', reply, error: undefined });
    const before = counters.received;
    const end = await readFrom(reply);
    if (end === 'lagging') {
      order.expectJump();
      lag.reset();
    }
    if (end !== 'ended') last = undefined;
    return end !== 'no_init' && counters.received > before;
  }

  async function run(): Promise<void> {
    let retryMs = firstRetryMs;
    while (!abort.signal.aborted) {
      setState({ state: 'opening' });
      try {
        if (await openAndRead()) retryMs = firstRetryMs;
        else await pause(retryMs, abort.signal);
      } catch (thrown) {
        const error = WeirError.from(thrown);
        if (isFinal(error, connection)) throw error;
        setState({ state: 'waiting', reply: undefined, error });
        // Spread out, because all viewers lose a broker or a hub at the same moment.
        await pause(retryMs * (0.75 + Math.random() / 2), abort.signal);
        retryMs = Math.min(lastRetryMs, retryMs * 2);
      }
    }
  }

  const closed = run().then(
    () => setState({ state: 'closed', error: undefined }),
    (error: WeirError) => {
      setState({ state: 'closed', error });
      throw error;
    },
  );
  closed.catch(() => undefined);

  return {
    counters,
    get state() {
      return state;
    },
    closed,
    async stop() {
      options.signal?.removeEventListener('abort', stopBySignal);
      abort.abort();
      await closed.catch(() => undefined);
    },
  };
}

/** Waiting does not help. A missing stream or journal may come, a hub or broker that is away will. */
function isFinal(error: WeirError, connection: NatsConnection): boolean {
  if (connection.isClosed()) return true;
  return !['unavailable', 'deadline_exceeded', 'not_found', 'failed_precondition', 'resource_exhausted', 'cancelled'].includes(error.code);
}

interface LagMeter {
  measure(message: PulledMessage, isLast: boolean): number;
  /** The lag has been there for so long. */
  lasts(ms: number): boolean;
  reset(): void;
}

/**
 * How far a message is behind the newest. The clocks of publisher and viewer may differ, so their difference is taken from
 * messages that nothing follows: those are the newest by definition.
 */
function createLagMeter(): LagMeter {
  let offset: number | undefined;
  let since: number | undefined;
  return {
    measure({ msg, pending }, isLast) {
      const age = Date.now() - Number(msg.headers?.get(mediaHeaders.published) || Number.NaN);
      if (Number.isNaN(age)) return 0;
      if (pending === 0 && isLast) {
        offset = age;
        since = undefined;
        return 0;
      }
      since ??= performance.now();
      if (offset !== undefined) return Math.max(0, age - offset);
      return pending * Number(msg.headers?.get(mediaHeaders.duration) || 33);
    },
    lasts: (ms) => since !== undefined && performance.now() - since >= ms,
    reset() {
      since = undefined;
    },
  };
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
