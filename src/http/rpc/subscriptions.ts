/** Who wants to be told of what, and the telling: an event is written once per host it names, however many sockets it goes to. */
import type { EventFilters, RpcTopic } from '../../contracts/rpc/index.js';
import { mayUseStream, type Principal } from '../operations.js';
import type { RpcEvent } from './events.js';

/** Somebody who may be told. */
export interface Listener {
  readonly principal: Principal | undefined;
  readonly subscriptions: Subscriptions;
  /** How it reached the hub, with the port; undefined when it did not say. */
  readonly host: string | undefined;
  deliver(text: Buffer): void;
}

/** Topics of one connection with their filters. */
export type Subscriptions = Map<RpcTopic, EventFilters>;

/** Topics whose words may name any stream; a login bound to streams is not told. */
const unboundOnly: ReadonlySet<RpcTopic> = new Set<RpcTopic>(['system.error', 'mediamtx.error']);

export class SubscriptionBook {
  readonly #listeners = new Set<Listener>();
  readonly #byTopic = new Map<RpcTopic, Set<Listener>>();
  #told = 0;

  /** Notifications handed to sockets so far. */
  get told(): number {
    return this.#told;
  }

  /** Somebody signed in. */
  add(listener: Listener): void {
    this.#listeners.add(listener);
  }

  /** Forgets somebody with all subscriptions. */
  remove(listener: Listener): void {
    this.#listeners.delete(listener);
    for (const topic of [...listener.subscriptions.keys()]) this.unsubscribe(listener, topic);
  }

  subscribe(listener: Listener, topic: RpcTopic, filters: EventFilters): void {
    listener.subscriptions.set(topic, filters);
    const listeners = this.#byTopic.get(topic) ?? new Set();
    listeners.add(listener);
    this.#byTopic.set(topic, listeners);
  }

  /** True when it was subscribed. */
  unsubscribe(listener: Listener, topic: RpcTopic): boolean {
    const listeners = this.#byTopic.get(topic);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#byTopic.delete(topic);
    return listener.subscriptions.delete(topic);
  }

  stats(): { total_subscriptions: number; active_clients: number; topic_counts: Partial<Record<RpcTopic, number>> } {
    const counts = [...this.#byTopic].map(([topic, listeners]) => [topic, listeners.size] as const);
    const clients = new Set([...this.#byTopic.values()].flatMap((listeners) => [...listeners]));
    return {
      total_subscriptions: counts.reduce((sum, [, count]) => sum + count, 0),
      active_clients: clients.size,
      topic_counts: Object.fromEntries(counts),
    };
  }

  /** Tells everybody who is meant. */
  tell(event: RpcEvent): void {
    const listeners = 'topic' in event ? this.#byTopic.get(event.topic) : this.#listeners;
    if (listeners === undefined || listeners.size === 0) return;
    const differs = 'notification' in event && event.dataAt !== undefined;
    const texts = new Map<string | undefined, Buffer>();
    for (const listener of listeners) {
      if (!isMeant(listener, event)) continue;
      const host = differs ? listener.host : undefined;
      const text = texts.get(host) ?? write(event, host);
      texts.set(host, text);
      this.#told += 1;
      listener.deliver(text);
    }
  }
}

function write(event: RpcEvent, host: string | undefined): Buffer {
  const method = 'topic' in event ? event.topic : event.notification;
  const params = 'topic' in event || host === undefined ? event.data : (event.dataAt?.(host) ?? event.data);
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params }));
}

function isMeant({ principal, subscriptions }: Listener, event: RpcEvent): boolean {
  if (principal === undefined) return false;
  if (event.streamId !== undefined && !mayUseStream(principal, event.streamId)) return false;
  if (!('topic' in event)) return true;
  if (unboundOnly.has(event.topic) && principal.session.streams !== null) return false;
  return passes(subscriptions.get(event.topic), event.topic, event.data);
}

/** True when all filters hold. */
export function passes(filters: EventFilters | undefined, topic: RpcTopic, data: Readonly<Record<string, unknown>>): boolean {
  if (filters === undefined) return false;
  for (const key in filters) {
    const wanted = filters[key];
    if (key === 'timestamp_after' || key === 'timestamp_before') {
      const [at, limit] = [Date.parse(String(data.timestamp)), Date.parse(String(wanted))];
      if (!(key === 'timestamp_after' ? at > limit : at < limit)) return false;
    } else if ((key === 'topic' ? topic : data[key]) !== wanted) {
      return false;
    }
  }
  return true;
}
