/** Bytes to checked messages and back. */
import type { Msg, MsgHdrs } from '@nats-io/nats-core';
import { type ChannelName, channels, fromZodError, type MessageOf, matchSubject, type ParamsOf, type Roots, WeirError } from '../contracts/index.js';
import type { MessageMeta, Trace } from './bus.js';
import { readTrace } from './trace.js';

const encoder = new TextEncoder();

/** JSON as bytes; nothing for undefined. */
export function encodeMessage(message: unknown): Uint8Array {
  return message === undefined ? new Uint8Array(0) : encoder.encode(JSON.stringify(message));
}

/** The outcome of decoding: exceptions would cost more than the decoding. */
export type Decoded<T> = { ok: true; message: T } | { ok: false; error: WeirError };

/** Parses and checks a payload with the schema of its channel. */
export function decodeMessage<N extends ChannelName>(name: N, msg: Msg): Decoded<MessageOf<N>> {
  const channel = channels[name];
  if (channel.kind === 'bytes') return { ok: true, message: undefined as MessageOf<N> };
  let value: unknown;
  try {
    value = msg.data.length === 0 ? undefined : msg.json();
  } catch (cause) {
    // A channel that ignores its payload takes any bytes; all others refuse an absent message.
    const empty = channel.message.safeParse(undefined);
    if (empty.success) return { ok: true, message: empty.data as MessageOf<N> };
    return { ok: false, error: new WeirError('invalid_argument', 'The payload is not JSON', { cause }) };
  }
  const result = channel.message.safeParse(value);
  if (result.success) return { ok: true, message: result.data as MessageOf<N> };
  return { ok: false, error: fromZodError(result.error, value) };
}

/** The part of a message that outlives its receive buffer. */
interface MessageFacts {
  readonly subject: string;
  readonly reply?: string | undefined;
  readonly headers?: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/** Facts of a message, read from it when somebody asks. */
export class LazyMeta<N extends ChannelName> implements MessageMeta<N> {
  readonly #name: N;
  readonly #roots: Roots;
  #msg: MessageFacts;

  constructor(name: N, msg: Msg, roots: Roots) {
    this.#name = name;
    this.#msg = msg;
    this.#roots = roots;
  }

  get subject(): string {
    return this.#msg.subject;
  }

  get params(): ParamsOf<N> {
    return matchSubject(this.#name, this.#msg.subject, this.#roots) ?? ({} as ParamsOf<N>);
  }

  get trace(): Trace | undefined {
    return readTrace((name) => this.header(name));
  }

  get reply(): string | undefined {
    return this.#msg.reply || undefined;
  }

  get data(): Uint8Array {
    return this.#msg.data;
  }

  header(name: string): string | undefined {
    return this.#msg.headers?.get(name) || undefined;
  }

  /** A waiting message must not hold the receive buffer, of which it may be a small part. */
  detach(): void {
    const { subject, reply, headers, data } = this.#msg;
    this.#msg = { subject, reply, headers, data: data.slice() };
  }
}
