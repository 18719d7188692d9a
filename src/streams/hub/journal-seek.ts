/** Single messages of a journal by place: next of a subject from a sequence on, newest of a subject. */
import type { MsgHdrs, NatsConnection } from '@nats-io/nats-core';
import type { JournalMessage } from '../../bus/index.js';
import { lastMessage } from '../../bus/jetstream-api.js';
import { requestRaw } from '../../bus/request.js';
import { WeirError } from '../../contracts/index.js';

const answerMs = 5000;
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
  const { headers, data } = await requestRaw(connection, `$JS.API.DIRECT.GET.${journal}`, query, { timeoutMs: answerMs, signal });
  if (headers?.code === 404) return undefined;
  if (headers === undefined || headers.code >= 400) throw new WeirError('unavailable', `Journal ${journal}: ${headers?.description ?? 'no headers'}`);
  const found = { sequence: Number(headers.get('Nats-Sequence')), time: Date.parse(headers.get('Nats-Time-Stamp')), data, headers };
  return toMessage(subject, found);
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

function toMessage(
  subject: string,
  { sequence, time, data, headers }: { sequence: number; time: number; data: Uint8Array; headers: MsgHdrs | undefined },
): JournalMessage {
  return {
    sequence,
    subject,
    time,
    data,
    header: (name) => headers?.get(name) || undefined,
    json: () => JSON.parse(new TextDecoder().decode(data)) as unknown,
  };
}
