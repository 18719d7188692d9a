/** The command line of Weir. Long-lived programs are loaded only when they are asked for, so that small commands stay quick. */
import { runCli } from './cli/program.js';

process.exitCode = await runCli(process.argv);
// What is still open (a socket kept alive) must not keep a finished command waiting.
process.exit();
