/** `$SRV.PING|INFO|STATS`: how NATS tools find services (ADR-32 of NATS). */
import { type Msg, nuid } from '@nats-io/nats-core';
import type { BusOptions } from './bus.js';
import type { Endpoint } from './serve.js';
import { type SubscriptionContext, subscribeRaw } from './subscription.js';

export interface Discovery {
  stop(): void;
}

type Service = NonNullable<BusOptions['service']>;

/** Answers discovery for all endpoints of one bus; `endpoints` is asked at each request. */
export function openDiscovery(context: SubscriptionContext, service: Service, endpoints: () => Iterable<Endpoint>): Discovery {
  const id = nuid.next();
  const started = new Date().toISOString();
  const identity = { name: service.name, id, version: service.version, metadata: {} };
  const answers = {
    PING: () => ({ type: 'io.nats.micro.v1.ping_response', ...identity }),
    INFO: () => ({
      type: 'io.nats.micro.v1.info_response',
      ...identity,
      description: service.description ?? '',
      endpoints: [...endpoints()].map(({ stats }) => ({ name: stats.name, subject: stats.subject, queue_group: stats.queue ?? '', metadata: {} })),
    }),
    STATS: () => ({ type: 'io.nats.micro.v1.stats_response', ...identity, started, endpoints: [...endpoints()].map(endpointStats) }),
  };
  const stops = Object.entries(answers).flatMap(([verb, answer]) =>
    ['', `.${service.name}`, `.${service.name}.${id}`].map((suffix) => {
      const take = (msg: Msg) => {
        if (msg.reply) msg.respond(JSON.stringify(answer()));
      };
      return subscribeRaw(context, `$SRV.${verb}${suffix}`, {}, take, () => undefined).stop;
    }),
  );
  return {
    stop() {
      for (const stop of stops) stop();
    },
  };
}

function endpointStats({ stats }: Endpoint): object {
  return {
    name: stats.name,
    subject: stats.subject,
    queue_group: stats.queue ?? '',
    num_requests: stats.requests,
    num_errors: stats.errors,
    last_error: stats.lastError,
    processing_time: stats.processingNs,
    average_processing_time: stats.requests === 0 ? 0 : Math.round(stats.processingNs / stats.requests),
  };
}
