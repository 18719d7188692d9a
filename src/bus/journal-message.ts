/** A message as a journal gives it out. */
import type { Msg } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import type { JournalMessage } from './journal.js';
import type { PulledMessage } from './pull.js';

export class PulledJournalMessage implements JournalMessage {
  readonly pulled: PulledMessage;
  readonly #msg: Msg;

  constructor(pulled: PulledMessage) {
    this.pulled = pulled;
    this.#msg = pulled.msg;
  }

  get sequence(): number {
    return this.pulled.sequence;
  }

  get subject(): string {
    return this.#msg.subject;
  }

  get time(): number {
    return this.pulled.time;
  }

  get data(): Uint8Array {
    return this.#msg.data;
  }

  header(name: string): string | undefined {
    return this.#msg.headers?.get(name) || undefined;
  }

  json(): unknown {
    try {
      return this.#msg.json();
    } catch (cause) {
      throw new WeirError('invalid_argument', `Message ${this.sequence} on ${this.subject} is not JSON`, { cause });
    }
  }
}
