/** `npm run dev`: compiles on each change and restarts the hub; the web pages rebuild beside it. The broker, spokes and pictures go on. */
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';

const node = process.execPath;
const children = new Set();

function start(args) {
  const child = spawn(node, args, { stdio: 'inherit' });
  children.add(child);
  child.on('close', () => children.delete(child));
  return child;
}

start(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--watch', '--preserveWatchOutput']);
start(['node_modules/vite/bin/vite.js', 'build', '--watch', '--logLevel', 'warn']);
let hub = start(['dist/apps/cli.js', 'up', ...process.argv.slice(2)]);
let stopping = false;
let timer;

watch('dist', { recursive: true }, (_event, file) => {
  if (stopping || file === null || file.startsWith('ui') || !file.endsWith('.js') || file.endsWith('.test.js')) return;
  clearTimeout(timer);
  timer = setTimeout(restartHub, 300);
});

function restartHub() {
  const old = hub;
  const again = () => {
    if (!stopping) hub = start(['dist/apps/cli.js', 'up', ...process.argv.slice(2)]);
  };
  if (old.exitCode !== null || old.signalCode !== null) return again();
  old.once('close', again);
  // SIGUSR2 lets go of broker and spokes without stopping them.
  old.kill('SIGUSR2');
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopping = true;
    for (const child of children) child.kill(signal);
  });
}
