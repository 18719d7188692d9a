/** A whole Weir that works on videos, with folders to put sources in and results into, plain clients, and further workers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { access, mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { cliFile } from '../apps/version.js';
import type { DeadLetter, Job, JobEvent, JobLog, JobProgress, VideoQueue } from '../contracts/index.js';
import { testPictureGraph } from '../media/ffmpeg/picture-graph.js';
import { readFrameCounter, runProgram } from '../media/index.js';
import { makeTempFolder, removeFolder, waitFor, withTempFolder } from '../testkit/index.js';
import { listProcesses, startWeir, type Weir } from './weir.js';

/** Two tiny steps and the fastest preset. */
export const tinyProfile = {
  name: 'tiny',
  preset: 'ultrafast',
  renditions: [
    { name: '180p', height: 180, video_kbps: 400 },
    { name: '90p', height: 90, video_kbps: 150, audio_kbps: 64 },
  ],
  posters: 0,
};

/** As small, with an encode that takes its time. */
const mediumProfile = { ...tinyProfile, name: 'medium', preset: 'medium' };

/** As small, but so thorough that there is time to look at what happens. */
export const slowProfile = { ...tinyProfile, name: 'slow', preset: 'veryslow' };

export interface VideosBedOptions {
  /** Further environment of the hub. */
  readonly env?: Record<string, string>;
  /** Without it only workers that the test starts do anything; default true. */
  readonly localWorker?: boolean;
  /** Further folders that results may be put into, for example on a small disk. */
  readonly alsoOutputs?: readonly string[];
}

export type JobWithEvents = Job & { events: JobEvent[]; commands: string[] };

export class VideosBed {
  readonly workers: WorkerChild[] = [];
  /** Messages by subject, oldest first. */
  readonly heard: { subject: string; message: Record<string, unknown>; atMs: number }[] = [];

  private constructor(
    readonly weir: Weir,
    readonly folder: string,
    readonly allOutputs: readonly string[],
    readonly client: NatsConnection,
    readonly workerPassword: string,
    readonly env: Record<string, string>,
  ) {}

  static async start(options: VideosBedOptions = {}): Promise<VideosBed> {
    const folder = await makeTempFolder('videos');
    const sources = join(folder, 'sources');
    const outputs = join(folder, 'hls');
    const allOutputs = [outputs, ...(options.alsoOutputs ?? [])];
    await Promise.all([mkdir(sources, { recursive: true }), mkdir(outputs, { recursive: true })]);
    const workerPassword = 'encoders-work-here';
    const env = {
      WEIR_STREAMS_TEST_PICTURE: 'false',
      WEIR_STORAGE_MIN_FREE_BYTES: '0',
      WEIR_STORAGE_BLOCK_PERCENT: '100',
      WEIR_VOD_MIN_FREE_BYTES: '0',
      WEIR_VOD_SOURCE_FOLDERS: sources,
      WEIR_VOD_OUTPUT_FOLDERS: allOutputs.join(','),
      WEIR_VOD_PROFILE: 'tiny',
      WEIR_VOD_PROFILES: JSON.stringify([tinyProfile, mediumProfile, slowProfile]),
      WEIR_VOD_SLOTS: '1',
      WEIR_VOD_RETRY_S: '0.5',
      WEIR_VOD_LOCAL_WORKER: String(options.localWorker ?? true),
      WEIR_ACCESS_BUS_USERS: ['w1', 'w2', 'w3', 'w4'].map((name) => `${name}:${workerPassword}:@vod_worker`).join(','),
      ...options.env,
    };
    const weir = await startWeir({ env, dataFolder: join(folder, 'data') });
    try {
      await weir.api('POST', '/api/v1/bus/users', {
        name: 'app',
        password: 'an-app-of-somebody',
        publish: ['video.process', 'video.upload', 'video.thumbnail', 'video.metadata', '$JS.API.>', 'video.chunk.>'],
        subscribe: ['video.>', '_INBOX.>'],
      });
      const client = await weir.connectPlain('app', 'an-app-of-somebody');
      const bed = new VideosBed(weir, folder, allOutputs, client, workerPassword, env);
      client.subscribe('video.>', {
        callback: (_error, { subject, data }) => {
          bed.heard.push({ subject, message: JSON.parse(new TextDecoder().decode(data)) as Record<string, unknown>, atMs: performance.now() });
        },
      });
      await client.flush();
      return bed;
    } catch (error) {
      await weir[Symbol.asyncDispose]();
      throw error;
    }
  }

  get outputs(): string {
    return this.allOutputs[0] ?? '';
  }

  /** Makes a source with the frame counter, and sound; gives its path. */
  async source(name: string, { seconds, rate = 25, width = 320, height = 180 }: { seconds: number; rate?: number; width?: number; height?: number }) {
    const path = join(this.folder, 'sources', `${name}.mp4`);
    const graph = testPictureGraph({ width, height, frameRate: rate, hasAudio: false }, { fontFile: undefined });
    const args = ['-nostdin', '-y', '-v', 'error', '-f', 'lavfi', '-t', String(seconds), '-i', graph];
    // Sound is wanted throughout, so that a hole in it shows.
    args.push('-f', 'lavfi', '-t', String(seconds), '-i', 'sine=frequency=440:sample_rate=48000', '-map', '0:v', '-map', '1:a');
    args.push('-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-crf', '20', '-c:a', 'aac', '-ac', '1', path);
    const run = await runProgram('ffmpeg', args, { timeoutMs: 120_000 });
    if (run.code !== 0) throw new Error(`the source could not be made: ${run.stderr.slice(-2000)}`);
    return path;
  }

  /** What an application publishes that knows only the wire contract. */
  request<T extends object>(videoId: string, sourcePath: string, more: T = {} as T) {
    return { video_id: videoId, source_path: sourcePath, output_path: join(this.outputs, videoId), user_id: 'user-456', ...more };
  }

  publish(request: Record<string, unknown>): void {
    this.client.publish('video.process', JSON.stringify(request));
  }

  async jobs(videoId: string): Promise<Job[]> {
    return (await this.weir.api<{ items: Job[] }>('GET', `/api/v1/jobs?video_id=${videoId}`)).items;
  }

  /** The only job of a video, as soon as it is as wanted. */
  async jobWhen(videoId: string, isSo: (job: Job) => boolean, what: string, deadlineMs = 60_000): Promise<JobWithEvents> {
    let last: Job | undefined;
    try {
      const job = await waitFor(
        async () => {
          const [only, ...others] = await this.jobs(videoId);
          if (others.length > 0) throw new Error(`${videoId} has ${others.length + 1} jobs`);
          last = only;
          return only !== undefined && isSo(only) ? only : undefined;
        },
        { deadlineMs, everyMs: 40 },
      );
      return await this.weir.api<JobWithEvents>('GET', `/api/v1/jobs/${job.job_id}`);
    } catch (error) {
      throw new Error(`${videoId}: ${what}: ${String(error)}\nlast: ${JSON.stringify(last)}\n${this.workerLog().slice(-4000)}`);
    }
  }

  ended(videoId: string, deadlineMs?: number): Promise<JobWithEvents> {
    return this.jobWhen(videoId, ({ state }) => state === 'done' || state === 'dead' || state === 'cancelled', 'ended', deadlineMs);
  }

  /** The encode of a video has begun and gone so far. */
  encoding(videoId: string, percent = 3): Promise<JobWithEvents> {
    return this.jobWhen(
      videoId,
      ({ state, progress }) => state === 'running' && progress?.phase === 'encoding' && progress.percent >= percent,
      `${percent} % encoded`,
    );
  }

  progressOf(jobId: string): (JobProgress & { atMs: number })[] {
    return this.heard
      .filter(({ subject }) => subject === `video.job.${jobId}.progress`)
      .map(({ message, atMs }) => ({ ...(message as unknown as JobProgress), atMs }));
  }

  logOf(jobId: string): JobLog[] {
    return this.heard.filter(({ subject }) => subject === `video.job.${jobId}.log`).map(({ message }) => message as unknown as JobLog);
  }

  told(subject: 'video.processed' | 'video.failed', videoId: string): Record<string, unknown>[] {
    return this.heard.filter((one) => one.subject === subject && one.message.video_id === videoId).map(({ message }) => message);
  }

  queue(): Promise<VideoQueue> {
    return this.weir.api<VideoQueue>('GET', '/api/v1/jobs/queue');
  }

  async deadLetters(): Promise<DeadLetter[]> {
    return (await this.weir.api<{ items: DeadLetter[] }>('GET', '/api/v1/jobs/dead_letters')).items;
  }

  /** Names of everything beside the results that should not be there: staging folders, and folders moved aside. */
  async leftOvers(): Promise<string[]> {
    const library = join(this.weir.dataFolder, 'videos');
    const names: string[] = [];
    for (const folder of [...this.allOutputs, library]) {
      const all = await readdir(folder, { recursive: true }).catch(() => []);
      names.push(...all.filter((name) => basename(name).startsWith('.') || name.includes('chunks')));
    }
    return names;
  }

  /** FFmpegs that work in the folders of this test. */
  ffmpegs(videoId = ''): { pid: number; command: string }[] {
    return listProcesses().filter(({ command }) => /^(?:\S*\/)?ffmpeg /.test(command) && command.includes(this.folder) && command.includes(videoId));
  }

  /** Pid of the worker that the hub keeps. */
  localWorkerPid(): number | undefined {
    return this.weir.processes().find(({ command }) => command.includes(' vod-worker --settings '))?.pid;
  }

  brokerPid(): number | undefined {
    return this.weir.processes().find(({ command }) => /nats-server /.test(command))?.pid;
  }

  workerLog(): string {
    const files = ['worker.log', 'vod-worker.stderr'].map((name) => join(this.weir.dataFolder, 'logs', name));
    return [...files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : '')), ...this.workers.map((worker) => worker.log)].join('\n');
  }

  /** Starts a worker as on another machine: by its own login, and what its environment says. */
  async worker(name: 'w1' | 'w2' | 'w3' | 'w4', options: { env?: Record<string, string>; command?: readonly string[] } = {}): Promise<WorkerChild> {
    const worker = new WorkerChild(name, options.command ?? [], {
      ...this.env,
      WEIR_ACCESS_BUS_USERS: '',
      WEIR_DATA_DIR: join(this.folder, name),
      WEIR_VOD_UPLOAD_FOLDER: join(this.weir.dataFolder, 'uploads'),
      WEIR_VOD_FOLDER: join(this.weir.dataFolder, 'videos'),
      NATS_URL: this.weir.ready.bus,
      NATS_USER: name,
      NATS_PASSWORD: this.workerPassword,
      ...options.env,
    });
    this.workers.push(worker);
    await worker.start();
    await waitFor(
      async () => (await this.queue()).workers.some((one) => one.worker_id === name && one.state === 'online' && one.pid === worker.pid),
      {
        what: `worker ${name}`,
        // Its first start tries every encoder, which takes long on a crowded machine.
        deadlineMs: 240_000,
        everyMs: 50,
      },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${worker.log}`);
    });
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    for (const worker of this.workers) await worker.kill9();
    await this.weir[Symbol.asyncDispose]();
    for (const { pid } of this.ffmpegs()) process.kill(pid, 'SIGKILL');
    await removeFolder(this.folder);
  }
}

/** A worker process of its own. */
export class WorkerChild {
  log = '';
  #child: ChildProcess | undefined;

  constructor(
    readonly name: string,
    readonly command: readonly string[],
    readonly env: Record<string, string>,
  ) {}

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  async start(): Promise<void> {
    const [program = process.execPath, ...args] = [...this.command, process.execPath, cliFile, 'vod-worker', '--id', this.name];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.env } });
    child.stderr?.on('data', (chunk) => {
      this.log = (this.log + String(chunk)).slice(-50_000);
    });
    this.#child = child;
    await once(child, 'spawn');
  }

  kill9(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Asks it to stop, and waits until it has. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    child.kill('SIGCONT');
    await gone;
  }
}

/** The number in each picture of a rendition. */
export async function readRendition(playlist: string, size: { width: number; height: number }) {
  return await withTempFolder(async (folder) => {
    const raw = join(folder, 'pictures');
    const args = ['-nostdin', '-y', '-v', 'error', '-allowed_extensions', 'ALL', '-i', playlist, '-map', '0:v:0'];
    const run = await runProgram('ffmpeg', [...args, '-fps_mode', 'passthrough', '-pix_fmt', 'gray', '-f', 'rawvideo', raw], { timeoutMs: 120_000 });
    if (run.code !== 0) throw new Error(run.stderr);
    const pixels = await readFile(raw);
    const bytes = size.width * size.height;
    const counters: (number | undefined)[] = [];
    for (let at = 0; at + bytes <= pixels.length; at += bytes)
      counters.push(readFrameCounter(pixels.subarray(at, at + bytes), size.width, size.height));
    return counters;
  });
}

/** Length of the sound of a rendition, and the longest hole in it. */
export async function soundOf(playlist: string): Promise<{ seconds: number; longestGapS: number }> {
  const args = [
    '-v',
    'error',
    '-allowed_extensions',
    'ALL',
    '-select_streams',
    'a:0',
    '-show_entries',
    'packet=pts_time,duration_time',
    '-of',
    'csv=p=0',
  ];
  const run = await runProgram('ffprobe', [...args, playlist], { timeoutMs: 60_000 });
  if (run.code !== 0) throw new Error(run.stderr);
  const packets = new TextDecoder()
    .decode(run.stdout)
    .trim()
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => line.split(',').map(Number));
  let [longestGapS, end] = [0, packets[0]?.[0] ?? 0];
  const begin = end;
  for (const [at = 0, lasts = 0] of packets) {
    longestGapS = Math.max(longestGapS, Math.abs(at - end));
    end = at + lasts;
  }
  return { seconds: end - begin, longestGapS };
}

export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
