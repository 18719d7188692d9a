/** One subscription per connection for every answer that is awaited on it: replies and acknowledgements. */
import { createInbox, type Msg, type NatsConnection } from '@nats-io/nats-core';

/** Takes what arrives at one address of the inbox. */
export type InboxReceiver = (msg: Msg) => void;

export interface Inbox {
  /** Makes an address below the inbox; messages to it, and to addresses below it, come to the receiver until `close`. */
  open(receiver: InboxReceiver): InboxAddress;
}

export interface InboxAddress {
  /** Reply subject; a further token may be added. */
  readonly subject: string;
  close(): void;
}

const inboxes = new WeakMap<NatsConnection, Inbox>();

/** The inbox of this connection; made at the first call, below the inbox prefix that its login may subscribe. */
export function connectionInbox(connection: NatsConnection): Inbox {
  const present = inboxes.get(connection);
  if (present !== undefined) return present;
  const made = makeInbox(connection);
  inboxes.set(connection, made);
  return made;
}

function makeInbox(connection: NatsConnection): Inbox {
  const base = newInbox(connection);
  const receivers = new Map<string, InboxReceiver>();
  let counter = 0;
  connection.subscribe(`${base}.>`, {
    callback: (error, msg) => {
      if (error !== null) return;
      const begin = base.length + 1;
      const end = msg.subject.indexOf('.', begin);
      receivers.get(msg.subject.slice(begin, end < 0 ? undefined : end))?.(msg);
    },
  });
  return {
    open(receiver) {
      counter += 1;
      const token = counter.toString(36);
      receivers.set(token, receiver);
      return { subject: `${base}.${token}`, close: () => void receivers.delete(token) };
    },
  };
}

/** A new reply subject that this login may subscribe. The option is not part of the library's interface, but of its connections. */
export function newInbox(connection: NatsConnection & { options?: { inboxPrefix?: string } }): string {
  return createInbox(connection.options?.inboxPrefix);
}
