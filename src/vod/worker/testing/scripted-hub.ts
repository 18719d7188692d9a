/** The hub's side of the queue as a worker sees it: real streams on a real broker, and answers that the test decides. Tests only. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createBus, ensureJournal, ensureWorkPlace, findWorkPlace } from '../../../bus/index.js';
import {
  type JobClaim,
  type JobClaimReply,
  type JobLog,
  type JobOrder,
  type JobProgress,
  type JobReport,
  type JobReportReply,
  videoProfileSchema,
  videoQueues,
} from '../../../contracts/index.js';
import { runProgram } from '../../../media/index.js';
import { silentLogger } from '../../../telemetry/index.js';
import { makeTempFolder, removeFolder, startTestBroker, type TestBroker, waitFor } from '../../../testkit/index.js';
import type { WorkerTiming } from '../needs.js';
import { startVideoWorker, type VideoWorker } from '../worker.js';

/** One tiny step, and nothing that is not needed. */
export const tinyProfile = videoProfileSchema.parse({
  name: 'tiny',
  preset: 'ultrafast',
  renditions: [{ name: '90p', height: 90, video_kbps: 150, audio_kbps: 64 }],
  posters: 0,
  storyboard: false,
  iframes: false,
});

export class ScriptedHub {
  readonly claims: JobClaim[] = [];
  readonly reports: JobReport[] = [];
  readonly progress: JobProgress[] = [];
  readonly log: JobLog[] = [];
  readonly workers: VideoWorker[] = [];
  /** What a ticket opens. */
  open: (claim: JobClaim) => JobClaimReply | Promise<JobClaimReply> = () => ({ outcome: 'nothing' });
  /** What a report is answered; undefined: not at all, as by a hub that is away. */
  answer: (report: JobReport) => JobReportReply | undefined = (report) => ({
    verdict: 'go_on',
    ...(report.kind === 'failed' ? { final: true } : {}),
  });

  private constructor(
    readonly folder: string,
    readonly broker: TestBroker,
  ) {}

  static async start(): Promise<ScriptedHub> {
    const folder = await makeTempFolder('worker');
    const hub = new ScriptedHub(folder, await startTestBroker());
    await Promise.all(['sources', 'outputs'].map((name) => mkdir(join(folder, name))));
    await hub.#serve();
    return hub;
  }

  async #serve(): Promise<void> {
    const connection = await this.broker.connect();
    const bus = createBus(connection);
    const { processing, chunks } = videoQueues;
    await ensureJournal(connection, { name: processing.name, subjects: ['video.upload', 'video.process'], storage: 'file' });
    await ensureWorkPlace(connection, { ...processing, journal: processing.name, filter: 'video.process' });
    await ensureJournal(connection, { name: chunks.name, subjects: ['video.chunk.*'], storage: 'file', retention: 'work_queue' });
    await ensureWorkPlace(connection, { ...chunks, journal: chunks.name });
    const servers = [
      bus.serve('job_claim', {}, (claim) => {
        this.claims.push(claim);
        return this.open(claim);
      }),
      bus.serve(
        'job_report',
        {},
        (report) => {
          this.reports.push(report);
          const reply = this.answer(report);
          return reply ?? new Promise<never>(() => undefined);
        },
        { concurrency: 100 },
      ),
    ];
    bus.subscribe('job_progress', {}, (progress) => void this.progress.push(progress));
    bus.subscribe('job_log', {}, (line) => void this.log.push(line));
    await Promise.all(servers.map((server) => server.ready));
  }

  /** A source with sound; gives its path. */
  async source(seconds: number, name = 'clip.mp4'): Promise<string> {
    const path = join(this.folder, 'sources', name);
    const inputs = [`testsrc2=s=160x90:r=25`, 'sine=440'].flatMap((graph) => ['-f', 'lavfi', '-t', String(seconds), '-i', graph]);
    const run = await runProgram('ffmpeg', ['-nostdin', '-y', ...inputs, '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', path], {
      timeoutMs: 60_000,
    });
    if (run.code !== 0) throw new Error(run.stderr);
    return path;
  }

  order(source: string, more: Partial<JobOrder> = {}): JobOrder {
    return {
      job_id: 'job-1',
      video_id: 'clip',
      revision: 1,
      attempt: 1,
      source_path: source,
      output_path: join(this.folder, 'outputs', 'clip'),
      staging_path: join(this.folder, 'outputs', '.clip.r1'),
      profile: tinyProfile,
      quality: null,
      thumbnail_time: null,
      delete_source: false,
      limits: {
        max_duration_s: 3600,
        max_pixels: 35_389_440,
        max_streams: 16,
        max_output_bytes: 1e9,
        max_wall_s: 600,
        max_memory_bytes: 4e9,
        stall_s: 60,
      },
      lease_s: 15,
      chunk_min_s: 0,
      ...more,
    };
  }

  async worker(timing: Partial<WorkerTiming> = {}, ffmpeg = 'ffmpeg'): Promise<VideoWorker> {
    const connection = await this.broker.connect();
    const worker = await startVideoWorker({
      bus: createBus(connection),
      connection,
      workerId: `w${this.workers.length + 1}`,
      version: '1',
      ffmpeg: { ffmpeg, ffprobe: 'ffprobe', hardware: false },
      slots: 1,
      folders: { sources: [join(this.folder, 'sources')], outputs: [join(this.folder, 'outputs')] },
      pidFolder: join(this.folder, 'pids'),
      log: silentLogger,
      timing: { askAgainMs: 50, ...timing },
    });
    this.workers.push(worker);
    return worker;
  }

  /** A ticket in the queue; what it opens is up to {@link open}. */
  async ticket(): Promise<void> {
    const connection = await this.broker.connect();
    await connection.request('video.process', '{"video_id":"clip"}', { timeout: 5000 });
    await connection.close();
  }

  /** Waits until the worker has told this. */
  told<K extends JobReport['kind']>(kind: K): Promise<Extract<JobReport, { kind: K }>> {
    return waitFor(() => this.reports.find((report): report is Extract<JobReport, { kind: K }> => report.kind === kind), {
      what: `the report ${kind}; there are ${this.reports.map((report) => report.kind)}`,
      deadlineMs: 40_000,
    });
  }

  /** Every ticket is acknowledged. */
  async ticketsDone(): Promise<void> {
    const connection = await this.broker.connect();
    const { name, durable } = videoQueues.processing;
    await waitFor(
      async () => {
        const facts = await findWorkPlace(connection, name, durable);
        return facts?.waiting === 0 && facts.held === 0;
      },
      { what: 'the end of every ticket' },
    );
    await connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.workers) await worker.stop();
    await this.broker.stop();
    await removeFolder(this.folder);
  }
}
