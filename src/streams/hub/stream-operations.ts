/** Operations on streams, spokes and alerts. Input is checked already; here rights per stream are, and the work is done by the nouns. */
import { mayOperate, mayView } from '../../access/index.js';
import {
  isToken,
  parseWith,
  type Session,
  type SourceProbe,
  type Stream,
  type StreamConfig,
  type StreamStatus,
  sourceProbeSchema,
  WeirError,
} from '../../contracts/index.js';
import { type MachineFacts, maskDevice, type SourcePolicy } from '../../media/index.js';
import { previewCommand } from './command-preview.js';
import { type CommandNouns, commandStream, releaseStream, restartStream } from './command-stream.js';
import { shownWithin } from './first-picture.js';
import { readHistory } from './history.js';
import type { StreamsOperations } from './operations.js';
import type { Roster } from './roster.js';
import { restoreConfig, restoreFromAny } from './shown-config.js';

export interface OperationNouns extends CommandNouns {
  readonly roster: Roster;
  readonly facts: MachineFacts | undefined;
  readonly policy: SourcePolicy;
  /** Everything of a new stream but its definition: its media journal. */
  readonly prepare: (streamId: string) => Promise<void>;
  /** An on-demand stream that was told to start runs for a while, watched or not. */
  readonly want: (streamId: string) => void;
  /** It ends now, unless somebody watches. */
  readonly release: (streamId: string) => void;
  /** Calls back when the state of a stream may have changed. Returns the way to unsubscribe. */
  readonly onChange: (listener: (streamId: string) => void) => () => void;
  /** Before the definition goes: a spoke may not speak of a stream that is none of its own. */
  readonly endRecordings: (streamId: string) => Promise<void>;
  /** Everything of a deleted stream but its definition: journal, counts, pictures. */
  readonly forget: (streamId: string) => Promise<void>;
}

type Media = 'stream_still' | 'stream_live_mp4' | 'stream_hls' | 'stream_hls_part' | 'events';

const probeMs = 12_000;
const statusMs = 2000;
/** Shorter than an on-demand stream lingers at least. */
const wantEveryMs = 500;

/** All operations that answer with JSON. */
export function createStreamOperations(nouns: OperationNouns): Omit<StreamsOperations, Media> {
  const { definitions, standings, roster, parts } = nouns;
  const shown = (streamId: string): Stream => standings.show(definitions.need(streamId));
  return {
    async list_streams(session, { query }) {
      return listStreams(nouns, session, query);
    },
    async create_stream(session, { body }) {
      const request = { ...body, config: meant(nouns, body.config, session) };
      const record = await definitions.create(request, session, (streamId) => mayOperate(session, streamId));
      await nouns.prepare(record.stream_id);
      return standings.show(record);
    },
    async get_stream(session, { params }) {
      needView(session, params.stream_id);
      return shown(params.stream_id);
    },
    async update_stream(session, { params, body }) {
      needOperate(session, params.stream_id);
      const before = definitions.need(params.stream_id);
      const isActive = (standings.status(params.stream_id)?.state ?? 'stopped') !== 'stopped';
      const config = body.config === undefined ? {} : { config: restoreConfig(body.config, before.config) };
      const record = await definitions.update(params.stream_id, { ...body, ...config }, session);
      return { stream: standings.show(record), will_blink: isActive && differsInPicture(before.config, record.config) };
    },
    async delete_stream(session, { params }, { signal }) {
      needOperate(session, params.stream_id);
      const record = definitions.need(params.stream_id);
      if (!record.managed) await commandStream(nouns, params.stream_id, 'stop', session, signal).catch(() => undefined);
      await nouns.endRecordings(params.stream_id);
      await definitions.remove(params.stream_id, session);
      await nouns.forget(params.stream_id);
      return undefined;
    },
    async start_stream(session, { params, body }, { signal }) {
      needOperate(session, params.stream_id);
      definitions.need(params.stream_id);
      nouns.want(params.stream_id);
      const result = await commandStream(nouns, params.stream_id, 'start', session, signal);
      const waitS = body?.wait_s ?? 0;
      if (result.ok && waitS > 0) await awaitPicture(nouns, params.stream_id, waitS * 1000, signal);
      return { result, stream: shown(params.stream_id) };
    },
    async stop_stream(session, { params, body }, { signal }) {
      needOperate(session, params.stream_id);
      if (body?.release === true && definitions.need(params.stream_id).on_demand) {
        nouns.release(params.stream_id);
        return { result: await releaseStream(nouns, params.stream_id, signal), stream: shown(params.stream_id) };
      }
      const result = await commandStream(nouns, params.stream_id, 'stop', session, signal);
      return { result, stream: shown(params.stream_id) };
    },
    async restart_stream(session, { params }, { signal }) {
      needOperate(session, params.stream_id);
      const result = await restartStream(nouns, params.stream_id, session, signal);
      return { result, stream: shown(params.stream_id) };
    },
    async stream_status(session, { params }, { signal }) {
      needView(session, params.stream_id);
      return statusNow(nouns, params.stream_id, signal);
    },
    async stream_history(session, { params, query }, { signal }) {
      needView(session, params.stream_id);
      definitions.need(params.stream_id);
      return readHistory({ connection: parts.bus.connection, roots: parts.roots }, params.stream_id, query, signal);
    },
    async stream_command_preview(session, { params, query }, { signal }) {
      needOperate(session, params.stream_id);
      const record = definitions.need(params.stream_id);
      if (!record.managed) throw new WeirError('unsupported', `${params.stream_id} belongs to a foreign spoke; only that knows its command`);
      const config = query.encoder === undefined ? record.config : { ...record.config, encoder: query.encoder };
      return { command: await preview(nouns, config, nouns.reconciler.spokeOf(params.stream_id), signal) };
    },
    async preview_command(session, { body }, { signal }) {
      const config = meant(nouns, body.config, session);
      definitions.checkConfig(config);
      return { command: await preview(nouns, config, undefined, signal) };
    },
    async probe_source(session, { body }, { signal }) {
      const { device = body.device } = meant(nouns, { device: body.device }, session);
      definitions.checkConfig({ device });
      return probe(nouns, device, body.spoke, signal);
    },
    async list_spokes(session) {
      const isVisible = (streamId: string) => mayView(session, streamId);
      return { items: roster.list((spokeId) => nouns.reconciler.streamsOf(spokeId).filter(isVisible)) };
    },
    async drain_spoke(_session, { params }, { signal }) {
      await roster.drain(params.spoke_id);
      await nouns.reconciler.settle(AbortSignal.any([signal, AbortSignal.timeout(5000)])).catch(() => undefined);
      const spoke = roster.list((spokeId) => nouns.reconciler.streamsOf(spokeId)).find((one) => one.spoke_id === params.spoke_id);
      if (spoke === undefined) throw new WeirError('not_found', `There is no spoke ${params.spoke_id}`);
      return spoke;
    },
    async list_alerts(session, { query }) {
      const open = query.open === undefined ? undefined : query.open === 'true';
      return parts.store.alerts.list({ limit: query.limit, cursor: query.cursor, open, ids: session.streams });
    },
    async acknowledge_alert(session, { params }) {
      const alert = await parts.store.alerts.get(params.alert_id);
      if (alert === undefined || !seesAlert(session, alert.stream_id)) throw new WeirError('not_found', `There is no alert ${params.alert_id}`);
      return parts.store.alerts.acknowledge(params.alert_id, session.username);
    },
  };
}

/** Waits for the first picture, and keeps an on-demand stream wanted meanwhile. Throws `unavailable` with the reason why there is none. */
async function awaitPicture({ standings, onChange, want }: OperationNouns, streamId: string, waitMs: number, signal: AbortSignal): Promise<void> {
  const wanting = setInterval(() => want(streamId), wantEveryMs);
  try {
    await shownWithin({ status: (id) => standings.status(id), onChange }, streamId, waitMs, signal);
  } finally {
    clearInterval(wanting);
  }
}

/** A configuration with addresses that were shown before, by one of the streams that the session may command. */
function meant({ definitions }: OperationNouns, given: StreamConfig, session: Session): StreamConfig {
  const own = definitions.all().filter((record) => mayOperate(session, record.stream_id));
  return restoreFromAny(
    given,
    own.map((record) => record.config),
  );
}

function listStreams(
  { definitions, standings }: OperationNouns,
  session: Session,
  query: { limit: number; cursor?: string | undefined; state?: string | undefined; text?: string | undefined },
): { items: Stream[]; next_cursor: string | null } {
  const after = parseCursor(query.cursor);
  const text = query.text?.toLowerCase();
  const items: Stream[] = [];
  for (const record of definitions.all().sort((a, b) => (a.stream_id < b.stream_id ? -1 : 1))) {
    if (record.stream_id <= after || !mayView(session, record.stream_id)) continue;
    if (text !== undefined && !`${record.name}\n${record.stream_id}`.toLowerCase().includes(text)) continue;
    const stream = standings.show(record);
    if (query.state !== undefined && (stream.status?.state ?? 'stopped') !== query.state) continue;
    // One more than asked for tells that there is a next page.
    if (items.length === query.limit) return { items, next_cursor: Buffer.from(items.at(-1)?.stream_id ?? '').toString('base64url') };
    items.push(stream);
  }
  return { items, next_cursor: null };
}

function parseCursor(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  const streamId = Buffer.from(cursor, 'base64url').toString('utf8');
  if (isToken(streamId)) return streamId;
  throw new WeirError('invalid_argument', 'cursor is not one that a page gave out', { field: 'cursor', received: cursor });
}

async function statusNow({ parts, definitions, standings, foreign }: OperationNouns, streamId: string, signal: AbortSignal): Promise<StreamStatus> {
  const record = definitions.need(streamId);
  try {
    return await parts.bus.request('stream_status_get', { stream_id: streamId }, undefined, { timeoutMs: statusMs, signal });
  } catch (error) {
    signal.throwIfAborted();
    const known = standings.status(streamId);
    // Nobody answers: only a state that claims nothing is still true.
    if (known !== null && (known.state === 'stopped' || known.reason === 'spoke_lost' || known.reason === 'no_spoke')) return known;
    if (record.desired === 'stopped') return { stream_id: streamId, state: 'stopped', timestamp: new Date().toISOString() };
    if (!record.managed) await foreign.check();
    return { stream_id: streamId, state: 'error', reason: 'spoke_lost', error: WeirError.from(error).message, timestamp: new Date().toISOString() };
  }
}

async function preview(nouns: OperationNouns, config: StreamConfig, spokeId: string | undefined, signal: AbortSignal): Promise<string[]> {
  const device = config.device ?? '';
  // The plan depends on what the source delivers; when nobody can look, an encode is shown.
  const found = device.startsWith('test:') ? undefined : await probe(nouns, device, spokeId, signal).catch(() => undefined);
  signal.throwIfAborted();
  return previewCommand(config, found?.reachable === true ? found : undefined, nouns.facts, nouns.policy);
}

async function probe(nouns: OperationNouns, device: string, spokeId: string | undefined, signal: AbortSignal): Promise<SourceProbe> {
  const chosen = nouns.roster.choose(spokeId, device);
  const reply = await nouns.roster.command(chosen, { action: 'probe', device }, probeMs, signal);
  const found = parseWith(sourceProbeSchema, reply.result);
  return { ...found, device: maskDevice(found.device) };
}

/** Whether FFmpeg must start anew for the change. */
function differsInPicture(before: StreamConfig, after: StreamConfig): boolean {
  const facts = ({ frozen_after_s: _quiet, ...rest }: StreamConfig) =>
    JSON.stringify(
      Object.entries(rest)
        .filter(([, value]) => value !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  return facts(before) !== facts(after);
}

function seesAlert(session: Session, streamId: string | null): boolean {
  return streamId === null ? session.streams === null : mayView(session, streamId);
}

/** Throws `permission_denied` when the session may not see the stream. */
export function needView(session: Session, streamId: string): void {
  if (!mayView(session, streamId)) throw new WeirError('permission_denied', `You may not see ${streamId}`);
}

function needOperate(session: Session, streamId: string): void {
  if (!mayOperate(session, streamId)) throw new WeirError('permission_denied', `You may not command ${streamId}`);
}
