/**
 * Runs the benches one after the other and prints their figures with the machine's name.
 *   npm run bench -- [part of a bench's name ...]
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cpus, hostname, totalmem } from 'node:os';
import { join } from 'node:path';

const folder = 'dist/bench';
const only = process.argv.slice(2);
const names = (existsSync(folder) ? readdirSync(folder) : [])
  .filter((name) => name.endsWith('.bench.js') && (only.length === 0 || only.some((part) => name.includes(part))))
  .sort();

process.stdout.write(
  `${hostname()}: ${cpus().length} x ${cpus()[0]?.model.trim()}, ${(totalmem() / 1024 ** 3).toFixed(0)} GiB, Node ${process.versions.node}, ${new Date().toISOString()}\n`,
);
let failed = 0;
for (const name of names) {
  process.stdout.write(`\n## ${name.replace('.bench.js', '')}\n`);
  const code = await new Promise((resolve) =>
    spawn(process.execPath, ['--expose-gc', join(folder, name)], { stdio: ['ignore', 'inherit', 'inherit'] }).on('close', resolve),
  );
  if (code !== 0) failed += 1;
}
if (names.length === 0) process.stdout.write(`no bench matches ${only.join(' ')}\n`);
process.exitCode = failed === 0 && names.length > 0 ? 0 : 1;
