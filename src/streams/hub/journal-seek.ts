/** Single messages of a journal by place: next of a subject from a sequence on, newest of a subject. */
import type { NatsConnection } from '@nats-io/nats-core';
import type { JournalMessage } from '../../bus/index.js';
import { askJetStream, type KeptMessage, keptMessage, lastMessage } from '../../bus/jetstream-api.js';

const encoder = new TextEncoder();

/** First message of `subject` at or after `sequence`; undefined when there is none. Throws `unavailable` when the journal does not answer. */
export async function nextOf(
  connection: NatsConnection,
  journal: string,
  subject: string,
  sequence: number,
  signal: AbortSignal,
): Promise<JournalMessage | undefined> {
  const query = encoder.encode(JSON.stringify({ seq: sequence, next_by_subj: subject }));
  const found = await askJetStream(connection, `DIRECT.GET.${journal}`, query, (msg) => keptMessage(msg, subject), signal);
  return found === undefined ? undefined : toMessage(subject, found);
}

/** Newest message of `subject`; undefined when there is none. Throws `unavailable` when the journal does not answer. */
export async function newestOf(
  connection: NatsConnection,
  journal: string,
  subject: string,
  signal: AbortSignal,
): Promise<JournalMessage | undefined> {
  const found = await lastMessage(connection, journal, subject, signal);
  return found === undefined ? undefined : toMessage(subject, found);
}

function toMessage(subject: string, { sequence, time, data, headers }: KeptMessage): JournalMessage {
  return {
    sequence,
    subject,
    time,
    data,
    header: (name) => headers?.get(name) || undefined,
    json: () => JSON.parse(new TextDecoder().decode(data)) as unknown,
  };
}
