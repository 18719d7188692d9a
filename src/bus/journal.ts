/** Journals: history kept by JetStream. Declared, read back, followed. */
import type { NatsConnection } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { absent, callJetStream, type StreamInfo, type StreamSettings, streamInfo, toNanos } from './jetstream-api.js';

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
  /** A larger message is refused; default: only the limit of the server holds. */
  maxMessageBytes?: number;
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

export interface FollowJournalOptions {
  subject?: string;
  /** Where to begin: after a sequence, with the next message (default), with the first kept, or with the newest of each subject. */
  from?: number | 'new' | 'first' | 'last_per_subject';
  /** Messages on their way or waiting for the receiver, at most; default 256. */
  credit?: number;
  signal?: AbortSignal;
  /** Called when everything that was there has been delivered, at the beginning and after each recovery. */
  onCurrent?: () => void;
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

/** Facts of a journal, or undefined when there is none. */
export async function findJournal(connection: NatsConnection, name: string, signal?: AbortSignal): Promise<JournalFacts | undefined> {
  try {
    return factsOf(await streamInfo(connection, name, signal));
  } catch (error) {
    return absent(error, undefined);
  }
}

/** Deletes a journal; false when there was none. */
export async function deleteJournal(connection: NatsConnection, name: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await callJetStream(connection, `STREAM.DELETE.${name}`, {}, `Journal ${name}`, signal);
    return true;
  } catch (error) {
    return absent(error, false);
  }
}

/**
 * Makes the journal, or brings the settings of an existing one to the declared ones. Throws `failed_precondition` when a
 * setting cannot be changed in place (storage, retention) or another journal has the subjects.
 */
export async function ensureJournal(connection: NatsConnection, spec: JournalSpec, signal?: AbortSignal): Promise<EnsuredJournal> {
  return ensureStream(connection, settingsOf(spec), signal);
}

/** The same for settings in the server's own words. */
export async function ensureStream(connection: NatsConnection, wanted: StreamSettings, signal?: AbortSignal): Promise<EnsuredJournal> {
  const put = (verb: 'CREATE' | 'UPDATE') =>
    callJetStream<StreamInfo>(connection, `STREAM.${verb}.${wanted.name}`, wanted, `Journal ${wanted.name}`, signal);
  const present = await streamInfo(connection, wanted.name, signal).catch((error: unknown) => absent(error, undefined));
  if (present === undefined) {
    try {
      return ensured(await put('CREATE'), 'created', wanted);
    } catch (error) {
      // Another hub may have been quicker; then its settings are looked at below.
      if (!(error instanceof WeirError) || error.code !== 'already_exists') throw error;
    }
  }
  const current = present ?? (await streamInfo(connection, wanted.name, signal));
  if (differences(current.config, wanted).length === 0) return ensured(current, 'unchanged', wanted);
  const fixed = (['storage', 'retention'] as const).find((field) => current.config[field] !== wanted[field]);
  if (fixed !== undefined) {
    throw new WeirError('failed_precondition', `Journal ${wanted.name} has ${fixed} ${current.config[fixed]}, wanted ${wanted[fixed]}`, {
      hint: 'delete the journal, or keep the setting',
    });
  }
  return ensured(await put('UPDATE'), 'updated', wanted);
}

function settingsOf(spec: JournalSpec): StreamSettings {
  const maxAge = spec.maxAgeMs ?? 0;
  const window = spec.duplicateWindowMs ?? 120_000;
  return {
    name: spec.name,
    subjects: spec.subjects,
    storage: spec.storage,
    retention: spec.retention === 'work_queue' ? 'workqueue' : 'limits',
    discard: spec.discard ?? 'old',
    max_age: toNanos(maxAge),
    max_bytes: spec.maxBytes ?? -1,
    max_msgs: spec.maxMessages ?? -1,
    max_msgs_per_subject: spec.maxMessagesPerSubject ?? -1,
    max_msg_size: spec.maxMessageBytes ?? -1,
    max_consumers: -1,
    duplicate_window: toNanos(maxAge > 0 ? Math.min(window, maxAge) : window),
    num_replicas: spec.replicas ?? 1,
    allow_direct: true,
    deny_delete: false,
    allow_rollup_hdrs: false,
  };
}

function ensured(info: StreamInfo, outcome: EnsuredJournal['outcome'], wanted: StreamSettings): EnsuredJournal {
  const warnings = differences(info.config, wanted).map(
    (field) =>
      `journal ${wanted.name}: the server keeps ${field} ${JSON.stringify(info.config[field] ?? null)} instead of ${JSON.stringify(wanted[field])}`,
  );
  return { ...factsOf(info), outcome, warnings };
}

function differences(current: StreamSettings, wanted: StreamSettings): (keyof StreamSettings)[] {
  const plain = (value: unknown) => JSON.stringify(Array.isArray(value) ? [...value].sort() : (value ?? false));
  return (Object.keys(wanted) as (keyof StreamSettings)[]).filter((field) => plain(current[field]) !== plain(wanted[field]));
}

function factsOf(info: StreamInfo): JournalFacts {
  return {
    name: info.config.name,
    journalId: info.created,
    messages: info.state.messages,
    bytes: info.state.bytes,
    firstSequence: info.state.first_seq,
    lastSequence: info.state.last_seq,
    consumers: info.state.consumer_count,
  };
}
