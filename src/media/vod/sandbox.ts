/** Bounds that the kernel keeps for FFmpeg while it reads what strangers sent. */
import { availableParallelism } from 'node:os';
import { findOptionalProgram } from '../../supervisor/index.js';
import { runProgram } from '../ffmpeg/run-program.js';

export interface SandboxLimits {
  /** Memory; threads may reserve further address space without using it. */
  readonly maxMemoryBytes: number;
  /** Processor time. */
  readonly maxCpuS: number;
  /** Of each file that is written. */
  readonly maxOutputBytes: number;
  /** Open files. Default 256. */
  readonly maxFiles?: number;
}

export interface SandboxTools {
  /** `prlimit` of util-linux; undefined: this machine has none, so that only the limits of the caller hold. */
  readonly prlimit: string | undefined;
  /** What a command begins with to be without a network; empty where the kernel does not let us. */
  readonly withoutNetwork: readonly string[];
}

let found: Promise<SandboxTools> | undefined;

/** Tries what this machine lets us do; the answer is kept for the life of the process. Never throws. */
export async function findSandbox(): Promise<SandboxTools> {
  found ??= probeSandbox();
  return await found;
}

async function probeSandbox(): Promise<SandboxTools> {
  const harmless = findOptionalProgram('true');
  const prlimit = findOptionalProgram('prlimit');
  const unshare = findOptionalProgram('unshare');
  if (process.platform !== 'linux' || harmless === undefined) return { prlimit: undefined, withoutNetwork: [] };
  const works = async (command: string, args: readonly string[]): Promise<boolean> => {
    const run = await runProgram(command, [...args, harmless], { timeoutMs: 3000 }).catch(() => undefined);
    return run?.code === 0;
  };
  const limits = prlimit !== undefined && (await works(prlimit, ['--as=1073741824', '--cpu=10', '--fsize=1048576', '--nofile=64', '--core=0']));
  return { prlimit: limits ? prlimit : undefined, withoutNetwork: unshare === undefined ? [] : await networkPrefix(unshare, works) };
}

/** Without root a user namespace of one's own is needed, which some systems forbid. */
async function networkPrefix(unshare: string, works: (command: string, args: readonly string[]) => Promise<boolean>): Promise<string[]> {
  for (const flags of [['--net'], ['--map-current-user', '--net'], ['--map-root-user', '--net']]) {
    if (await works(unshare, flags)) return [unshare, ...flags];
  }
  return [];
}

/** Stack and allocator arena that each thread reserves, of which it uses next to nothing. */
const reservedPerThreadBytes = 76 * 1_048_576;

/** Threads of FFmpeg on a machine with so many processors: decoder, filters and several encoders each start some. */
function threadsOf(processors: number): number {
  return 16 + processors * 12;
}

/**
 * The same command within limits; a pure function. Programs replace one another, so that the pid stays that of the program.
 * What the machine cannot limit is left out.
 */
export function sandboxCommand(
  command: { command: string; args: readonly string[] },
  limits: SandboxLimits,
  tools: SandboxTools,
  processors: number = availableParallelism(),
): { command: string; args: string[] } {
  const whole = (value: number): string => String(Math.max(1, Math.ceil(value)));
  const addresses = limits.maxMemoryBytes + threadsOf(processors) * reservedPerThreadBytes;
  const bounds =
    tools.prlimit === undefined
      ? []
      : [
          tools.prlimit,
          ...[`--as=${whole(addresses)}`, `--cpu=${whole(limits.maxCpuS)}`, `--fsize=${whole(limits.maxOutputBytes)}`],
          ...[`--nofile=${whole(limits.maxFiles ?? 256)}`, '--core=0'],
        ];
  const [program = command.command, ...args] = [...tools.withoutNetwork, ...bounds, command.command, ...command.args];
  return { command: program, args };
}
