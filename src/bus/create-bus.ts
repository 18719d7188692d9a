/** The bus itself: contracts over a connection. */
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core';
import { defaultRoots, subscribeSubject } from '../contracts/index.js';
import type { Bus, BusOptions, BusSubscription, Trace } from './bus.js';
import { encodeMessage } from './codec.js';
import { connectionEvents } from './connection-events.js';
import { type Discovery, openDiscovery } from './discovery.js';
import { fromNatsError } from './nats-error.js';
import { checkSize, createOutlet } from './outlet.js';
import { decodeReply, requestRaw } from './request.js';
import { type Endpoint, openServer } from './serve.js';
import { createSubjectCache } from './subject-cache.js';
import { openSubscription, type SubscriptionContext } from './subscription.js';
import { orAbort } from './waiting.js';

/** Puts the contracts over an open connection; opens and closes nothing itself. */
export function createBus(connection: NatsConnection, options: BusOptions = {}): Bus {
  const roots = options.roots ?? defaultRoots;
  const subjectOf = createSubjectCache(roots);
  const events = connectionEvents(connection);
  const report = options.onProblem ?? (() => undefined);
  const context: SubscriptionContext = { connection, roots, report };
  const outlet = createOutlet(connection, options.unconfirmedBytes ?? 32 * 1024 ** 2);
  const subscriptions = new Set<BusSubscription>();
  const endpoints = new Set<Endpoint>();
  let discovery: Discovery | undefined;
  const undoErrors = events.onError((error) => {
    const failure = fromNatsError(error, '');
    if (failure.code === 'permission_denied') report(failure, 'subject' in error ? String(error.subject) : '');
  });

  return {
    connection,
    roots,
    counters: outlet.counters,
    publish(name, params, message, settings) {
      const payload = encodeMessage(message);
      outlet.publish(subjectOf(name, params), payload, settings === undefined ? undefined : headersOf(settings.trace, settings.headers));
    },
    subscribe(name, params, receiver, settings = {}) {
      const opened = openSubscription(context, name, subscribeSubject(name, params, roots), receiver, settings);
      const stop = () => {
        subscriptions.delete(opened);
        opened.stop();
      };
      subscriptions.add(opened);
      return { subject: opened.subject, counters: opened.counters, ready: opened.ready, stop };
    },
    async request(name, params, message, settings = {}) {
      const subject = subjectOf(name, params);
      const payload = encodeMessage(message);
      checkSize(connection, subject, payload.length);
      const request = { timeoutMs: settings.timeoutMs ?? 5000, signal: settings.signal, headers: headersOf(settings.trace) };
      return decodeReply(name, await requestRaw(connection, subject, payload, request));
    },
    serve(name, params, server, settings = {}) {
      const opened = openServer(context, name, subscribeSubject(name, params, roots), server, settings);
      endpoints.add(opened);
      if (options.service !== undefined) discovery ??= openDiscovery(context, options.service, () => endpoints);
      return {
        subject: opened.subject,
        counters: opened.counters,
        ready: opened.ready,
        stop(drainMs) {
          endpoints.delete(opened);
          return opened.stop(drainMs);
        },
      };
    },
    async flush(signal) {
      await orAbort(
        connection.flush().catch((error: unknown) => Promise.reject(fromNatsError(error, 'flush'))),
        signal,
      );
    },
    onReconnect: (listener) => events.onReconnect(listener),
    onDisconnect: (listener) => events.onDisconnect(listener),
    async stop(drainMs) {
      discovery?.stop();
      undoErrors();
      for (const subscription of subscriptions) subscription.stop();
      subscriptions.clear();
      await Promise.all([...endpoints].map((endpoint) => endpoint.stop(drainMs)));
      endpoints.clear();
    },
  };
}

function headersOf(trace: Trace | undefined, more?: Record<string, string>): MsgHdrs | undefined {
  if (trace === undefined && more === undefined) return undefined;
  const made = headers();
  if (trace !== undefined) made.set('traceparent', trace.traceparent);
  if (trace?.tracestate !== undefined) made.set('tracestate', trace.tracestate);
  for (const [name, value] of Object.entries(more ?? {})) made.set(name, value);
  return made;
}
