/** One stream that a spoke answers for: its runner, and its two doors on the bus. */
import { type BusServer, noReply } from '../../bus/index.js';
import { WeirError } from '../../contracts/errors.js';
import type { CommandResult, StreamCommand } from '../../contracts/stream.js';
import { StreamRunner } from './runner.js';
import type { RunnerOptions } from './runner-options.js';

/** An answer to `stop` waits so long for the processes to be gone; the stop itself goes on. */
const stopAnswerMs = 4000;

export interface ServedOptions extends RunnerOptions {
  readonly isFixed: boolean;
  /** Throws when no command may be obeyed now, for example while draining. */
  checkMayStart(): void;
}

export class Served {
  readonly runner: StreamRunner;
  readonly isFixed: boolean;
  isAssigned = false;
  readonly #options: ServedOptions;
  readonly #doors: BusServer[];

  constructor(options: ServedOptions) {
    const { bus, streamId } = options;
    this.#options = options;
    this.isFixed = options.isFixed;
    this.runner = new StreamRunner(options);
    // One command after the other, in the order of the bus.
    this.#doors = [
      bus.serve('stream_command', { stream_id: streamId }, (command, meta) => this.#obey(command, meta), { concurrency: 1 }),
      bus.serve('stream_status_get', { stream_id: streamId }, () => this.runner.status()),
    ];
  }

  /** Resolves when commands can arrive; fails with `permission_denied` when the bus does not allow it. */
  async ready(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.ready));
  }

  async close(reason?: Parameters<StreamRunner['close']>[0]): Promise<void> {
    // The doors stay open until the stream has stopped, so that `status.get` is always answered.
    await this.runner.close(reason);
    await Promise.all(this.#doors.map((door) => door.stop(500)));
  }

  async #obey(command: StreamCommand, meta: { readonly reply: string | undefined }): Promise<CommandResult | typeof noReply> {
    const { action, config } = command;
    this.runner.told(action, 'a command');
    if (command.stream_id !== this.runner.streamId) {
      throw new WeirError('invalid_argument', `stream_id must be ${this.runner.streamId}, as in the subject`, {
        field: 'stream_id',
        received: command.stream_id,
      });
    }
    let willBlink = false;
    if (action === 'start') {
      this.#options.checkMayStart();
      willBlink = this.runner.start(config).willBlink;
    } else if (action === 'configure') {
      if (config === undefined) throw new WeirError('invalid_argument', 'configure needs a config', { field: 'config' });
      willBlink = this.runner.configure(config).willBlink;
    } else {
      willBlink = this.runner.isActive;
      await withinMs(this.runner.stop('requested'), stopAnswerMs);
    }
    this.#options.log.info({ stream_id: command.stream_id, action, will_blink: willBlink }, 'command obeyed');
    if (meta.reply === undefined) return noReply;
    return {
      ok: true,
      action,
      stream_id: command.stream_id,
      state: this.runner.status().state,
      will_blink: willBlink,
      timestamp: new Date().toISOString(),
    };
  }
}

/** Resolves with the promise, or after so long without it. */
export async function withinMs(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
