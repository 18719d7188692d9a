#!/usr/bin/env node
/** The command `weir`: starts the compiled program with the programs that set-up has fetched on its PATH. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The bundle starts in a third of the time; the compiled files do the same. */
const program = [join(root, 'dist', 'weir', 'cli.js'), join(root, 'dist', 'apps', 'cli.js')].find((file) => existsSync(file));
const cache = process.env.WEIR_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'weir');
process.env.PATH = `${process.env.PATH ?? ''}${delimiter}${join(cache, 'bin')}`;

if (program !== undefined) {
  await import(program);
} else {
  process.stderr.write('weir: not built yet. Run `npm start` (or `node scripts/setup.mjs`) in the checkout first.\n');
  process.exitCode = 1;
}
