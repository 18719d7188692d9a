/** Subscriptions of this connection. */
import type { MethodParts, RpcWorks } from '../call.js';

type Names = 'subscribe_events' | 'unsubscribe_events' | 'get_subscription_stats';

export function eventWorks({ book }: MethodParts): Pick<RpcWorks, Names> {
  return {
    subscribe_events({ topics, filters = {} }, { connection }) {
      const wanted = [...new Set(topics)];
      for (const topic of wanted) book.subscribe(connection, topic, filters);
      return { subscribed: true, topics: wanted, filters };
    },
    unsubscribe_events({ topics }, { connection }) {
      const unwanted = new Set(topics ?? connection.subscriptions.keys());
      return { unsubscribed: true, topics: [...unwanted].filter((topic) => book.unsubscribe(connection, topic)) };
    },
    get_subscription_stats: (_params, { connection }) => ({
      global_stats: book.stats(),
      client_topics: [...connection.subscriptions.keys()],
      client_id: connection.id,
    }),
  };
}
