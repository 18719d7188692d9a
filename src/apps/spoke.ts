/** `weir spoke`: one process that serves the streams it is bound to, or those the hub assigns. */
import type { Bus } from '../bus/index.js';
import { type DeviceWatch, startDeviceWatch } from '../cameras/devices/index.js';
import { defaultRoots, WeirError } from '../contracts/index.js';
import { findMachineFacts, type MachineFacts } from '../media/index.js';
import { openRecorders, type Recorders, type RecordingNews } from '../recordings/spoke/index.js';
import { type FurtherCommand, type Spoke, startSpoke } from '../streams/spoke/index.js';
import { createLogger, type Logger } from '../telemetry/index.js';
import { connectBus } from './connect-bus.js';
import { openLogFile } from './log-file.js';
import type { SpokeSettings } from './spoke-settings.js';
import { version } from './version.js';

/** Which of them become cameras, the hub decides: `cameras.max` may be raised while the spoke runs, up to this. */
const maxDeviceNodes = 1000;

export interface RunningSpoke {
  readonly spoke: Spoke;
  readonly log: Logger;
  /** Stops every FFmpeg, says goodbye and closes the connection. */
  stop(): Promise<void>;
}

/** Connects (waiting for NATS as long as it takes) and serves. */
export async function runSpoke(settings: SpokeSettings, signal: AbortSignal): Promise<RunningSpoke> {
  const log = openLog(settings);
  log.info({ spoke_id: settings.spoke_id, pid: process.pid }, 'spoke starts');
  const [connected, facts] = await Promise.all([connect(settings, log), findFacts(settings, log, signal)]);
  if (signal.aborted) {
    await connected.close();
    signal.throwIfAborted();
  }
  const { bus } = connected;
  let isConnected = true;
  bus.onDisconnect(() => {
    isConnected = false;
  });
  bus.onReconnect(() => {
    isConnected = true;
  });
  const { recordings, devices: watching, spoke_id: spokeId } = settings;
  const recorders = await openRecorders({
    folder: recordings.folder,
    spokeId,
    publish: (news) => publishRecording(bus, () => isConnected, news),
    storage: { blockPercent: recordings.block_percent, minFreeBytes: recordings.min_free_bytes, checkMs: recordings.check_s * 1000 },
    ffmpeg: facts.ffmpeg,
    log,
  });
  const devices =
    watching === undefined
      ? undefined
      : await startDeviceWatch({
          bus,
          spokeId,
          limits: { reconcileMs: watching.reconcile_s * 1000, probeMs: watching.probe_timeout_s * 1000, maxNodes: maxDeviceNodes },
          log,
        });
  const spoke = await startSpoke({
    bus,
    spokeId,
    version,
    facts,
    policy: { mediaFolders: settings.media_folders, sourceHosts: settings.source_hosts },
    fixedStreams: settings.streams.map((streamId) => ({
      streamId,
      ...(settings.stream_config === undefined ? {} : { config: settings.stream_config }),
    })),
    limits: { preRollS: settings.pre_roll_s, preRollBytes: settings.pre_roll_bytes },
    pidFolder: settings.pid_folder,
    recorders,
    rememberFile: settings.remember_file,
    devices: () => devices?.summaries(),
    onCommand: (command) => obey(command, recorders, devices),
    log,
  });
  log.info({ spoke_id: spokeId }, 'spoke serves');
  return {
    spoke,
    log,
    stop: async () => {
      await devices?.stop();
      await spoke.stop();
      await recorders.stop();
      await connected.close();
    },
  };
}

async function obey(command: FurtherCommand, recorders: Recorders, devices: DeviceWatch | undefined): Promise<unknown> {
  switch (command.action) {
    case 'recording_entries':
    case 'delete_segments':
      return recorders.obey(command);
    case 'devices':
      return devices === undefined ? { devices: [] } : devices.obey(command);
    case 'set_controls':
      if (devices === undefined) throw new WeirError('unsupported', 'This spoke does not look after devices');
      return devices.obey(command);
  }
}

/** Nothing is kept for a bus that is away: entries are asked for by their number, and the next status says more than an old one. */
function publishRecording(bus: Bus, isConnected: () => boolean, news: RecordingNews): void {
  if (!isConnected()) return;
  if (news.kind === 'status') bus.publish('recording_status', { stream_id: news.status.stream_id }, news.status);
  else bus.publish('recording_entry', { stream_id: news.entry.stream_id }, news.entry);
}

function openLog(settings: SpokeSettings): Logger {
  const level = settings.log_level === 'warning' ? 'warn' : settings.log_level;
  if (settings.log_file === undefined) return createLogger({ level, destination: { write: (line) => process.stderr.write(line) } });
  return createLogger({ level, format: 'json', destination: openLogFile(settings.log_file) });
}

function connect(settings: SpokeSettings, log: Logger) {
  return connectBus({
    login: settings.login,
    name: `weir-spoke-${settings.spoke_id}`,
    roots: { ...defaultRoots, videonode: settings.root },
    inboxPrefix: settings.inbox_prefix,
    service: { name: 'weir-spoke', version },
    timeoutMs: 0,
    onProblem: (error, subject) => log.warn({ err: error, subject }, 'a message could not be taken or sent'),
  });
}

/** Without a usable FFmpeg the spoke serves all the same: each stream then tells what is missing, and plays once it is there. */
async function findFacts(settings: SpokeSettings, log: Logger, signal: AbortSignal): Promise<MachineFacts> {
  const { ffmpeg = 'ffmpeg', ffprobe = 'ffprobe', hardware } = settings.ffmpeg;
  try {
    return await findMachineFacts({ ffmpeg, ffprobe, hardware, signal });
  } catch (error) {
    signal.throwIfAborted();
    log.error({ err: error }, 'no usable FFmpeg here: streams will say so until it is installed');
    // Taken for granted until a run shows otherwise; hardware is tried at the next start.
    const software = { encoder: 'libx264', works: true, reason: undefined, tookMs: 0 } as const;
    return { ffmpeg, ffprobe, version: 'unknown', fontFile: undefined, encoders: [software], renderNode: undefined };
  }
}
