/** Carries events from the outbox to the bus. */
import type { ChannelName, MessageInput, ParamsOf } from '../contracts/index.js';
import type { Store } from './open-store.js';
import type { OutboxDepth } from './repositories.js';

/** Resolves when the bus has acknowledged. `eventId` goes along as message id: an event may be sent twice. */
export type PublishEvent = (eventId: string, name: ChannelName, params: ParamsOf<ChannelName>, message: MessageInput<ChannelName>) => Promise<void>;

export interface OutboxRelayOptions {
  readonly store: Pick<Store, 'outbox' | 'onOutbox' | 'exclusive'>;
  readonly publish: PublishEvent;
  /** Told of each failed attempt. */
  readonly onFailure?: ((failure: { eventId: string; attempts: number; error: unknown; dead: boolean }) => void) | undefined;
  /** Events read at a time; default 64. */
  readonly batchSize?: number | undefined;
  /** Looks after what another hub left behind; default every 5000 ms. */
  readonly pollMs?: number | undefined;
  /** Pause after a failure: doubles from `minMs` (default 100) to `maxMs` (default 5000). */
  readonly backoff?: { minMs: number; maxMs: number } | undefined;
}

export interface OutboxRelay {
  readonly counters: { readonly published: number; readonly failures: number; readonly dead: number };
  depth(): Promise<OutboxDepth>;
  /** Resolves when nothing waits any more; rejects when `signal` aborts first. */
  drained(signal: AbortSignal): Promise<void>;
  /** Ends after the publish under way. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Publishes in the order of the outbox, each event at least once, as soon as its transaction commits. */
export declare function startOutboxRelay(options: OutboxRelayOptions): OutboxRelay;
