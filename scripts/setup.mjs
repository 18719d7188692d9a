#!/usr/bin/env node
/**
 * Set-up: makes a clone ready, then runs what was asked for.
 *   node scripts/setup.mjs [--then start|test|dev|bench] [arguments for it]
 * Uses Node built-ins only, because it runs before anything is installed. Safe to interrupt and to repeat.
 */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPrograms, buildUi } from './setup/build.mjs';
import { withSetupLock } from './setup/lock.mjs';
import { ensurePackages } from './setup/packages.mjs';
import { ensurePrograms } from './setup/programs.mjs';
import { SetupError, step } from './setup/report.mjs';

const goals = {
  start: { program: ['bin/weir.mjs', 'up'], needs: 'start' },
  test: { program: ['scripts/test.mjs'], needs: 'test' },
  dev: { program: ['scripts/dev.mjs'], needs: 'start' },
  bench: { program: ['scripts/bench.mjs'], needs: 'start' },
};

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));

async function main() {
  const at = process.argv.indexOf('--then');
  const goalName = at === -1 ? undefined : process.argv[at + 1];
  const goal = goals[goalName ?? 'start'];
  if (goal === undefined) throw new SetupError(`--then takes ${Object.keys(goals).join(', ')}; received ${goalName}`);
  checkNode();
  await withSetupLock(async () => {
    await step('programs', (note) => ensurePrograms(goal.needs, note));
    await step('packages', ensurePackages);
    await step('build', buildPrograms);
    await step('web pages', buildUi);
  });
  if (goalName === undefined) return;
  await runGoal(goal.program, process.argv.slice(at + 2));
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetupError(`Weir needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
}

/** Hands the terminal over; signals reach the program, and its exit code is ours. */
function runGoal(program, args) {
  const child = spawn(process.execPath, [...program, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
      resolve();
    });
  });
}

try {
  await main();
} catch (error) {
  process.stderr.write(`\n${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
