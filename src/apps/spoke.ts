/** `weir spoke`: one process that serves the streams it is bound to, or those the hub assigns. */
import { findMachineFacts, type MachineFacts } from '../media/index.js';
import { type Spoke, startSpoke } from '../streams/spoke/index.js';
import { createLogger, type Logger } from '../telemetry/index.js';
import { connectBus } from './connect-bus.js';
import { openLogFile } from './log-file.js';
import type { SpokeSettings } from './spoke-settings.js';
import { version } from './version.js';

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
  const spoke = await startSpoke({
    bus: connected.bus,
    spokeId: settings.spoke_id,
    version,
    facts,
    policy: { mediaFolders: settings.media_folders, sourceHosts: settings.source_hosts },
    fixedStreams: settings.streams.map((streamId) => ({
      streamId,
      ...(settings.stream_config === undefined ? {} : { config: settings.stream_config }),
    })),
    limits: { preRollS: settings.pre_roll_s, preRollBytes: settings.pre_roll_bytes },
    pidFolder: settings.pid_folder,
    log,
  });
  log.info({ spoke_id: settings.spoke_id }, 'spoke serves');
  return {
    spoke,
    log,
    stop: async () => {
      await spoke.stop();
      await connected.close();
    },
  };
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
    roots: { videonode: settings.root },
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
