/**
 * The command line of Weir. Programs are loaded only when they are asked for, so that small commands stay quick.
 *
 * The flag comes before everything else is loaded: a young generation that stays small costs a little more collecting and saves
 * ten of some ninety megabytes in a process that mostly waits.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
const { runCli } = await import('./cli/program.js');

process.exitCode = await runCli(process.argv);
// A pipe takes some 64 KiB at once: the rest of a long answer waits until its reader has come so far.
// One that went away (`| head`) wants no more of it, which is no fault.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => {
    stream.on('error', () => resolve());
    stream.write('', () => resolve());
  });
}
// What is still open (a socket kept alive) must not keep a finished command waiting.
process.exit();
