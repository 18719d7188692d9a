/** Starts, kills and commands a recording spoke in a process of its own. Tests and benches only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bus, createBus, ensureMediaJournal } from '../../../bus/index.js';
import type { AgentCommand, AgentReply, RecordingEntry, RecordingOrder, RecordingStatus, StreamConfig } from '../../../contracts/index.js';
import { subscribeSubject } from '../../../contracts/index.js';
import { makeTempFolder, removeFolder, startTestBroker, type TestBroker, waitFor } from '../../../testkit/index.js';
import type { RecordingSpokeSettings } from './spoke-program.js';

export interface OrderedStream {
  readonly id: string;
  readonly config: StreamConfig;
  readonly orders: readonly RecordingOrder[];
}

export class SpokeChild {
  readonly broker: TestBroker;
  readonly hub: Bus;
  readonly folder: string;
  readonly statuses: RecordingStatus[] = [];
  child!: ChildProcess;
  readonly #ffmpeg: string | undefined;
  #revision = 0;

  private constructor(broker: TestBroker, hub: Bus, folder: string, ffmpeg: string | undefined) {
    this.broker = broker;
    this.hub = hub;
    this.folder = folder;
    this.#ffmpeg = ffmpeg;
  }

  /** With a broker of its own, and media journals for these streams; call `start` next. */
  static async make(streamIds: readonly string[], ffmpeg?: string): Promise<SpokeChild> {
    const folder = await makeTempFolder('recorder');
    const broker = await startTestBroker();
    const hub = createBus(await broker.connect());
    for (const id of streamIds) await ensureMediaJournal(hub.connection, id);
    const made = new SpokeChild(broker, hub, folder, ffmpeg);
    hub.connection.subscribe(subscribeSubject('recording_status'), {
      callback: (error, message) => {
        if (error === null) made.statuses.push(message.json());
      },
    });
    return made;
  }

  get recordings(): string {
    return join(this.folder, 'recordings');
  }

  async start(): Promise<void> {
    const settings: RecordingSpokeSettings = {
      url: this.broker.url,
      spokeId: 'doomed',
      folder: this.recordings,
      pidFolder: join(this.folder, 'pids'),
      rememberFile: join(this.folder, 'remembered.json'),
      ...(this.#ffmpeg === undefined ? {} : { ffmpeg: this.#ffmpeg }),
    };
    const program = fileURLToPath(new URL('./spoke-program.js', import.meta.url));
    const env = { ...process.env, WEIR_TEST_RECORDER: JSON.stringify(settings) };
    this.child = spawn(process.execPath, [program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env });
    await once(this.child, 'spawn');
  }

  async kill9(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  async assign(streams: readonly OrderedStream[]): Promise<void> {
    this.#revision += 1;
    const assigned = streams.map(({ id, config, orders }) => ({
      stream_id: id,
      config,
      desired: 'running' as const,
      revision: 1,
      recordings: [...orders],
    }));
    const assignment = { streams: assigned, revision: this.#revision, timestamp: new Date().toISOString() };
    await waitFor(() => this.tell({ action: 'assign', assignment }), { what: 'an answer of the spoke', deadlineMs: 15_000 });
  }

  async tell(command: AgentCommand): Promise<AgentReply> {
    const reply = await this.hub.request('spoke_command', { spoke_id: 'doomed' }, command, { timeoutMs: 5000 });
    if (!reply.ok) throw new Error(reply.error?.detail ?? 'refused');
    return reply;
  }

  /** The whole list of a stream, as the hub asks for it. */
  async entries(streamId: string): Promise<RecordingEntry[]> {
    const all: RecordingEntry[] = [];
    for (let more = true; more; ) {
      const { result } = await this.tell({ action: 'recording_entries', stream_id: streamId, after: all.at(-1)?.sequence ?? 0, limit: 100 });
      const page = result as { entries: RecordingEntry[]; more: boolean };
      all.push(...page.entries);
      more = page.more && page.entries.length > 0;
    }
    return all;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exited;
    }
    await this.hub.stop();
    await this.broker.stop();
    await removeFolder(this.folder);
  }
}
