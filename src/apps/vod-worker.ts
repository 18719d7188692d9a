/** `weir vod-worker`: one process that takes jobs from the queue of videos. */
import { createLogger, type Logger } from '../telemetry/index.js';
import { startVideoWorker, type VideoWorker } from '../vod/worker/index.js';
import { connectBus } from './connect-bus.js';
import { openLogFile } from './log-file.js';
import { version } from './version.js';
import type { WorkerSettings } from './vod-worker-settings.js';

export interface RunningWorker {
  readonly worker: VideoWorker;
  readonly log: Logger;
  /** Gives what runs back to the queue, stops every FFmpeg and closes the connection. */
  stop(): Promise<void>;
  /** Takes nothing new from now on. */
  reload(): Promise<void>;
  /** Resolves after a reload when all that ran has ended: the next start takes the new settings. */
  readonly finished: Promise<void>;
}

/** Connects (waiting for NATS as long as it takes) and works. Fails with `unavailable` when FFmpeg is missing. */
export async function runVideoWorker(settings: WorkerSettings, signal: AbortSignal): Promise<RunningWorker> {
  const log = openLog(settings);
  log.info({ worker_id: settings.worker_id, pid: process.pid }, 'worker starts');
  const { ffmpeg = 'ffmpeg', ffprobe = 'ffprobe', hardware } = settings.ffmpeg;
  const connected = await connect(settings, log);
  if (signal.aborted) {
    await connected.close();
    signal.throwIfAborted();
  }
  const worker = await startVideoWorker({
    bus: connected.bus,
    connection: connected.connection,
    workerId: settings.worker_id,
    version,
    roots: settings.roots,
    ffmpeg: { ffmpeg, ffprobe, hardware },
    signal,
    slots: settings.slots,
    folders: settings.folders,
    pidFolder: settings.pid_folder,
    encodersFile: settings.encoders_file,
    log,
  });
  log.info({ worker_id: settings.worker_id }, 'worker takes jobs');
  let finish: () => void = () => undefined;
  return {
    worker,
    log,
    reload: async () => {
      log.info({ jobs: worker.jobs }, 'the settings are others now: the worker ends after what runs, to be started with them');
      await worker.finish();
      finish();
    },
    finished: new Promise<void>((resolve) => {
      finish = resolve;
    }),
    stop: async () => {
      await worker.stop();
      await connected.close();
    },
  };
}

function openLog(settings: WorkerSettings): Logger {
  const level = settings.log_level === 'warning' ? 'warn' : settings.log_level;
  if (settings.log_file === undefined) return createLogger({ level, destination: { write: (line) => process.stderr.write(line) } });
  return createLogger({ level, format: 'json', destination: openLogFile(settings.log_file) });
}

function connect(settings: WorkerSettings, log: Logger) {
  return connectBus({
    login: settings.login,
    name: `weir-vod-worker-${settings.worker_id}`,
    roots: settings.roots,
    inboxPrefix: settings.inbox_prefix,
    service: { name: 'weir-vod-worker', version },
    timeoutMs: 0,
    onProblem: (error, subject) => log.warn({ err: error, subject }, 'a message could not be taken or sent'),
  });
}
