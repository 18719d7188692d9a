/** Carries stored events to the bus: each is published with its id until the journal has acknowledged it. */
import { headers } from '@nats-io/nats-core';
import type { Bus } from '../../bus/index.js';
import { type ChannelName, publishSubject, WeirError } from '../../contracts/index.js';
import { type OutboxRelay, startOutboxRelay } from '../../store/index.js';
import type { HubLog, HubStore } from './needs.js';

const ackMs = 5000;

export interface OutboxOptions {
  readonly bus: Bus;
  readonly store: HubStore;
  readonly log: HubLog;
  readonly signal: AbortSignal;
}

/** Starts the one relay of this hub; events of other parts in the same outbox go along. */
export function startOutbox({ bus, store, log }: OutboxOptions): OutboxRelay {
  return startOutboxRelay({
    store,
    onFailure: (failure) => {
      const isDead = 'dead' in failure && failure.dead;
      const fields = { err: failure.error, event_id: failure.eventId };
      if (isDead) log.error(fields, 'an event was given up');
      else log.warn(fields, 'an event could not be published yet');
    },
    publish: (eventId, name, params, message) => publishStored(bus, eventId, publishSubject(name, params as never, bus.roots), message, name),
  });
}

async function publishStored(bus: Bus, eventId: string, subject: string, message: unknown, name: ChannelName): Promise<void> {
  const head = headers();
  head.set('Nats-Msg-Id', eventId);
  let answer: { error?: { description?: string }; seq?: number };
  try {
    // A publish with a reply subject is acknowledged by the journal that took it.
    const reply = await bus.connection.request(subject, JSON.stringify(message), { timeout: ackMs, headers: head });
    answer = reply.json();
  } catch (error) {
    throw new WeirError('unavailable', `The journal of ${name} does not answer`, { cause: error });
  }
  if (answer.error !== undefined || answer.seq === undefined) {
    throw new WeirError('unavailable', `The journal of ${name} did not take the event: ${answer.error?.description ?? 'no reason given'}`);
  }
}
