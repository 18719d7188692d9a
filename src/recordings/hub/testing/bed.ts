/** The whole way of a recording: broker, hub of streams, hub of recordings, a spoke that records. Tests and benches only. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createBus } from '../../../bus/index.js';
import {
  configSchema,
  type Recording,
  type RecordingState,
  type RouteInput,
  type RouteName,
  type Session,
  type StartRecording,
} from '../../../contracts/index.js';
import { findMachineFacts, type MachineFacts } from '../../../media/index.js';
import { openStore, type Store } from '../../../store/index.js';
import { type StreamsHub, startStreamsHub } from '../../../streams/hub/index.js';
import { type Spoke, startSpoke } from '../../../streams/spoke/index.js';
import { makeTempFolder, removeFolder, startTestBroker, type TestBroker, waitFor } from '../../../testkit/index.js';
import { openRecorders, type Recorders } from '../../spoke/index.js';
import { type RecordingChange, type Recordings, type RecordingsOptions, startRecordings } from '../index.js';

export const admin: Session = { user_id: 'u1', username: 'ada', role: 'admin', streams: null, expires_at: null };
export const calm = { signal: new AbortController().signal };

/** Input of an operation; what is left out is undefined. */
export function input<N extends RouteName>(_name: N, parts: Partial<RouteInput<N>>): RouteInput<N> {
  return { params: undefined, query: undefined, body: undefined, ...parts } as RouteInput<N>;
}

export interface Bed extends AsyncDisposable {
  readonly broker: TestBroker;
  readonly store: Store;
  readonly folder: string;
  readonly facts: MachineFacts;
  readonly streams: StreamsHub;
  readonly recordings: Recordings;
  readonly changes: RecordingChange[];
  readonly complaints: string[];
  /** What is known to be wrong with sources, by stream. */
  readonly faults: Map<string, string>;
  /** A test picture; resolves when it is defined. */
  addStream(streamId: string, more?: { on_demand?: boolean; device?: string; resolution?: string }): Promise<void>;
  startSpoke(spokeId?: string): Promise<{ spoke: Spoke; recorders: Recorders; stop(): Promise<void> }>;
  stopHub(): Promise<void>;
  startHub(): Promise<void>;
}

export async function startBed(options: { settings?: object; timing?: RecordingsOptions['timing'] } = {}): Promise<Bed> {
  const broker = await startTestBroker();
  const folder = await makeTempFolder('rec');
  const store = await openStore({ path: join(folder, 'weir.db') });
  const facts = await findMachineFacts({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false });
  const config = configSchema.parse({ recordings: { segment_s: 2, pre_roll_s: 0 }, ...options.settings });
  const folders = {
    recordings: join(folder, 'recordings'),
    snapshots: join(folder, 'snapshots'),
    exports: join(folder, 'exports'),
    cache: join(folder, 'cache'),
  };
  await mkdir(folders.recordings, { recursive: true });
  const changes: RecordingChange[] = [];
  const complaints: string[] = [];
  const faults = new Map<string, string>();
  const complain = (fields: object, message: string) => {
    if (!message.startsWith('the broker has room')) complaints.push(`${message}: ${String((fields as { err?: unknown }).err ?? '')}`);
  };
  const log = { debug: () => undefined, info: () => undefined, warn: complain, error: complain };
  const spokes = new Set<{ stop(): Promise<void> }>();
  let hub: { streams: StreamsHub; recordings: Recordings; close(): Promise<void> } | undefined;
  const needed = () => {
    if (hub === undefined) throw new Error('the hub does not run');
    return hub;
  };
  const startHub = async () => {
    const connection = await broker.connect();
    const bus = createBus(connection);
    let streams: StreamsHub | undefined;
    const recordings = await startRecordings({
      bus,
      store,
      log,
      folders,
      facts,
      settings: config,
      timeZone: 'Europe/Berlin',
      timing: { spokeLostMs: 4500, tickMs: 200, ...options.timing },
      streams: {
        exists: (streamId) => streams?.exists(streamId) === true,
        kick: () => streams?.kick(),
        picture: (streamId, request, signal) => {
          if (streams === undefined) throw new Error('streams have not started');
          return streams.picture(streamId, request, signal);
        },
        faultOf: (streamId) => faults.get(streamId),
      },
    });
    recordings.onChange((change) => changes.push(change));
    streams = await startStreamsHub({
      bus,
      store,
      log,
      facts,
      recordings,
      access: { mayWatch: () => true },
      settings: { media_folders: [folder], source_hosts: [], media_max_age_s: 60, media_max_bytes: 64 * 1024 ** 2, linger_s: 1 },
      timing: { spokeLostMs: 4500, graceMs: 4500, reconcileMs: 500, viewersMs: 500 },
    });
    const started = streams;
    hub = {
      streams,
      recordings,
      close: async () => {
        await started.stop();
        await recordings.stop();
        await bus.stop(0);
        await connection.close();
      },
    };
  };
  const bed: Bed = {
    broker,
    store,
    folder,
    facts,
    changes,
    complaints,
    faults,
    get streams() {
      return needed().streams;
    },
    get recordings() {
      return needed().recordings;
    },
    async addStream(stream_id, { on_demand = true, device = 'test:', resolution = '320x180' } = {}) {
      const body = { stream_id, on_demand, config: { device, resolution, framerate: 25 } };
      await bed.streams.operations.create_stream(admin, input('create_stream', { body }), calm);
    },
    async startSpoke(spokeId = 's1') {
      const connection = await broker.connect();
      const bus = createBus(connection);
      const recorders = await openRecorders({
        folder: folders.recordings,
        spokeId,
        storage: { blockPercent: config.storage.block_percent, minFreeBytes: 1 },
        publish: (news) => {
          if (news.kind === 'status') bus.publish('recording_status', { stream_id: news.status.stream_id }, news.status);
          else bus.publish('recording_entry', { stream_id: news.entry.stream_id }, news.entry);
        },
      });
      const spoke = await startSpoke({
        bus,
        spokeId,
        version: '0',
        facts,
        policy: { mediaFolders: [folder] },
        recorders,
        onCommand: (command) => {
          if (command.action === 'recording_entries' || command.action === 'delete_segments') return recorders.obey(command);
          return Promise.reject(new Error(`${command.action} is not for this spoke`));
        },
      });
      const running = {
        spoke,
        recorders,
        async stop() {
          spokes.delete(running);
          await spoke.stop();
          await recorders.stop();
          await bus.stop();
          await connection.close();
        },
      };
      spokes.add(running);
      return running;
    },
    startHub,
    async stopHub() {
      const ending = needed();
      hub = undefined;
      await ending.close();
    },
    async [Symbol.asyncDispose]() {
      for (const one of [...spokes]) await one.stop();
      await hub?.close();
      await broker.stop();
      await store.stop();
      await removeFolder(folder);
    },
  };
  await startHub();
  return bed;
}

/** Resolves when a stream has so many finished files. */
/** Starts to record, and waits until there is a picture of it: a busy machine is answered before that, with `starting`. */
export async function startRecording(bed: Bed, streamId: string, body: StartRecording = {}): Promise<Recording> {
  const { recording_id, state } = await bed.recordings.operations.start_recording(
    admin,
    input('start_recording', { params: { stream_id: streamId }, body }),
    calm,
  );
  assert.ok(state === 'recording' || state === 'starting', state);
  return recordingWhen(bed, recording_id, 'recording');
}

/** Stops what was started by hand, and waits for its end: a busy machine is answered before that, with `stopping`. */
export async function stopRecording(bed: Bed, streamId: string): Promise<Recording> {
  const params = { stream_id: streamId };
  const { recording_id, state } = await bed.recordings.operations.stop_recording(admin, input('stop_recording', { params }), calm);
  assert.ok(state === 'stopped' || state === 'stopping', state);
  return recordingWhen(bed, recording_id, 'stopped');
}

/** The recording as the list has it, once it is so. */
function recordingWhen(bed: Bed, recordingId: string, state: RecordingState): Promise<Recording> {
  return waitFor(
    async () => {
      const query = { limit: 500, offset: 0 };
      const { items } = await bed.recordings.operations.list_recordings(admin, input('list_recordings', { query }), calm);
      return items.find((one) => one.recording_id === recordingId && one.state === state);
    },
    { deadlineMs: 20_000, everyMs: 50, what: `${recordingId} ${state}` },
  );
}

export function segmentsOf(bed: Bed, streamId: string, count: number, deadlineMs = 20_000) {
  return waitFor(
    async () => {
      const query = { limit: 1000, offset: 0, stream_id: streamId };
      const { items } = await bed.recordings.operations.list_segments(admin, input('list_segments', { query }), calm);
      return items.length >= count ? items : undefined;
    },
    { deadlineMs, everyMs: 50, what: `${count} files of ${streamId}` },
  );
}
