/** Runs `weir ...` as a person would type it, against the hub of a data folder. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cliFile } from '../apps/version.js';
import { withDeadline } from '../testkit/index.js';

/** What the installed command runs, when this test was compiled where it looks; else the program compiled with the test. */
const bin = join(dirname(dirname(dirname(cliFile))), 'bin', 'weir.mjs');
const program = existsSync(bin) ? bin : cliFile;

export interface CommandRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is empty otherwise. */
  readonly input?: string;
  /** Working folder; default: that of the data. */
  readonly folder?: string;
}

/** Resolves when it has ended, whatever its exit code; fails after half a minute. */
export async function runWeir(dataFolder: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandRun> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(WEIR_|NATS_)/.test(name));
  const child = spawn(process.execPath, [program, ...args], {
    cwd: options.folder ?? dataFolder,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), WEIR_DATA_DIR: dataFolder, ...options.env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  // One that fails early does not read what is written to it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  try {
    const code = await withDeadline(new Promise<number | null>((resolve) => child.once('close', resolve)), 30_000, `weir ${args.join(' ')}`);
    return { code, out, err };
  } finally {
    child.kill('SIGKILL');
  }
}
