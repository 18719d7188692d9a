/** What each kind of bus client may publish and subscribe: derived from the channel table, never written by hand. */
import { type BusRole, type ChannelName, channelNames, channels, defaultRoots, publishSubject, type Roots, subscribeSubject } from './channels.js';
import { journals } from './history.js';
import { mediaJournalName } from './media.js';
import { videoQueues } from './video-job.js';

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
  /** For a worker on videos: its own id. */
  workerId?: string;
  /** For a browser: name of its reading place in the media journals. */
  viewer?: string;
  /** Prefix of its reply subjects; nobody else may subscribe them. */
  inboxPrefix: string;
  /** May read the journals with any JetStream client. Only for programs that are trusted: a consumer may name any delivery subject. */
  replay?: boolean;
}

/** All subjects a client of this role and scope may use. `hub` may use everything below the roots and JetStream. */
export function permissionsFor(role: BusRole, scope: Scope, roots: Roots = defaultRoots): Permissions {
  if (role === 'hub') return { publish: ['>'], subscribe: ['>'], allowResponses: true };
  const may = (side: 'publishers' | 'subscribers') =>
    channelNames.filter((name) => (channels[name][side] as readonly BusRole[]).includes(role)).flatMap((name) => subjectsIn(name, scope, roots));
  const publish = new Set([...may('publishers'), ...answerSubjects(role), ...readingSubjects(role, scope), ...workSubjects(role)]);
  const whole = scope.streams === 'all' ? wholeGroups(role, roots) : [];
  const subscribe = new Set([...may('subscribers'), ...whole, `${scope.inboxPrefix}.>`, ...(isAgent(role) ? discoverySubjects : [])]);
  return { publish: [...publish].sort(), subscribe: [...subscribe].sort(), allowResponses: isAgent(role) };
}

/**
 * Groups of events all of which the role may hear, in the form that people subscribe them (`videonode.alert.*`): the broker refuses a
 * subscription that asks for more than is allowed, even where there is nothing more.
 */
export function wholeGroups(role: BusRole, roots: Roots = defaultRoots): string[] {
  const groups = new Map<string, boolean>();
  for (const name of channelNames) {
    const { address, subscribers } = channels[name];
    if (!/^\w+\.\w+\.\w+$/.test(address)) continue;
    const group = subscribeSubject(name, {}, roots).replace(/\w+$/, '*');
    groups.set(group, groups.get(group) !== false && (subscribers as readonly BusRole[]).includes(role));
  }
  return [...groups].filter(([, isWhole]) => isWhole).map(([group]) => group);
}

/** Reply subjects of the hub; those of browsers begin with `_INBOX_` and their own name. */
export const hubInboxPrefix = '_INBOX_hub';

/**
 * Where a spoke answers requests of plain clients and of the hub. The broker's own way (one answer for each request received) is
 * forgotten at each reload of its users, which a command often brings about.
 */
function answerSubjects(role: BusRole): string[] {
  return isAgent(role) ? ['_INBOX.>', `${hubInboxPrefix}.>`] : [];
}

function isAgent(role: BusRole): boolean {
  return role === 'spoke' || role === 'vod_worker';
}

/** What a worker on videos needs to take tickets and pieces, and to hand pieces to others. The hub makes streams and consumers. */
function workSubjects(role: BusRole): string[] {
  if (role !== 'vod_worker') return [];
  const { processing, chunks } = videoQueues;
  return [
    ...[processing, chunks].flatMap(({ name, durable }) => [
      `$JS.API.CONSUMER.INFO.${name}.${durable}`,
      `$JS.API.CONSUMER.MSG.NEXT.${name}.${durable}`,
      `$JS.ACK.${name}.${durable}.>`,
    ]),
  ];
}

/** Questions of `nats micro` that every server of requests answers. */
const discoverySubjects = ['$SRV.PING', '$SRV.INFO', '$SRV.STATS'].flatMap((subject) => [subject, `${subject}.>`]);

/** The JetStream calls of a viewer's own reading place; discovery and replay for who may see all. */
function readingSubjects(role: BusRole, { streams, viewer, replay }: Scope): string[] {
  const media = streams === 'all' ? ['*'] : streams.map(mediaJournalName);
  const places = role === 'spoke' || viewer === undefined ? [] : media.map((journal) => `$JS.API.CONSUMER.MSG.NEXT.${journal}.${viewer}`);
  const mayAsk = (role === 'operator' || role === 'admin') && streams === 'all';
  return [
    ...places,
    ...(mayAsk ? ['$SRV.>'] : []),
    ...(replay === true && streams === 'all' ? Object.values(journals).flatMap(({ name }) => replaySubjects(name)) : []),
  ];
}

/** What an ordinary JetStream client needs to replay one journal (last, all, new). */
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
  if (address.includes('{worker_id}')) {
    return [subscribeSubject(name, scope.workerId === undefined ? {} : ({ worker_id: scope.workerId } as object), roots)];
  }
  if (!address.includes('{stream_id}')) {
    // What is not tied to a stream may speak of all of them: only for those who may see all, and for spokes, which only send it.
    return scope.streams === 'all' || scope.spokeId !== undefined || scope.workerId !== undefined || name === 'system_health'
      ? [subscribeSubject(name, {}, roots)]
      : [];
  }
  if (scope.streams === 'all') return [subscribeSubject(name, {}, roots)];
  return scope.streams.map((streamId) => publishSubject(name, { stream_id: streamId } as never, roots));
}
