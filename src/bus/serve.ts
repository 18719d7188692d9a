/** Answering side: bounded work, coded errors, counters for discovery. */
import { headers, type Msg, type MsgHdrs } from '@nats-io/nats-core';
import { type ChannelName, type Problem, WeirError } from '../contracts/index.js';
import { type BusServer, noReply, type Server, type ServerCounters, type ServeSettings, type Trace } from './bus.js';
import { decodeMessage, encodeMessage, LazyMeta } from './codec.js';
import { fromNatsError } from './nats-error.js';
import { type SubscriptionContext, subscribeRaw } from './subscription.js';
import { traceId } from './trace.js';

/** What discovery tells of one served channel; times in nanoseconds as the protocol wants them. */
export interface EndpointStats {
  name: string;
  subject: string;
  queue: string | undefined;
  requests: number;
  errors: number;
  lastError: string;
  processingNs: number;
}

export interface Endpoint extends BusServer {
  readonly stats: EndpointStats;
}

export const serviceErrorHeader = 'Nats-Service-Error';
export const serviceErrorCodeHeader = 'Nats-Service-Error-Code';

/** Serves a channel; see `Bus.serve`. */
export function openServer<N extends ChannelName>(
  context: SubscriptionContext,
  name: N,
  subject: string,
  server: Server<N>,
  settings: ServeSettings,
): Endpoint {
  const counters: ServerCounters = { requests: 0, errors: 0, refused: 0, active: 0, queued: 0 };
  const stats: EndpointStats = { name, subject, queue: settings.queue, requests: 0, errors: 0, lastError: '', processingNs: 0 };
  const concurrency = settings.concurrency ?? 16;
  const limit = settings.limit ?? 256;
  const waiting: Msg[] = [];
  const abort = new AbortController();
  let idle: (() => void) | undefined;

  function answerError(msg: Msg, error: WeirError, trace: Trace | undefined): void {
    counters.errors += 1;
    stats.errors += 1;
    stats.lastError = error.message;
    if (error.code === 'internal' || !msg.reply) context.report(error, msg.subject);
    const problem = error.toProblem(trace === undefined ? undefined : traceId(trace));
    respond(context, msg, encodeMessage(errorReply(problem)), problemHeaders(problem));
  }

  async function work(msg: Msg): Promise<void> {
    const started = performance.now();
    const meta = new LazyMeta(name, msg, context.roots);
    try {
      const decoded = decodeMessage(name, msg);
      if (!decoded.ok) throw decoded.error;
      const reply = await server(decoded.message, meta, abort.signal);
      if (reply !== noReply) respond(context, msg, encodeMessage(reply));
    } catch (error) {
      answerError(msg, WeirError.from(error), meta.trace);
    } finally {
      stats.requests += 1;
      stats.processingNs += Math.round((performance.now() - started) * 1e6);
    }
  }

  async function workOff(first: Msg): Promise<void> {
    counters.active += 1;
    for (let msg: Msg | undefined = first; msg !== undefined; msg = waiting.shift()) {
      counters.queued = waiting.length;
      await work(msg);
    }
    counters.active -= 1;
    if (counters.active === 0) idle?.();
  }

  function take(msg: Msg): void {
    counters.requests += 1;
    if (counters.active < concurrency) {
      void workOff(msg);
    } else if (waiting.length < limit) {
      waiting.push(msg);
      counters.queued = waiting.length;
    } else {
      counters.refused += 1;
      answerError(msg, new WeirError('resource_exhausted', `${subject} has ${limit} requests waiting`, { hint: 'try again later' }), undefined);
    }
  }

  const raw = subscribeRaw(context, subject, settings, take, () => undefined);
  return {
    subject,
    counters,
    stats,
    ready: raw.ready,
    async stop(drainMs = 5000) {
      raw.stop();
      if (counters.active > 0) await untilIdle(drainMs);
      waiting.length = 0;
      abort.abort(new WeirError('cancelled', 'The server stops'));
    },
  };

  function untilIdle(drainMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, drainMs);
      idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The one form of an error on the bus; every reply schema of the contracts that has an `ok` field accepts it. */
function errorReply(problem: Problem): object {
  return { ok: false, error: problem, timestamp: new Date().toISOString() };
}

function problemHeaders(problem: Problem): MsgHdrs {
  const made = headers();
  // Header values are single lines of ASCII.
  made.set(serviceErrorHeader, problem.detail.replace(/[^\x20-\x7e]+/g, ' '));
  made.set(serviceErrorCodeHeader, String(problem.status));
  return made;
}

function respond(context: SubscriptionContext, msg: Msg, payload: Uint8Array, withHeaders?: MsgHdrs): void {
  if (!isReplySafe(msg.reply, context)) return;
  const allowed = context.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  if (payload.length > allowed) {
    const error = new WeirError('payload_too_large', `The answer has ${payload.length} bytes, the bus takes ${allowed}`, { hint: 'ask for less' });
    const problem = error.toProblem();
    respond(context, msg, encodeMessage(errorReply(problem)), problemHeaders(problem));
    return;
  }
  try {
    msg.respond(payload, withHeaders === undefined ? undefined : { headers: withHeaders });
  } catch (error) {
    context.report(fromNatsError(error, msg.subject), msg.subject);
  }
}

/**
 * The asker chooses the reply subject, and the answer is sent with the rights of the server. So an answer never goes to
 * a subject that has a meaning of its own.
 */
function isReplySafe(reply: string | undefined, context: SubscriptionContext): reply is string {
  if (!reply || reply.startsWith('$')) return false;
  const first = reply.slice(0, reply.indexOf('.'));
  return !Object.values(context.roots).includes(first);
}
