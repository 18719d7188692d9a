/** Two set-ups in one clone would build over each other: the second waits. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from './report.mjs';

const lockFile = '.build/setup.lock';
const patienceMs = 10 * 60_000;

export async function withSetupLock(work) {
  mkdirSync('.build', { recursive: true });
  const deadline = Date.now() + patienceMs;
  while (!take()) {
    if (Date.now() > deadline) throw new SetupError(`Another set-up has held ${lockFile} for ten minutes (process ${holder()}).`);
    await delay(200);
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function take() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isAlive(holder())) rmSync(lockFile, { force: true });
    return false;
  }
}

function holder() {
  try {
    return Number(readFileSync(lockFile, 'utf8'));
  } catch {
    return 0;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return pid > 0;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
