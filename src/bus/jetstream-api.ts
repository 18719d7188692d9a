/** JetStream's request API, as far as this folder uses it; field names and nanoseconds are the server's. */
import { type Msg, type MsgHdrs, headers as makeHeaders, type NatsConnection } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { connectionEvents } from './connection-events.js';
import { fromJetStream, type JetStreamFailure } from './nats-error.js';
import { NobodyAnswers, requestRaw } from './request.js';
import { pause } from './waiting.js';

/** Configuration of a JetStream stream. */
export interface StreamSettings {
  name: string;
  subjects: string[];
  storage: 'file' | 'memory';
  retention: 'limits' | 'workqueue';
  discard: 'old' | 'new';
  max_age: number;
  max_bytes: number;
  max_msgs: number;
  max_msgs_per_subject: number;
  max_msg_size: number;
  max_consumers: number;
  duplicate_window: number;
  num_replicas: number;
  allow_direct: boolean;
  deny_delete: boolean;
  allow_rollup_hdrs: boolean;
}

export interface StreamInfo {
  config: StreamSettings;
  created: string;
  state: { messages: number; bytes: number; first_seq: number; last_seq: number; consumer_count: number };
}

export interface ConsumerSettings {
  name?: string;
  durable_name?: string;
  ack_policy: 'none' | 'explicit';
  deliver_policy: 'all' | 'new' | 'last_per_subject' | 'by_start_sequence' | 'by_start_time';
  opt_start_seq?: number;
  opt_start_time?: string;
  filter_subject?: string;
  ack_wait?: number;
  max_deliver?: number;
  max_ack_pending?: number;
  replay_policy?: 'instant' | 'original';
  inactive_threshold?: number;
  mem_storage?: boolean;
  num_replicas?: number;
}

export interface ConsumerInfo {
  name: string;
  num_pending: number;
  num_redelivered?: number;
  delivered?: { consumer_seq: number; stream_seq: number };
  ack_floor?: { consumer_seq: number; stream_seq: number };
  num_waiting: number;
  num_ack_pending: number;
  config: ConsumerSettings;
}

export interface PubAck {
  stream: string;
  seq: number;
  duplicate?: boolean;
}

const apiTimeoutMs = 5000;
/** Together as long as the whole; each call may be made twice, so what is not answered is asked again. */
const apiAttemptsMs = [500, 1500, 3000];
/** Pauses while nobody is there to ask; after them there is no JetStream. */
const deafPausesMs = [10, 20, 40, 80, 160, 320];
/** JetStream's number for an account that does not have it. */
const noJetStream = 10039;
const encoder = new TextEncoder();

export function toNanos(ms: number): number {
  return ms * 1_000_000;
}

/** One request to `$JS.API.{path}`; an error in the answer is thrown as a WeirError that begins with `what`. */
export function callJetStream<T>(connection: NatsConnection, path: string, body: object, what: string, signal?: AbortSignal): Promise<T> {
  return askJetStream(connection, path, encoder.encode(JSON.stringify(body)), (msg) => readAnswer<T>(msg, what), signal);
}

/**
 * What `read` makes of the answer to a request on `$JS.API.{path}`, which must do the same when it is made twice. A broker that reloads
 * its users, which every sign-in of a browser brings about, has nobody at its API for a moment, or one who knows no account, and forgets
 * the answers that are under way.
 */
export async function askJetStream<T>(
  connection: NatsConnection,
  path: string,
  payload: Uint8Array,
  read: (msg: Msg) => T,
  signal?: AbortSignal,
): Promise<T> {
  let pauses = 0;
  for (let attempt = 0; ; ) {
    // A connection that is away is waited for as long as ever.
    const timeoutMs = connectionEvents(connection).connected ? apiAttemptsMs[attempt] : undefined;
    try {
      return read(await requestRaw(connection, `$JS.API.${path}`, payload, { timeoutMs: timeoutMs ?? apiTimeoutMs, signal }));
    } catch (error) {
      if (isDeaf(error) && pauses < deafPausesMs.length) await pause(deafPausesMs[pauses++] ?? 0, signal);
      else if (error instanceof WeirError && error.code === 'deadline_exceeded' && attempt < apiAttemptsMs.length - 1) attempt += 1;
      else throw error;
    }
  }
}

function isDeaf(error: unknown): boolean {
  return error instanceof NobodyAnswers || (error instanceof WeirError && (error.cause as JetStreamFailure | undefined)?.err_code === noJetStream);
}

/** Stores one message and waits for the acknowledgement. */
export async function storeMessage(
  connection: NatsConnection,
  subject: string,
  payload: Uint8Array,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<PubAck> {
  const made = makeHeaders();
  for (const [name, value] of Object.entries(headers)) made.set(name, value);
  const msg = await requestRaw(connection, subject, payload, { timeoutMs: apiTimeoutMs, signal, headers: made });
  return readAnswer<PubAck>(msg, `Storing on ${subject}`);
}

function readAnswer<T>(msg: Msg, what: string): T {
  const answer = msg.json<T & { error?: JetStreamFailure }>();
  if (answer.error !== undefined) throw fromJetStream(answer.error, what);
  return answer;
}

export function streamInfo(connection: NatsConnection, name: string, signal?: AbortSignal): Promise<StreamInfo> {
  return callJetStream(connection, `STREAM.INFO.${name}`, {}, `Journal ${name}`, signal);
}

/** Makes a consumer under the name in its settings; the address carries stream and name, so rights can be given for just that. */
export function createConsumer(connection: NatsConnection, journal: string, settings: ConsumerSettings, signal?: AbortSignal): Promise<ConsumerInfo> {
  const name = settings.durable_name ?? settings.name;
  return callJetStream(connection, `CONSUMER.CREATE.${journal}.${name}`, { stream_name: journal, config: settings }, `Place in ${journal}`, signal);
}

export function consumerInfo(connection: NatsConnection, journal: string, name: string, signal?: AbortSignal): Promise<ConsumerInfo> {
  return callJetStream(connection, `CONSUMER.INFO.${journal}.${name}`, {}, `Place ${name} in ${journal}`, signal);
}

/** False when there was none. */
export async function deleteConsumer(connection: NatsConnection, journal: string, name: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await callJetStream(connection, `CONSUMER.DELETE.${journal}.${name}`, {}, `Place ${name} in ${journal}`, signal);
    return true;
  } catch (error) {
    return absent(error, false);
  }
}

export interface KeptMessage {
  sequence: number;
  time: number;
  data: Uint8Array;
  headers: MsgHdrs | undefined;
}

/** The newest message of a subject, or undefined; the journal must allow direct reads. */
export function lastMessage(connection: NatsConnection, journal: string, subject: string, signal?: AbortSignal): Promise<KeptMessage | undefined> {
  return askJetStream(connection, `DIRECT.GET.${journal}.${subject}`, new Uint8Array(0), (msg) => keptMessage(msg, subject), signal);
}

/** What a direct read answers; undefined when there is no such message. */
export function keptMessage({ headers, data }: Msg, what: string): KeptMessage | undefined {
  if (headers?.code === 404) return undefined;
  if (headers === undefined || headers.code >= 400) {
    throw fromJetStream({ code: headers?.code ?? 500, description: headers?.description ?? 'no headers' }, `Reading ${what}`);
  }
  return { sequence: Number(headers.get('Nats-Sequence')), time: Date.parse(headers.get('Nats-Time-Stamp')), data, headers };
}

/** `value` for an error that says not_found; throws all others. */
export function absent<T>(error: unknown, value: T): T {
  if (error instanceof WeirError && error.code === 'not_found') return value;
  throw error;
}
