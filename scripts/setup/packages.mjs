/** npm packages: installed anew when the lockfile or the Node version changed, else left alone. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureCompiler } from './programs.mjs';
import { withProgress } from './report.mjs';
import { run } from './run.mjs';

const stampFile = 'node_modules/.weir-setup';

/** Installs what the lockfile names. A stamp written last tells a whole install from an interrupted one. */
export async function ensurePackages(note) {
  const wanted = createHash('sha256')
    .update(readFileSync('package-lock.json'))
    .update(readFileSync('package.json'))
    .update(process.versions.modules)
    .digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return undefined;
  rmSync(stampFile, { force: true });
  note('installing npm packages; the first time takes a minute or more');
  const env = nodeHeaders();
  const install = () => withProgress(note, 'installing npm packages', () => run('npm', ['ci', '--no-audit', '--no-fund'], { env }));
  try {
    await install();
  } catch (error) {
    if (!isNativeBuild(error.message)) throw error;
    // No prebuilt binary of the SQLite driver for this machine, and no compiler.
    await ensureCompiler(note);
    await install();
  }
  writeFileSync(stampFile, wanted);
  return 'installed';
}

/** True when what npm wrote tells of a native package that could not be built; anything else a compiler does not mend. */
export function isNativeBuild(output) {
  return /node-gyp|gyp ERR!|prebuild-install/i.test(output);
}

/** Headers that came with this Node spare the compiler step a download. */
function nodeHeaders() {
  if (process.env.npm_config_nodedir !== undefined) return {};
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/node.h')) ? { npm_config_nodedir: prefix } : {};
}
