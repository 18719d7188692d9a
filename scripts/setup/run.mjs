/** Child programs of set-up: quiet while all is well, their first and last lines when not. */
import { spawn, spawnSync } from 'node:child_process';
import { SetupError } from './report.mjs';

const keptFirst = 15;
const keptLast = 25;

/** Runs a program to its end. Fails with its first and last lines; `onLine` sees each line as it comes. */
export function run(command, args, { env = {}, cwd, onLine, timeoutMs = 30 * 60_000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const first = [];
    const lines = [];
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const take = (chunk) => {
      for (const line of String(chunk).split('\n')) {
        if (line.trim() === '') continue;
        if (first.length < keptFirst) first.push(line);
        else if (lines.push(line) > keptLast) lines.shift();
        onLine?.(line);
      }
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new SetupError(`${command} could not be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve([...first, ...lines].join('\n'));
      else
        reject(new SetupError(`${[command, ...args].join(' ')}\nended with ${signal ?? `exit code ${code}`}:\n\n${[...first, ...lines].join('\n')}`));
    });
  });
}

/** The first line a program prints, or undefined when it cannot be run. */
export function firstLine(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  return result.status === 0 ? `${result.stdout}${result.stderr}`.split('\n')[0] : undefined;
}
