/** Journals: history kept by JetStream. Declared, read back, followed. */
import type { NatsConnection } from '@nats-io/nats-core';

export interface JournalSpec {
  /** Letters, digits, `_`, `-`. */
  name: string;
  subjects: string[];
  storage: 'file' | 'memory';
  /** Default `limits`: kept until a limit is met. `work_queue`: gone once acknowledged. */
  retention?: 'limits' | 'work_queue';
  maxAgeMs?: number;
  maxBytes?: number;
  maxMessages?: number;
  maxMessagesPerSubject?: number;
  /** What gives way at a limit; default `old`. */
  discard?: 'old' | 'new';
  /** How long a `Nats-Msg-Id` is remembered; default 120 000, never more than the maximum age. */
  duplicateWindowMs?: number;
  /** Copies in a cluster; default 1. */
  replicas?: number;
}

export interface JournalFacts {
  name: string;
  /** Changes when the journal was made anew. */
  journalId: string;
  messages: number;
  bytes: number;
  firstSequence: number;
  lastSequence: number;
  consumers: number;
}

export interface EnsuredJournal extends JournalFacts {
  outcome: 'created' | 'updated' | 'unchanged';
  /** Settings that the server did not take over, one sentence each. */
  warnings: string[];
}

/** Makes the journal, or brings the settings of an existing one to the declared ones. Throws `failed_precondition` when a setting cannot be changed in place. */
export declare function ensureJournal(connection: NatsConnection, spec: JournalSpec, signal?: AbortSignal): Promise<EnsuredJournal>;
/** Facts of a journal, or undefined when there is none. */
export declare function findJournal(connection: NatsConnection, name: string, signal?: AbortSignal): Promise<JournalFacts | undefined>;
/** Deletes a journal; false when there was none. */
export declare function deleteJournal(connection: NatsConnection, name: string, signal?: AbortSignal): Promise<boolean>;

export interface JournalMessage {
  sequence: number;
  subject: string;
  /** When the journal took it, milliseconds since 1970. */
  time: number;
  data: Uint8Array;
  header(name: string): string | undefined;
  /** The payload as JSON; throws `invalid_argument` when it is none. */
  json(): unknown;
}

export interface ReadJournalOptions {
  /** Only this subject, which may have wildcards. */
  subject?: string;
  /** Only later sequences. */
  after?: number;
  /** Not before this time, milliseconds since 1970. */
  since?: number;
  /** Before this time, milliseconds since 1970. */
  until?: number;
  /** Default 1000. Without `after`, the newest are read when more match. */
  limit?: number;
  signal?: AbortSignal;
}

export interface JournalPage {
  items: JournalMessage[];
  /** Sequence to pass as `after` to go on. */
  last: number;
  /** More items that match follow (with `after`), or older ones were left out. */
  more: boolean;
}

/** Reads history, oldest first, never more than `limit`. Throws `not_found` when there is no such journal. */
export declare function readJournal(connection: NatsConnection, name: string, options?: ReadJournalOptions): Promise<JournalPage>;

export interface FollowJournalOptions {
  subject?: string;
  /** Where to begin: after a sequence, with the next message (default), with the first kept, or with the newest of each subject. */
  from?: number | 'new' | 'first' | 'last_per_subject';
  /** Messages on their way or waiting for the receiver, at most; default 256. */
  credit?: number;
  signal?: AbortSignal;
  /** `waiting`: no connection or no journal; `flowing`: reading; `reset`: the journal was made anew and is read from its first message. */
  onState?: (state: 'waiting' | 'flowing' | 'reset') => void;
}

export interface JournalFollower {
  /** Sequence of the last message the receiver has finished. */
  readonly last: number;
  readonly counters: Readonly<{ received: number; restarts: number }>;
  /** Resolves when the place in the journal is made for the first time. */
  readonly ready: Promise<void>;
  /** Resolves after the stop; rejects when the receiver failed. */
  readonly closed: Promise<void>;
  stop(): Promise<void>;
}

/** Reads on and on, each message once and in order; recovers by itself from a broker restart, a lost consumer and a re-made journal. */
export declare function followJournal(
  connection: NatsConnection,
  name: string,
  receiver: (message: JournalMessage) => void | Promise<void>,
  options?: FollowJournalOptions,
): JournalFollower;
