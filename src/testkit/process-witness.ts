/** What any local user can see of the processes of this machine while a test runs. Linux. Tests only. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Sighting {
  readonly pid: number;
  readonly where: 'cmdline' | 'environ';
  /** The text around the secret, with the secret as `***`. */
  readonly text: string;
  /** Milliseconds from the first to the last look that saw it. */
  readonly forMs: number;
}

export interface ProcessWitness {
  /** Ends the watch: what was seen, once per process and place, and how many rounds were looked. */
  stop(): Promise<{ sightings: Sighting[]; rounds: number }>;
}

/** The watcher's own program: as text, since it must not be slowed by the test it watches. It gets the secrets on standard input. */
const program = `
const { readdirSync, readFileSync } = require('node:fs');
let secrets, rounds = 0, isOver = false, input = '';
const seen = new Map();
process.stdin.on('data', (chunk) => { input += chunk; if (secrets === undefined && input.includes('\\n')) { secrets = JSON.parse(input.split('\\n')[0]); look(); process.stdout.write('ready\\n'); } });
process.stdin.on('end', () => { isOver = true; });
function look() {
  rounds += 1;
  for (const pid of readdirSync('/proc')) {
    if (!/^\\d+$/.test(pid) || Number(pid) === process.pid) continue;
    for (const where of ['cmdline', 'environ']) {
      let text;
      try { text = readFileSync('/proc/' + pid + '/' + where, 'latin1'); } catch { continue; }
      for (const secret of secrets) {
        const at = text.indexOf(secret);
        if (at < 0) continue;
        const key = pid + where;
        const now = performance.now();
        const before = seen.get(key);
        const around = text.slice(Math.max(0, at - 60), at) + '***' + text.slice(at + secret.length, at + secret.length + 20);
        seen.set(key, { pid: Number(pid), where, text: around.replaceAll('\\0', ' '), first: before?.first ?? now, last: now });
      }
    }
  }
  if (isOver) {
    const sightings = [...seen.values()].map(({ first, last, ...rest }) => ({ ...rest, forMs: last - first }));
    process.stdout.write(JSON.stringify({ sightings, rounds }) + '\\n');
  } else setTimeout(look, 1);
}
`;

/** Starts to look, about every millisecond or two, for these strings in the arguments and the environment of every process. */
export async function watchProcesses(secrets: readonly string[]): Promise<ProcessWitness> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH ?? '' } });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stdin.write(`${JSON.stringify(secrets)}\n`);
  await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
  return {
    async stop() {
      const closed = once(child, 'close', { signal: AbortSignal.timeout(10_000) });
      child.stdin.end();
      await closed;
      return JSON.parse(output.split('\n').at(-2) ?? '') as { sightings: Sighting[]; rounds: number };
    },
  };
}
