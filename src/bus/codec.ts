/** Bytes to checked messages and back. */
import type { Msg, MsgHdrs } from '@nats-io/nats-core';
import { type ChannelName, channels, fromZodError, type MessageOf, matchSubject, type ParamsOf, type Roots, WeirError } from '../contracts/index.js';
import type { MessageMeta, Trace } from './bus.js';
import { type Check, surelyValid } from './surely-valid.js';
import { readTrace } from './trace.js';

const encoder = new TextEncoder();
const empty = new Uint8Array(0);
const slabBytes = 65_536;
let slab = new Uint8Array(slabBytes);
let used = 0;

/** JSON as bytes; nothing for undefined. */
export function encodeMessage(message: unknown): Uint8Array {
  if (message === undefined) return empty;
  const text = JSON.stringify(message);
  // One buffer for many messages: making a buffer costs five times as much as filling it. A part, once given out, is not written again.
  const atMost = text.length * 3;
  if (atMost > slabBytes / 4) return encoder.encode(text);
  if (slabBytes - used < atMost) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  const begin = used;
  used += encoder.encodeInto(text, slab.subarray(begin)).written;
  return slab.subarray(begin, used);
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
    const absent = channel.message.safeParse(undefined);
    if (absent.success) return { ok: true, message: absent.data as MessageOf<N> };
    return { ok: false, error: new WeirError('invalid_argument', 'The payload is not JSON', { cause }) };
  }
  if (isPlainlyRight(name, value)) return { ok: true, message: value as MessageOf<N> };
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

const checks = new Map<ChannelName, Check>();

function isPlainlyRight(name: ChannelName, value: unknown): boolean {
  let check = checks.get(name);
  if (check === undefined) {
    check = surelyValid(channels[name].message) ?? (() => false);
    checks.set(name, check);
  }
  return check(value);
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
