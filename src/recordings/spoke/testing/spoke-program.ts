/** A recording spoke in a process of its own, to be killed. Its settings come as JSON in `WEIR_TEST_RECORDER`. Tests and benches only. */
import { connect } from '@nats-io/transport-node';
import { createBus } from '../../../bus/index.js';
import { startSpoke } from '../../../streams/spoke/index.js';
import { openRecorders } from '../index.js';

export interface RecordingSpokeSettings {
  readonly url: string;
  readonly spokeId: string;
  /** Of the recordings. */
  readonly folder: string;
  readonly pidFolder: string;
  readonly rememberFile: string;
  readonly ffmpeg?: string;
}

const settings = JSON.parse(process.env.WEIR_TEST_RECORDER ?? '{}') as RecordingSpokeSettings;
const { url, spokeId, folder, pidFolder, rememberFile, ffmpeg = 'ffmpeg' } = settings;
const bus = createBus(await connect({ servers: url, user: 'hub', pass: 'hub', maxReconnectAttempts: -1, reconnectTimeWait: 50 }));
const recorders = await openRecorders({
  folder,
  spokeId,
  publish: (news) => {
    if (news.kind === 'status') bus.publish('recording_status', { stream_id: news.status.stream_id }, news.status);
    else bus.publish('recording_entry', { stream_id: news.entry.stream_id }, news.entry);
  },
  storage: { blockPercent: 99.9, minFreeBytes: 0 },
  ffmpeg,
});
const spoke = await startSpoke({
  bus,
  spokeId,
  version: '0.0.0',
  facts: {
    ffmpeg,
    ffprobe: 'ffprobe',
    version: '5.1',
    fontFile: undefined,
    encoders: [{ encoder: 'libx264', works: true, reason: undefined, tookMs: 1 }],
    renderNode: undefined,
  },
  policy: { mediaFolders: [] },
  pidFolder,
  recorders,
  rememberFile,
  onCommand: async (command) => {
    if (command.action === 'recording_entries' || command.action === 'delete_segments') return recorders.obey(command);
    throw new Error(`no ${command.action} here`);
  },
});
process.once('SIGTERM', async () => {
  await spoke.stop();
  await recorders.stop();
  await bus.stop();
  await bus.connection.close();
  process.disconnect();
});
// What the bench asks for.
process.on('message', () => process.send?.(recorders.counters));
