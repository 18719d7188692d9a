/** Reads the headers of a media journal on and on, without the pictures: enough to know where segments begin and end. */
import { AckPolicy, DeliverPolicy, type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { mediaHeaders, mediaJournalName } from '../../contracts/index.js';
import type { FragmentMark } from './hls-index.js';
import { managerOf } from './journal-seek.js';

/** A fragment, or the place of an init segment. */
export type JournalMark = FragmentMark | { readonly kind: 'init'; readonly sequence: number; readonly epoch: string };

export interface MarkReaderOptions {
  readonly connection: NatsConnection;
  readonly streamId: string;
  readonly onMark: (mark: JournalMark) => void;
  /** The journal or the way to it was lost; what was read so far may be worthless. Called once. */
  readonly onEnd: () => void;
}

export interface MarkReader {
  /** Resolves when everything that was in the journal at the start has been given out. */
  readonly caughtUp: Promise<void>;
  stop(): Promise<void>;
}

const heartbeatMs = 1000;

/** Starts at the oldest message kept. Does not recover by itself: a journal made anew needs a new index. */
export async function openMarkReader(options: MarkReaderOptions): Promise<MarkReader> {
  const { connection, streamId } = options;
  const journal = mediaJournalName(streamId);
  const manager = await managerOf(connection);
  const facts = await manager.consumers.add(journal, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    headers_only: true,
    mem_storage: true,
    inactive_threshold: 10_000_000_000,
  });
  const consumer = await jetstream(connection, { checkAPI: false } as never).consumers.get(journal, facts.name);
  let pending = facts.num_pending;
  let isEnded = false;
  let markCaughtUp: () => void = () => undefined;
  const caughtUp = new Promise<void>((resolve) => {
    markCaughtUp = resolve;
  });
  if (pending === 0) markCaughtUp();
  const end = () => {
    if (isEnded) return;
    isEnded = true;
    markCaughtUp();
    options.onEnd();
  };
  const messages = await consumer.consume({
    max_messages: 500,
    idle_heartbeat: heartbeatMs,
    expires: 10_000,
    callback: (message) => {
      const mark = readMark(message);
      if (mark !== undefined) options.onMark(mark);
      pending -= 1;
      if (pending <= 0) markCaughtUp();
    },
  });
  void watchHealth(messages, end);
  return {
    caughtUp,
    async stop() {
      isEnded = true;
      markCaughtUp();
      await messages.close();
      await manager.consumers.delete(journal, facts.name).catch(() => undefined);
    },
  };
}

async function watchHealth(messages: { status(): AsyncIterable<{ type: string }>; closed(): Promise<unknown> }, end: () => void): Promise<void> {
  void messages.closed().then(end, end);
  for await (const status of messages.status()) {
    if (status.type === 'heartbeats_missed' || status.type === 'consumer_not_found' || status.type === 'stream_not_found') end();
  }
  end();
}

function readMark(message: JsMsg): JournalMark | undefined {
  const header = (name: string) => message.headers?.get(name) ?? '';
  const epoch = header(mediaHeaders.epoch);
  const kind = message.subject.slice(message.subject.lastIndexOf('.') + 1);
  if (epoch === '') return undefined;
  if (kind === 'init') return { kind, sequence: message.seq, epoch };
  if (kind !== 'key' && kind !== 'delta') return undefined;
  return {
    kind,
    sequence: message.seq,
    epoch,
    timeMs: Number(header(mediaHeaders.time)),
    durationMs: Number(header(mediaHeaders.duration)),
    publishedMs: Number(header(mediaHeaders.published)),
  };
}
