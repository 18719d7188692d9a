/** One open socket: reads messages, sends answers and events, and knows when it must be cut. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { WeirError } from '../../contracts/index.js';
import { rpcCloseCodes } from '../../contracts/rpc/index.js';
import { hasExpired } from '../connections.js';
import type { Principal } from '../operations.js';
import type { Caller, Dispatcher } from './dispatch.js';
import { MessageProgress } from './message-progress.js';
import type { RpcCounters } from './settings.js';
import type { SubscriptionBook, Subscriptions } from './subscriptions.js';

export type CutReason = keyof RpcCounters['cut'];

/** Read anew with each use: limits change while sockets are open. */
export interface SocketOptions {
  readonly dispatcher: Dispatcher;
  readonly book: SubscriptionBook;
  readonly maxQueueBytes: number;
  readonly pingIntervalMs: number;
  readonly pongWaitMs: number;
  readonly messageTimeoutMs: number;
  /** Registers a login; returns the way to forget it. */
  readonly register: (principal: Principal, cut: (reason: string) => void) => () => void;
  readonly onCut: (reason: CutReason) => void;
}

/** Calls of one socket that are under way at a time; further messages wait in the kernel. */
const maxUnderWay = 64;
/** A peer that was told to close has so long to say goodbye. */
const goodbyeMs = 2000;

export class RpcSocket implements Caller {
  readonly id = randomUUID();
  readonly address: string;
  readonly subscriptions: Subscriptions = new Map();
  readonly #ws: WebSocket;
  readonly #headers: IncomingMessage['headers'];
  readonly #options: SocketOptions;
  readonly #abort = new AbortController();
  readonly #progress = new MessageProgress();
  #principal: Principal | undefined;
  #forget: (() => void) | undefined;
  #calls = 0;
  #underWay = 0;
  #pingedAt: number;
  #pingSentAt: number | undefined;
  #isClosing = false;

  constructor(ws: WebSocket, raw: Duplex, handshake: { headers: IncomingMessage['headers']; address: string }, options: SocketOptions) {
    this.#ws = ws;
    this.address = handshake.address;
    this.#headers = handshake.headers;
    this.#options = options;
    this.#pingedAt = performance.now();
    raw.on('data', (chunk: Buffer) => this.#progress.take(chunk, performance.now()));
    ws.on('message', (data, isBinary) => this.#take(data, isBinary));
    ws.on('pong', () => this.#alive());
    // The library closes the socket itself, with the code that fits; nothing is left to do.
    ws.on('error', () => undefined);
    ws.once('close', () => this.#ended());
  }

  get principal(): Principal | undefined {
    return this.#principal;
  }

  get host(): string | undefined {
    return this.#headers.host;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  nextRequestId(): string {
    this.#calls += 1;
    return `${this.id.slice(0, 8)}-${this.#calls}`;
  }

  signIn(principal: Principal): void {
    this.#forget?.();
    this.#principal = principal;
    this.#forget = this.#options.register(principal, (reason) => this.cut('revoked', rpcCloseCodes.policy, reason));
    this.#options.book.add(this);
  }

  deliver(text: Buffer): void {
    this.#send(text);
  }

  /** Looks at the clock: pings, expiry, a peer that is silent or stopped in the middle of a message. */
  look(now: number): void {
    if (this.#isClosing) return;
    const { pingIntervalMs, pongWaitMs, messageTimeoutMs } = this.#options;
    if (this.#principal !== undefined && hasExpired(this.#principal)) this.#signOut();
    if (this.#progress.since !== undefined && now - this.#progress.since > messageTimeoutMs && !this.#ws.isPaused) {
      this.cut('half_message', rpcCloseCodes.policy, 'the message was not finished in time');
    } else if (this.#pingSentAt !== undefined) {
      if (now - this.#pingSentAt > pongWaitMs && !this.#ws.isPaused) this.cut('no_pong', rpcCloseCodes.policy, 'no answer to a ping');
    } else if (pingIntervalMs > 0 && now - this.#pingedAt >= pingIntervalMs) {
      this.#pingSentAt = now;
      this.#ws.ping();
    }
  }

  /** Ends the socket; counted. */
  cut(reason: CutReason, code: number, words: string): void {
    if (this.#isClosing) return;
    this.#options.onCut(reason);
    this.close(code, words);
  }

  /** Says goodbye, and hangs up on a peer that does not. */
  close(code: number, words: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#ws.resume();
    this.#ws.close(code, words);
    const timer = setTimeout(() => this.#ws.terminate(), goodbyeMs);
    timer.unref();
    this.#ws.once('close', () => clearTimeout(timer));
  }

  terminate(): void {
    this.#ws.terminate();
  }

  #take(data: RawData, isBinary: boolean): void {
    this.#alive();
    if (this.#isClosing) return;
    if (isBinary) {
      this.close(rpcCloseCodes.text_only, 'JSON-RPC takes text messages');
      return;
    }
    this.#underWay += 1;
    if (this.#underWay >= maxUnderWay) this.#ws.pause();
    void this.#answer(data.toString());
  }

  async #answer(text: string): Promise<void> {
    const answer = await this.#options.dispatcher.answer(text, this);
    this.#underWay -= 1;
    if (this.#underWay < maxUnderWay / 2 && this.#ws.isPaused) this.#ws.resume();
    if (answer !== undefined) this.#send(answer);
  }

  #send(text: string | Buffer): void {
    if (this.#isClosing || this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ws.send(text, { binary: false });
    if (this.#ws.bufferedAmount <= this.#options.maxQueueBytes) return;
    this.cut('too_slow', rpcCloseCodes.too_slow, 'read faster');
  }

  #alive(): void {
    if (this.#pingSentAt !== undefined) {
      this.#pingSentAt = undefined;
      this.#pingedAt = performance.now();
    }
  }

  /** The login is over; the socket stays, for the client may sign in again. Nobody is told anything any more. */
  #signOut(): void {
    this.#options.book.remove(this);
  }

  #ended(): void {
    this.#isClosing = true;
    this.#options.book.remove(this);
    this.#forget?.();
    this.#abort.abort(new WeirError('cancelled', 'The client went away'));
  }
}
