/**
 * Commands of plain clients on `stream.{id}.command`. The spoke that serves the stream obeys and answers; the hub hears the same
 * message and makes it the desired state, so that it does not undo it. Only what no spoke serves is answered here.
 */
import type { Msg, Subscription } from '@nats-io/nats-core';
import {
  type CommandResult,
  matchSubject,
  parseWith,
  type Roots,
  type StreamCommand,
  streamCommandSchema,
  subscribeSubject,
  WeirError,
} from '../../contracts/index.js';
import type { StreamChanges, StreamRecord } from '../../store/index.js';
import type { Definitions } from './definitions.js';
import type { HubParts } from './needs.js';

/** Commands that may wait; beyond, a requester is told to come again. */
const maxWaiting = 256;
/** Own commands are recognised for so long. */
const echoMs = 30_000;

export interface PlainCommandsOptions extends HubParts {
  readonly definitions: Definitions;
  /** A spoke is there that obeys and answers for this stream. */
  readonly isServed: (streamId: string) => boolean;
  /** Makes the desired state so; resolves when the spokes have been told. */
  readonly settle: (signal: AbortSignal) => Promise<void>;
  readonly stateOf: (streamId: string) => CommandResult['state'];
}

/** Owns the listening end of the command subjects. One command after the other, in the order of the bus. */
export class PlainCommands {
  readonly #options: PlainCommandsOptions;
  readonly #own = new Map<string, number>();
  #subscription: Subscription | undefined;
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: PlainCommandsOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus, roots } = this.#options;
    // Not served through the bus: that would answer every command, also those that the spoke answers.
    this.#subscription = bus.connection.subscribe(subscribeSubject('stream_command', {}, roots), {
      callback: (error, message) => {
        if (error === null) this.#take(message);
      },
    });
  }

  /** A command the hub itself is about to send; its echo is ignored. */
  expectEcho(command: StreamCommand): void {
    const now = Date.now();
    for (const [key, at] of this.#own) if (now - at > echoMs) this.#own.delete(key);
    this.#own.set(echoKey(command), now);
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
    await this.#tail;
  }

  #take(message: Msg): void {
    const params = matchSubject('stream_command', message.subject, this.#options.roots) as { stream_id: string } | undefined;
    if (params === undefined) return;
    if (this.#waiting >= maxWaiting) {
      this.#refuse(message, params.stream_id, new WeirError('resource_exhausted', 'Too many commands wait', { hint: 'Try again in a second' }));
      return;
    }
    this.#waiting += 1;
    this.#tail = this.#tail
      .then(() => this.#obey(message, params.stream_id))
      .catch((error: unknown) => this.#options.log.warn({ err: error, subject: message.subject }, 'a command could not be obeyed'))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  async #obey(message: Msg, streamId: string): Promise<void> {
    // Judged before the command changes anything: whoever serves the stream now has got the same message and answers it.
    const isServed = this.#options.isServed(streamId);
    let command: StreamCommand;
    try {
      command = parseCommand(message, streamId);
      if (this.#own.delete(echoKey(command))) return;
    } catch (error) {
      if (!isServed) this.#refuse(message, streamId, WeirError.from(error));
      return;
    }
    try {
      const record = await this.#apply(command);
      if (isServed) return;
      if (record.managed) await this.#options.settle(AbortSignal.any([this.#options.signal, AbortSignal.timeout(3000)])).catch(() => undefined);
      // A plain spoke has heard the command itself; whether it answers is its own affair.
      else return;
      const state = this.#options.stateOf(streamId);
      this.#answer(message, { ok: true, action: command.action, stream_id: streamId, ...(state === undefined ? {} : { state }), timestamp: now() });
    } catch (error) {
      const known = WeirError.from(error);
      if (!isServed) this.#refuse(message, streamId, known, command.action);
      // The spoke judges by the same rules, and tells the one who asked.
      else if (isFaultOfAsker(known)) this.#options.log.debug({ stream_id: streamId, code: known.code }, 'a command was refused');
      else this.#options.log.warn({ err: known, stream_id: streamId, action: command.action }, 'a command was obeyed by the spoke, but not stored');
    }
  }

  async #apply(command: StreamCommand): Promise<StreamRecord> {
    const { definitions } = this.#options;
    const record = definitions.get(command.stream_id);
    const actor = { user_id: null };
    if (record === undefined) return this.#applyToUnknown(command);
    const changes: StreamChanges = {};
    if (command.action !== 'configure') {
      const desired = command.action === 'start' ? 'running' : 'stopped';
      if (record.desired !== desired) changes.desired = desired;
    }
    const defines = command.config?.device !== undefined && definitions.isOpen(command.stream_id);
    if (defines) changes.managed = true;
    if (command.config !== undefined && (record.managed || defines)) {
      const config = { ...command.config, device: command.config.device ?? record.config.device };
      definitions.checkConfig(config);
      if (JSON.stringify(sorted(config)) !== JSON.stringify(sorted(record.config))) changes.config = config;
    }
    return Object.keys(changes).length === 0 ? record : definitions.change(command.stream_id, changes, actor);
  }

  async #applyToUnknown(command: StreamCommand): Promise<StreamRecord> {
    const { action, stream_id: streamId, config } = command;
    if (action !== 'start' || config?.device === undefined) {
      throw new WeirError('not_found', `There is no stream ${streamId}`, { hint: 'A start with config.device defines it' });
    }
    return this.#options.definitions.create({ stream_id: streamId, config }, { user_id: null });
  }

  #answer(message: Msg, result: CommandResult): void {
    if (isReplySafe(message.reply, this.#options.roots)) message.respond(JSON.stringify(result));
  }

  #refuse(message: Msg, streamId: string, error: WeirError, action?: StreamCommand['action']): void {
    this.#options.log.info({ stream_id: streamId, code: error.code, reason: error.message }, 'a command was refused');
    this.#answer(message, {
      ok: false,
      ...(action === undefined ? {} : { action }),
      stream_id: streamId,
      error: error.toProblem(),
      timestamp: now(),
    });
  }
}

function isFaultOfAsker({ code }: WeirError): boolean {
  return ['invalid_argument', 'permission_denied', 'not_found', 'unsupported'].includes(code);
}

function parseCommand(message: Msg, streamId: string): StreamCommand {
  let value: unknown;
  try {
    value = message.json();
  } catch (error) {
    throw new WeirError('invalid_argument', 'The command is not JSON', { cause: error });
  }
  const command = parseWith(streamCommandSchema, value);
  if (command.stream_id === streamId) return command;
  // Rights are given by subject, so the subject decides; an order that contradicts it is refused.
  throw new WeirError('invalid_argument', `stream_id must be ${streamId}, as in the subject`, { field: 'stream_id', received: command.stream_id });
}

/** The asker chooses the reply subject, and the hub may publish everywhere: never answer to a subject with a meaning of its own. */
function isReplySafe(reply: string | undefined, roots: Roots): boolean {
  if (reply === undefined || reply === '' || reply.startsWith('$')) return false;
  return !Object.values(roots).includes(reply.split('.')[0] ?? '');
}

function echoKey(command: StreamCommand): string {
  return `${command.stream_id}|${command.action}|${command.timestamp}`;
}

function sorted(config: object): [string, unknown][] {
  return Object.entries(config)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function now(): string {
  return new Date().toISOString();
}
