/** A spoke on a real broker, and the ears of a plain client. Tests only. */
import { createBus, ensureMediaJournal } from '../../../bus/index.js';
import {
  type AlertMessage,
  type CommandResult,
  mediaHeaders,
  permissionsFor,
  publishSubject,
  type StreamConfig,
  type StreamLog,
  type StreamMetrics,
  type StreamProgress,
  type StreamStatus,
  subscribeSubject,
} from '../../../contracts/index.js';
import type { MachineFacts } from '../../../media/index.js';
import { startTestBroker, type TestBroker, type WaitOptions, waitFor } from '../../../testkit/index.js';
import { type Spoke, type SpokeOptions, startSpoke } from '../index.js';

/** One media message as a plain subscriber hears it. */
export interface HeardMedia {
  readonly kind: 'init' | 'key' | 'delta';
  readonly epoch: string;
  readonly sequence: number;
  readonly picture: string;
  readonly bytes: number;
  readonly data: Uint8Array;
  readonly atMs: number;
}

export interface Heard {
  readonly statuses: (StreamStatus & { atMs: number })[];
  readonly alerts: (AlertMessage & { severity: string; atMs: number })[];
  readonly progress: StreamProgress[];
  readonly metrics: StreamMetrics[];
  readonly log: StreamLog[];
  readonly media: HeardMedia[];
}

export interface Testbed {
  readonly broker: TestBroker;
  readonly spoke: Spoke;
  readonly streamId: string;
  readonly heard: Heard;
  /** A request as a client in any language sends it; the answer unparsed. */
  command(action: string, config?: StreamConfig, more?: object): Promise<CommandResult>;
  statusNow(): Promise<StreamStatus>;
  /** First status at or after `fromMs` for which it holds. */
  status(matches: (status: StreamStatus) => boolean, options?: WaitOptions & { fromMs?: number }): Promise<StreamStatus & { atMs: number }>;
  /** First media message at or after `fromMs` for which it holds. */
  media(matches: (media: HeardMedia) => boolean, options?: WaitOptions & { fromMs?: number }): Promise<HeardMedia>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function plainFacts(ffmpeg = 'ffmpeg'): MachineFacts {
  return {
    ffmpeg,
    ffprobe: 'ffprobe',
    version: '5.1',
    fontFile: undefined,
    encoders: [{ encoder: 'libx264', works: true, reason: undefined, tookMs: 1 }],
    renderNode: undefined,
  };
}

/** The spoke has the permissions of a spoke for this one stream, and nothing more. */
export async function startTestbed(options: Partial<SpokeOptions> & { streamId?: string } = {}): Promise<Testbed> {
  const { streamId = 's1', ...more } = options;
  const inboxPrefix = '_INBOX_spoke';
  const permissions = permissionsFor('spoke', { streams: [streamId], spokeId: 'spoke1', inboxPrefix });
  const broker = await startTestBroker({ users: [{ user: 'spoke', password: 'p', ...permissions }] });
  const client = await broker.connect();
  await ensureMediaJournal(client, streamId);
  const heard = await listen(await broker.connect(), streamId);
  const bus = createBus(await broker.connect('spoke', { inboxPrefix }));
  const spoke = await startSpoke({
    bus,
    spokeId: 'spoke1',
    version: '0.0.0',
    facts: plainFacts(),
    policy: { mediaFolders: [] },
    fixedStreams: [{ streamId }],
    ...more,
  });
  const first = async <T extends { atMs: number }>(
    list: readonly T[],
    matches: (item: T) => boolean,
    wait: WaitOptions & { fromMs?: number } = {},
  ) => {
    const found = () => list.find((item) => item.atMs >= (wait.fromMs ?? 0) && matches(item));
    try {
      return await waitFor(found, { deadlineMs: 10_000, everyMs: 5, ...wait });
    } catch (error) {
      const seen = heard.statuses
        .slice(-8)
        .map((one) => `${Math.round(one.atMs - (wait.fromMs ?? 0))} ${one.state} ${one.reason ?? ''} ${one.error ?? ''}`);
      throw new Error(
        `${(error as Error).message.slice(0, 200)}\n${seen.join('\n')}\n${heard.log
          .slice(-8)
          .map((line) => line.message)
          .join('\n')}`,
      );
    }
  };
  const testbed: Testbed = {
    broker,
    spoke,
    streamId,
    heard,
    async command(action, config, extra = {}) {
      const message = { action, stream_id: streamId, ...(config === undefined ? {} : { config }), timestamp: new Date().toISOString(), ...extra };
      const reply = await client.request(publishSubject('stream_command', { stream_id: streamId }), JSON.stringify(message), { timeout: 8000 });
      return reply.json<CommandResult>();
    },
    async statusNow() {
      return (await client.request(publishSubject('stream_status_get', { stream_id: streamId }), '', { timeout: 2000 })).json<StreamStatus>();
    },
    status: (matches, wait) => first(heard.statuses, matches, wait),
    media: (matches, wait) => first(heard.media, matches, wait),
    async stop() {
      await spoke.stop();
      await bus.stop();
      await broker.stop();
    },
    [Symbol.asyncDispose]: () => testbed.stop(),
  };
  return testbed;
}

type Connection = Awaited<ReturnType<TestBroker['connect']>>;

async function listen(connection: Connection, streamId: string): Promise<Heard> {
  const heard: Heard = { statuses: [], alerts: [], progress: [], metrics: [], log: [], media: [] };
  const on = (subject: string, take: (json: never) => void) =>
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) take(message.json() as never);
      },
    });
  const of = { stream_id: streamId };
  on(subscribeSubject('stream_status', of), (message: StreamStatus) => heard.statuses.push({ ...message, atMs: performance.now() }));
  on(subscribeSubject('stream_progress', of), (message: StreamProgress) => heard.progress.push(message));
  on(subscribeSubject('stream_metrics', of), (message: StreamMetrics) => heard.metrics.push(message));
  on(subscribeSubject('stream_log', of), (message: StreamLog) => heard.log.push(message));
  for (const severity of ['error', 'warning'] as const) {
    on(subscribeSubject(`alert_${severity}`), (message: AlertMessage) => heard.alerts.push({ ...message, severity, atMs: performance.now() }));
  }
  const pictures = new Map<string, string>();
  for (const kind of ['init', 'key', 'delta'] as const) {
    connection.subscribe(subscribeSubject(`stream_media_${kind}`, of), {
      callback: (error, message) => {
        if (error !== null) return;
        const epoch = message.headers?.get(mediaHeaders.epoch) ?? '';
        if (kind === 'init') pictures.set(epoch, message.headers?.get(mediaHeaders.picture) ?? '');
        heard.media.push({
          kind,
          epoch,
          sequence: Number(message.headers?.get(mediaHeaders.sequence)),
          picture: pictures.get(epoch) ?? '',
          bytes: message.data.length,
          data: kind === 'delta' ? new Uint8Array(0) : message.data.slice(),
          atMs: performance.now(),
        });
      },
    });
  }
  await connection.flush();
  return heard;
}

/** Source pictures only, no init segments. */
export const isPicture = (media: HeardMedia) => media.kind !== 'init' && media.picture === 'source';
export const isSlate = (media: HeardMedia) => media.kind !== 'init' && media.picture === 'no-signal';
