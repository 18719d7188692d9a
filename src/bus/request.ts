/** Asking side: one answer, typed, or a coded error. */
import { type Msg, type MsgHdrs, type NatsConnection, PermissionViolationError } from '@nats-io/nats-core';
import { type ChannelName, channels, fromZodError, problemSchema, type ReplyOf, WeirError } from '../contracts/index.js';
import { connectionEvents } from './connection-events.js';
import { connectionInbox } from './inbox.js';
import { codeOfStatus, fromNatsError } from './nats-error.js';
import { serviceErrorCodeHeader, serviceErrorHeader } from './serve.js';

/** The server knows of nobody who listens to the subject, so nobody has got the request. */
export class NobodyAnswers extends WeirError {
  constructor(subject: string) {
    super('unavailable', `Nobody answers on ${subject}`);
  }
}

export interface RawRequest {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  headers?: MsgHdrs | undefined;
}

/**
 * Sends a request and resolves to the answer. Waits for a connection that is away, within the timeout. A connection that is
 * lost after sending is `unavailable` at once: whether the request was carried out is not known.
 */
export function requestRaw(connection: NatsConnection, subject: string, payload: Uint8Array, request: RawRequest): Promise<Msg> {
  const events = connectionEvents(connection);
  if (events.connected && !request.signal?.aborted) return send(connection, subject, payload, request);
  return (async () => {
    const deadline = AbortSignal.timeout(request.timeoutMs);
    const signal = request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal]);
    const before = performance.now();
    await events.untilConnected(signal).catch((error: unknown) => {
      throw deadline.aborted ? new WeirError('unavailable', `The bus was away for ${request.timeoutMs} ms`) : error;
    });
    if (request.signal?.aborted) throw new WeirError('cancelled', `The request on ${subject} was cancelled`);
    return send(connection, subject, payload, { ...request, timeoutMs: Math.max(1, request.timeoutMs - (performance.now() - before)) });
  })();
}

function send(connection: NatsConnection, subject: string, payload: Uint8Array, request: RawRequest): Promise<Msg> {
  return new Promise((resolve, reject) => {
    const events = connectionEvents(connection);
    const end = () => {
      address.close();
      lost();
      refused();
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', abort);
    };
    const fail = (error: WeirError) => {
      end();
      reject(error);
    };
    const address = connectionInbox(connection).open((msg) => {
      end();
      if (msg.data.length > 0 || msg.headers?.code !== 503) resolve(msg);
      else reject(new NobodyAnswers(subject));
    });
    const timer = setTimeout(
      () => fail(new WeirError('deadline_exceeded', `No answer on ${subject} within ${request.timeoutMs} ms`)),
      request.timeoutMs,
    );
    const lost = events.onDisconnect(() => fail(new WeirError('unavailable', `The bus was lost while waiting for ${subject}`)));
    const refused = events.onError((error) => {
      if (error instanceof PermissionViolationError && error.subject === subject) fail(fromNatsError(error, subject));
    });
    const abort = () => fail(new WeirError('cancelled', `The request on ${subject} was cancelled`));
    request.signal?.addEventListener('abort', abort, { once: true });
    try {
      connection.publish(
        subject,
        payload,
        request.headers === undefined ? { reply: address.subject } : { reply: address.subject, headers: request.headers },
      );
    } catch (error) {
      fail(fromNatsError(error, subject));
    }
  });
}

/** Checks an answer with the reply schema of its channel; an error answer is thrown. */
export function decodeReply<N extends ChannelName>(name: N, msg: Msg): ReplyOf<N> {
  const status = msg.headers?.get(serviceErrorCodeHeader);
  if (status) throw answeredError(msg, Number(status));
  const schema = channels[name].reply;
  if (schema === undefined) throw new WeirError('invalid_argument', `${name} is not answered`);
  let value: unknown;
  try {
    value = msg.data.length === 0 ? undefined : msg.json();
  } catch (cause) {
    throw new WeirError('internal', `The answer to ${name} is not JSON`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data as ReplyOf<N>;
  throw new WeirError('internal', `The answer to ${name} does not follow its contract`, { cause: fromZodError(result.error, value) });
}

function answeredError(msg: Msg, status: number): WeirError {
  try {
    const problem = problemSchema.safeParse(msg.json<{ error?: unknown }>().error);
    if (problem.success) return WeirError.fromProblem(problem.data);
  } catch {
    // A foreign service may put anything into the body; the headers then say enough.
  }
  return new WeirError(codeOfStatus(status), msg.headers?.get(serviceErrorHeader) || `Error ${status}`);
}
