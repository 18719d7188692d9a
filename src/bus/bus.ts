/** Typed publish, subscribe, request and serve over a connection that was given. */
import type { NatsConnection } from '@nats-io/nats-core';
import type { ChannelName, MessageInput, MessageOf, ParamsOf, ReplyOf, Roots, WeirError } from '../contracts/index.js';

/** W3C trace context as it travels in message headers; passed on explicitly, because browsers have no ambient context. */
export interface Trace {
  traceparent: string;
  tracestate?: string;
}

export interface BusOptions {
  /** First tokens of all subjects; default those of the contracts. */
  roots?: Roots;
  /** Names this client in `$SRV` discovery (`nats micro ls`); left out, nothing is registered. */
  service?: { name: string; version: string; description?: string };
  /** Told of what has no caller to tell: invalid messages (at most one per second and subscription), failing receivers. Default: nothing. */
  onProblem?: (error: WeirError, subject: string) => void;
  /** Bytes that may be under way to a server that does not answer; beyond, publishes are dropped and counted. Default 32 MiB. */
  unconfirmedBytes?: number;
}

/** What is known of a message beside its content. */
export interface MessageMeta<N extends ChannelName = ChannelName> {
  readonly subject: string;
  /** The `{parameters}` of the subject. */
  readonly params: ParamsOf<N>;
  readonly trace: Trace | undefined;
  /** Where an answer is awaited; undefined for a plain publish. */
  readonly reply: string | undefined;
  /** Payload as it came; the content of `bytes` channels. */
  readonly data: Uint8Array;
  header(name: string): string | undefined;
}

export type Receiver<N extends ChannelName> = (message: MessageOf<N>, meta: MessageMeta<N>) => void | Promise<void>;

export interface PublishSettings {
  trace?: Trace;
  headers?: Record<string, string>;
}

export interface SubscribeSettings {
  /** Messages that may wait while the receiver is busy; default 1024. */
  limit?: number;
  /** Payload bytes that may wait; default 16 MiB. */
  limitBytes?: number;
  /** What gives way when the queue is full: the oldest message, or (before that) the older message of the same subject. Default `drop_oldest`. */
  policy?: QueuePolicy;
  /** Members of one queue group share the messages. */
  queue?: string;
  signal?: AbortSignal;
  /** Called for each message that did not pass its schema, or could not be parsed; it is counted in any case. */
  onInvalid?: (error: WeirError, subject: string) => void;
}

export type QueuePolicy = 'drop_oldest' | 'merge_by_subject';

export interface SubscriptionCounters {
  received: number;
  delivered: number;
  dropped: number;
  merged: number;
  invalid: number;
  /** Waiting now. */
  queued: number;
}

export interface BusSubscription {
  readonly subject: string;
  readonly counters: Readonly<SubscriptionCounters>;
  /** Resolves once the server has confirmed the subscription; rejects with `permission_denied` when it was refused. */
  readonly ready: Promise<void>;
  /** Stops intake at once; what waits is not delivered any more. */
  stop(): void;
}

export interface RequestSettings {
  /** Default 5000. */
  timeoutMs?: number;
  signal?: AbortSignal;
  trace?: Trace;
}

/** A server function returns it to leave the answer to another server of the same subject. */
export const noReply: unique symbol = Symbol('noReply');

export type Server<N extends ChannelName> = (
  message: MessageOf<N>,
  meta: MessageMeta<N>,
  signal: AbortSignal,
) => ReplyOf<N> | typeof noReply | Promise<ReplyOf<N> | typeof noReply>;

export interface ServeSettings {
  /** Requests worked on at the same time; default 16. */
  concurrency?: number;
  /** Requests that may wait; beyond, callers get `resource_exhausted`. Default 256. */
  limit?: number;
  /** Members of one queue group share the requests; default none, so every server gets each. */
  queue?: string;
  signal?: AbortSignal;
}

export interface ServerCounters {
  requests: number;
  errors: number;
  refused: number;
  active: number;
  queued: number;
}

export interface BusServer {
  readonly subject: string;
  readonly counters: Readonly<ServerCounters>;
  readonly ready: Promise<void>;
  /** Stops intake, waits for the requests being worked on (default up to 5000 ms), then aborts them. */
  stop(drainMs?: number): Promise<void>;
}

/** All failures are WeirErrors. Publishing does not wait for the server: a refused publish shows up in `onProblem`. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly roots: Roots;
  /** Publishes; `dropped` while the connection was away or the server stood still. */
  readonly counters: Readonly<{ published: number; dropped: number }>;
  /** Sends without waiting, and drops while the connection is away. Throws `payload_too_large` when the server would not take it, `unavailable` when the connection is closed. */
  publish<N extends ChannelName>(name: N, params: ParamsOf<N>, message: MessageInput<N>, settings?: PublishSettings): void;
  /** Parameters left out stand for all. A slow receiver never grows memory beyond the limits of the settings. */
  subscribe<N extends ChannelName>(name: N, params: Partial<ParamsOf<N>>, receiver: Receiver<N>, settings?: SubscribeSettings): BusSubscription;
  /** Asks one server. Throws `unavailable` (nobody there), `deadline_exceeded`, `permission_denied`, `cancelled`, or what the server answered. */
  request<N extends ChannelName>(name: N, params: ParamsOf<N>, message: MessageInput<N>, settings?: RequestSettings): Promise<ReplyOf<N>>;
  /** Answers requests; a thrown error becomes a Problem for the caller. Plain publishes are obeyed without an answer. */
  serve<N extends ChannelName>(name: N, params: Partial<ParamsOf<N>>, server: Server<N>, settings?: ServeSettings): BusServer;
  /** Round trip to the server: everything published before has been taken. */
  flush(signal?: AbortSignal): Promise<void>;
  /** Calls back after each reconnect; returns the undo. */
  onReconnect(listener: () => void): () => void;
  /** Calls back when the connection is lost; returns the undo. */
  onDisconnect(listener: () => void): () => void;
  /** Stops all subscriptions and servers; the connection stays open and remains its owner's. */
  stop(drainMs?: number): Promise<void>;
}
