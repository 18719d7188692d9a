/** Reads the headers of a media journal on and on, without the pictures: enough to know where segments begin and end. */
import type { NatsConnection } from '@nats-io/nats-core';
import { callJetStream, deleteConsumer, toNanos } from '../../bus/jetstream-api.js';
import { openPull, type PulledMessage } from '../../bus/pull.js';
import { mediaHeaders, mediaJournalName } from '../../contracts/index.js';
import type { FragmentMark } from './hls-index.js';

export interface MarkReaderOptions {
  readonly connection: NatsConnection;
  readonly streamId: string;
  readonly onMark: (mark: FragmentMark) => void;
  /** The journal or the way to it was lost; what was read so far may be worthless. Called once, and not after `stop`. */
  readonly onEnd: () => void;
}

export interface MarkReader {
  /** Resolves when everything that was in the journal at the start has been given out, or at the end. */
  readonly caughtUp: Promise<void>;
  stop(): Promise<void>;
}

/** The broker forgets a reader that does not ask for so long. */
const idleMs = 10_000;
const creditMessages = 500;
const creditBytes = 1024 ** 2;

/** Starts at the oldest message kept. Does not recover by itself: a journal made anew needs a new index. */
export async function openMarkReader(options: MarkReaderOptions): Promise<MarkReader> {
  const { connection, streamId } = options;
  const journal = mediaJournalName(streamId);
  const name = `hub-hls-${crypto.randomUUID().slice(0, 8)}`;
  const config = {
    name,
    ack_policy: 'none',
    deliver_policy: 'all',
    headers_only: true,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: toNanos(idleMs),
  };
  const made = await callJetStream<{ num_pending: number }>(
    connection,
    `CONSUMER.CREATE.${journal}.${name}`,
    { stream_name: journal, config },
    `HLS place in ${journal}`,
  );
  let markCaughtUp: () => void = () => undefined;
  const caughtUp = new Promise<void>((resolve) => {
    markCaughtUp = resolve;
  });
  if (made.num_pending === 0) markCaughtUp();
  const pull = openPull(connection, {
    journal,
    consumer: name,
    credit: creditMessages,
    creditBytes,
    onMessage: (message) => {
      const mark = readMark(message);
      if (mark !== undefined) options.onMark(mark);
      if (message.pending === 0) markCaughtUp();
      // Given back later: the pull counts the message only after this call.
      queueMicrotask(() => pull.release(message));
    },
    onEnd: () => {
      markCaughtUp();
      options.onEnd();
    },
  });
  return {
    caughtUp,
    async stop() {
      pull.close();
      markCaughtUp();
      // It would be forgotten anyway; while the broker is away nobody waits for that.
      await deleteConsumer(connection, journal, name, AbortSignal.timeout(1000)).catch(() => false);
    },
  };
}

function readMark({ msg, sequence }: PulledMessage): FragmentMark | undefined {
  const header = (name: string) => msg.headers?.get(name) ?? '';
  const epoch = header(mediaHeaders.epoch);
  const kind = msg.subject.slice(msg.subject.lastIndexOf('.') + 1);
  if (epoch === '' || (kind !== 'key' && kind !== 'delta')) return undefined;
  return {
    kind,
    sequence,
    epoch,
    timeMs: Number(header(mediaHeaders.time)),
    durationMs: Number(header(mediaHeaders.duration)),
    publishedMs: Number(header(mediaHeaders.published)),
  };
}
