/** Log lines of a job, published as they come; a flood is cut, and said so. */
import type { JobLog } from '../../contracts/index.js';
import { commandText } from './failure.js';
import type { WorkerParts } from './needs.js';

const linesPerSecond = 50;
const maxLength = 4000;

export interface JobLogger {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string): void;
  error(message: string): void;
  /** A command that is run; it stands in the log behind `$ `. */
  command(command: readonly string[]): void;
}

/** Lines go to `video.job.{job_id}.log`. */
export function createJobLog(parts: Pick<WorkerParts, 'bus'>, jobId: string): JobLogger {
  let second = 0;
  let lines = 0;
  const write = (level: JobLog['level'], message: string) => {
    const now = Date.now();
    if (Math.floor(now / 1000) !== second) {
      second = Math.floor(now / 1000);
      lines = 0;
    }
    lines += 1;
    if (lines > linesPerSecond) return;
    const text = lines === linesPerSecond ? 'more lines came within this second than are kept' : message.slice(0, maxLength);
    parts.bus.publish('job_log', { job_id: jobId }, { job_id: jobId, level, message: text, timestamp: new Date(now).toISOString() });
  };
  return {
    debug: (message) => write('debug', message),
    info: (message) => write('info', message),
    warning: (message) => write('warning', message),
    error: (message) => write('error', message),
    command: (command) => write('info', `$ ${commandText(command)}`),
  };
}
