/** Server-sent events: what the EVENTS journal stores, with ids and replay, and progress and metrics as they come. */

import { reachesStream } from '../../access/index.js';
import { followJournal, type JournalFollower, type JournalMessage, readJournal } from '../../bus/index.js';
import {
  type ChannelName,
  channels,
  journals,
  matchSubject,
  roleAllows,
  type Session,
  type StreamMetrics,
  type StreamProgress,
  WeirError,
} from '../../contracts/index.js';
import { FeedQueue, type QueuedEvent } from './feed-queue.js';
import type { LocalEventBus } from './local-events.js';
import type { HubParts } from './needs.js';
import type { EventFeed } from './operations.js';

/** Events that may wait for one client. */
const maxWaiting = 512;
/** Events replayed to a client that was away; one that missed more reads the lists anew. */
const maxReplayed = 1000;

const typeOfChannel = {
  stream_status: 'status',
  device_discovered: 'device',
  device_removed: 'device',
  alert_error: 'alert',
  alert_warning: 'alert',
  system_config: 'config',
} as const satisfies Partial<Record<ChannelName, string>>;
type KeptChannel = keyof typeof typeOfChannel;
const keptChannels = Object.keys(typeOfChannel) as KeptChannel[];

/** Metrics come five times a second and stream: only for who asks for them by name. */
const defaultTypes: ReadonlySet<string> = new Set(['status', 'device', 'alert', 'config', 'progress', 'health']);
const allTypes: readonly string[] = [...defaultTypes, 'metrics'];

export interface FeedRequest {
  readonly session: Session;
  readonly streamId: string | undefined;
  /** Comma-separated event types; undefined: all but `metrics`. */
  readonly types: string | undefined;
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal;
}

interface Client extends Pick<FeedRequest, 'session' | 'streamId'> {
  readonly types: ReadonlySet<string>;
  readonly queue: FeedQueue;
  /** Live events up to this sequence were replayed already. */
  replayedTo: number;
  /** Live events that came while older ones were being replayed. */
  held: { event: QueuedEvent; sequence: number }[] | undefined;
}

/** Owns the clients of the event feed; reads the journal once for all of them. */
export class Feed {
  readonly #parts: HubParts;
  readonly #clients = new Set<Client>();
  readonly #events: LocalEventBus;
  #follower: JournalFollower | undefined;
  #offHealth: (() => void) | undefined;

  constructor(parts: HubParts, events: LocalEventBus) {
    this.#parts = parts;
    this.#events = events;
  }

  start(): void {
    const { bus, signal } = this.#parts;
    this.#follower = followJournal(bus.connection, journals.status.name, (message) => this.#onKept(message), { from: 'new', credit: 512, signal });
    this.#follower.closed.catch((error: unknown) => this.#parts.log.warn({ err: error }, 'the event feed has ended'));
    this.#offHealth = this.#events.on('health', (health) =>
      this.#send({ event: 'health', data: JSON.stringify(health), mergeKey: 'health' }, 'health', (client) =>
        this.#maySee(client, 'system_health', undefined),
      ),
    );
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Events from now on, after what came since `lastEventId` where the journal still has it. Throws `invalid_argument` for a type that there is not. */
  async open(request: FeedRequest): Promise<EventFeed> {
    const types = request.types === undefined ? defaultTypes : parseTypes(request.types);
    const queue = new FeedQueue(maxWaiting + maxReplayed);
    const client: Client = { session: request.session, streamId: request.streamId, types, queue, replayedTo: 0, held: [] };
    const leave = () => {
      this.#clients.delete(client);
      queue.end();
    };
    request.signal.addEventListener('abort', leave, { once: true });
    if (request.signal.aborted) leave();
    else this.#clients.add(client);
    try {
      await this.#replay(client, request);
    } catch (error) {
      leave();
      throw error;
    }
    return { events: leaveAfter(queue, leave) };
  }

  progress(streamId: string, progress: StreamProgress): void {
    this.#sendReport('progress', 'stream_progress', streamId, progress);
  }

  metrics(streamId: string, metrics: StreamMetrics): void {
    this.#sendReport('metrics', 'stream_metrics', streamId, metrics);
  }

  async stop(): Promise<void> {
    this.#offHealth?.();
    for (const client of this.#clients) client.queue.end();
    this.#clients.clear();
    await this.#follower?.stop();
  }

  async #replay(client: Client, request: FeedRequest): Promise<void> {
    const after = Number(request.lastEventId);
    if (request.lastEventId !== undefined && Number.isSafeInteger(after) && after > 0) {
      const page = await readJournal(this.#parts.bus.connection, journals.status.name, { after, limit: maxReplayed, signal: request.signal });
      for (const message of page.items) {
        const event = this.#toEvent(message);
        if (event !== undefined && this.#wants(client, event)) client.queue.push(event.queued);
      }
      client.replayedTo = page.items.at(-1)?.sequence ?? 0;
    }
    for (const { event, sequence } of client.held ?? []) if (sequence > client.replayedTo) client.queue.push(event);
    client.held = undefined;
  }

  #onKept(message: JournalMessage): void {
    if (this.#clients.size === 0) return;
    const event = this.#toEvent(message);
    if (event === undefined) return;
    for (const client of this.#clients) {
      if (!this.#wants(client, event)) continue;
      if (client.held === undefined) client.queue.push(event.queued);
      else if (client.held.length < maxWaiting) client.held.push({ event: event.queued, sequence: message.sequence });
      else client.queue.end();
    }
  }

  #toEvent(message: JournalMessage): KeptEvent | undefined {
    for (const channel of keptChannels) {
      const params = matchSubject(channel, message.subject, this.#parts.roots) as { stream_id?: string } | undefined;
      if (params === undefined) continue;
      const value = objectIn(message);
      if (value === undefined) return undefined;
      const type = typeOfChannel[channel];
      // Both alert subjects are one event type, as are both device subjects; the difference goes along.
      const extra =
        type === 'alert'
          ? { severity: channel === 'alert_error' ? 'error' : 'warning' }
          : type === 'device'
            ? { present: channel === 'device_discovered' }
            : {};
      const streamId =
        params.stream_id ??
        (type === 'alert' ? stringIn(value, 'stream_id') : type === 'config' && value.entity === 'stream' ? stringIn(value, 'entity_id') : undefined);
      return { channel, type, streamId, queued: { id: String(message.sequence), event: type, data: JSON.stringify({ ...value, ...extra }) } };
    }
    return undefined;
  }

  #wants(client: Client, event: KeptEvent): boolean {
    return client.types.has(event.type) && isOf(client, event.streamId) && this.#maySee(client, event.channel, event.streamId);
  }

  /** The same rule that the broker applies to subscriptions. */
  #maySee(client: Client, channel: ChannelName, streamId: string | undefined): boolean {
    const { role, streams } = client.session;
    const isAdmitted = channels[channel].subscribers.some(
      (one) => (one === 'viewer' || one === 'operator' || one === 'admin') && roleAllows(role, one),
    );
    if (!isAdmitted) return false;
    if (streamId !== undefined) return reachesStream({ streams }, streamId);
    return streams === null || channel === 'system_health';
  }

  #sendReport(type: string, channel: ChannelName, streamId: string, report: object): void {
    if (this.#clients.size === 0) return;
    this.#send(
      { event: type, data: JSON.stringify(report), mergeKey: `${type} ${streamId}` },
      type,
      (client) => isOf(client, streamId) && this.#maySee(client, channel, streamId),
    );
  }

  #send(event: QueuedEvent, type: string, isFor: (client: Client) => boolean): void {
    for (const client of this.#clients) if (client.types.has(type) && isFor(client)) client.queue.push(event);
  }
}

interface KeptEvent {
  readonly channel: KeptChannel;
  readonly type: string;
  readonly streamId: string | undefined;
  readonly queued: QueuedEvent;
}

function parseTypes(text: string): ReadonlySet<string> {
  const types = text.split(',').map((type) => type.trim());
  const unknown = types.find((type) => !allTypes.includes(type));
  if (unknown === undefined) return new Set(types);
  const hint = `Name of ${allTypes.join(', ')}, separated by commas`;
  throw new WeirError('invalid_argument', `There are no events "${unknown}"`, { field: 'types', received: text, hint });
}

function isOf(client: Client, streamId: string | undefined): boolean {
  return client.streamId === undefined || client.streamId === streamId;
}

async function* leaveAfter(queue: FeedQueue, leave: () => void): AsyncGenerator<{ id?: string; event: string; data: string }> {
  try {
    yield* queue;
  } finally {
    leave();
  }
}

function objectIn(message: JournalMessage): Record<string, unknown> | undefined {
  try {
    const value = message.json();
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function stringIn(value: Record<string, unknown>, key: string): string | undefined {
  const found = value[key];
  return typeof found === 'string' ? found : undefined;
}
