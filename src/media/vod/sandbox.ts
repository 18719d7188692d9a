/** Bounds that the kernel keeps for FFmpeg while it reads what strangers sent. */

export interface SandboxLimits {
  /** Address space. */
  readonly maxMemoryBytes: number;
  /** Processor time. */
  readonly maxCpuS: number;
  /** Of each file that is written. */
  readonly maxOutputBytes: number;
  /** Open files. Default 256. */
  readonly maxFiles?: number;
}

export interface SandboxTools {
  /** `prlimit` of util-linux; undefined: this machine has none, so that only time limits of the caller hold. */
  readonly prlimit: string | undefined;
  /** Command that begins without a network; empty where the kernel does not let us. */
  readonly withoutNetwork: readonly string[];
}

/** Tries what this machine lets us do; the answer is kept for the life of the process. */
export async function findSandbox(signal?: AbortSignal): Promise<SandboxTools> {
  signal?.throwIfAborted();
  return { prlimit: undefined, withoutNetwork: [] };
}

/** The same command within limits; a pure function. The pid stays that of the program. */
export function sandboxCommand(
  command: { command: string; args: readonly string[] },
  limits: SandboxLimits,
  tools: SandboxTools,
): { command: string; args: string[] } {
  throw new Error(`not written: ${command.command} ${limits.maxCpuS} ${tools.prlimit}`);
}
