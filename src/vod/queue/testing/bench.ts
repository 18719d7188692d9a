/** A queue on a real broker and a real database, with workers that do as they are told. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { type Agent, type Bus, createBus, ensureJournal, startAgent, type TakenWork, takeWork } from '../../../bus/index.js';
import {
  builtinProfiles,
  type JobClaimReply,
  type JobCost,
  type JobFailure,
  type JobOrder,
  type JobReport,
  type JobReportReply,
  journals,
  publishSubject,
  type Session,
  subscribeSubject,
  type VideoOutput,
  videoQueues,
  WeirError,
  type WorkerCommand,
} from '../../../contracts/index.js';
import { type OutboxRelay, openStore, type Store, startOutboxRelay } from '../../../store/index.js';
import { makeTempFolder, removeFolder, startTestBroker, type TestBroker } from '../../../testkit/index.js';
import { type QueueSettings, type QueueTiming, type QueueVideos, startVideoQueue, type VideoJobChange, type VideoQueueHub } from '../index.js';

export const session = (role: Session['role'], username = 'anna'): Session => ({ user_id: null, username, role, streams: null, expires_at: null });
const context = { signal: new AbortController().signal };

/** Calls an operation as a door does. */
export function call<I, A>(
  operation: (session: Session, input: I, context: { signal: AbortSignal }) => Promise<A>,
  by: Session,
  input: Partial<I>,
): Promise<A> {
  return operation(by, { params: undefined, query: undefined, body: undefined, ...input } as I, context);
}

export const cost: JobCost = { cpu_s: 1.5, wall_s: 1, read_bytes: 10, written_bytes: 20, peak_rss_bytes: 30 };

export const output = (revision: number): VideoOutput => ({
  revision,
  profile: 'default',
  master: 'master.m3u8',
  dash: null,
  thumbnail: 'thumbnail.jpg',
  posters: [],
  storyboard: null,
  renditions: [],
  audio: [],
  subtitles: [],
  duration_s: 10,
  size_bytes: 1000,
  is_encrypted: false,
  published_at: new Date().toISOString(),
});

export const failure = (permanent: boolean, reason = 'encoder_failed'): JobFailure => ({
  code: 'internal',
  reason,
  detail: 'it did not work',
  permanent,
  stderr: ['last words'],
  command: 'ffmpeg -i x',
});

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Videos kept in memory, with all that jobs did to them. */
export class FakeVideos implements QueueVideos {
  readonly registered: string[] = [];
  readonly changes: { video_id: string; change: VideoJobChange }[] = [];
  /** Videos that viewers may see. */
  readonly open = new Set<string>();
  readonly trash = new Set<string>();
  /** Videos that no message may touch. */
  readonly ofHub = new Set<string>();

  async checkMessage(_tx: unknown, { video_id }: { video_id: string }): Promise<void> {
    if (this.ofHub.has(video_id)) throw new WeirError('permission_denied', 'not yours', { field: 'video_id', facts: { reason: 'not_yours' } });
    await this.checkNotInTrash(undefined, video_id);
  }

  async checkNotInTrash(_tx: unknown, videoId: string): Promise<void> {
    if (this.trash.has(videoId)) throw new WeirError('failed_precondition', 'in the trash', { field: 'video_id', facts: { reason: 'in_trash' } });
  }

  async isOfHub(_tx: unknown, videoId: string): Promise<boolean> {
    return this.ofHub.has(videoId);
  }
  /** Times of pictures that somebody chose. */
  readonly chosenTimes = new Map<string, string>();

  async register(_tx: unknown, video: { video_id: string }): Promise<void> {
    if (video.video_id === 'unkeepable') throw new Error('it cannot be kept');
    if (!this.registered.includes(video.video_id)) this.registered.push(video.video_id);
  }

  async apply(_tx: unknown, video_id: string, change: VideoJobChange): Promise<void> {
    this.changes.push({ video_id, change });
  }

  async thumbnailTime(_tx: unknown, videoId: string): Promise<string | null> {
    return this.chosenTimes.get(videoId) ?? null;
  }

  async visible(_session: Session, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(ids.filter((id) => this.open.has(id)));
  }

  kinds(videoId: string): string[] {
    return this.changes.filter((one) => one.video_id === videoId).map((one) => one.change.kind);
  }
}

export interface BenchOptions {
  readonly settings?: Partial<QueueSettings>;
  readonly timing?: Partial<QueueTiming>;
  readonly freeBytes?: (folder: string) => Promise<number>;
  /** Default: an empty one. */
  readonly store?: Promise<Store>;
  /** A hub beside that of this bench, on the same broker. */
  readonly beside?: Bench;
}

const quick: Partial<QueueTiming> = {
  tickMs: 50,
  reticketMs: 400,
  reconcileMs: 200,
  workerLostMs: 60_000,
  callbackDelaysMs: [50, 100],
  callbackTimeoutMs: 2000,
};

let openDatabase = (folder: string): Promise<Store> => openStore({ path: join(folder, 'weir.db') });

/** Benches that are started from now on keep their jobs there; `open` makes an empty one. */
export function useDatabase(open: () => Promise<Store>): void {
  openDatabase = open;
}

export class Bench {
  readonly videos = new FakeVideos();
  readonly uploads: string;
  readonly outputs: string;
  readonly secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldDA';
  readonly #options: BenchOptions;
  #hub: VideoQueueHub | undefined;
  #relay: OutboxRelay | undefined;
  #hubBus: Bus | undefined;
  readonly workers: ScriptedWorker[] = [];

  private constructor(
    readonly broker: TestBroker,
    readonly store: Store,
    readonly folder: string,
    readonly client: NatsConnection,
    options: BenchOptions,
  ) {
    this.#options = options;
    this.uploads = join(folder, 'uploads');
    this.outputs = join(folder, 'hls');
  }

  static async start(options: BenchOptions = {}): Promise<Bench> {
    const folder = options.beside?.folder ?? (await makeTempFolder('queue'));
    const broker = options.beside?.broker ?? (await startTestBroker());
    const store = await (options.store ?? openDatabase(folder));
    const bench = new Bench(broker, store, folder, await broker.connect(), options);
    await Promise.all([mkdir(bench.uploads, { recursive: true }), mkdir(bench.outputs, { recursive: true })]);
    await bench.startHub();
    return bench;
  }

  get hub(): VideoQueueHub {
    if (this.#hub === undefined) throw new Error('the hub does not run');
    return this.#hub;
  }

  async startHub(): Promise<void> {
    const bus = createBus(await this.broker.connect());
    this.#hubBus = bus;
    const { videos } = journals;
    const subjects = videos.channels.map((channel) => subscribeSubject(channel, {}, bus.roots));
    await ensureJournal(bus.connection, { name: videos.name, subjects, storage: 'file' });
    this.#relay = startOutboxRelay({
      store: this.store,
      backoff: { minMs: 20, maxMs: 100 },
      publish: async (eventId, name, params, message) => {
        const head = headers();
        head.set('Nats-Msg-Id', eventId);
        const subject = publishSubject(name, params as never, bus.roots);
        const reply = await bus.connection
          .request(subject, JSON.stringify(message), { timeout: 1000, headers: head })
          .then((answer) => answer.json<{ seq?: number }>())
          .catch((cause: unknown) => {
            throw new WeirError('unavailable', 'no acknowledgement', { cause });
          });
        if (reply.seq === undefined) throw new WeirError('unavailable', `${subject} was not stored`);
      },
    });
    this.#hub = await startVideoQueue({
      bus,
      store: this.store,
      log: silent,
      settings: {
        folder: join(this.folder, 'videos'),
        upload_folder: this.uploads,
        source_folders: [],
        output_folders: [this.outputs],
        profile: 'default',
        max_attempts: 3,
        retry_s: 0.2,
        lease_s: 30,
        chunk_min_s: 300,
        min_free_bytes: 0,
        fetch_hosts: [],
        max_duration_s: 86_400,
        max_pixels: 35_389_440,
        max_streams: 64,
        max_output_bytes: 1e9,
        max_wall_s: 3600,
        max_memory_bytes: 4e9,
        stall_s: 60,
        callback_attempts: 3,
        keep_jobs_days: 90,
        ...this.#options.settings,
      },
      profiles: new Map(builtinProfiles.map((profile) => [profile.name, profile])),
      videos: this.videos,
      callbackSecret: this.secret,
      ...(this.#options.freeBytes === undefined ? {} : { freeBytes: this.#options.freeBytes }),
      timing: { ...quick, ...this.#options.timing },
    });
  }

  async stopHub(): Promise<void> {
    await this.#hub?.stop();
    await this.#relay?.stop();
    await this.#hubBus?.stop();
    await this.#hubBus?.connection.close();
    this.#hub = undefined;
  }

  request(videoId: string, extra: Record<string, unknown> = {}) {
    return { video_id: videoId, source_path: join(this.uploads, `${videoId}.mp4`), user_id: 'user-1', ...extra };
  }

  /** As a program publishes that knows only the wire contract; resolves to the sequence. */
  async publish(message: unknown, subject = 'video.process'): Promise<number> {
    const payload = typeof message === 'string' ? message : JSON.stringify(message);
    const answer = await this.client.request(subject, payload, { timeout: 5000 });
    return answer.json<{ seq: number }>().seq;
  }

  async worker(workerId: string): Promise<ScriptedWorker> {
    const worker = new ScriptedWorker(createBus(await this.broker.connect()), workerId);
    await worker.start();
    this.workers.push(worker);
    return worker;
  }

  async jobsOf(videoId: string) {
    return (await this.store.jobs.list({ limit: 100, video_id: videoId })).items;
  }

  async stop(): Promise<void> {
    for (const worker of this.workers) await worker.stop();
    await this.stopHub();
    await this.client.close();
    await this.store.stop();
    if (this.#options.beside !== undefined) return;
    await this.broker.stop();
    await removeFolder(this.folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** A job in the hands of a worker. */
export interface HeldJob {
  readonly order: JobOrder;
  readonly ticket: TakenWork | null;
}

/** Takes tickets and claims jobs as a real one does; what becomes of them is up to the test. */
export class ScriptedWorker {
  readonly commands: WorkerCommand[] = [];
  /** Every answer to a claim, in order. */
  readonly answers: JobClaimReply['outcome'][] = [];
  instance = '';
  #agent: Agent | undefined;

  constructor(
    readonly bus: Bus,
    readonly workerId: string,
  ) {}

  async start(): Promise<void> {
    this.#agent = await startAgent(this.bus, {
      kind: 'vod_worker',
      agentId: this.workerId,
      heartbeatMs: 100,
      announce: () => ({
        host: 'here',
        pid: process.pid,
        version: '1',
        started_at: new Date().toISOString(),
        capabilities: { encoders: ['libx264'] },
      }),
      load: () => ({ slots: 1 }),
      onCommand: (command) => void this.commands.push(command),
    });
    this.instance = this.#agent.instance;
  }

  /** Stops its heartbeats, as if it had been killed. */
  async vanish(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  async stop(): Promise<void> {
    await this.vanish();
    await this.bus.stop();
  }

  ticket(deadlineMs = 10_000): Promise<TakenWork> {
    const { name, durable } = videoQueues.processing;
    return takeWork(this.bus.connection, { journal: name, durable }).next(AbortSignal.timeout(deadlineMs));
  }

  claim(ticket: TakenWork | null): Promise<JobClaimReply> {
    const message = {
      worker_id: this.workerId,
      instance: this.instance,
      ticket: ticket === null ? null : { sequence: ticket.sequence, delivery: ticket.delivery, payload: new TextDecoder().decode(ticket.data) },
    };
    return this.bus.request('job_claim', { worker_id: this.workerId }, message, { timeoutMs: 5000 });
  }

  /** Pulls tickets until one opens a job; answers the others as the hub says. */
  async take(deadlineMs = 10_000): Promise<HeldJob> {
    const end = AbortSignal.timeout(deadlineMs);
    for (;;) {
      const { name, durable } = videoQueues.processing;
      const ticket = await takeWork(this.bus.connection, { journal: name, durable }).next(end);
      const reply = await this.#claimSurely(ticket, end);
      this.answers.push(reply.outcome);
      if (reply.outcome === 'granted') return { order: reply.order, ticket };
      if (reply.outcome === 'later') await ticket.giveBack(reply.retry_in_ms);
      else await ticket.done();
    }
  }

  async #claimSurely(ticket: TakenWork, end: AbortSignal): Promise<JobClaimReply> {
    for (;;) {
      try {
        return await this.claim(ticket);
      } catch (error) {
        if (end.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  report(held: HeldJob, report: Record<string, unknown>): Promise<JobReportReply> {
    const { job_id, revision } = held.order;
    const message = { job_id, worker_id: this.workerId, revision, ...report } as JobReport;
    return this.bus.request('job_report', { worker_id: this.workerId }, message, { timeoutMs: 5000 });
  }

  /** The whole of a job that goes well. */
  async finish(held: HeldJob): Promise<JobReportReply> {
    const leave = await this.report(held, { kind: 'publish', output: output(held.order.revision) });
    if (leave.verdict === 'stop') return leave;
    const reply = await this.report(held, { kind: 'done', output: output(held.order.revision), cost });
    await held.ticket?.done();
    return reply;
  }

  async fail(held: HeldJob, permanent: boolean, reason?: string): Promise<JobReportReply> {
    const reply = await this.report(held, { kind: 'failed', failure: failure(permanent, reason), cost: null });
    if (reply.retry_in_ms === undefined) await held.ticket?.done();
    else await held.ticket?.giveBack(reply.retry_in_ms);
    return reply;
  }
}
