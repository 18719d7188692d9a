/** Short runs of FFmpeg for pictures and checks: in the sandbox of the job, and on its account. */
import { type RunMedia, sandboxCommand } from '../../media/index.js';
import { spawnProcess } from '../../supervisor/index.js';
import type { Attempt } from './attempt-parts.js';
import { meterProcess } from './cost.js';

const timeoutMs = 600_000;
const defaultMaxBytes = 1_048_576;

/** Runs to their end, whatever that is; throws only when FFmpeg cannot be started or the job is over. */
export function mediaRuns({ parts, order, lease, cost, alive }: Attempt): RunMedia {
  return async (args, { maxBytes = defaultMaxBytes } = {}) => {
    const startedAt = performance.now();
    const command = sandboxCommand(
      { command: parts.machine.ffmpeg, args },
      { maxMemoryBytes: order.limits.max_memory_bytes, maxOutputBytes: order.limits.max_output_bytes, maxCpuS: (timeoutMs / 1000) * 8 },
      parts.sandbox,
    );
    const said: string[] = [];
    const child = await spawnProcess({
      ...command,
      stdout: 'pipe',
      lines: { tail: 0, perSecond: 10_000 },
      onLine: (line) => void said.push(line),
      signal: lease.signal,
      timeoutMs,
    });
    const meter = meterProcess(child.pid);
    const stdout: Buffer[] = [];
    let size = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      if (size < maxBytes) stdout.push(chunk.subarray(0, maxBytes - size));
      size += chunk.length;
    });
    const exit = await child.exited;
    cost.add(meter.end());
    lease.signal.throwIfAborted();
    alive();
    return {
      code: exit.exitCode,
      signal: exit.signal,
      stdout: Buffer.concat(stdout),
      stderr: said.join('\n'),
      timedOut: exit.timedOut,
      tookMs: performance.now() - startedAt,
    };
  };
}
