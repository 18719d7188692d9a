/** One browser at the gate: held to its login's subjects, served over the hub's own connection. */
import type { Msg, NatsConnection, Subscription } from '@nats-io/nats-core';
import type { WebSocket } from 'ws';
import type { BusLogin } from '../../access/index.js';
import { type ClientCommand, CommandReader, formatMessage, isAllowed, ProtocolError, parseHeaders } from './protocol.js';

export interface GateClientOptions {
  readonly socket: WebSocket;
  readonly connection: NatsConnection;
  /** The login, when name and password are right. */
  readonly authenticate: (user: string, password: string) => Promise<BusLogin | undefined>;
  readonly info: string;
  readonly maxPayload: number;
}

const connectLimitMs = 5000;
const pingEveryMs = 20_000;
const maxSubscriptions = 512;
/** A browser that reads so little that this much waits for it is cut, as nats-server does. */
const maxWaitingBytes = 16 * 1024 * 1024;

export class GateClient {
  readonly #options: GateClientOptions;
  readonly #reader: CommandReader;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #timers: NodeJS.Timeout[] = [];
  #login: BusLogin | undefined;
  #unansweredPings = 0;
  /** Commands are obeyed in order, also while a password is being checked. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: GateClientOptions) {
    this.#options = options;
    this.#reader = new CommandReader(options.maxPayload);
    const { socket } = options;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data) => this.#take(data as Buffer));
    socket.on('close', () => this.#forget());
    socket.on('error', () => socket.terminate());
    this.#timers.push(
      setTimeout(() => {
        if (this.#login === undefined) this.end('Authentication Timeout');
      }, connectLimitMs),
      setInterval(() => this.#ping(), pingEveryMs),
    );
    this.#send(options.info);
  }

  get user(): string | undefined {
    return this.#login?.user;
  }

  /** The login was changed: what it no longer allows ends. Undefined: it is gone. */
  rebind(login: BusLogin | undefined): void {
    if (login === undefined || login.password !== this.#login?.password) {
      this.end('User Authentication Revoked');
      return;
    }
    this.#login = login;
    for (const [sid, subscription] of this.#subscriptions) {
      if (isAllowed(subscription.getSubject(), login.subscribe)) continue;
      this.#drop(sid);
      this.#send(`-ERR 'Permissions Violation for Subscription to "${subscription.getSubject()}"'\r\n`);
    }
  }

  /** Tells why, and closes. */
  end(reason: string): void {
    this.#send(`-ERR '${reason}'\r\n`);
    this.#options.socket.close(1008, reason.slice(0, 100));
    this.#forget();
  }

  #take(data: Buffer): void {
    try {
      for (const command of this.#reader.read(data)) {
        this.#work = this.#work
          .then(() => this.#obey(command))
          .catch((error: unknown) => this.end(error instanceof ProtocolError ? error.message : 'Internal Error'));
      }
    } catch (error) {
      this.end(error instanceof ProtocolError ? error.message : 'Parser Error');
    }
  }

  async #obey(command: ClientCommand): Promise<void> {
    if (command.op === 'connect') return this.#connect(command.options);
    if (command.op === 'pong') {
      this.#unansweredPings = 0;
      return;
    }
    const login = this.#login;
    if (login === undefined) throw new ProtocolError('Authorization Violation');
    switch (command.op) {
      case 'ping':
        this.#send('PONG\r\n');
        break;
      case 'sub':
        this.#subscribe(command, login);
        break;
      case 'unsub':
        this.#unsubscribe(command.sid, command.max);
        break;
      case 'pub':
        this.#publish(command, login);
    }
  }

  async #connect(options: Readonly<Record<string, unknown>>): Promise<void> {
    const { user, pass, verbose } = options;
    const login = typeof user === 'string' && typeof pass === 'string' ? await this.#options.authenticate(user, pass) : undefined;
    if (login === undefined) throw new ProtocolError('Authorization Violation');
    this.#login = login;
    if (verbose === true) this.#send('+OK\r\n');
  }

  #subscribe({ subject, queue, sid }: Extract<ClientCommand, { op: 'sub' }>, login: BusLogin): void {
    if (!isAllowed(subject, login.subscribe)) {
      this.#send(`-ERR 'Permissions Violation for Subscription to "${subject}"'\r\n`);
      return;
    }
    if (this.#subscriptions.size >= maxSubscriptions) throw new ProtocolError('Maximum Subscriptions Exceeded');
    this.#drop(sid);
    const subscription = this.#options.connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error === null) this.#deliver(sid, message);
      },
    });
    this.#subscriptions.set(sid, subscription);
  }

  #unsubscribe(sid: string, max: number | undefined): void {
    const subscription = this.#subscriptions.get(sid);
    if (subscription === undefined) return;
    if (max === undefined || max === 0 || subscription.getReceived() >= max) this.#drop(sid);
    else subscription.unsubscribe(max);
  }

  #publish({ subject, reply, headerBytes, data }: Extract<ClientCommand, { op: 'pub' }>, login: BusLogin): void {
    if (!isAllowed(subject, login.publish) || /[*>]/.test(subject)) {
      this.#send(`-ERR 'Permissions Violation for Publish to "${subject}"'\r\n`);
      return;
    }
    // The answer must go where this login may listen: else it could have the hub write anywhere.
    if (reply !== undefined && !isAllowed(reply, login.subscribe)) {
      this.#send(`-ERR 'Permissions Violation for Publish with Reply of "${reply}"'\r\n`);
      return;
    }
    // Copied, since the connection keeps it until it is written.
    this.#options.connection.publish(subject, data.slice(headerBytes), {
      ...(reply === undefined ? {} : { reply }),
      ...(headerBytes === 0 ? {} : { headers: parseHeaders(data.subarray(0, headerBytes)) }),
    });
  }

  #deliver(sid: string, message: Msg): void {
    if (this.#options.socket.bufferedAmount > maxWaitingBytes) {
      this.end('Slow Consumer');
      return;
    }
    this.#options.socket.send(formatMessage(sid, message));
    // One that was told to end after so many messages has ended by itself.
    if (this.#subscriptions.get(sid)?.isClosed() === true) this.#subscriptions.delete(sid);
  }

  #ping(): void {
    if (this.#unansweredPings >= 2) {
      this.end('Stale Connection');
      return;
    }
    this.#unansweredPings++;
    this.#send('PING\r\n');
  }

  #send(text: string): void {
    // Always binary: clients read frames as bytes.
    if (this.#options.socket.readyState === this.#options.socket.OPEN) this.#options.socket.send(Buffer.from(text));
  }

  #drop(sid: string): void {
    this.#subscriptions.get(sid)?.unsubscribe();
    this.#subscriptions.delete(sid);
  }

  #forget(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    for (const sid of [...this.#subscriptions.keys()]) this.#drop(sid);
  }
}
