/** What each kind of bus client may publish and subscribe: derived from the channel table, never written by hand. */
import { type BusRole, type ChannelName, channelNames, channels, defaultRoots, publishSubject, type Roots, subscribeSubject } from './channels.js';
import { journals } from './history.js';
import { mediaJournalName } from './media.js';

/** Subject lists as nats-server takes them. */
export interface Permissions {
  publish: string[];
  subscribe: string[];
  /** The user may answer each request it received, once. */
  allowResponses: boolean;
}

export interface Scope {
  /** Streams the client is bound to; `all` where no bound applies. */
  streams: readonly string[] | 'all';
  /** For a spoke: its own id. */
  spokeId?: string;
  /** For a browser: name of its reading place in the media journals. */
  viewer?: string;
  /** Prefix of its reply subjects; nobody else may subscribe them. */
  inboxPrefix: string;
}

/** All subjects a client of this role and scope may use. `hub` may use everything below the roots and JetStream. */
export function permissionsFor(role: BusRole, scope: Scope, roots: Roots = defaultRoots): Permissions {
  if (role === 'hub') return { publish: ['>'], subscribe: ['>'], allowResponses: true };
  const publish = new Set<string>();
  const subscribe = new Set<string>([`${scope.inboxPrefix}.>`]);
  for (const name of channelNames) {
    const channel = channels[name];
    const publishers: readonly BusRole[] = channel.publishers;
    const subscribers: readonly BusRole[] = channel.subscribers;
    if (publishers.includes(role)) for (const subject of subjectsIn(name, scope, roots)) publish.add(subject);
    if (subscribers.includes(role)) for (const subject of subjectsIn(name, scope, roots)) subscribe.add(subject);
  }
  if (role === 'spoke') {
    for (const subject of ['$SRV.PING', '$SRV.INFO', '$SRV.STATS']) {
      subscribe.add(subject);
      subscribe.add(`${subject}.>`);
    }
  } else if (scope.viewer !== undefined) {
    const mediaJournals = scope.streams === 'all' ? ['*'] : scope.streams.map(mediaJournalName);
    for (const journal of mediaJournals) publish.add(`$JS.API.CONSUMER.MSG.NEXT.${journal}.${scope.viewer}`);
  }
  if ((role === 'operator' || role === 'admin') && scope.streams === 'all') {
    for (const { name } of Object.values(journals)) for (const subject of replaySubjects(name)) publish.add(subject);
  }
  return { publish: [...publish].sort(), subscribe: [...subscribe].sort(), allowResponses: role === 'spoke' };
}

/**
 * What an ordinary JetStream client needs to replay one journal (last, all, new). Only for those who may see every stream and
 * publish anyway: a consumer may name any delivery subject.
 */
function replaySubjects(journal: string): string[] {
  return [
    '$JS.API.INFO',
    '$JS.API.STREAM.NAMES',
    `$JS.API.STREAM.INFO.${journal}`,
    `$JS.API.STREAM.MSG.GET.${journal}`,
    `$JS.API.DIRECT.GET.${journal}.>`,
    `$JS.API.CONSUMER.CREATE.${journal}`,
    `$JS.API.CONSUMER.CREATE.${journal}.>`,
    `$JS.API.CONSUMER.INFO.${journal}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${journal}.>`,
    `$JS.API.CONSUMER.DELETE.${journal}.>`,
    `$JS.ACK.${journal}.>`,
    '$JS.FC.>',
  ];
}

function subjectsIn(name: ChannelName, scope: Scope, roots: Roots): string[] {
  const address = channels[name].address;
  if (address.includes('{spoke_id}')) {
    return [subscribeSubject(name, scope.spokeId === undefined ? {} : ({ spoke_id: scope.spokeId } as object), roots)];
  }
  if (!address.includes('{stream_id}')) {
    // What is not tied to a stream may speak of all of them: only for those who may see all, and for spokes, which only send it.
    return scope.streams === 'all' || scope.spokeId !== undefined || name === 'system_health' ? [subscribeSubject(name, {}, roots)] : [];
  }
  if (scope.streams === 'all') return [subscribeSubject(name, {}, roots)];
  return scope.streams.map((streamId) => publishSubject(name, { stream_id: streamId } as never, roots));
}
